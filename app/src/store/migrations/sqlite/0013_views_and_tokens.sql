-- An API token ends when its maker loses the right to make it.

-- The maker's UUID; absent for a token of the operator, and for one that was made before this was kept.
alter table api_tokens add column maker blob;
-- When Bitbucket last said that the maker has the right.
alter table api_tokens add column confirmed_at integer not null default 0;

update api_tokens set confirmed_at = created_at;
