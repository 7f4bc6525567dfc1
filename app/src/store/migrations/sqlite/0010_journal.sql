-- What is committed and not yet in its tables: rows of `findings`, `occurrences`, `contents` and `events`, in the order in which they are to be
-- written. Nobody reads these tables of a repository before what stands here of it is in them.

create table journal (
    workspace blob not null,
    repository blob not null,
    number integer not null,
    body blob not null,
    primary key (workspace, repository, number)
) strict;
