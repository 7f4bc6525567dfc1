//! Whether a dismissal counts is decided by the facts, in any order.

use std::collections::BTreeSet;

use penstock_app::track::{
    self, Actor, Changes, Decision, DismissalPolicy, Objection, Policy, PullRequest, PullRequestState, Question,
    Sighting, Status,
};
use penstock_common::Severity;
use proptest::prelude::*;

use super::world::{World, code, commit, lint};

const CODE: &str = "r a.rs a";
const PEOPLE: [&str; 3] = ["557058:one", "557058:two", "557058:three"];

/// A repository with a finding on a branch, and what people say of it.
struct Scene {
    world: World,
    policy: DismissalPolicy,
    commits: u32,
}

impl Scene {
    fn new(second_person: bool, author_may_dismiss: bool) -> Self {
        let mut world = World::new();
        world.scan("main", 2, &[]);
        world.fork("feature", "main", 2, 100);
        let policy = DismissalPolicy { second_person, author_may_dismiss, ..DismissalPolicy::default() };
        Self { world, policy, commits: 100 }
    }

    fn run(&mut self, branch: &str, severity: Severity) {
        self.commits += 1;
        self.world.push(branch, self.commits);
        self.world.scan_with(branch, self.commits, vec![lint(&[Sighting { severity, ..code(CODE) }])]);
    }

    fn say(&mut self, person: &str, status: Status, pull_request: Option<u64>) -> bool {
        self.say_as(Actor::Account(person.to_owned()), person, status, pull_request, None)
    }

    fn say_as(
        &mut self,
        author: Actor,
        account: &str,
        status: Status,
        pull_request: Option<u64>,
        expires: Option<i64>,
    ) -> bool {
        self.world.now += 1;
        let Some(id) = self.world.findings(CODE).first().map(|finding| finding.id) else { return false };
        let (account, reason, now) = (account.to_owned(), "looked at it".into(), self.world.now);
        let decision = Decision { status, reason, author, account, expires, now };
        let Ok(changes) = track::triage(&self.world.state, id, pull_request, &decision) else { return false };
        self.world.accept(changes);
        true
    }

    fn open(&mut self, number: u64, author: &str) {
        let head = *self.world.git["feature"].last().unwrap();
        let (source, destination) = (Some(self.world.branch("feature")), self.world.branch("main"));
        let (author, state) = (author.to_owned(), PullRequestState::Open);
        let row = PullRequest { number, source, destination, head, author, state };
        let changes = track::open_pull_request(&self.world.state, row);
        self.world.accept(changes);
    }

    fn merge(&mut self, number: u64) {
        self.commits += 1;
        self.world.merge(number, self.commits);
    }

    fn judge(&self, branch: &str, pull_request: Option<u64>) -> track::Judgement {
        let state = &self.world.state;
        let branch = state.branch_named(branch).unwrap().id;
        let base = match pull_request {
            Some(number) => track::base_of_pull_request(state, state.pull_request(number).unwrap(), Some(commit(2))),
            None => track::base_of_branch(state, branch, commit(2), Some(commit(2))),
        };
        let (measured, doubt, now) = (Default::default(), None, self.world.now);
        let dismissals = &self.policy;
        let question = Question { branch, pull_request, base: &base, measured, doubt, dismissals, now };
        track::verdict(state, &question, &Policy::default(), &[])
    }

    /// Whether the finding is open and dismissed, or why that does not count.
    fn counts(&self, branch: &str, pull_request: Option<u64>) -> Result<bool, Objection> {
        let judged = self.judge(branch, pull_request);
        match judged.pending.first() {
            Some((_, why)) => Err(*why),
            None => Ok(!judged.dismissed.is_empty()),
        }
    }
}

const DISMISS: Status = Status::FalsePositive;

