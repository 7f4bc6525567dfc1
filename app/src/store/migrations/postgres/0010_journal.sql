-- What is committed and not yet in its tables: rows of `findings`, `occurrences`, `contents` and `events`, in the order in which they are to be
-- written. Nobody reads these tables of a repository before what stands here of it is in them.

create table journal (
    workspace bytea not null,
    repository bytea not null,
    number bigint not null,
    body bytea not null,
    primary key (workspace, repository, number)
);

-- It lives for moments: pressing it together costs more than it saves.
alter table journal alter column body set storage external;

-- Who may see what of it: as in `0005_borders`.
grant select, insert, update, delete on journal to penstock_app;
alter table journal enable row level security;
alter table journal force row level security;
create policy tenant on journal using (workspace = decode(current_setting('penstock.workspace', true), 'hex'));
