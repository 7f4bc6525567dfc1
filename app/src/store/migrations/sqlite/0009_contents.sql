-- What is shown of a finding stands beside what was shown of it before, in the order in which findings came: a run that brings many writes at
-- one end, not all over the table.

create table shown (
    workspace blob not null,
    repository blob not null,
    finding blob not null,
    content blob not null,
    body text not null,
    primary key (workspace, repository, finding, content)
) strict;

insert into shown select distinct c.workspace, c.repository, o.finding, c.content, c.body from contents c
    join occurrences o on o.workspace = c.workspace and o.repository = c.repository and o.content = c.content;
drop table contents;
alter table shown rename to contents;

-- Most findings are not judged, and what is asked for of them is found in other orders.
drop index occurrences_by_status;
create index occurrences_by_status on occurrences (workspace, repository, branch, state, status, severity desc, finding)
    where status <> 'needs_triage';
