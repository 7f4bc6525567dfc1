-- What a tenant has: repositories, branches, pull requests, findings. Every index starts with the tenant.

create table workspaces (
    workspace blob not null primary key,
    -- Absent for a personal account, until REST told it.
    slug text,
    name text not null,
    refreshed_at integer not null
) strict;

create table repositories (
    workspace blob not null,
    repository blob not null,
    slug text not null,
    name text not null,
    is_private integer not null,
    main_branch blob,
    -- Counts the changes. Whoever read an older state than he writes to begins again.
    version integer not null,
    log_number integer not null,
    log_hash blob not null,
    created_at integer not null,
    refreshed_at integer not null,
    trusted_run_at integer,
    gone_at integer,
    primary key (workspace, repository)
) strict;

create table branches (
    workspace blob not null,
    repository blob not null,
    branch blob not null,
    name text not null,
    deleted_at integer,
    head blob,
    timeline text not null,
    stale text not null,
    primary key (workspace, repository, branch)
) strict;

create index branches_by_name on branches (workspace, repository, name);

create table pull_requests (
    workspace blob not null,
    repository blob not null,
    number integer not null,
    -- Absent for a fork.
    source blob,
    destination blob not null,
    head blob not null,
    author text not null,
    -- 0 open, 1 merged, 2 declined
    state integer not null,
    merged blob,
    primary key (workspace, repository, number)
) strict;

create index pull_requests_open on pull_requests (workspace, repository, state);

create table findings (
    workspace blob not null,
    repository blob not null,
    finding blob not null,
    category text not null,
    rule text not null,
    -- The newest of each kind; `prints` has all where there are more.
    ours blob not null,
    path_free blob not null,
    prints text,
    status text not null,
    triage text,
    proposed text,
    absent blob not null,
    primary key (workspace, repository, finding)
) strict;

create index findings_by_ours on findings (workspace, repository, ours);
create index findings_by_path_free on findings (workspace, repository, path_free);
create index findings_by_status on findings (workspace, repository, status);

-- Further fingerprints by which a finding is known: those of its tool, and those from before it moved.
create table finding_prints (
    workspace blob not null,
    repository blob not null,
    print blob not null,
    finding blob not null,
    primary key (workspace, repository, print, finding)
) strict;

create table occurrences (
    workspace blob not null,
    repository blob not null,
    branch blob not null,
    finding blob not null,
    tool text not null,
    name text not null,
    seen_in text not null,
    path text not null,
    severity integer not null,
    content blob not null,
    allowed text,
    -- Stamps: commit, time, run.
    seen blob not null,
    configuration blob not null,
    first blob not null,
    gone blob,
    gone_how text,
    -- Two stamps: between them it was gone.
    gap blob,
    reopened integer not null,
    introduced_by integer,
    -- When the row was first written, by this server's clock.
    since integer not null,
    primary key (workspace, repository, branch, finding)
) strict;

create index occurrences_by_finding on occurrences (workspace, repository, finding);
create index occurrences_open on occurrences (workspace, repository, branch, tool, name) where gone is null;

-- What is shown of a finding, once for each text.
create table contents (
    workspace blob not null,
    repository blob not null,
    content blob not null,
    body text not null,
    primary key (workspace, repository, content)
) strict;

create table events (
    workspace blob not null,
    repository blob not null,
    number integer not null,
    at integer not null,
    kind text not null,
    finding blob,
    branch blob,
    pull_request integer,
    body text not null,
    hash blob not null,
    primary key (workspace, repository, number)
) strict;

create index events_by_finding on events (workspace, repository, finding, number) where finding is not null;
