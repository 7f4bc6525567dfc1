-- Who approved a dismissal stands in its record, and one that waits is recorded, too: the verdict decides whether it counts.

-- Dismissals that were approved: the second person becomes part of the record.
update findings set triage = json_set(triage, '$.approvals', (
    select json_group_array(json_object('account', a.ended_by, 'at', a.ended_at)) from approvals a
    where a.workspace = findings.workspace and a.repository = findings.repository and a.finding = findings.finding
        and a.state = 'approved' and a.ended_by is not null
        and json_extract(a.judgement, '$.status') = json_extract(findings.triage, '$.status')
        and json_extract(a.judgement, '$.reason') = json_extract(findings.triage, '$.reason')))
where triage is not null and exists (
    select 1 from approvals a
    where a.workspace = findings.workspace and a.repository = findings.repository and a.finding = findings.finding
        and a.state = 'approved' and a.ended_by is not null
        and json_extract(a.judgement, '$.status') = json_extract(findings.triage, '$.status')
        and json_extract(a.judgement, '$.reason') = json_extract(findings.triage, '$.reason'));

update findings set proposed = (
    select json_group_object(p.key, case when exists (
            select 1 from approvals a where a.workspace = findings.workspace and a.repository = findings.repository
                and a.finding = findings.finding and a.pull_request = cast(p.key as integer) and a.state = 'approved'
                and a.ended_by is not null and json_extract(a.judgement, '$.status') = json_extract(p.value, '$.status'))
        then json_set(p.value, '$.approvals', (
            select json_group_array(json_object('account', a.ended_by, 'at', a.ended_at)) from approvals a
            where a.workspace = findings.workspace and a.repository = findings.repository and a.finding = findings.finding
                and a.pull_request = cast(p.key as integer) and a.state = 'approved' and a.ended_by is not null
                and json_extract(a.judgement, '$.status') = json_extract(p.value, '$.status')))
        else json(p.value) end)
    from json_each(findings.proposed) p)
where proposed is not null;

-- Those that wait: recorded as what their proposer says, which does not count before the next verdict says so.
update findings set
    status = (select json_extract(a.judgement, '$.status') from approvals a where a.workspace = findings.workspace
        and a.repository = findings.repository and a.finding = findings.finding and a.pull_request = 0 and a.state = 'waiting'),
    triage = (select json_set(a.judgement, '$.account', a.proposer, '$.pending', json('true')) from approvals a
        where a.workspace = findings.workspace and a.repository = findings.repository and a.finding = findings.finding
        and a.pull_request = 0 and a.state = 'waiting')
where exists (select 1 from approvals a where a.workspace = findings.workspace and a.repository = findings.repository
    and a.finding = findings.finding and a.pull_request = 0 and a.state = 'waiting');

update findings set proposed = (
    select json_group_object(key, json(value)) from (
        select p.key as key, p.value as value from json_each(coalesce(findings.proposed, '{}')) p
        where not exists (select 1 from approvals a where a.workspace = findings.workspace
            and a.repository = findings.repository and a.finding = findings.finding
            and a.pull_request = cast(p.key as integer) and a.state = 'waiting')
        union all
        select cast(a.pull_request as text), json_set(a.judgement, '$.account', a.proposer) from approvals a
        where a.workspace = findings.workspace and a.repository = findings.repository and a.finding = findings.finding
            and a.pull_request > 0 and a.state = 'waiting'))
where exists (select 1 from approvals a where a.workspace = findings.workspace and a.repository = findings.repository
    and a.finding = findings.finding and a.pull_request > 0 and a.state = 'waiting');
