//! Two tenants: no method of one reaches a row of the other.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use penstock_app::store::system::Subject;
use penstock_app::store::system::{AddressUse, ViewerRow};
use penstock_app::store::workspace::{ApprovalState, Log, Order, RunState, VerdictRow};
use penstock_app::store::{Error, News, Workspace, new_id};
use penstock_app::track::{Branch, BranchId, Changes, RunId};
use penstock_common::metrics::{Metrics, Tests};
use penstock_common::{Secret, Uuid};

use super::on_both;
use super::rows::{approval, delivery, entry, new_run, new_token, place};
use super::world::{NOW, World};
use crate::track::world::World as Code;

on_both!(no_method_reaches_another_tenant);

/// Methods of the tenant's door. Whoever adds one adds what it may not do below.
const METHODS: [&str; 97] = [
    "approval",
    "approvals",
    "audit",
    "audit_exported",
    "audit_lines",
    "audit_sent",
    "branch",
    "branch_commit",
    "branch_verdict",
    "branches",
    "branches_with",
    "changes",
    "commit",
    "commit_in",
    "contents",
    "count",
    "damage",
    "day_metrics",
    "days",
    "delivered",
    "deliveries",
    "done",
    "drop_findings",
    "drop_occurrences",
    "end_approval",
    "erase",
    "erase_person",
    "erase_repository",
    "events_of",
    "export",
    "find",
    "finding",
    "forget_old",
    "hooks",
    "job",
    "job_failed",
    "job_failure",
    "lane",
    "last_delivery",
    "loaded_with",
    "log",
    "log_hash",
    "log_heads",
    "logs",
    "measured",
    "name_of",
    "new_hook",
    "new_repository",
    "new_run",
    "new_token",
    "news",
    "occurrences_of",
    "open_on",
    "people",
    "person",
    "posted",
    "prepared",
    "propose",
    "pull_request",
    "pull_request_verdict",
    "recount",
    "remove_hook",
    "repositories",
    "repository",
    "repository_gone",
    "revoke_token",
    "row",
    "run",
    "run_anywhere",
    "run_by_key",
    "run_document",
    "run_ended",
    "runs",
    "runs_on",
    "seal_logs",
    "setting",
    "settings",
    "standings",
    "state",
    "these",
    "token",
    "token_confirmed",
    "token_used",
    "tokens",
    "trusted_run",
    "verdict",
    "verify_audit",
    "verify_log",
    "waiting_approval",
    "wish",
    "wish_again",
    "wishes",
    "with_branches",
    "workspace",
    "worst_open",
    "write",
    "write_set_aside",
];

/// Methods of the other door, which give ids, hashes, times and secrets.
const SYSTEM: [&str; 34] = [
    "active_installations",
    "admit_viewer",
    "bury_job",
    "candidates",
    "claim_job",
    "dead_jobs",
    "dismiss_viewers",
    "drop_candidate",
    "drop_job",
    "due_candidates",
    "extend_job",
    "finish_job",
    "forget_news",
    "hook",
    "installation",
    "keep_candidate",
    "keep_news",
    "news_handled",
    "next_job_at",
    "old_news",
    "queue_state",
    "reap_jobs",
    "replay_job",
    "reseal",
    "retry_job",
    "take_lease",
    "tenant",
    "tenants",
    "token_by_hash",
    "unsigned_candidates",
    "viewer",
    "viewer_seen",
    "waiting_candidates",
    "waiting_news",
];

const WRITTEN_TOO: &str = "write_installation";

fn methods(folder: &str) -> BTreeSet<String> {
    let folder = format!("{}/src/store/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut methods = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let names = text.lines().filter_map(|line| line.trim().strip_prefix("pub async fn ")?.split(['(', '<']).next());
        methods.extend(names.map(str::to_owned));
    }
    methods
}

