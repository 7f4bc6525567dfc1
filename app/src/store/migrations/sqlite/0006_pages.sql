-- What pages ask for: the last verdict on each branch and pull request, numbers, and orders in which findings are listed.

-- The last verdict. Zero stands for no pull request.
create table verdicts (
    workspace blob not null,
    repository blob not null,
    pull_request integer not null,
    branch blob not null,
    commit_id blob not null,
    at integer not null,
    body text not null,
    primary key (workspace, repository, pull_request, branch)
) strict;

-- What is open on a branch and counts, by severity, and what is open and does not count.
create table branch_counts (
    workspace blob not null,
    repository blob not null,
    branch blob not null,
    critical integer not null,
    high integer not null,
    medium integer not null,
    low integer not null,
    info integer not null,
    dismissed integer not null,
    primary key (workspace, repository, branch)
) strict;

-- The same at the end of each day on which something changed, counted in days since 1970-01-01 UTC, and what came and went on it.
create table days (
    workspace blob not null,
    repository blob not null,
    branch blob not null,
    day integer not null,
    critical integer not null,
    high integer not null,
    medium integer not null,
    low integer not null,
    info integer not null,
    dismissed integer not null,
    introduced integer not null,
    reopened integer not null,
    fixed integer not null,
    removed integer not null,
    -- How long those that were fixed had been open, in milliseconds, all together.
    fixed_after integer not null,
    primary key (workspace, repository, branch, day)
) strict;

-- What a list of findings is filtered by stands in the row that is listed, so that every filter has an order of its own.
-- 0 open, 1 fixed, 2 removed
alter table occurrences add column state integer not null default 0;
alter table occurrences add column category text not null default '';
alter table occurrences add column rule text not null default '';
alter table occurrences add column status text not null default 'needs_triage';

update occurrences set
    state = case gone_how when 'fixed' then 1 when 'removed' then 2 else 0 end,
    category = coalesce((select f.category from findings f where f.workspace = occurrences.workspace and f.repository = occurrences.repository and f.finding = occurrences.finding), ''),
    rule = coalesce((select f.rule from findings f where f.workspace = occurrences.workspace and f.repository = occurrences.repository and f.finding = occurrences.finding), ''),
    status = coalesce((select f.status from findings f where f.workspace = occurrences.workspace and f.repository = occurrences.repository and f.finding = occurrences.finding), 'needs_triage');

create index occurrences_worst on occurrences (workspace, repository, branch, state, severity desc, finding);
create index occurrences_newest on occurrences (workspace, repository, branch, state, since desc, finding);
create index occurrences_by_path on occurrences (workspace, repository, branch, state, path, finding);
create index occurrences_by_rule on occurrences (workspace, repository, branch, state, rule, severity desc, finding);
create index occurrences_by_category on occurrences (workspace, repository, branch, state, category, severity desc, finding);
create index occurrences_by_status on occurrences (workspace, repository, branch, state, status, severity desc, finding);
create index occurrences_by_tool on occurrences (workspace, repository, branch, state, tool, severity desc, finding);
-- Nothing asks for these any more.
drop index occurrences_open;
drop index findings_by_path_free;
drop index findings_by_status;
drop table finding_prints;

-- What a list of runs shows.
alter table runs add column tools text not null default '[]';
