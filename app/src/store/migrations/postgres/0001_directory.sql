-- Who is a tenant, and how he is reached. Ids, hashes, times and sealed secrets only: these tables are read before it is known whose request it is.

create table master_keys (
    id bytea not null primary key,
    -- A fixed text, sealed with the key: shows whether a key of the same id is the same key.
    proof bytea not null,
    created_at bigint not null
);

create table tenants (
    workspace bytea not null primary key,
    -- 0 active, 1 ending: every installation is gone, the content waits for its end
    state bigint not null,
    state_since bigint not null,
    -- Sealed with a master key.
    data_key bytea not null,
    -- When a worker last took a job of his, so that all get their turn.
    served_at bigint not null default 0
);

create table installations (
    door text not null,
    -- What the platform calls the installation.
    name text not null,
    workspace bytea not null,
    -- 0 active, 1 removed: a tombstone, whose secret the next installation must be signed with
    state bigint not null,
    state_since bigint not null,
    -- When the message that made it so was sent, by the sender's clock.
    as_of bigint not null,
    secret bytea not null,
    primary key (door, name)
);

create index installations_by_workspace on installations (workspace, state);

-- Secrets that wait for their proof.
create table candidates (
    id bytea not null primary key,
    door text not null,
    name text not null,
    signed bigint not null,
    as_of bigint not null,
    since bigint not null,
    failures bigint not null,
    retry_at bigint not null,
    expires_at bigint not null,
    secret bytea not null
);

create index candidates_by_name on candidates (door, name);
create index candidates_by_retry on candidates (retry_at);

create table token_hashes (
    hash bytea not null primary key,
    workspace bytea not null,
    token bytea not null,
    expires_at bigint,
    revoked_at bigint
);

create index token_hashes_by_workspace on token_hashes (workspace, token);

-- Webhooks that a repository set up by hand. The id selects the secret and proves nothing.
create table hooks (
    id bytea not null primary key,
    workspace bytea not null,
    repository bytea not null,
    secret bytea not null,
    created_at bigint not null
);

create index hooks_by_workspace on hooks (workspace, repository);

create table leases (
    name text not null primary key,
    owner bytea not null,
    until bigint not null
);

create table jobs (
    id bytea not null primary key,
    workspace bytea not null,
    -- Zeros for what concerns the whole workspace.
    repository bytea not null,
    kind text not null,
    -- What in the repository it is about: ids, no content.
    subject text not null,
    -- 0 waiting, 1 taken, 2 dead
    state bigint not null,
    run_at bigint not null,
    attempts bigint not null,
    created_at bigint not null,
    lease_until bigint,
    lease_owner bytea
);

-- A newer wish for the same thing merges into the one that waits.
create unique index jobs_waiting on jobs (workspace, repository, kind, subject) where state = 0;
-- One at a time for each repository, whoever works.
create unique index jobs_taken on jobs (workspace, repository) where state = 1;
create index jobs_ready on jobs (state, workspace, run_at);
create index jobs_leased on jobs (lease_until) where state = 1;
