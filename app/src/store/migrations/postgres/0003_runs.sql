-- What came in, what goes out, and what people set.

create table runs (
    workspace bytea not null,
    repository bytea not null,
    run bytea not null,
    idempotency_key text not null,
    received_at bigint not null,
    started_at bigint not null,
    commit_id bytea not null,
    branch text,
    pull_request bigint,
    name text not null,
    step bytea,
    pipeline bytea,
    -- Who sent it: `step`, or a token's name.
    actor text not null,
    -- waiting, applied, refused
    state text not null,
    complete bigint not null,
    findings bigint not null,
    -- What the sender was told; absent until it is known.
    answer text,
    -- As it was sent, compressed; gone when it is not needed any more.
    document bytea,
    primary key (workspace, repository, run)
);

create unique index runs_by_key on runs (workspace, repository, idempotency_key);
create index runs_by_commit on runs (workspace, repository, commit_id);
create index runs_by_id on runs (workspace, run);
create index runs_by_time on runs (workspace, received_at);

create table deliveries (
    workspace bytea not null,
    repository bytea not null,
    delivery bytea not null,
    at bigint not null,
    sender text not null,
    destination text not null,
    subject text not null,
    outcome text not null,
    detail text not null,
    remedy text not null,
    primary key (workspace, repository, delivery)
);

create index deliveries_by_time on deliveries (workspace, at);

-- What shall stand in Bitbucket: one row for each place, written with the state that causes it.
create table outbox (
    workspace bytea not null,
    repository bytea not null,
    kind text not null,
    subject text not null,
    -- Counts the wishes; `posted` is the one that stands there.
    generation bigint not null,
    posted bigint not null,
    body text not null,
    -- What Bitbucket calls it, once it is there.
    external_id text,
    wished_at bigint not null,
    primary key (workspace, repository, kind, subject)
);

create table job_failures (
    workspace bytea not null,
    job bytea not null,
    at bigint not null,
    reason text not null,
    primary key (workspace, job)
);

create table settings (
    workspace bytea not null,
    -- Zeros for what holds in the whole workspace.
    repository bytea not null,
    name text not null,
    value text not null,
    updated_at bigint not null,
    updated_by text not null,
    primary key (workspace, repository, name)
);

create table api_tokens (
    workspace bytea not null,
    token bytea not null,
    repository bytea,
    name text not null,
    scopes text not null,
    creator text not null,
    created_at bigint not null,
    expires_at bigint,
    revoked_at bigint,
    last_used_at bigint,
    primary key (workspace, token)
);

create table people (
    workspace bytea not null,
    account text not null,
    name text not null,
    seen_at bigint not null,
    primary key (workspace, account)
);

create table audit (
    workspace bytea not null,
    number bigint not null,
    at bigint not null,
    body text not null,
    hash bytea not null,
    primary key (workspace, number)
);
