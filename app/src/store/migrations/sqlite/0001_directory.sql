-- Who is a tenant, and how he is reached. Ids, hashes, times and sealed secrets only: these tables are read before it is known whose request it is.

create table master_keys (
    id blob not null primary key,
    -- A fixed text, sealed with the key: shows whether a key of the same id is the same key.
    proof blob not null,
    created_at integer not null
) strict;

create table tenants (
    workspace blob not null primary key,
    -- 0 active, 1 ending: every installation is gone, the content waits for its end
    state integer not null,
    state_since integer not null,
    -- Sealed with a master key.
    data_key blob not null,
    -- When a worker last took a job of his, so that all get their turn.
    served_at integer not null default 0
) strict;

create table installations (
    door text not null,
    -- What the platform calls the installation.
    name text not null,
    workspace blob not null,
    -- 0 active, 1 removed: a tombstone, whose secret the next installation must be signed with
    state integer not null,
    state_since integer not null,
    -- When the message that made it so was sent, by the sender's clock.
    as_of integer not null,
    secret blob not null,
    primary key (door, name)
) strict;

create index installations_by_workspace on installations (workspace, state);

-- Secrets that wait for their proof.
create table candidates (
    id blob not null primary key,
    door text not null,
    name text not null,
    signed integer not null,
    as_of integer not null,
    since integer not null,
    failures integer not null,
    retry_at integer not null,
    expires_at integer not null,
    secret blob not null
) strict;

create index candidates_by_name on candidates (door, name);
create index candidates_by_retry on candidates (retry_at);

create table token_hashes (
    hash blob not null primary key,
    workspace blob not null,
    token blob not null,
    expires_at integer,
    revoked_at integer
) strict;

create index token_hashes_by_workspace on token_hashes (workspace, token);

-- Webhooks that a repository set up by hand. The id selects the secret and proves nothing.
create table hooks (
    id blob not null primary key,
    workspace blob not null,
    repository blob not null,
    secret blob not null,
    created_at integer not null
) strict;

create index hooks_by_workspace on hooks (workspace, repository);

create table leases (
    name text not null primary key,
    owner blob not null,
    until integer not null
) strict;

create table jobs (
    id blob not null primary key,
    workspace blob not null,
    -- Zeros for what concerns the whole workspace.
    repository blob not null,
    kind text not null,
    -- What in the repository it is about: ids, no content.
    subject text not null,
    -- 0 waiting, 1 taken, 2 dead
    state integer not null,
    run_at integer not null,
    attempts integer not null,
    created_at integer not null,
    lease_until integer,
    lease_owner blob
) strict;

-- A newer wish for the same thing merges into the one that waits.
create unique index jobs_waiting on jobs (workspace, repository, kind, subject) where state = 0;
-- One at a time for each repository, whoever works.
create unique index jobs_taken on jobs (workspace, repository) where state = 1;
create index jobs_ready on jobs (state, workspace, run_at);
create index jobs_leased on jobs (lease_until) where state = 1;