#[test]
fn uploaded_as_low_dismissed_and_uploaded_as_critical_needs_a_second_person() {
    let mut scene = Scene::new(true, false);
    scene.run("feature", Severity::Low);
    assert!(scene.say(PEOPLE[0], DISMISS, None));
    assert_eq!(scene.counts("feature", None), Ok(true));
    scene.run("feature", Severity::Critical);
    assert_eq!(scene.counts("feature", None), Err(Objection::SecondPerson));
    scene.run("feature", Severity::Low);
    assert_eq!(scene.counts("feature", None), Err(Objection::SecondPerson), "it was critical once");
    scene.say(PEOPLE[0], DISMISS, None);
    assert_eq!(scene.counts("feature", None), Err(Objection::SecondPerson), "the same person is no second one");
    scene.say(PEOPLE[1], DISMISS, None);
    assert_eq!(scene.counts("feature", None), Ok(true));
    scene.say(PEOPLE[0], Status::WontFix, None);
    assert_eq!(scene.counts("feature", None), Err(Objection::SecondPerson), "another word needs its own");
}

#[test]
fn the_author_who_dismisses_before_the_pull_request_is_still_its_author() {
    for within in [None, Some(7)] {
        let mut scene = Scene::new(false, false);
        scene.run("feature", Severity::High);
        if within.is_none() {
            assert!(scene.say(PEOPLE[0], DISMISS, None));
            assert_eq!(scene.counts("feature", None), Ok(true), "without a pull request");
        }
        scene.open(7, PEOPLE[0]);
        if within.is_some() {
            assert!(scene.say(PEOPLE[0], DISMISS, within));
        }
        assert_eq!(scene.counts("feature", Some(7)), Err(Objection::Author));
        if within.is_none() {
            assert_eq!(
                scene.counts("feature", None),
                Err(Objection::Author),
                "nor for a run that names no pull request"
            );
        }
        scene.merge(7);
        assert_eq!(scene.counts("main", None), Err(Objection::Author), "nor after the merge");
        scene.say(PEOPLE[1], DISMISS, None);
        assert_eq!(scene.counts("main", None), Ok(true));
    }
}

#[test]
fn an_approver_who_opens_the_pull_request_is_no_second_person() {
    let mut scene = Scene::new(true, false);
    scene.run("feature", Severity::Critical);
    scene.say(PEOPLE[0], DISMISS, None);
    scene.say(PEOPLE[1], DISMISS, None);
    assert_eq!(scene.counts("feature", None), Ok(true));
    scene.open(7, PEOPLE[1]);
    assert_eq!(scene.counts("feature", Some(7)), Err(Objection::SecondPerson));
    scene.say(PEOPLE[2], DISMISS, Some(7));
    assert_eq!(scene.counts("feature", Some(7)), Ok(true), "what is said everywhere supports it");
}

#[test]
fn rules_that_change_apply_to_what_was_said_before() {
    let mut scene = Scene::new(false, true);
    scene.run("feature", Severity::Critical);
    scene.say(PEOPLE[0], DISMISS, None);
    assert_eq!(scene.counts("feature", None), Ok(true));
    scene.policy.second_person = true;
    assert_eq!(scene.counts("feature", None), Err(Objection::SecondPerson));
    scene.policy = DismissalPolicy { reason_characters: 200, ..DismissalPolicy::default() };
    assert_eq!(scene.counts("feature", None), Err(Objection::Reason(200)));
    scene.policy = DismissalPolicy { accepted_risk_days: 1, ..DismissalPolicy::default() };
    let day = 86_400_000;
    scene.say_as(Actor::Account(PEOPLE[0].to_owned()), PEOPLE[0], Status::AcceptedRisk, None, Some(2 * day));
    assert_eq!(scene.counts("feature", None), Err(Objection::Expiry(1)));
}

