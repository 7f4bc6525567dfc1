-- What waits for a second person, and where the audit log ends.

create table approvals (
    workspace blob not null,
    repository blob not null,
    approval blob not null,
    finding blob not null,
    -- 0: everywhere, not only in a pull request.
    pull_request integer not null,
    -- The judgement that shall hold.
    judgement text not null,
    proposer text not null,
    proposed_at integer not null,
    -- waiting, approved, rejected, withdrawn
    state text not null,
    ended_by text,
    ended_at integer,
    primary key (workspace, repository, approval)
) strict;

-- One at a time for each finding and place.
create unique index approvals_waiting on approvals (workspace, repository, finding, pull_request) where state = 'waiting';
create index approvals_by_id on approvals (workspace, approval);

-- Absent for what is about the whole workspace.
alter table audit add column repository blob;

create index audit_by_repository on audit (workspace, repository, number);

create table audit_heads (
    workspace blob not null primary key,
    number integer not null,
    hash blob not null
) strict;

create trigger audit_stays before update on audit begin
    select raise(abort, 'an entry of the audit log is never changed');
end;
