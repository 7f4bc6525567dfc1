-- A view ends an hour after the host signed its address, and a signed address works for a minute after its first use.

alter table viewers add column signed_at integer not null default 0;
-- SHA-256 of the token in the signed address; empty for those who came before this was kept.
alter table viewers add column address blob not null default x'';

update viewers set signed_at = created_at;

create index viewers_by_address on viewers (workspace, address);
