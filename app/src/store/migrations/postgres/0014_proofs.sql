-- What an installation is asked about, and what it waits for.

-- As the message named it: it proves nothing.
alter table candidates add column claimed_workspace bytea;
-- Absent until a proof failed.
alter table candidates add column waits_for text;
