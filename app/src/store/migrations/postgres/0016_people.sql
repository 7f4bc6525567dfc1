-- Who approved a dismissal stands in its record, and one that waits is recorded, too: the verdict decides whether it counts.

-- Who owns the tables sees no tenant's rows otherwise.
alter table findings no force row level security;
alter table approvals no force row level security;

-- Dismissals that were approved: the second person becomes part of the record.
update findings set triage = jsonb_set(triage::jsonb, '{approvals}', (
    select jsonb_agg(jsonb_build_object('account', a.ended_by, 'at', a.ended_at)) from approvals a
    where a.workspace = findings.workspace and a.repository = findings.repository and a.finding = findings.finding
        and a.state = 'approved' and a.ended_by is not null
        and a.judgement::jsonb ->> 'status' = findings.triage::jsonb ->> 'status'
        and a.judgement::jsonb ->> 'reason' = findings.triage::jsonb ->> 'reason'))::text
where triage is not null and exists (
    select 1 from approvals a
    where a.workspace = findings.workspace and a.repository = findings.repository and a.finding = findings.finding
        and a.state = 'approved' and a.ended_by is not null
        and a.judgement::jsonb ->> 'status' = findings.triage::jsonb ->> 'status'
        and a.judgement::jsonb ->> 'reason' = findings.triage::jsonb ->> 'reason');

update findings set proposed = (
    select jsonb_object_agg(p.key, case when exists (
            select 1 from approvals a where a.workspace = findings.workspace and a.repository = findings.repository
                and a.finding = findings.finding and a.pull_request = p.key::bigint and a.state = 'approved'
                and a.ended_by is not null and a.judgement::jsonb ->> 'status' = p.value ->> 'status')
        then jsonb_set(p.value, '{approvals}', (
            select jsonb_agg(jsonb_build_object('account', a.ended_by, 'at', a.ended_at)) from approvals a
            where a.workspace = findings.workspace and a.repository = findings.repository and a.finding = findings.finding
                and a.pull_request = p.key::bigint and a.state = 'approved' and a.ended_by is not null
                and a.judgement::jsonb ->> 'status' = p.value ->> 'status'))
        else p.value end)
    from jsonb_each(findings.proposed::jsonb) p)::text
where proposed is not null;

-- Those that wait: recorded as what their proposer says, which does not count before the next verdict says so.
update findings set status = a.judgement::jsonb ->> 'status',
    triage = (a.judgement::jsonb || jsonb_build_object('account', a.proposer, 'pending', true))::text
from approvals a
where a.workspace = findings.workspace and a.repository = findings.repository and a.finding = findings.finding
    and a.pull_request = 0 and a.state = 'waiting';

update findings set proposed = (coalesce(findings.proposed, '{}')::jsonb || w.said)::text
from (
    select workspace, repository, finding,
        jsonb_object_agg(pull_request::text, judgement::jsonb || jsonb_build_object('account', proposer)) as said
    from approvals where pull_request > 0 and state = 'waiting' group by workspace, repository, finding
) w
where w.workspace = findings.workspace and w.repository = findings.repository and w.finding = findings.finding;

alter table findings force row level security;
alter table approvals force row level security;
