//! What pages ask for: lists in every order and under every filter, and the numbers that are kept beside them.

use std::collections::{BTreeMap, HashMap};

use penstock_app::store::Workspace;
use penstock_app::store::workspace::{Cursor, Filter, Found, NAMES_MAX, Order};
use penstock_app::track::{self, Branch, BranchId, Changes, FindingId, How, Status};
use penstock_common::metrics::Metrics;
use penstock_common::{Category, Severity, Uuid};

use super::on_both;
use super::world::{NOW, World};
use crate::track::world::{World as Code, code as sighting, decision, lint};

on_both!(
    every_list_is_what_its_filter_says,
    numbers_are_what_they_count,
    days_tell_what_came_and_went,
    a_day_of_a_branch_has_numbers_of_so_many_names,
);

async fn a_day_of_a_branch_has_numbers_of_so_many_names(world: World) {
    let repository = Repository::new(&world).await;
    let other = Branch::new(BranchId(99), "other".into());
    let mut write = repository.workspace.write().await.unwrap();
    let mut kept = 0;
    for number in 0..NAMES_MAX + 10 {
        let name = format!("name-{number:03}");
        let is_kept = write.measured(repository.id, repository.main, &name, &Metrics::default(), NOW).await.unwrap();
        kept += i64::from(is_kept);
    }
    assert_eq!(kept, NAMES_MAX);
    // A known one is updated, and other days and branches have room of their own.
    for (branch, name, at) in
        [(repository.main, "name-000", NOW), (repository.main, "another", NOW + 86_400_000), (other.id, "another", NOW)]
    {
        assert!(write.measured(repository.id, branch, name, &Metrics::default(), at).await.unwrap(), "{name}");
    }
    write.commit().await.unwrap();
    let told = repository.workspace.day_metrics(repository.id, repository.main, 0).await.unwrap();
    assert_eq!(i64::try_from(told.len()).unwrap(), NAMES_MAX + 1);
}

const SEVERITIES: [Severity; 5] = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

/// Who owns what; of the last nobody was told.
const OWNERS: [&str; 3] = ["@jo kim@example.com", "@acme/core", ""];

struct Repository {
    workspace: Workspace,
    id: Uuid,
    code: Code,
    main: BranchId,
}

impl Repository {
    async fn new(world: &World) -> Self {
        let (workspace, id) = world.tenant(1).await;
        let mut code = Code::new();
        let main = code.branch("main");
        let branches = code.state.branches().cloned().collect();
        let mut repository = Self { workspace, id, main, code };
        repository.save(&Changes { main: Some(main), branches, ..Changes::default() }, None).await;
        repository
    }

    async fn save(&mut self, changes: &Changes, happened: Option<i64>) {
        let mut lane = self.workspace.lane(self.id).await;
        lane.state(&["main"]).await.unwrap();
        let mut write = self.workspace.write().await.unwrap();
        if let Some(happened) = happened {
            write.happened(happened);
        }
        let shown = crate::program::world::finding("r", "a.rs", Severity::High);
        let shown = serde_json::to_string(&shown).unwrap();
        let contents: HashMap<_, _> = changes.occurrences.iter().map(|row| (row.content, shown.clone())).collect();
        lane.accept(changes);
        let log = write.changes(&lane, changes, &contents, NOW).await.unwrap();
        write.commit_in(&mut lane, log).await.unwrap();
    }

    /// A complete run that sees the findings of these numbers.
    async fn scan(&mut self, commit: u32, numbers: impl Iterator<Item = usize>, happened: Option<i64>) {
        let sightings: Vec<_> = numbers
            .map(|number| {
                let mut one = sighting(&format!("rule{} src/{}/f{number}.rs x{number}", number % 7, number % 3));
                one.severity = SEVERITIES[number % 5];
                one.category = if number.is_multiple_of(4) { Category::Secret } else { Category::CodeQuality };
                one.value_in_base = Some(false);
                one.owner = OWNERS[number % 3].into();
                one
            })
            .collect();
        let changes = self.code.scan_with("main", commit, vec![lint(&sightings)]).changes;
        self.save(&changes, happened).await;
    }

