-- In this file, so that nobody who wants to look waits for a large run to be written.

-- Who looks, by the hash of the handle in his address. Read before it is known whose page it is: ids, hashes and times only.
create table viewers (
    hash blob not null primary key,
    workspace blob not null,
    -- Zeros for the pages of the whole workspace.
    repository blob not null,
    person blob not null,
    account text not null,
    created_at integer not null,
    used_at integer not null
) strict;

create index viewers_by_workspace on viewers (workspace, created_at);
