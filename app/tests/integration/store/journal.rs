//! What a large run brings is safe when it is answered, and seen by whoever asks, before it is in its tables.

use std::collections::HashMap;
use std::sync::Arc;

use penstock_app::store::Workspace;
use penstock_app::store::workspace::Filter;
use penstock_app::track::{self, Applied, BranchId, Changes, FindingId, Print, Status};
use penstock_common::Uuid;

use super::on_both;
use super::world::{NOW, World};
use crate::track::world::{World as Code, decision};

on_both!(
    whoever_reads_first_brings_it_into_its_tables,
    a_judgement_comes_after_what_it_judges,
    two_copies_do_not_do_it_twice,
    what_was_erased_does_not_come_back,
    a_text_that_is_there_waits_for_nothing,
    a_branch_that_is_not_in_memory_is_counted_by_its_rows,
    an_entry_that_cannot_be_written_is_set_aside,
    a_change_whose_occurrence_has_no_finding_is_made_again,
    a_stop_waits_until_all_is_in_its_tables,
);

/// Findings of the run: with all their rows more than are written at once.
const FOUND: usize = 700;

struct Brought {
    workspace: Workspace,
    repository: Uuid,
    main: BranchId,
    code: Code,
    some: FindingId,
}

/// A run was answered, and nobody has brought what it changes into its tables: nobody can.
async fn brought(world: &World) -> Brought {
    let (workspace, repository) = world.tenant(1).await;
    let mut code = begun(&workspace, repository).await;
    hold(world).await;
    let applied = found(&mut code, "main", 1);
    write(&workspace, repository, &applied.changes).await;
    assert_eq!(rows(world).await, ["12 0 0 0 0"], "entries of the journal, and rows of each table");
    let (main, some) = (code.branch("main"), code.id("rule f5.rs x5"));
    Brought { workspace, repository, main, code, some }
}

/// A repository with a main branch and nothing found.
async fn begun(workspace: &Workspace, repository: Uuid) -> Code {
    let code = Code::new();
    let start =
        Changes { main: code.state.main(), branches: code.state.branches().cloned().collect(), ..Changes::default() };
    write(workspace, repository, &start).await;
    code
}

/// A large run.
fn found(code: &mut Code, branch: &str, commit: u32) -> Applied {
    let words: Vec<String> = (0..FOUND).map(|number| format!("rule f{number}.rs x{number}")).collect();
    code.scan(branch, commit, &words.iter().map(String::as_str).collect::<Vec<_>>())
}

async fn write(workspace: &Workspace, repository: Uuid, changes: &Changes) {
    let mut lane = workspace.lane(repository).await;
    lane.state(&[]).await.unwrap();
    let contents: HashMap<Print, String> =
        changes.occurrences.iter().map(|row| (row.content, format!("{{\"path\":\"{}\"}}", row.path))).collect();
    let changes = Arc::new(changes.clone());
    let preparing = lane.prepare(&changes, &Arc::new(contents), NOW).unwrap();
    lane.accept(&changes);
    let prepared = preparing.done().await.unwrap();
    let mut write = workspace.write().await.unwrap();
    let log = write.prepared(&lane, &changes, prepared, NOW).await.unwrap();
    write.commit_in(&mut lane, log).await.unwrap();
}

async fn hold(world: &World) {
    if world.postgres.is_some() {
        world
            .tell("create function hold() returns trigger language plpgsql as $$ begin raise exception 'held'; end $$")
            .await;
        world.tell("create trigger hold before delete on journal for each row execute function hold()").await;
    } else {
        world.tell("create trigger hold before delete on journal begin select raise(abort, 'held'); end").await;
    }
}

async fn release(world: &World) {
    world.tell(if world.postgres.is_some() { "drop trigger hold on journal" } else { "drop trigger hold" }).await;
}

async fn rows(world: &World) -> Vec<String> {
    let count = |table: &str| format!("(select count(*) from {table})");
    let counts = ["journal", "findings", "occurrences", "contents", "events"].map(count);
    world.ask(&format!("select {}", counts.join(" || ' ' || "))).await
}

