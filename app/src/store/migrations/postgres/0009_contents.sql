-- What is shown of a finding stands beside what was shown of it before, in the order in which findings came: a run that brings many writes at
-- one end, not all over the table.

create table shown (
    workspace bytea not null,
    repository bytea not null,
    finding bytea not null,
    content bytea not null,
    body text not null,
    primary key (workspace, repository, finding, content)
);

-- The borders hold for the owner, too, who sees no tenant's rows through them.
alter table contents no force row level security;
alter table occurrences no force row level security;
insert into shown select distinct c.workspace, c.repository, o.finding, c.content, c.body from contents c
    join occurrences o on o.workspace = c.workspace and o.repository = c.repository and o.content = c.content;
alter table occurrences force row level security;
drop table contents;
alter table shown rename to contents;
alter index shown_pkey rename to contents_pkey;

-- Most findings are not judged, and what is asked for of them is found in other orders.
drop index occurrences_by_status;
create index occurrences_by_status on occurrences (workspace, repository, branch, state, status, severity desc, finding)
    where status <> 'needs_triage';

-- Who may see what of it: as in `0005_borders`.
grant select, insert, update, delete on contents to penstock_app;
alter table contents enable row level security;
alter table contents force row level security;
create policy tenant on contents using (workspace = decode(current_setting('penstock.workspace', true), 'hex'));
