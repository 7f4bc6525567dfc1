-- Webhooks as they came.

create table inbox (
    id bytea not null primary key,
    workspace bytea not null,
    -- Of event and content: the same news, in whichever shape and however often, is one.
    digest bytea not null,
    received_at bigint not null,
    handled_at bigint
);

create unique index inbox_once on inbox (workspace, digest);
create index inbox_open on inbox (received_at) where handled_at is null;
create index inbox_handled on inbox (handled_at) where handled_at is not null;

create table inbox_bodies (
    workspace bytea not null,
    id bytea not null,
    event text not null,
    body bytea not null,
    primary key (workspace, id)
);