#[test]
fn each_person_speaks_for_a_time() {
    let mut scene = Scene::new(true, true);
    scene.run("feature", Severity::Critical);
    let person = |name: &str| Actor::Account(name.to_owned());
    scene.say_as(person(PEOPLE[0]), PEOPLE[0], Status::AcceptedRisk, None, Some(1000));
    scene.say_as(person(PEOPLE[1]), PEOPLE[1], Status::AcceptedRisk, None, Some(2000));
    assert_eq!(scene.counts("feature", None), Ok(true));
    scene.world.now = 1000;
    assert_eq!(scene.counts("feature", None), Err(Objection::SecondPerson), "no one makes it longer alone");
    assert!(track::expire(&scene.world.state, 1999).is_empty());
    scene.world.now = 2000;
    assert_eq!(scene.counts("feature", None), Err(Objection::Expired), "also before anybody ended it");
    let changes: Changes = track::expire(&scene.world.state, 2000);
    scene.world.accept(changes);
    assert_eq!(scene.world.finding(CODE).triage.status, Status::NeedsTriage);
}

#[test]
fn a_program_is_nobodys_second_person() {
    let token = || Actor::Token("ci".to_owned());
    let mut scene = Scene::new(true, true);
    scene.run("feature", Severity::Critical);
    scene.say(PEOPLE[0], DISMISS, None);
    scene.say_as(token(), PEOPLE[1], DISMISS, None, None);
    assert_eq!(scene.counts("feature", None), Err(Objection::SecondPerson));
    scene.say(PEOPLE[1], DISMISS, None);
    assert_eq!(scene.counts("feature", None), Ok(true));
}

#[test]
fn the_worst_severity_moves_with_the_finding_and_falls_by_the_main_branch_or_an_admin() {
    let mut scene = Scene::new(true, true);
    scene.run("feature", Severity::Critical);
    scene.commits += 1;
    scene.world.push("feature", scene.commits);
    let moved = Sighting { severity: Severity::Low, ..code("r lib/a.rs a") };
    scene.world.scan_with("feature", scene.commits, vec![lint(&[moved])]);
    assert_eq!((scene.world.state.findings().count(), scene.world.finding(CODE).worst), (1, Severity::Critical));
    scene.say(PEOPLE[0], DISMISS, None);
    assert_eq!(scene.counts("feature", None), Err(Objection::SecondPerson));
    let id = scene.world.id(CODE);
    let admin = || Actor::Account("557058:admin".to_owned());
    let changes = track::lower_worst(&scene.world.state, id, Severity::Low, admin(), &"the rule was wrong".into(), 99);
    scene.world.accept(changes);
    assert_eq!(scene.counts("feature", None), Ok(true));
    assert!(track::lower_worst(&scene.world.state, id, Severity::Low, admin(), &"again".into(), 99).is_empty());

    let mut scene = Scene::new(true, true);
    scene.run("feature", Severity::Critical);
    scene.open(7, PEOPLE[0]);
    scene.merge(7);
    scene.say(PEOPLE[1], DISMISS, None);
    scene.commits += 1;
    let number = scene.commits;
    scene.world.push("main", number);
    let low = || vec![lint(&[Sighting { severity: Severity::Low, ..code(CODE) }])];
    let incomplete = vec![track::ToolRun { complete: false, ..low().remove(0) }];
    scene.world.scan_with("main", number, incomplete);
    assert_eq!(scene.counts("main", None), Err(Objection::SecondPerson), "it did not come to its end");
    scene.world.scan_with("main", number, low());
    assert_eq!(scene.counts("main", None), Ok(true));
    assert_eq!(scene.counts("feature", None), Err(Objection::SecondPerson), "where it is critical it is critical");
}

#[test]
fn lists_show_what_counts() {
    let mut scene = Scene::new(true, true);
    scene.run("feature", Severity::Low);
    scene.say(PEOPLE[0], DISMISS, None);
    let reconsidered = |scene: &mut Scene| {
        let changes = track::reconsider(&scene.world.state, None, &scene.policy, scene.world.now);
        scene.world.accept(changes);
        scene.world.finding(CODE).triage.shown()
    };
    assert_eq!(reconsidered(&mut scene), DISMISS);
    scene.run("feature", Severity::Critical);
    assert_eq!(reconsidered(&mut scene), Status::NeedsTriage);
    scene.say(PEOPLE[1], DISMISS, None);
    assert_eq!(reconsidered(&mut scene), DISMISS);
}

