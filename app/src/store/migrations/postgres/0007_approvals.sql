-- What waits for a second person, and where the audit log ends.

create table approvals (
    workspace bytea not null,
    repository bytea not null,
    approval bytea not null,
    finding bytea not null,
    -- 0: everywhere, not only in a pull request.
    pull_request bigint not null,
    -- The judgement that shall hold.
    judgement text not null,
    proposer text not null,
    proposed_at bigint not null,
    -- waiting, approved, rejected, withdrawn
    state text not null,
    ended_by text,
    ended_at bigint,
    primary key (workspace, repository, approval)
);

-- One at a time for each finding and place.
create unique index approvals_waiting on approvals (workspace, repository, finding, pull_request) where state = 'waiting';
create index approvals_by_id on approvals (workspace, approval);

-- Absent for what is about the whole workspace.
alter table audit add column repository bytea;

create index audit_by_repository on audit (workspace, repository, number);

create table audit_heads (
    workspace bytea not null primary key,
    number bigint not null,
    hash bytea not null
);

-- An entry of the audit log is never changed.
revoke update on audit from penstock_app;

do $$
declare
    one text;
begin
    foreach one in array array['approvals', 'audit_heads']
    loop
        execute format('grant select, insert, update, delete on %I to penstock_app', one);
        execute format('alter table %I enable row level security', one);
        execute format('alter table %I force row level security', one);
        execute format(
            'create policy tenant on %I using (workspace = decode(current_setting(''penstock.workspace'', true), ''hex''))', one
        );
    end loop;
end
$$;