#[test]
fn every_method_is_probed() {
    let listed = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(methods("workspace"), listed(&METHODS), "a method without a probe");
    let mut system = listed(&SYSTEM);
    system.insert(WRITTEN_TOO.to_owned());
    assert_eq!(methods("system"), system, "the list is closed: what is added here is thought about twice");
}

/// A tenant with a row in every table.
pub(super) async fn fill(world: &World, number: u8) -> (Workspace, Uuid, u128) {
    let (workspace, repository) = world.tenant(number).await;
    let mut code = Code::new();
    let start =
        Changes { main: code.state.main(), branches: code.state.branches().cloned().collect(), ..Changes::default() };
    let applied = code.scan("main", 1, &["r a.rs x"]).changes;
    code.open_pull_request(7, "main", "main");
    let pull_requests = code.state.pull_request(7).cloned().into_iter().collect();
    let mut findings = applied.findings.clone();
    findings[0].prints.own.push(penstock_app::track::Print(9));
    for changes in [start, applied, Changes { pull_requests, findings, ..Changes::default() }] {
        let mut lane = workspace.lane(repository).await;
        lane.state(&["main"]).await.unwrap();
        let shown =
            serde_json::to_string(&crate::program::world::finding("r", "a.rs", penstock_common::Severity::High))
                .unwrap();
        let contents: HashMap<_, _> = changes.occurrences.iter().map(|row| (row.content, shown.clone())).collect();
        let (changes, contents) = (Arc::new(changes), Arc::new(contents));
        let preparing = lane.prepare(&changes, &contents, NOW).unwrap();
        lane.accept(&changes);
        let prepared = preparing.done().await.unwrap();
        let mut write = workspace.write().await.unwrap();
        let log = write.prepared(&lane, &changes, prepared, NOW).await.unwrap();
        write.commit_in(&mut lane, log).await.unwrap();
    }
    let id = u128::from(number) << 64 | 1;
    let mut run = new_run(repository, "key");
    run.run = RunId(id);
    let mut write = workspace.write().await.unwrap();
    write.new_run(&run).await.unwrap();
    write.delivered(repository, "app", "7", &delivery(), NOW).await.unwrap();
    write.wish(&place(repository), "{}", NOW).await.unwrap();
    write.job_failed(id, "why", NOW).await.unwrap();
    write.setting(Some(repository), "a", Some("1"), "me", NOW).await.unwrap();
    write.setting(None, "a", Some("1"), "me", NOW).await.unwrap();
    write.new_token(&new_token(id, number), NOW).await.unwrap();
    write.new_hook(Uuid::from(id.to_be_bytes()), repository, &Secret::new("canary"), NOW).await.unwrap();
    write.person("a:1", &"Ann".into(), NOW).await.unwrap();
    write.person(&format!("own:{number}"), &"Olga".into(), NOW).await.unwrap();
    write.audit(&entry(repository)).await.unwrap();
    write.audit_sent("sink", number.into()).await.unwrap();
    assert!(write.propose(&approval(id, repository), NOW).await.unwrap());
    write.job(&Subject { repository: Some(repository), kind: "k", subject: "s".to_owned() }, NOW, NOW).await.unwrap();
    write.verdict(repository, Some(7), &verdict("{}")).await.unwrap();
    write.verdict(repository, None, &verdict("{}")).await.unwrap();
    write.measured(repository, BranchId(1), "penstock", &Metrics::default(), NOW).await.unwrap();
    write.commit().await.unwrap();
    let viewer = ViewerRow {
        workspace: workspace.id(),
        repository: Some(repository),
        person: Uuid::from([9; 16]),
        account: "a:1".to_owned(),
        created_at: NOW,
        signed_at: NOW,
        used_at: NOW,
    };
    let address = AddressUse { address: [number; 32], over: 0, first_use: 0 };
    assert!(world.store.system().admit_viewer(&[number; 32], &viewer, &address).await.unwrap());
    let digest = News::digest("e", b"{}");
    let news = News { tenant: workspace.id(), event: "e".to_owned(), body: "{}".to_owned(), digest, at: NOW };
    world.store.system().keep_news(news).await.unwrap();
    (workspace, repository, id)
}

