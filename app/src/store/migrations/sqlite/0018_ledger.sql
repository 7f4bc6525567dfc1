-- Logs are written with a key that is not in the database.

-- Each made from a master key and of its id, sealed with the newest master key: entries can be checked after theirs has left the key file.
create table log_keys (
    id blob not null primary key,
    sealed blob not null
) strict;

-- Whose key the hash was made with; absent where it was made without one, before there were any.
alter table events add column key blob;
alter table audit add column key blob;

-- Key and tag of the end of the log.
alter table repositories add column log_seal blob;
alter table audit_heads add column seal blob;

-- How far the audit log was sent to each place that the operator names.
create table audit_exports (
    workspace blob not null,
    sink text not null,
    number integer not null,
    primary key (workspace, sink)
) strict;

create trigger events_stay before update on events begin
    select raise(abort, 'an entry of the log of findings is never changed');
end;