/// One fact.
#[derive(Clone, Debug)]
enum Fact {
    /// A run on a further commit, or on the given one of those that are there.
    Run(Severity),
    RunMain(Severity),
    Say(usize, Status, bool),
    Open(usize),
    Decline,
    Merge,
    Rules(bool, bool),
}

fn severity() -> impl Strategy<Value = Severity> {
    prop::sample::select(vec![Severity::Low, Severity::High, Severity::Critical])
}

fn fact() -> impl Strategy<Value = Fact> {
    let status = prop::sample::select(vec![DISMISS, DISMISS, DISMISS, Status::WontFix, Status::Confirmed]);
    prop_oneof![
        3 => severity().prop_map(Fact::Run),
        1 => severity().prop_map(Fact::RunMain),
        5 => (0..PEOPLE.len(), status, any::<bool>()).prop_map(|(who, status, within)| Fact::Say(who, status, within)),
        2 => (0..PEOPLE.len()).prop_map(Fact::Open),
        1 => Just(Fact::Decline),
        1 => Just(Fact::Merge),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(second, author)| Fact::Rules(second, author)),
    ]
}

/// A record by its definition: everybody who said the same since anybody said something else.
#[derive(Clone, Debug, Default)]
struct Record {
    status: Status,
    people: BTreeSet<usize>,
    since: i64,
}

impl Record {
    fn say(&mut self, who: usize, status: Status, now: i64) {
        if self.status == status && status.dismisses() {
            self.people.insert(who);
        } else if self.status != status || !self.people.contains(&who) {
            *self = Self { status, people: BTreeSet::from([who]), since: now };
        }
    }
}

/// What is known, by the definition.
#[derive(Default)]
struct Model {
    feature: Option<Severity>,
    main: Option<Severity>,
    worst: Option<Severity>,
    brought_by: Option<usize>,
    everywhere: Record,
    within: Option<Record>,
    open: Option<(u64, usize)>,
}

