-- What a tenant has: repositories, branches, pull requests, findings. Every index starts with the tenant.

create table workspaces (
    workspace bytea not null primary key,
    -- Absent for a personal account, until REST told it.
    slug text,
    name text not null,
    refreshed_at bigint not null
);

create table repositories (
    workspace bytea not null,
    repository bytea not null,
    slug text not null,
    name text not null,
    is_private bigint not null,
    main_branch bytea,
    -- Counts the changes. Whoever read an older state than he writes to begins again.
    version bigint not null,
    log_number bigint not null,
    log_hash bytea not null,
    created_at bigint not null,
    refreshed_at bigint not null,
    trusted_run_at bigint,
    gone_at bigint,
    primary key (workspace, repository)
);

create table branches (
    workspace bytea not null,
    repository bytea not null,
    branch bytea not null,
    name text not null,
    deleted_at bigint,
    head bytea,
    timeline text not null,
    stale text not null,
    primary key (workspace, repository, branch)
);

create index branches_by_name on branches (workspace, repository, name);

create table pull_requests (
    workspace bytea not null,
    repository bytea not null,
    number bigint not null,
    -- Absent for a fork.
    source bytea,
    destination bytea not null,
    head bytea not null,
    author text not null,
    -- 0 open, 1 merged, 2 declined
    state bigint not null,
    merged bytea,
    primary key (workspace, repository, number)
);

create index pull_requests_open on pull_requests (workspace, repository, state);

create table findings (
    workspace bytea not null,
    repository bytea not null,
    finding bytea not null,
    category text not null,
    rule text not null,
    -- The newest of each kind; `prints` has all where there are more.
    ours bytea not null,
    path_free bytea not null,
    prints text,
    status text not null,
    triage text,
    proposed text,
    absent bytea not null,
    primary key (workspace, repository, finding)
);

create index findings_by_ours on findings (workspace, repository, ours);
create index findings_by_path_free on findings (workspace, repository, path_free);
create index findings_by_status on findings (workspace, repository, status);

-- Further fingerprints by which a finding is known: those of its tool, and those from before it moved.
create table finding_prints (
    workspace bytea not null,
    repository bytea not null,
    print bytea not null,
    finding bytea not null,
    primary key (workspace, repository, print, finding)
);

create table occurrences (
    workspace bytea not null,
    repository bytea not null,
    branch bytea not null,
    finding bytea not null,
    tool text not null,
    name text not null,
    seen_in text not null,
    path text not null,
    severity bigint not null,
    content bytea not null,
    allowed text,
    -- Stamps: commit, time, run.
    seen bytea not null,
    configuration bytea not null,
    first bytea not null,
    gone bytea,
    gone_how text,
    -- Two stamps: between them it was gone.
    gap bytea,
    reopened bigint not null,
    introduced_by bigint,
    -- When the row was first written, by this server's clock.
    since bigint not null,
    primary key (workspace, repository, branch, finding)
);

create index occurrences_by_finding on occurrences (workspace, repository, finding);
create index occurrences_open on occurrences (workspace, repository, branch, tool, name) where gone is null;

-- What is shown of a finding, once for each text.
create table contents (
    workspace bytea not null,
    repository bytea not null,
    content bytea not null,
    body text not null,
    primary key (workspace, repository, content)
);

create table events (
    workspace bytea not null,
    repository bytea not null,
    number bigint not null,
    at bigint not null,
    kind text not null,
    finding bytea,
    branch bytea,
    pull_request bigint,
    body text not null,
    hash bytea not null,
    primary key (workspace, repository, number)
);

create index events_by_finding on events (workspace, repository, finding, number) where finding is not null;