    async fn judge(&mut self, finding: FindingId, status: Status) {
        let changes = track::triage(&self.code.state, finding, None, &decision(status, self.code.now)).unwrap();
        self.code.accept(changes.clone());
        self.save(&changes, None).await;
    }

    /// All that a filter gives, page by page.
    async fn list(&self, filter: &Filter, order: Order) -> Vec<Found> {
        let mut all: Vec<Found> = Vec::new();
        let mut after: Option<Cursor> = None;
        loop {
            let page = self.workspace.find(self.id, self.main, filter, order, after.as_ref(), 7).await.unwrap();
            after = page.last().map(|last| order.after(last));
            let last = page.len() < 7;
            all.extend(page);
            if last {
                return all;
            }
        }
    }

    /// Numbers as they are, counted anew.
    fn counted(&self) -> (BTreeMap<Severity, i64>, i64) {
        let (mut open, mut dismissed) = (BTreeMap::new(), 0);
        for row in self.code.state.open(self.main) {
            if self.code.state.finding(row.finding).unwrap().triage.status.dismisses() {
                dismissed += 1;
            } else {
                *open.entry(row.severity).or_default() += 1;
            }
        }
        (open, dismissed)
    }

    async fn check_numbers(&self) {
        let told = self.workspace.open_on(self.id, self.main).await.unwrap();
        let (open, dismissed) = self.counted();
        for severity in SEVERITIES {
            assert_eq!(told.of(severity), open.get(&severity).copied().unwrap_or(0), "{severity:?}");
        }
        assert_eq!(told.dismissed, dismissed);
    }
}

async fn every_list_is_what_its_filter_says(world: World) {
    let mut repository = Repository::new(&world).await;
    repository.scan(1, 0..60, None).await;
    repository.scan(2, 10..60, None).await;
    let all = repository.list(&Filter::default(), Order::Worst).await;
    assert_eq!(all.len(), 60);
    let ids: Vec<FindingId> = all.iter().map(|found| found.finding).collect();
    for finding in ids.iter().step_by(9) {
        repository.judge(*finding, Status::FalsePositive).await;
    }
    let all = repository.list(&Filter::default(), Order::Worst).await;
    let since = all[0].since;
    let open = Some(None);
    let text = |text: &str| Some(text.to_owned());
    type Rule = Box<dyn Fn(&Found) -> bool>;
    let cases: Vec<(Filter, Rule)> = vec![
        (Filter { gone: open, ..Filter::default() }, Box::new(|one| one.gone.is_none())),
        (Filter { gone: Some(Some(How::Fixed)), ..Filter::default() }, Box::new(|one| one.gone == Some(How::Fixed))),
        (
            Filter { gone: open, severity: Some(Severity::High), ..Filter::default() },
            Box::new(|one| one.gone.is_none() && one.severity == Severity::High),
        ),
        (
            Filter { gone: open, category: Some(Category::Secret), severity: Some(Severity::Low), ..Filter::default() },
            Box::new(|one| one.gone.is_none() && one.category == Category::Secret && one.severity == Severity::Low),
        ),
        (
            Filter { gone: open, rule: text("rule3"), status: Some(Status::NeedsTriage), ..Filter::default() },
            Box::new(|one| one.gone.is_none() && one.rule == "rule3" && one.status == Status::NeedsTriage),
        ),
        (
            Filter { status: Some(Status::FalsePositive), ..Filter::default() },
            Box::new(|one| one.status == Status::FalsePositive),
        ),
        (
            Filter { gone: open, path: text("src/1/"), tool: text("lint"), ..Filter::default() },
            Box::new(|one| one.gone.is_none() && one.path.starts_with("src/1/")),
        ),
        (
            Filter { gone: open, owner: text("@acme/core"), ..Filter::default() },
            Box::new(|one| one.gone.is_none() && one.owner == "@acme/core"),
        ),
        (
            Filter { owner: text("@jo kim@example.com"), rule: text("rule3"), ..Filter::default() },
            Box::new(|one| one.owner == "@jo kim@example.com" && one.rule == "rule3"),
        ),
        (Filter { owner: text("@jo"), ..Filter::default() }, Box::new(|_| false)),
        (Filter { tool: text("other"), ..Filter::default() }, Box::new(|_| false)),
        (Filter { text: text("F1"), ..Filter::default() }, Box::new(|one| one.path.contains("f1"))),
        (Filter { text: text("Message OF"), ..Filter::default() }, Box::new(|_| true)),
        (Filter { text: text("%"), ..Filter::default() }, Box::new(|_| false)),
        (Filter { since: Some(since), ..Filter::default() }, Box::new(|_| true)),
        (Filter { before: Some(since), ..Filter::default() }, Box::new(|_| false)),
        (
            Filter { series: Some(vec![("lint".to_owned(), "penstock".to_owned())]), ..Filter::default() },
            Box::new(|_| true),
        ),
        (Filter { series: Some(Vec::new()), ..Filter::default() }, Box::new(|_| false)),
        (Filter { fingerprint: Some(all[3].ours), ..Filter::default() }, {
            let print = all[3].ours;
            Box::new(move |one| one.ours == print)
        }),
    ];
    for (filter, rule) in &cases {
        let mut expected: Vec<&Found> = all.iter().filter(|one| rule(one)).collect();
        for order in [Order::Worst, Order::Newest, Order::Path] {
            match order {
                Order::Worst => expected.sort_by_key(|one| (std::cmp::Reverse(one.severity), one.finding)),
                Order::Newest => expected.sort_by_key(|one| (std::cmp::Reverse(one.since), one.finding)),
                Order::Path => expected.sort_by_key(|one| (one.path.clone(), one.finding)),
            }
            let got: Vec<FindingId> = repository.list(filter, order).await.iter().map(|one| one.finding).collect();
            assert_eq!(got, expected.iter().map(|one| one.finding).collect::<Vec<_>>(), "{filter:?} {order:?}");
        }
        let count = repository.workspace.count(repository.id, repository.main, filter, 1000).await.unwrap();
        assert_eq!(count, expected.len() as i64, "{filter:?}");
    }
}

