//! What is tracked survives being written and read.

use std::collections::{BTreeMap, HashMap};

use penstock_app::store::workspace::Log;
use penstock_app::store::{Error, Workspace};
use penstock_app::track::{
    self, Actor, Branch, BranchId, Changes, Finding, FindingId, Occurrence, Print, PullRequest, Repository, Sighting,
    Status, chain,
};
use penstock_common::{Severity, Uuid};

use super::on_both;
use super::world::{NOW, World};
use crate::track::world::{World as Code, code as track_code, commit, lint, lint_codes, moved, secret};

on_both!(
    a_history_is_read_back_as_it_was_written,
    who_comes_second_begins_again,
    an_operation_that_was_not_written_leaves_nothing,
    many_findings_are_written_at_once,
    a_branch_that_is_gone_makes_no_finding_worse,
);

/// Everything of a repository, in an order.
pub(crate) type All = (
    Option<BranchId>,
    Vec<Branch>,
    Vec<PullRequest>,
    BTreeMap<FindingId, Finding>,
    BTreeMap<(BranchId, FindingId), Occurrence>,
);

pub(crate) fn all(repository: &Repository, numbers: &[u64]) -> All {
    let branches: Vec<Branch> = repository.branches().cloned().collect();
    let rows = branches.iter().flat_map(|branch| repository.occurrences(branch.id));
    (
        repository.main(),
        branches.clone(),
        numbers.iter().filter_map(|number| repository.pull_request(*number).cloned()).collect(),
        repository.findings().map(|row| (row.id, row.clone())).collect(),
        rows.map(|row| ((row.branch, row.finding), row.clone())).collect(),
    )
}

async fn save(workspace: &Workspace, repository: Uuid, changes: &Changes) -> Result<(), Error> {
    let mut lane = workspace.lane(repository).await;
    lane.state(&[]).await?;
    let mut write = workspace.write().await?;
    let contents: HashMap<Print, String> =
        changes.occurrences.iter().map(|row| (row.content, format!("{{\"path\":\"{}\"}}", row.path))).collect();
    lane.accept(changes);
    let log = write.changes(&lane, changes, &contents, NOW).await?;
    write.commit_in(&mut lane, log).await
}

/// A history with everything in it.
fn history() -> (Code, Vec<Changes>) {
    let mut code = Code::new();
    let mut told = Vec::new();
    // What `new` made is not told: it is what is there now.
    told.push(Changes {
        main: code.state.main(),
        branches: code.state.branches().cloned().collect(),
        ..Changes::default()
    });
    told.push(code.scan_with("main", 1, vec![lint_codes(&["r1 a.rs x", "r2 b.rs y", "r3 c.rs z"])]).changes);
    told.push(code.scan_with("main", 2, vec![lint(&[moved("r1 a.rs x", 9), moved("r2 d.rs y", 1)])]).changes);
    code.fork("feature", "main", 2, 50);
    told.push(code.scan_with("feature", 50, vec![lint_codes(&["r1 a.rs x", "r9 n.rs new"])]).changes);
    told.push(
        code.scan_secrets("feature", 50, ("main", 2), &[secret("s k.rs v", Some(false)), track_code("r9 n.rs new")])
            .changes,
    );
    told.push(code.scan_with("main", 3, vec![lint_codes(&["r1 a.rs x", "r3 c.rs z"])]).changes);
    let id = code.id("r1 a.rs x");
    let mut decision = crate::track::world::decision(Status::AcceptedRisk, code.now);
    decision.expires = Some(code.now + 1000);
    let changes = track::triage(&code.state, id, None, &decision).unwrap();
    told.push(code.accept(changes));
    let before = all(&code.state, &[7]);
    code.open_pull_request(7, "feature", "main");
    let opened = code.state.pull_request(7).cloned();
    assert_ne!(before, all(&code.state, &[7]));
    told.push(Changes { pull_requests: opened.into_iter().collect(), ..Changes::default() });
    let id = code.id("r9 n.rs new");
    let decision = crate::track::world::decision(Status::FalsePositive, code.now);
    let changes = track::triage(&code.state, id, Some(7), &decision).unwrap();
    told.push(code.accept(changes));
    code.push("main", 4);
    told.push(code.merge(7, 4));
    let feature = code.branch("feature");
    let changes = track::delete_branch(&code.state, feature, Actor::Bitbucket, code.now);
    told.push(code.accept(changes));
    let changes = track::mark_stale(&code.state, 0, code.now + 100);
    told.push(code.accept(changes));
    (code, told)
}

