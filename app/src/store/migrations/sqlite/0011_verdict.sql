-- What the verdict needs: how severe a finding ever was, what runs of one commit say otherwise of each other, and what the pipe compared.

-- The worst severity ever reported, as `occurrences.severity`, and the run that reported it as critical.
alter table findings add column worst integer not null default 0;
alter table findings add column critical_in blob;

update findings set worst = coalesce((select max(o.severity) from occurrences o where o.workspace = findings.workspace
    and o.repository = findings.repository and o.finding = findings.finding), 0);

-- The newest run of the commit that does not report the finding, or reports it as less severe.
alter table occurrences add column denied blob;
-- Whether it is in the base, by the pipe's own comparison of trees: 0, 1, or absent where the app compares.
alter table occurrences add column in_base integer;

-- Secrets that a commit added and a later one removed, by severity, `info` first; absent if there are none.
alter table runs add column leaked text;
