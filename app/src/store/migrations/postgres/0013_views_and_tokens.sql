-- A view ends an hour after the host signed its address, and a signed address works for a minute after its first use.

alter table viewers add column signed_at bigint not null default 0;
-- SHA-256 of the token in the signed address; empty for those who came before this was kept.
alter table viewers add column address bytea not null default '';

update viewers set signed_at = created_at;

create index viewers_by_address on viewers (workspace, address);

-- An API token ends when its maker loses the right to make it.

-- The maker's UUID; absent for a token of the operator, and for one that was made before this was kept.
alter table api_tokens add column maker bytea;
-- When Bitbucket last said that the maker has the right.
alter table api_tokens add column confirmed_at bigint not null default 0;

-- The borders hold for the owner, too, who sees no tenant's rows through them.
alter table api_tokens no force row level security;
update api_tokens set confirmed_at = created_at;
alter table api_tokens force row level security;