/// Sixteen times the same byte, as a literal.
fn bytes(world: &World, byte: u8) -> String {
    let digits = format!("{byte:02x}").repeat(16);
    if world.postgres.is_some() { format!("'\\x{digits}'") } else { format!("x'{digits}'") }
}

fn verdict(body: &str) -> VerdictRow {
    VerdictRow { branch: BranchId(1), commit: crate::track::world::commit(1), at: NOW, body: body.to_owned() }
}

/// Every row of a tenant, as text.
pub(super) async fn dump(world: &World, number: u8) -> Vec<String> {
    let mut rows = Vec::new();
    let id = format!("{number:02x}").repeat(16);
    if world.postgres.is_some() {
        let tables = world.ask("select table_name::text from information_schema.columns where table_schema = 'public' and column_name = 'workspace' order by 1").await;
        for table in tables {
            let sql = format!("select '{table}|' || t::text from {table} t where workspace = '\\x{id}' order by 1");
            rows.extend(world.ask(&sql).await);
        }
        return rows;
    }
    for file in ["penstock.db", "inbox.db"] {
        let mut connection = world.raw(file).await;
        let tables: Vec<(String, String)> = sqlx::query_as(
            "select t.name, (select group_concat('quote(\"' || c.name || '\")', ' || ''|'' || ') from pragma_table_info(t.name) c) \
             from sqlite_schema t where t.type = 'table' and exists (select 1 from pragma_table_info(t.name) c where c.name = 'workspace') order by 1",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        for (table, columns) in tables {
            let sql = format!("select '{table}|' || {columns} from {table} where workspace = x'{id}' order by 1");
            let found: Vec<String> =
                sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
            rows.extend(found);
        }
    }
    rows
}

async fn no_method_reaches_another_tenant(world: World) {
    let (one, repository, id) = fill(&world, 1).await;
    let (other, own_repository, _) = fill(&world, 2).await;
    let before = dump(&world, 1).await;
    let tables: BTreeSet<&str> = before.iter().map(|line| line.split('|').next().unwrap()).collect();
    assert!(tables.len() >= 20, "every table holds something: {tables:?}");
    let news = world
        .store
        .system()
        .waiting_news(10)
        .await
        .unwrap()
        .into_iter()
        .find(|one| one.workspace == Uuid::from([1; 16]));

    // Reading.
    assert!(other.repository(repository).await.unwrap().is_none());
    assert_eq!(other.repositories().await.unwrap().len(), 1);
    assert_eq!(other.row().await.unwrap().unwrap().slug.as_deref(), Some("team"));
    assert!(matches!(other.lane(repository).await.state(&["main"]).await, Err(Error::NotFound(_))));
    assert!(matches!(other.lane(repository).await.with_branches(&[BranchId(1)]).await, Err(Error::NotFound(_))));
    assert!(matches!(other.lane(repository).await.loaded_with(&[BranchId(1)]).await, Err(Error::Conflict)));
    assert!(other.log(repository, 1, 10).await.unwrap().is_empty());
    assert!(other.run(repository, RunId(id)).await.unwrap().is_none());
    assert!(other.run(own_repository, RunId(id)).await.unwrap().is_none());
    assert!(other.run_anywhere(RunId(id)).await.unwrap().is_none());
    assert!(one.run_anywhere(RunId(id)).await.unwrap().is_some());
    assert!(other.run_by_key(repository, "key").await.unwrap().is_none());
    assert!(other.runs(repository, RunId(u128::MAX), 10).await.unwrap().is_empty());
    assert!(other.runs_on(repository, crate::track::world::commit(1)).await.unwrap().is_empty());
    assert!(other.run_document(repository, RunId(id)).await.unwrap().is_none());
    let content = penstock_app::track::Print::of(&[b"r", b"a.rs", b"x", b"line 1"]);
    let mut lane = one.lane(repository).await;
    let finding = lane.state(&[]).await.unwrap().repository.findings().next().unwrap().id;
    drop(lane);
    assert_eq!(one.contents(repository, &[(finding, content)]).await.unwrap().len(), 1);
    assert!(other.contents(repository, &[(finding, content)]).await.unwrap().is_empty());
    assert!(other.deliveries(repository, 10).await.unwrap().is_empty());
    assert!(other.wish(&place(repository)).await.unwrap().is_none());
    assert!(other.wishes("comment", 10).await.unwrap().iter().all(|(place, _)| place.repository == own_repository));
    assert!(other.settings(Some(repository)).await.unwrap().is_empty());
    assert_eq!(other.settings(None).await.unwrap().len(), 1);
    assert!(other.token(id).await.unwrap().is_none());
    assert_eq!(other.tokens().await.unwrap().len(), 1);
    assert_eq!(other.people().await.unwrap().len(), 2);
    assert_eq!(one.name_of("own:1").await.unwrap().as_deref(), Some("Olga"));
    assert_eq!(other.name_of("own:1").await.unwrap(), None);
    assert!(other.last_delivery(repository, "app", delivery().destination, "7").await.unwrap().is_none());
    assert!(one.last_delivery(repository, "app", delivery().destination, "7").await.unwrap().is_some());
    assert!(other.hooks(Some(repository)).await.unwrap().is_empty());
    assert!(other.hooks(None).await.unwrap().iter().all(|row| row.repository == own_repository));
    assert!(other.approval(repository, id).await.unwrap().is_none());
    assert!(other.approval(own_repository, id).await.unwrap().is_none());
    assert!(other.approvals(Some(repository), None, u128::MAX, 10).await.unwrap().is_empty());
    assert_eq!(other.approvals(None, None, u128::MAX, 10).await.unwrap().len(), 1);
    let waiting = approval(id, repository);
    assert!(other.waiting_approval(repository, waiting.finding, Some(7)).await.unwrap().is_none());
    assert!(one.waiting_approval(repository, waiting.finding, Some(7)).await.unwrap().is_some());
    assert!(other.audit(Some(repository), u64::MAX, 10).await.unwrap().is_empty());
    assert_eq!(other.audit(None, u64::MAX, 10).await.unwrap().len(), 1);
    assert_eq!(other.verify_audit().await.unwrap(), Ok(1));
    assert_eq!(one.audit_lines(Some(repository), 0, 10).await.unwrap().len(), 1);
    assert!(other.audit_lines(Some(repository), 0, 10).await.unwrap().is_empty());
    assert!(other.audit_lines(None, 0, 10).await.unwrap().iter().all(|line| line.workspace == other.id()));
    assert_eq!((one.audit_exported("sink").await.unwrap(), other.audit_exported("sink").await.unwrap()), (1, 2));
    assert!(one.verify_log(Log::Findings(repository)).await.unwrap().unwrap().head.number > 0);
    assert_eq!(other.verify_log(Log::Findings(repository)).await.unwrap().unwrap().head.number, 0);
    assert!(one.log_hash(Log::Findings(repository), 1).await.unwrap().is_some());
    assert!(other.log_hash(Log::Findings(repository), 1).await.unwrap().is_none());
    assert!(other.log_heads().await.unwrap().iter().all(|(log, _)| *log != Log::Findings(repository)));
    assert!(!other.logs().await.unwrap().contains(&Log::Findings(repository)));
    assert_eq!(other.seal_logs().await.unwrap(), 0);
    assert!(other.news(news.unwrap().id).await.unwrap().is_none());
    assert!(other.job_failure(id).await.unwrap().is_none());
    world
        .tell(&format!(
            "insert into journal_set_aside (workspace, repository, number, body, why) values ({}, {}, 1, {}, 'why')",
            bytes(&world, 1),
            bytes(&world, 101),
            bytes(&world, 7)
        ))
        .await;
    let before = dump(&world, 1).await;
    assert_eq!(one.damage(repository).await.unwrap().set_aside.len(), 1);
    assert!(other.damage(repository).await.unwrap().is_none());
    assert_eq!(other.write_set_aside(repository).await.unwrap(), (0, 0));

    let (main, name) = one.branch(repository, None).await.unwrap().unwrap();
    let everything = penstock_app::store::workspace::Filter::default();
    assert_eq!(
        (name.as_str(), one.find(repository, main, &everything, Order::Worst, None, 10).await.unwrap().len()),
        ("main", 1)
    );
    assert!(one.branch_commit(repository, main).await.unwrap().is_some());
    assert!(other.branch(repository, Some("main")).await.unwrap().is_none());
    assert!(other.branch_commit(repository, main).await.unwrap().is_none());
    let found = one.find(repository, main, &everything, Order::Path, None, 10).await.unwrap();
    assert!(other.find(repository, main, &everything, Order::Worst, None, 10).await.unwrap().is_empty());
    assert_eq!(one.count(repository, main, &everything, 10).await.unwrap(), 1);
    assert_eq!(other.count(repository, main, &everything, 10).await.unwrap(), 0);
    let ids = [found[0].finding];
    assert_eq!(one.these(repository, main, &ids).await.unwrap().len(), 1);
    assert!(other.these(repository, main, &ids).await.unwrap().is_empty());
    assert!(one.finding(repository, ids[0]).await.unwrap().is_some());
    assert!(other.finding(repository, ids[0]).await.unwrap().is_none());
    assert_eq!(one.occurrences_of(repository, ids[0]).await.unwrap().len(), 1);
    assert!(other.occurrences_of(repository, ids[0]).await.unwrap().is_empty());
    assert_eq!(one.events_of(repository, ids[0], 10).await.unwrap().len(), 1);
    assert!(other.events_of(repository, ids[0], 10).await.unwrap().is_empty());
    assert_eq!(one.open_on(repository, main).await.unwrap().total(), 1);
    assert_eq!(other.open_on(repository, main).await.unwrap().total(), 0);
    assert_eq!(one.days(repository, main, 0).await.unwrap().len(), 1);
    assert!(other.days(repository, main, 0).await.unwrap().is_empty());
    assert_eq!(one.day_metrics(repository, BranchId(1), 0).await.unwrap().len(), 1);
    assert!(other.day_metrics(repository, BranchId(1), 0).await.unwrap().is_empty());
    assert_eq!(one.standings(0).await.unwrap()[0].repository, repository);
    assert!(other.standings(0).await.unwrap().iter().all(|standing| standing.repository == own_repository));
    assert_eq!(one.branches_with(repository, ids[0]).await.unwrap(), [main]);
    assert!(other.branches_with(repository, ids[0]).await.unwrap().is_empty());
    assert_eq!(one.branches(repository).await.unwrap().len(), 1);
    assert!(other.branches(repository).await.unwrap().is_empty());
    assert!(one.pull_request(repository, 7).await.unwrap().is_some());
    assert!(other.pull_request(repository, 7).await.unwrap().is_none());
    assert!(one.pull_request_verdict(repository, 7).await.unwrap().is_some());
    assert!(other.pull_request_verdict(repository, 7).await.unwrap().is_none());
    assert!(one.branch_verdict(repository, BranchId(1)).await.unwrap().is_some());
    assert!(other.branch_verdict(repository, BranchId(1)).await.unwrap().is_none());
    assert_eq!(one.worst_open(repository, ids[0]).await.unwrap(), Some(penstock_common::Severity::High));
    assert_eq!(other.worst_open(repository, ids[0]).await.unwrap(), None);
    let id_of_one = "\\\\x01010101";
    assert!(one.export().await.unwrap().iter().all(|line| line.contains(id_of_one)));
    assert!(other.export().await.unwrap().iter().all(|line| !line.contains(id_of_one)));

    // Writing: whatever it does, it does to its own rows.
    let mut write = other.write().await.unwrap();
    write.workspace(&"evil".into(), &"Evil".into(), NOW).await.unwrap();
    write.new_repository(repository, &"evil".into(), &"Evil".into(), false, NOW).await.unwrap();
    write.repository(repository, &"evil".into(), &"Evil".into(), false, NOW).await.unwrap();
    write.trusted_run(repository, NOW).await.unwrap();
    write.run_ended(repository, RunId(id), RunState::Refused, None, None, "evil").await.unwrap();
    write.delivered(repository, "evil", "7", &delivery(), NOW).await.unwrap();
    write.wish(&place(repository), "evil", NOW).await.unwrap();
    write.posted(&place(repository), 9, Some("evil")).await.unwrap();
    write.setting(Some(repository), "a", None, "evil", NOW).await.unwrap();
    assert!(!write.revoke_token(id, NOW).await.unwrap());
    write.token_used(id, NOW + 9).await.unwrap();
    write.token_confirmed(id, NOW + 9).await.unwrap();
    write.person("a:1", &"Evil".into(), NOW).await.unwrap();
    write.erase_person("a:1").await.unwrap();
    assert!(!write.end_approval(repository, id, ApprovalState::Approved, "evil", NOW).await.unwrap());
    assert!(!write.remove_hook(repository, Uuid::from(id.to_be_bytes())).await.unwrap());
    write.audit(&entry(repository)).await.unwrap();
    write.audit_sent("sink", 9).await.unwrap();
    assert!(write.propose(&approval(id, repository), NOW).await.unwrap(), "the same id is another one here");
    assert!(write.wish_again(&place(repository), NOW).await.unwrap(), "of its own wish of the same name");
    write.job_failed(id, "evil", NOW).await.unwrap();
    write
        .job(&Subject { repository: Some(repository), kind: "k", subject: "s".to_owned() }, NOW - 9, NOW)
        .await
        .unwrap();
    write.new_hook(Uuid::from([250; 16]), repository, &Secret::new("evil"), NOW).await.unwrap();
    write.new_token(&new_token(new_id(), 99), NOW).await.unwrap();
    write.new_run(&new_run(repository, "key")).await.unwrap();
    write.drop_findings(repository, &ids).await.unwrap();
    write.drop_occurrences(repository, &[(main, ids[0])]).await.unwrap();
    write.recount(repository, main).await.unwrap();
    write.repository_gone(repository, NOW).await.unwrap();
    write.verdict(repository, Some(7), &verdict("evil")).await.unwrap();
    let evil = Metrics { tests: Some(Tests::default()), ..Metrics::default() };
    write.measured(repository, BranchId(1), "penstock", &evil, NOW).await.unwrap();
    write.commit().await.unwrap();
    // The same id of a repository in both: it is another repository.
    let mut lane = other.lane(repository).await;
    lane.state(&["main"]).await.unwrap();
    let changes = Changes { branches: vec![Branch::new(BranchId(1), "evil".into())], ..Changes::default() };
    let mut write = other.write().await.unwrap();
    lane.accept(&changes);
    let log = write.changes(&lane, &changes, &HashMap::new(), NOW).await.unwrap();
    write.commit_in(&mut lane, log).await.unwrap();
    drop(lane);
    other.forget_old(NOW + 100, NOW + 100).await.unwrap();
    other.erase_repository(repository).await.unwrap();
    assert_eq!(dump(&world, 1).await, before);
    other.erase().await.unwrap();
    assert_eq!(dump(&world, 1).await, before);
    assert!(one.repository(repository).await.unwrap().is_some());
}
