-- Entries of the journal that could not be written into their tables, and why. Nothing waits for them.

create table journal_set_aside (
    workspace blob not null,
    repository blob not null,
    number integer not null,
    body blob not null,
    why text not null,
    primary key (workspace, repository, number)
) strict;