impl Model {
    /// Whether the finding is dismissed there.
    fn counts(&self, policy: &DismissalPolicy, severity: Severity, in_pull_request: bool, on_feature: bool) -> bool {
        let within = self.within.as_ref().filter(|_| in_pull_request);
        let record = within.unwrap_or(&self.everywhere);
        if !record.status.dismisses() {
            return false;
        }
        let mut people = record.people.clone();
        if within.is_some() && self.everywhere.status == record.status {
            people.extend(&self.everywhere.people);
        }
        if !policy.author_may_dismiss {
            if let Some((_, author)) = self.open.filter(|_| on_feature && (within.is_some() || self.main.is_none())) {
                people.remove(&author);
            }
            if let Some(author) = self.brought_by {
                people.remove(&author);
            }
        }
        let is_critical = self.worst.max(Some(severity)) == Some(Severity::Critical);
        people.len() >= if policy.second_person && is_critical { 2 } else { 1 }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Any story against the definition, after each of its steps.
    #[test]
    fn a_dismissal_counts_as_the_definition_says(facts in prop::collection::vec(fact(), 1..25)) {
        let (mut scene, mut model, mut numbers) = (Scene::new(false, false), Model::default(), 0);
        for fact in &facts {
            match *fact {
                Fact::Run(severity) => {
                    scene.run("feature", severity);
                    (model.feature, model.worst) = (Some(severity), model.worst.max(Some(severity)));
                }
                Fact::RunMain(severity) => {
                    if model.main.is_none() {
                        continue;
                    }
                    scene.run("main", severity);
                    // A complete run of the main branch sets it, up or down.
                    (model.main, model.worst) = (Some(severity), Some(severity));
                }
                Fact::Say(who, status, within) => {
                    if model.feature.is_none() || (within && model.open.is_none()) {
                        continue;
                    }
                    let number = model.open.map(|(number, _)| number).filter(|_| within);
                    prop_assert!(scene.say(PEOPLE[who], status, number));
                    let now = scene.world.now;
                    match number {
                        Some(_) => model.within.get_or_insert_default().say(who, status, now),
                        None => model.everywhere.say(who, status, now),
                    }
                }
                Fact::Open(who) => {
                    if model.open.is_none() && model.feature.is_some() {
                        numbers += 1;
                        scene.open(numbers, PEOPLE[who]);
                        model.open = Some((numbers, who));
                    }
                }
                Fact::Decline => {
                    if let Some((number, _)) = model.open.take() {
                        let changes = track::decline(&scene.world.state, number, &Actor::Bitbucket, scene.world.now);
                        scene.world.accept(changes);
                        model.within = None;
                    }
                }
                Fact::Merge => {
                    if let Some((number, author)) = model.open.take() {
                        scene.merge(number);
                        if model.main.is_none() {
                            (model.main, model.brought_by) = (model.feature, Some(author));
                        }
                        if let Some(mut said) = model.within.take().filter(|said| said.since >= model.everywhere.since) {
                            if said.status == model.everywhere.status && said.status.dismisses() {
                                said.people.extend(&model.everywhere.people);
                            }
                            model.everywhere = said;
                        }
                    }
                }
                Fact::Rules(second_person, author_may_dismiss) => {
                    (scene.policy.second_person, scene.policy.author_may_dismiss) = (second_person, author_may_dismiss);
                }
            }
            if let Some(severity) = model.feature {
                if let Some((number, _)) = model.open {
                    let expected = model.counts(&scene.policy, severity, true, true);
                    prop_assert_eq!(scene.counts("feature", Some(number)) == Ok(true), expected, "in the pull request after {:?}", fact);
                }
                let expected = model.counts(&scene.policy, severity, false, true);
                prop_assert_eq!(scene.counts("feature", None) == Ok(true), expected, "on the branch after {:?}", fact);
            }
            if let Some(severity) = model.main {
                let expected = model.counts(&scene.policy, severity, false, false);
                prop_assert_eq!(scene.counts("main", None) == Ok(true), expected, "on main after {:?}", fact);
            }
        }
    }

    /// The same facts in any order give the same verdict. What is not possible yet happens as soon
    /// as it is.
    #[test]
    fn the_order_of_the_facts_does_not_matter(
        severities in prop::collection::vec(severity(), 1..4),
        words in prop::collection::vec((0..PEOPLE.len(), any::<bool>()), 0..4),
        author in 0..PEOPLE.len(),
        rules in (any::<bool>(), any::<bool>()),
        seed in any::<u64>(),
        other in any::<u64>(),
    ) {
        let verdict = |seed: u64| {
            let mut scene = Scene::new(!rules.0, !rules.1);
            let runs: Vec<_> = severities.iter().enumerate().map(|(at, severity)| {
                let number = 200 + at as u32;
                scene.world.push("feature", number);
                scene.world.run_of("feature", number, vec![lint(&[Sighting { severity: *severity, ..code(CODE) }])])
            }).collect();
            let mut steps: Vec<usize> = (0..runs.len() + words.len() + 2).collect();
            let mut random = seed | 1;
            for at in (1..steps.len()).rev() {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                steps.swap(at, (random >> 33) as usize % (at + 1));
            }
            while !steps.is_empty() {
                steps.retain(|step| {
                    let done = match *step {
                        step if step < runs.len() => { scene.world.apply(&runs[step]); true }
                        step if step < runs.len() + words.len() => {
                            let (who, within) = words[step - runs.len()];
                            scene.say(PEOPLE[who], DISMISS, within.then_some(7))
                        }
                        step if step == runs.len() + words.len() => {
                            scene.open(7, PEOPLE[author]);
                            true
                        }
                        _ => {
                            (scene.policy.second_person, scene.policy.author_may_dismiss) = rules;
                            true
                        }
                    };
                    !done
                });
            }
            scene.counts("feature", Some(7))
        };
        prop_assert_eq!(verdict(seed), verdict(other));
    }
}
