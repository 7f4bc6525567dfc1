-- What pages ask for: who looks, the last verdict on each branch and pull request, numbers, and orders in which findings are listed.

-- Who looks, by the hash of the handle in his address. Read before it is known whose page it is: ids, hashes and times only.
create table viewers (
    hash bytea not null primary key,
    workspace bytea not null,
    -- Zeros for the pages of the whole workspace.
    repository bytea not null,
    person bytea not null,
    account text not null,
    created_at bigint not null,
    used_at bigint not null
);

create index viewers_by_workspace on viewers (workspace, created_at);

-- The last verdict. Zero stands for no pull request.
create table verdicts (
    workspace bytea not null,
    repository bytea not null,
    pull_request bigint not null,
    branch bytea not null,
    commit_id bytea not null,
    at bigint not null,
    body text not null,
    primary key (workspace, repository, pull_request, branch)
);

-- What is open on a branch and counts, by severity, and what is open and does not count.
create table branch_counts (
    workspace bytea not null,
    repository bytea not null,
    branch bytea not null,
    critical bigint not null,
    high bigint not null,
    medium bigint not null,
    low bigint not null,
    info bigint not null,
    dismissed bigint not null,
    primary key (workspace, repository, branch)
);

-- The same at the end of each day on which something changed, counted in days since 1970-01-01 UTC, and what came and went on it.
create table days (
    workspace bytea not null,
    repository bytea not null,
    branch bytea not null,
    day bigint not null,
    critical bigint not null,
    high bigint not null,
    medium bigint not null,
    low bigint not null,
    info bigint not null,
    dismissed bigint not null,
    introduced bigint not null,
    reopened bigint not null,
    fixed bigint not null,
    removed bigint not null,
    -- How long those that were fixed had been open, in milliseconds, all together.
    fixed_after bigint not null,
    primary key (workspace, repository, branch, day)
);

-- What a list of findings is filtered by stands in the row that is listed, so that every filter has an order of its own.
-- 0 open, 1 fixed, 2 removed
alter table occurrences add column state bigint not null default 0;
alter table occurrences add column category text not null default '';
alter table occurrences add column rule text not null default '';
alter table occurrences add column status text not null default 'needs_triage';

update occurrences set
    state = case gone_how when 'fixed' then 1 when 'removed' then 2 else 0 end,
    category = coalesce((select f.category from findings f where f.workspace = occurrences.workspace and f.repository = occurrences.repository and f.finding = occurrences.finding), ''),
    rule = coalesce((select f.rule from findings f where f.workspace = occurrences.workspace and f.repository = occurrences.repository and f.finding = occurrences.finding), ''),
    status = coalesce((select f.status from findings f where f.workspace = occurrences.workspace and f.repository = occurrences.repository and f.finding = occurrences.finding), 'needs_triage');

-- Prefixes are ranges, and ranges go by bytes, as on the other database.
alter table occurrences alter column path type text collate "C";

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

-- Who may see what of it: as in `0005_borders`.
grant select, insert, update, delete on viewers, verdicts, branch_counts, days to penstock_app;

do $$
declare
    one text;
begin
    foreach one in array array['verdicts', 'branch_counts', 'days']
    loop
        execute format('alter table %I enable row level security', one);
        execute format('alter table %I force row level security', one);
        execute format(
            'create policy tenant on %I using (workspace = decode(current_setting(''penstock.workspace'', true), ''hex''))', one
        );
    end loop;
end
$$;