async fn a_history_is_read_back_as_it_was_written(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let (code, told) = history();
    for changes in &told {
        save(&workspace, repository, changes).await.unwrap();
    }
    let expected = all(&code.state, &[7]);
    assert!(expected.3.values().any(|row| !row.absent.is_empty()) && expected.4.values().any(|row| row.gone.is_some()));
    let branches: Vec<BranchId> = code.state.branches().map(|branch| branch.id).collect();
    for store in [world.store.clone(), world.again().await] {
        let mut lane = store.for_workspace(workspace.id()).lane(repository).await;
        assert_eq!(all(&lane.with_branches(&branches).await.unwrap().repository, &[7]), expected);
    }
    let links = workspace.log(repository, 1, 1000).await.unwrap();
    assert_eq!(links.len(), told.iter().map(|changes| changes.events.len()).sum::<usize>());
    let whole = workspace.verify_log(Log::Findings(repository)).await.unwrap().unwrap();
    let end = chain::Head { number: links.len() as u64, hash: links.last().unwrap().hash };
    assert_eq!((whole.head, whole.plain), (end, 0));
}

async fn who_comes_second_begins_again(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let other = world.again().await.for_workspace(workspace.id());
    let (_, told) = history();
    save(&workspace, repository, &told[0]).await.unwrap();

    let mut slow = other.lane(repository).await;
    slow.state(&["main"]).await.unwrap();
    save(&workspace, repository, &told[1]).await.unwrap();
    let refused = async {
        let mut write = other.write().await?;
        slow.accept(&told[1]);
        let log = write.changes(&slow, &told[1], &HashMap::new(), NOW).await?;
        write.commit_in(&mut slow, log).await
    }
    .await;
    assert!(matches!(refused, Err(Error::Conflict)), "{refused:?}");
    let count = slow.state(&["main"]).await.unwrap().repository.findings().count();
    assert_eq!(count, 3, "it sees what came in between, and nothing of its own");
    drop(slow);
    save(&other, repository, &told[2]).await.unwrap();
}

async fn an_operation_that_was_not_written_leaves_nothing(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let (_, told) = history();
    save(&workspace, repository, &told[0]).await.unwrap();
    let mut lane = workspace.lane(repository).await;
    lane.state(&[]).await.unwrap();
    {
        let mut write = workspace.write().await.unwrap();
        lane.accept(&told[1]);
        write.changes(&lane, &told[1], &HashMap::new(), NOW).await.unwrap();
    }
    assert_eq!(lane.state(&["main"]).await.unwrap().repository.findings().count(), 0);
    assert!(workspace.log(repository, 1, 10).await.unwrap().is_empty());
}

async fn many_findings_are_written_at_once(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let mut code = Code::new();
    let start =
        Changes { main: code.state.main(), branches: code.state.branches().cloned().collect(), ..Changes::default() };
    save(&workspace, repository, &start).await.unwrap();
    // More than one statement of the bulk takes, and a rest.
    let words: Vec<String> = (0..333).map(|number| format!("rule f{number}.rs x{number}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for number in [1, 2] {
        let applied = code.scan("main", number, &words);
        save(&workspace, repository, &applied.changes).await.unwrap();
    }
    let again = world.again().await.for_workspace(workspace.id());
    let mut lane = again.lane(repository).await;
    let state = lane.state(&["main"]).await.unwrap();
    assert_eq!(all(&state.repository, &[]).4.len(), 333);
    assert_eq!(state.repository.branch_named("main").unwrap().timeline.last(), Some(commit(2)));
    assert_eq!(world.ask("select count(*) || '' from contents").await, ["333"]);
}

async fn a_branch_that_is_gone_makes_no_finding_worse(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let mut code = Code::new();
    let start =
        Changes { main: code.state.main(), branches: code.state.branches().cloned().collect(), ..Changes::default() };
    save(&workspace, repository, &start).await.unwrap();
    let of = |severity| lint(&[Sighting { severity, ..track_code("r a.rs x") }]);
    let applied = code.scan_with("main", 1, vec![of(Severity::Low)]);
    save(&workspace, repository, &applied.changes).await.unwrap();
    code.fork("feature", "main", 1, 50);
    let applied = code.scan_with("feature", 50, vec![of(Severity::Critical)]);
    save(&workspace, repository, &applied.changes).await.unwrap();
    let id = code.id("r a.rs x");
    let worst = async || workspace.worst_open(repository, id).await.unwrap();
    assert_eq!(worst().await, Some(Severity::Critical));
    let feature = code.branch("feature");
    let changes = track::delete_branch(&code.state, feature, Actor::Bitbucket, code.now);
    let changes = code.accept(changes);
    save(&workspace, repository, &changes).await.unwrap();
    assert_eq!(worst().await, Some(Severity::Low), "on main it is no worse");
    // That it was worse once stays, and in which run.
    let known = workspace.finding(repository, id).await.unwrap().unwrap();
    assert_eq!((known.worst, known.critical_in), (Severity::Critical, code.finding("r a.rs x").critical_in));
    assert!(known.critical_in.is_some());
    let denied = code.scan_with("main", 1, vec![lint(&[])]);
    save(&workspace, repository, &denied.changes).await.unwrap();
    let places = workspace.occurrences_of(repository, id).await.unwrap();
    let (_, row) = &places[0];
    assert_eq!((row.denied, row.is_open()), (code.row("main", "r a.rs x").denied, true));
    assert!(row.denied.is_some());
}
