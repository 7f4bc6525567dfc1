-- What came in, what goes out, and what people set.

create table runs (
    workspace blob not null,
    repository blob not null,
    run blob not null,
    idempotency_key text not null,
    received_at integer not null,
    started_at integer not null,
    commit_id blob not null,
    branch text,
    pull_request integer,
    name text not null,
    step blob,
    pipeline blob,
    -- Who sent it: `step`, or a token's name.
    actor text not null,
    -- waiting, applied, refused
    state text not null,
    complete integer not null,
    findings integer not null,
    -- What the sender was told; absent until it is known.
    answer text,
    -- As it was sent, compressed; gone when it is not needed any more.
    document blob,
    primary key (workspace, repository, run)
) strict;

create unique index runs_by_key on runs (workspace, repository, idempotency_key);
create index runs_by_commit on runs (workspace, repository, commit_id);
create index runs_by_id on runs (workspace, run);
create index runs_by_time on runs (workspace, received_at);

create table deliveries (
    workspace blob not null,
    repository blob not null,
    delivery blob not null,
    at integer not null,
    sender text not null,
    destination text not null,
    subject text not null,
    outcome text not null,
    detail text not null,
    remedy text not null,
    primary key (workspace, repository, delivery)
) strict;

create index deliveries_by_time on deliveries (workspace, at);

-- What shall stand in Bitbucket: one row for each place, written with the state that causes it.
create table outbox (
    workspace blob not null,
    repository blob not null,
    kind text not null,
    subject text not null,
    -- Counts the wishes; `posted` is the one that stands there.
    generation integer not null,
    posted integer not null,
    body text not null,
    -- What Bitbucket calls it, once it is there.
    external_id text,
    wished_at integer not null,
    primary key (workspace, repository, kind, subject)
) strict;

create table job_failures (
    workspace blob not null,
    job blob not null,
    at integer not null,
    reason text not null,
    primary key (workspace, job)
) strict;

create table settings (
    workspace blob not null,
    -- Zeros for what holds in the whole workspace.
    repository blob not null,
    name text not null,
    value text not null,
    updated_at integer not null,
    updated_by text not null,
    primary key (workspace, repository, name)
) strict;

create table api_tokens (
    workspace blob not null,
    token blob not null,
    repository blob,
    name text not null,
    scopes text not null,
    creator text not null,
    created_at integer not null,
    expires_at integer,
    revoked_at integer,
    last_used_at integer,
    primary key (workspace, token)
) strict;

create table people (
    workspace blob not null,
    account text not null,
    name text not null,
    seen_at integer not null,
    primary key (workspace, account)
) strict;

create table audit (
    workspace blob not null,
    number integer not null,
    at integer not null,
    body text not null,
    hash blob not null,
    primary key (workspace, number)
) strict;