async fn numbers_are_what_they_count(world: World) {
    let mut repository = Repository::new(&world).await;
    // Any series of runs and judgements.
    let mut seed = 7_usize;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for round in 0..25 {
        if round % 5 == 4 {
            let open: Vec<FindingId> = repository.code.state.findings().map(|finding| finding.id).collect();
            let status = [Status::FalsePositive, Status::Confirmed, Status::NeedsTriage][random(3)];
            repository.judge(open[random(open.len())], status).await;
        } else {
            let (from, to) = (random(20), 20 + random(20));
            repository.scan(1 + round % 3, from..to, None).await;
        }
        repository.check_numbers().await;
    }
}

async fn days_tell_what_came_and_went(world: World) {
    const DAY: i64 = 86_400_000;
    let mut repository = Repository::new(&world).await;
    repository.scan(1, 0..10, Some(NOW - 9 * DAY)).await;
    repository.scan(2, 2..12, Some(NOW - 5 * DAY)).await;
    repository.scan(2, 2..12, Some(NOW - 4 * DAY)).await;
    repository.scan(3, 0..12, Some(NOW - 2 * DAY)).await;
    let today = NOW.div_euclid(DAY);
    let days = repository.workspace.days(repository.id, repository.main, 0).await.unwrap();
    let told: Vec<_> =
        days.iter().map(|day| (day.day - today, day.open.total(), day.introduced, day.reopened, day.fixed)).collect();
    assert_eq!(told, [(-9, 10, 10, 0, 0), (-5, 10, 2, 0, 2), (-2, 12, 0, 2, 0)], "a day without a change has no row");
    let days = repository.workspace.days(repository.id, repository.main, today - 3).await.unwrap();
    assert_eq!(days.iter().map(|day| day.day - today).collect::<Vec<_>>(), [-5, -2], "and the newest one before");
}
