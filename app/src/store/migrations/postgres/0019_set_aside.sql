-- Entries of the journal that could not be written into their tables, and why. Nothing waits for them.

create table journal_set_aside (
    workspace bytea not null,
    repository bytea not null,
    number bigint not null,
    body bytea not null,
    why text not null,
    primary key (workspace, repository, number)
);

-- Who may see what of it: as in `0005_borders`.
grant select, insert, update, delete on journal_set_aside to penstock_app;
alter table journal_set_aside enable row level security;
alter table journal_set_aside force row level security;
create policy tenant on journal_set_aside using (workspace = decode(current_setting('penstock.workspace', true), 'hex'));
