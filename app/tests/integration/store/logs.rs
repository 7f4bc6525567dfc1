//! Logs: believed only with the key, through rotations and upgrades, and out of reach of the
//! program's own login.

use penstock_app::crypto::MasterKeys;
use penstock_app::store::workspace::Log;
use penstock_app::store::{Store, Workspace, migrate_postgres};
use penstock_app::track::chain::Broken;
use penstock_common::{Secret, Uuid};
use sha2::{Digest as _, Sha256};
use sqlx::{Connection, Executor, PgConnection};

use super::borders::fill;
use super::on_both;
use super::rows::entry;
use super::world::{NOW, World, database, keys, login};

on_both!(
    entries_outlive_the_master_key_that_they_were_written_with,
    what_is_written_without_the_key_is_noticed,
    logs_from_before_there_were_keys_are_sealed_once,
    a_key_that_is_gone_is_named,
    a_log_whose_end_was_taken_away_is_still_checked,
);

async fn add(workspace: &Workspace, repository: Uuid) {
    let mut write = workspace.write().await.unwrap();
    write.audit(&entry(repository)).await.unwrap();
    write.commit().await.unwrap();
}

/// The number of entries of the audit log, or what is wrong with it.
async fn audit(workspace: &Workspace) -> Result<u64, Broken> {
    workspace.verify_audit().await.unwrap()
}

async fn entries_outlive_the_master_key_that_they_were_written_with(world: World) {
    let (workspace, repository, _) = fill(&world, 1).await;
    keys(&world.folder).add().unwrap();
    let rotated = world.again().await;
    rotated.system().reseal(NOW).await.unwrap();
    add(&rotated.for_workspace(workspace.id()), repository).await;
    // Only the new line stays in the file, as after every copy has it.
    let path = world.folder.path().join("master.key");
    let lines = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{}\n", lines.lines().next().unwrap())).unwrap();
    let later = world.again().await.for_workspace(workspace.id());
    assert_eq!(audit(&later).await, Ok(2));
    assert!(later.verify_log(Log::Findings(repository)).await.unwrap().unwrap().head.number > 0);
    let used = world.ask("select count(distinct key) || '' from audit").await;
    assert_eq!(used, ["2"], "each entry names its key");
}

