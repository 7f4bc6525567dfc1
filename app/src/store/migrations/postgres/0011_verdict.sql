-- What the verdict needs: how severe a finding ever was, what runs of one commit say otherwise of each other, and what the pipe compared.

-- The worst severity ever reported, as `occurrences.severity`, and the run that reported it as critical.
alter table findings add column worst bigint not null default 0;
alter table findings add column critical_in bytea;

-- Who owns the tables sees no tenant's rows otherwise.
alter table findings no force row level security;
alter table occurrences no force row level security;
update findings set worst = coalesce((select max(o.severity) from occurrences o where o.workspace = findings.workspace
    and o.repository = findings.repository and o.finding = findings.finding), 0);
alter table findings force row level security;
alter table occurrences force row level security;

-- The newest run of the commit that does not report the finding, or reports it as less severe.
alter table occurrences add column denied bytea;
-- Whether it is in the base, by the pipe's own comparison of trees: 0, 1, or absent where the app compares.
alter table occurrences add column in_base bigint;

-- Secrets that a commit added and a later one removed, by severity, `info` first; absent if there are none.
alter table runs add column leaked text;
