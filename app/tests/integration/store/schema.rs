//! Both databases have the same tables, and PostgreSQL guards those with content.

use std::collections::BTreeSet;

use sqlx::Connection;

use super::world::World;

/// `table.column type not-null` of every column.
async fn columns(world: &World) -> BTreeSet<String> {
    if world.postgres.is_some() {
        let sql = "select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable from information_schema.columns \
                   where table_schema = 'public' and table_name not like '\\_%'";
        return world.ask(sql).await.into_iter().collect();
    }
    let mut all = BTreeSet::new();
    for file in ["penstock.db", "inbox.db"] {
        let mut connection = world.raw(file).await;
        let sql = "select t.name || '.' || c.name || ' ' || lower(c.type) || ' ' || iif(c.\"notnull\", 'NO', 'YES') \
                   from sqlite_schema t, pragma_table_info(t.name) c where t.type = 'table' and t.name not like '\\_%' escape '\\'";
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap();
        all.extend(rows.into_iter().map(|row| row.replace(" blob ", " bytea ").replace(" integer ", " bigint ")));
        connection.close().await.unwrap();
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tables_are_the_same() {
    let sqlite = columns(&World::sqlite().await).await;
    assert!(sqlite.len() > 100, "{}", sqlite.len());
    if let Some(world) = World::postgres().await {
        let postgres = columns(&world).await;
        let differ: Vec<_> = sqlite.symmetric_difference(&postgres).collect();
        assert!(differ.is_empty(), "{differ:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_with_content_is_guarded() {
    let Some(world) = World::postgres().await else { return };
    let open = world
        .ask(
            "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             where n.nspname = 'public' and c.relkind = 'r' and not (c.relrowsecurity and c.relforcerowsecurity) order by 1",
        )
        .await;
    let listed = [
        "_sqlx_migrations",
        "candidates",
        "hooks",
        "inbox",
        "installations",
        "jobs",
        "leases",
        "log_keys",
        "master_keys",
        "tenants",
        "token_hashes",
        "viewers",
    ];
    assert_eq!(open, listed, "a table without a guard holds only ids, hashes, times and sealed secrets");
    let unnamed = world
        .ask(
            "select i.indexrelid::regclass::text from pg_index i join pg_class c on c.oid = i.indrelid \
             join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0] \
             where c.relforcerowsecurity and a.attname <> 'workspace'",
        )
        .await;
    assert!(unnamed.is_empty(), "an index that does not begin with the tenant: {unnamed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_forgets_the_tenant_sees_nobody() {
    let Some(world) = World::postgres().await else { return };
    world.tenant(1).await;
    world.tenant(2).await;
    let mut connection = sqlx::PgConnection::connect(world.postgres.as_ref().unwrap()).await.unwrap();
    sqlx::query("set role penstock_app").execute(&mut connection).await.unwrap();
    let count = "select count(*) from repositories";
    let without: i64 = sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap();
    let tenant = "01".repeat(16);
    sqlx::query("select set_config('penstock.workspace', $1, false)")
        .bind(&tenant)
        .execute(&mut connection)
        .await
        .unwrap();
    let with: i64 = sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap();
    assert_eq!((without, with), (0, 1));
    let foreign = "insert into people (workspace, account, name, seen_at) values ('\\x02020202020202020202020202020202', 'a', 'b', 1)";
    let refused = sqlx::query(foreign).execute(&mut connection).await.unwrap_err().to_string();
    assert!(refused.contains("row-level security"), "{refused}");
}
