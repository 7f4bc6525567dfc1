-- Logs are written with a key that is not in the database, and the role that the program works as only adds to them.

-- Each made from a master key and of its id, sealed with the newest master key: entries can be checked after theirs has left the key file.
create table log_keys (
    id bytea not null primary key,
    sealed bytea not null
);

grant select, insert, update on log_keys to penstock_app;

-- Whose key the hash was made with; absent where it was made without one, before there were any.
alter table events add column key bytea;
alter table audit add column key bytea;

-- Key and tag of the end of the log.
alter table repositories add column log_seal bytea;
alter table audit_heads add column seal bytea;

-- How far the audit log was sent to each place that the operator names.
create table audit_exports (
    workspace bytea not null,
    sink text not null,
    number bigint not null,
    primary key (workspace, sink)
);

-- Who may see what of it: as in `0005_borders`.
grant select, insert, update, delete on audit_exports to penstock_app;
alter table audit_exports enable row level security;
alter table audit_exports force row level security;
create policy tenant on audit_exports using (workspace = decode(current_setting('penstock.workspace', true), 'hex'));

-- An older copy of the program, which serves until it is exchanged, moves the end of a log without a seal: the seal of the end before is none of it.
do $do$
begin
    execute format($f$
        create function penstock_unseal_log() returns trigger language plpgsql set search_path = pg_catalog, %1$I, pg_temp as $body$
        begin
            if new.log_hash is distinct from old.log_hash and new.log_seal is not distinct from old.log_seal then
                new.log_seal := null;
            end if;
            return new;
        end
        $body$
    $f$, current_schema());
    execute format($f$
        create function penstock_unseal_audit() returns trigger language plpgsql set search_path = pg_catalog, %1$I, pg_temp as $body$
        begin
            if new.hash is distinct from old.hash and new.seal is not distinct from old.seal then
                new.seal := null;
            end if;
            return new;
        end
        $body$
    $f$, current_schema());
end
$do$;

create trigger log_seal before update of log_hash on repositories for each row execute function penstock_unseal_log();
create trigger audit_seal before update of hash on audit_heads for each row execute function penstock_unseal_audit();

revoke update, delete, truncate on events, audit from penstock_app;
revoke delete, truncate on audit_heads from penstock_app;

-- Whole logs of the tenant that the transaction serves are deleted by the owner: of one repository, or all of them. The borders between tenants hold in
-- it, and where the owner could see across them, the statements name the tenant.
do $do$
begin
    execute format($f$
        create function penstock_erase_logs(gone bytea) returns void
        language plpgsql security definer set search_path = pg_catalog, %1$I, pg_temp as $body$
        declare
            tenant bytea := decode(nullif(current_setting('penstock.workspace', true), ''), 'hex');
        begin
            if tenant is null then
                raise exception 'no workspace is served in this transaction';
            end if;
            if gone is not null then
                delete from %1$I.events where workspace = tenant and repository = gone;
                return;
            end if;
            delete from %1$I.events where workspace = tenant;
            delete from %1$I.audit where workspace = tenant;
            delete from %1$I.audit_heads where workspace = tenant;
        end
        $body$
    $f$, current_schema());
    revoke all on function penstock_erase_logs(bytea) from public;
    grant execute on function penstock_erase_logs(bytea) to penstock_app;
end
$do$;