async fn whoever_reads_first_brings_it_into_its_tables(world: World) {
    let Brought { workspace, repository, main, some, code } = brought(&world).await;
    let everything = Filter::default();
    assert!(workspace.count(repository, main, &everything, 10_000).await.is_err());
    let open = workspace.open_on(repository, main).await.unwrap();
    assert_eq!(open.total(), FOUND as i64, "numbers are never behind");
    release(&world).await;
    let again = world.again().await.for_workspace(workspace.id());
    assert_eq!(again.count(repository, main, &everything, 10_000).await.unwrap(), FOUND as i64);
    assert_eq!(rows(&world).await, [format!("0 {FOUND} {FOUND} {FOUND} {FOUND}")]);
    let content = code.state.occurrence(main, some).unwrap().content;
    let shown = again.contents(repository, &[(some, content)]).await.unwrap();
    assert_eq!(shown[&content], r#"{"path":"f5.rs"}"#);
    assert!(again.finding(repository, some).await.unwrap().is_some());
    assert_eq!(again.events_of(repository, some, 10).await.unwrap().len(), 1);
}

async fn a_judgement_comes_after_what_it_judges(world: World) {
    let Brought { workspace, repository, main, mut code, some } = brought(&world).await;
    release(&world).await;
    let changes = track::triage(&code.state, some, None, &decision(Status::FalsePositive, code.now)).unwrap();
    let changes = code.accept(changes);
    // Who judges has all of it in memory: nobody has read a table since.
    write(&workspace, repository, &changes).await;
    let judged = Filter { status: Some(Status::FalsePositive), ..Filter::default() };
    assert_eq!(workspace.count(repository, main, &judged, 10).await.unwrap(), 1);
    let finding = workspace.finding(repository, some).await.unwrap().unwrap();
    assert_eq!(finding.triage.status, Status::FalsePositive);
    let open = workspace.open_on(repository, main).await.unwrap();
    assert_eq!((open.total(), open.dismissed), (FOUND as i64 - 1, 1));
}

async fn two_copies_do_not_do_it_twice(world: World) {
    let Brought { workspace, repository, main, .. } = brought(&world).await;
    release(&world).await;
    let (one, other) = (world.again().await, world.again().await);
    let ask = async |store: penstock_app::store::Store| {
        store.for_workspace(workspace.id()).count(repository, main, &Filter::default(), 10_000).await.unwrap()
    };
    let counts = tokio::join!(ask(one), ask(other), ask(world.store.clone()));
    assert_eq!(counts, (FOUND as i64, FOUND as i64, FOUND as i64));
    assert_eq!(rows(&world).await, [format!("0 {FOUND} {FOUND} {FOUND} {FOUND}")]);
}

async fn what_was_erased_does_not_come_back(world: World) {
    let Brought { workspace, repository, main, .. } = brought(&world).await;
    release(&world).await;
    let other = world.again().await.for_workspace(workspace.id());
    let everything = Filter::default();
    let (erased, counted) =
        tokio::join!(workspace.erase_repository(repository), other.count(repository, main, &everything, 10_000));
    erased.unwrap();
    // He may have been first, or too late.
    let _ = counted;
    assert_eq!(rows(&world).await, ["0 0 0 0 0"]);
}

async fn a_text_that_is_there_waits_for_nothing(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let mut code = begun(&workspace, repository).await;
    write(&workspace, repository, &code.scan("main", 1, &["rule old.rs x"]).changes).await;
    hold(&world).await;
    write(&workspace, repository, &found(&mut code, "main", 2).changes).await;
    let main = code.branch("main");
    let text = async |words: &str| {
        let id = code.id(words);
        workspace.contents(repository, &[(id, code.state.occurrence(main, id).unwrap().content)]).await
    };
    let old = text("rule old.rs x").await.unwrap();
    assert_eq!(old.into_values().collect::<Vec<_>>(), [r#"{"path":"old.rs"}"#]);
    assert!(text("rule f5.rs x5").await.is_err(), "what is still in the journal is waited for");
    release(&world).await;
    assert_eq!(text("rule f5.rs x5").await.unwrap().len(), 1);
}

async fn a_branch_that_is_not_in_memory_is_counted_by_its_rows(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let mut code = begun(&workspace, repository).await;
    code.fork("feature", "main", 1, 9);
    write(&workspace, repository, &code.scan("feature", 9, &["rule f1.rs x1"]).changes).await;
    code.push("feature", 10);
    let changes = found(&mut code, "feature", 10).changes;
    // Another copy of the program knows the main branch only.
    let other = world.again().await.for_workspace(workspace.id());
    write(&other, repository, &changes).await;
    assert_eq!(rows(&world).await[0].split(' ').next(), Some("0"), "its rows are in their tables");
    let open = workspace.open_on(repository, code.branch("feature")).await.unwrap();
    assert_eq!(open.total(), FOUND as i64);
}

async fn an_entry_that_cannot_be_written_is_set_aside(world: World) {
    let Brought { workspace, repository, main, .. } = brought(&world).await;
    release(&world).await;
    let all = (FOUND as i64).to_string();
    // The first entry contains findings.
    world.tell("update journal set body = substr(body, 1, 3) where number = (select min(number) from journal)").await;
    refuse_texts(&world, true).await;
    let count = workspace.count(repository, main, &Filter::default(), 10_000).await.unwrap();
    assert_eq!(count, FOUND as i64, "the entries after it are in their tables");
    assert_eq!(rows(&world).await, [format!("0 {} {all} 0 {all}", FOUND - 250)]);
    let damage = workspace.damage(repository).await.unwrap();
    assert_eq!((damage.orphans.len(), damage.set_aside.len()), (250, 4), "{:?}", damage.set_aside);
    let again = world.again().await.for_workspace(workspace.id());
    let mut lane = again.lane(repository).await;
    assert_eq!(lane.state(&["main"]).await.unwrap().repository.occurrences(main).count(), FOUND - 250);
    drop(lane);
    let run = begun_again(&again, repository).await;
    assert!(run.is_ok(), "nothing waits for what was set aside: {run:?}");

    refuse_texts(&world, false).await;
    assert_eq!(workspace.write_set_aside(repository).await.unwrap(), (3, 1), "what was wrong with it is right again");
    assert_eq!(world.ask("select count(*) || '' from contents").await, [all]);
}

/// Another change, by a caller that has only what is in the tables.
async fn begun_again(workspace: &Workspace, repository: Uuid) -> Result<(), penstock_app::store::Error> {
    let mut lane = workspace.lane(repository).await;
    let tracked = lane.state(&[]).await?;
    let (_, changes) =
        track::find_or_create_branch(&tracked.repository, &"other".into(), &mut penstock_app::store::new_id);
    lane.accept(&changes);
    let mut write = workspace.write().await?;
    let log = write.changes(&lane, &changes, &HashMap::new(), NOW).await?;
    write.commit_in(&mut lane, log).await
}

async fn refuse_texts(world: &World, refuse: bool) {
    world
        .tell(match (world.postgres.is_some(), refuse) {
            (true, true) => "alter table contents add constraint refused check (false) not valid",
            (true, false) => "alter table contents drop constraint refused",
            (false, true) => {
                "create trigger refused before insert on contents begin select raise(abort, 'refused'); end"
            }
            (false, false) => "drop trigger refused",
        })
        .await;
}

async fn a_change_whose_occurrence_has_no_finding_is_made_again(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let mut code = begun(&workspace, repository).await;
    write(&workspace, repository, &code.scan("main", 1, &["rule a.rs x", "rule b.rs y"]).changes).await;
    let found = code.scan("main", 2, &["rule a.rs x"]).changes;
    assert!(found.findings.is_empty() && !found.occurrences.is_empty());
    // The lane still has both in memory.
    world.tell("delete from findings where rule = 'rule'").await;
    let mut lane = workspace.lane(repository).await;
    lane.state(&["main"]).await.unwrap();
    lane.accept(&found);
    let mut write = workspace.write().await.unwrap();
    let refused = write.changes(&lane, &found, &HashMap::new(), NOW).await;
    assert!(matches!(refused, Err(penstock_app::store::Error::Conflict)), "{refused:?}");
    drop((write, lane));
    // A caller that begins again has only what is in the tables.
    let mut lane = workspace.lane(repository).await;
    assert_eq!(lane.state(&["main"]).await.unwrap().repository.findings().count(), 0);
}

async fn a_stop_waits_until_all_is_in_its_tables(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let mut code = begun(&workspace, repository).await;
    write(&workspace, repository, &found(&mut code, "main", 1).changes).await;
    world.store.caught_up().await;
    assert_eq!(rows(&world).await, [format!("0 {FOUND} {FOUND} {FOUND} {FOUND}")]);
}
