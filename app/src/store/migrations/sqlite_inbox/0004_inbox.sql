-- Webhooks as they came. On SQLite this stands in a file of its own, so that no upload holds up an acknowledgement.

create table inbox (
    id blob not null primary key,
    workspace blob not null,
    -- Of event and content: the same news, in whichever shape and however often, is one.
    digest blob not null,
    received_at integer not null,
    handled_at integer
) strict;

create unique index inbox_once on inbox (workspace, digest);
create index inbox_open on inbox (received_at) where handled_at is null;
create index inbox_handled on inbox (handled_at) where handled_at is not null;

create table inbox_bodies (
    workspace blob not null,
    id blob not null,
    event text not null,
    body blob not null,
    primary key (workspace, id)
) strict;
