-- PostgreSQL guards the tenants' borders here. SQLite has nothing of the kind: there the typed doors of the store are the border.
select 1;