async fn a_key_that_is_gone_is_named(world: World) {
    let (workspace, repository, _) = fill(&world, 1).await;
    world.tell("delete from log_keys").await;
    keys(&world.folder).add().unwrap();
    let path = world.folder.path().join("master.key");
    let lines = std::fs::read_to_string(&path).unwrap();
    let all = world.again().await;
    all.system().reseal(NOW).await.unwrap();
    world.tell("delete from log_keys").await;
    std::fs::write(&path, format!("{}\n", lines.lines().next().unwrap())).unwrap();
    let later = world.again().await.for_workspace(workspace.id());
    assert!(matches!(audit(&later).await, Err(Broken::UnknownKey { number: 1, .. })));
    assert!(matches!(
        later.verify_log(Log::Findings(repository)).await.unwrap(),
        Err(Broken::UnknownKey { number: 1, .. })
    ));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first two entries of the audit log, written with access to the database but without the
/// key, or as they were before there were keys.
async fn without_keys(world: &World) {
    let literal = |bytes: &[u8]| match &world.postgres {
        Some(_) => format!("'\\x{}'", hex(bytes)),
        None => format!("x'{}'", hex(bytes)),
    };
    if world.postgres.is_none() {
        world.tell("drop trigger if exists audit_stays").await;
    }
    let bodies = world.ask("select body from audit order by number").await;
    let mut last = [0; 32];
    for (number, body) in (1_u64..).zip(&bodies) {
        let mut hash = Sha256::new();
        hash.update(b"penstock log 1\0");
        hash.update(number.to_le_bytes());
        hash.update(last);
        hash.update(body.as_bytes());
        last = hash.finalize().into();
        world.tell(&format!("update audit set key = null, hash = {} where number = {number}", literal(&last))).await;
    }
    world.tell(&format!("update audit_heads set hash = {}, number = {}", literal(&last), bodies.len())).await;
}

/// Who takes the end of a log away, not its entries, hides no log.
async fn a_log_whose_end_was_taken_away_is_still_checked(world: World) {
    let (workspace, repository, _) = fill(&world, 1).await;
    let broken = async || penstock_app::verify::verify(&world.store, Some(workspace.id())).await.unwrap().broken;
    assert_eq!(broken().await, 0);
    let zeros = match &world.postgres {
        Some(_) => format!("'\\x{}'", "00".repeat(32)),
        None => format!("x'{}'", "00".repeat(32)),
    };
    world.tell(&format!("update audit_heads set number = 0, hash = {zeros}, seal = null")).await;
    assert_eq!(broken().await, 1);
    world.tell("delete from audit_heads").await;
    assert_eq!(broken().await, 1);
    world.tell(&format!("update repositories set log_number = 0, log_hash = {zeros}, log_seal = null")).await;
    assert_eq!(broken().await, 2);
    assert!(workspace.logs().await.unwrap().contains(&Log::Findings(repository)));
}

async fn what_is_written_without_the_key_is_noticed(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    add(&workspace, repository).await;
    add(&workspace, repository).await;
    assert_eq!(audit(&workspace).await, Ok(2));
    without_keys(&world).await;
    // The seal is that of another end; on PostgreSQL it is gone, as when an older version wrote.
    let expected = if world.postgres.is_some() { Broken::Unsealed(2) } else { Broken::Seal(2) };
    assert_eq!(audit(&workspace).await, Err(expected));
    world.tell("update audit_heads set seal = null").await;
    assert_eq!(audit(&workspace).await, Err(Broken::Unsealed(2)));
}

async fn logs_from_before_there_were_keys_are_sealed_once(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    add(&workspace, repository).await;
    add(&workspace, repository).await;
    without_keys(&world).await;
    world.tell("update audit_heads set seal = null").await;
    assert_eq!(audit(&workspace).await, Err(Broken::Unsealed(2)));
    assert_eq!(world.store.seal_logs().await.unwrap(), 1);
    assert_eq!(audit(&workspace).await, Ok(2));
    assert_eq!(world.store.seal_logs().await.unwrap(), 0);
    add(&workspace, repository).await;
    let verified = workspace.verify_log(Log::Audit).await.unwrap().unwrap();
    assert_eq!((verified.head.number, verified.plain), (3, 2), "what comes later has a key");
    // What is broken is not sealed.
    world.tell("update audit set body = '{}' where number = 1").await;
    world.tell("update audit_heads set seal = null").await;
    assert_eq!(world.store.seal_logs().await.unwrap(), 0);
    assert_eq!(audit(&workspace).await, Err(Broken::Changed(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_s_login_only_adds_to_logs() {
    let Some(world) = World::postgres().await else { return };
    let (one, repository, _) = fill(&world, 1).await;
    let (two, _, _) = fill(&world, 2).await;
    let url = login(world.postgres.as_ref().unwrap());
    let mut connection = PgConnection::connect(url.expose()).await.unwrap();
    let id = "01".repeat(16);
    for before in ["select 1", "set role penstock_app", "reset role"] {
        connection.execute(before).await.unwrap();
        for table in ["events", "audit"] {
            for what in [
                format!("update {table} set body = '{{}}'"),
                format!("delete from {table}"),
                format!("truncate {table}"),
                format!("alter table {table} disable row level security"),
                format!("drop table {table}"),
            ] {
                let refused = connection.execute(sqlx::AssertSqlSafe(what.clone())).await.unwrap_err().to_string();
                assert!(
                    refused.contains("permission denied") || refused.contains("must be owner"),
                    "{what}: {refused}"
                );
            }
        }
        let refused = connection.execute("delete from audit_heads").await.unwrap_err().to_string();
        assert!(refused.contains("permission denied"), "{refused}");
        let refused = connection
            .execute("create or replace function penstock_erase_logs(gone bytea) returns void language sql as 'select'")
            .await;
        assert!(refused.is_err());
    }
    // Only as the program works: as the role, for one tenant at a time, and only whole logs.
    connection.execute("set role penstock_app").await.unwrap();
    let nobody = connection.execute("select penstock_erase_logs(null)").await.unwrap_err().to_string();
    assert!(nobody.contains("no workspace is served"), "{nobody}");
    let serve = format!("select set_config('penstock.workspace', '{id}', false)");
    connection.execute(sqlx::AssertSqlSafe(serve)).await.unwrap();
    // A table of the same name that is put in front is not the one that is meant.
    connection.execute("create temporary table audit (workspace bytea)").await.ok();
    connection.execute("select penstock_erase_logs(null)").await.unwrap();
    assert!(one.log_hash(Log::Audit, 1).await.unwrap().is_none());
    assert!(one.log(repository, 1, 1).await.unwrap().is_empty());
    assert_eq!(audit(&two).await, Ok(1), "another tenant's logs are whole");
    let heads = two.log_heads().await.unwrap();
    assert_eq!(heads.len(), 2, "{heads:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_could_change_logs_is_refused() {
    let Some(owner) = database().await else { return };
    migrate_postgres(&Secret::new(&owner), Some(&login(&owner))).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let open = async |url: &Secret| Store::open_postgres(url, keys(&folder), NOW).await.map(drop);
    open(&login(&owner)).await.unwrap();
    let refused = open(&Secret::new(&owner)).await.unwrap_err().to_string();
    assert!(refused.contains("can change the logs") && refused.contains("MIGRATE_DATABASE_URL"), "{refused}");
    let mut connection = PgConnection::connect(&owner).await.unwrap();
    for right in ["update on audit", "delete on events", "truncate on audit"] {
        connection.execute(sqlx::AssertSqlSafe(format!("grant {right} to penstock_app"))).await.unwrap();
        let refused = open(&login(&owner)).await.unwrap_err().to_string();
        assert!(refused.contains("other rights on the logs"), "{right}: {refused}");
        connection.execute(sqlx::AssertSqlSafe(format!("revoke {} from penstock_app", right))).await.unwrap();
    }
    open(&login(&owner)).await.unwrap();
    let nobody = Secret::new(owner.replacen("//penstock@", "//nobody_of_this_name@", 1));
    let told = migrate_postgres(&Secret::new(&owner), Some(&nobody)).await.unwrap_err().to_string();
    assert!(told.contains("does not exist"), "{told}");
}

/// A database of the version before, with entries in it, is opened by this one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_seals_the_logs_that_are_there() {
    let world = World::sqlite().await;
    let (workspace, repository) = world.tenant(1).await;
    add(&workspace, repository).await;
    add(&workspace, repository).await;
    without_keys(&world).await;
    world.store.close().await;
    for undone in [
        "drop trigger events_stay",
        "drop table log_keys",
        "drop table audit_exports",
        "alter table events drop column key",
        "alter table audit drop column key",
        "alter table repositories drop column log_seal",
        "alter table audit_heads drop column seal",
        "delete from _sqlx_migrations where version = 18",
    ] {
        world.tell(undone).await;
    }
    let keys = MasterKeys::read(&world.folder.path().join("master.key")).unwrap();
    let upgraded = Store::open_sqlite(world.folder.path(), keys, NOW).await.unwrap().for_workspace(workspace.id());
    let verified = upgraded.verify_log(Log::Audit).await.unwrap().unwrap();
    assert_eq!((verified.head.number, verified.plain), (2, 2));
    add(&upgraded, repository).await;
    assert_eq!(audit(&upgraded).await, Ok(3));
}
