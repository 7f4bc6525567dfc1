-- Of each tenant the oldest that wait: one that sends many holds up only its own.
create index inbox_waiting on inbox (workspace, received_at) where handled_at is null;
