-- Who owns what was found, how long runs took, and what reports on tests and coverage say.

-- Everybody whom one rule of `.bitbucket/CODEOWNERS` names is one owner here: the list is filtered by them together.
alter table occurrences add column owner text not null default '';

-- Only where there is an owner: who has none pays for none.
create index occurrences_by_owner on occurrences (workspace, repository, branch, state, owner, severity desc, finding) where owner <> '';

-- Absent where the sender did not tell.
alter table runs add column finished_at integer;
alter table runs add column metrics text;

-- What the last run of each `NAME` on a day measured, in days since 1970-01-01 UTC.
create table day_metrics (
    workspace blob not null,
    repository blob not null,
    branch blob not null,
    day integer not null,
    name text not null,
    metrics text not null,
    primary key (workspace, repository, branch, day, name)
) strict;
