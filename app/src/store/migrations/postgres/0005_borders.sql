-- Who may see what. The program works as the role `penstock_app`, which owns nothing: rows of another tenant than the one set in the
-- transaction do not exist for it, whatever a statement says.

do $$
begin
    begin
        create role penstock_app nologin;
    exception when duplicate_object or unique_violation then
        -- It is there, or another database of this server makes it at the same time.
        null;
    end;
    execute format('grant penstock_app to %I', current_user);
    execute format('grant usage on schema %I to penstock_app', current_schema());
    execute format('grant select, insert, update, delete on all tables in schema %I to penstock_app', current_schema());
    -- Which migrations ran is the owner's business.
    if to_regclass('_sqlx_migrations') is not null then
        revoke insert, update, delete on _sqlx_migrations from penstock_app;
    end if;
end
$$;

do $$
declare
    one text;
begin
    foreach one in array array[
        'workspaces', 'repositories', 'branches', 'pull_requests', 'findings', 'finding_prints', 'occurrences', 'contents', 'events',
        'runs', 'deliveries', 'outbox', 'job_failures', 'settings', 'api_tokens', 'people', 'audit', 'inbox_bodies'
    ]
    loop
        execute format('alter table %I enable row level security', one);
        execute format('alter table %I force row level security', one);
        execute format(
            'create policy tenant on %I using (workspace = decode(current_setting(''penstock.workspace'', true), ''hex''))', one
        );
    end loop;
end
$$;
