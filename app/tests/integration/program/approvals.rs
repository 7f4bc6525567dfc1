//! Something critical is dismissed by two, wherever they say so.

use penstock_app::audit::Act;
use penstock_app::judgement::{Judge, Judged, Refused, Violation, approve, judge, lower_severity, reject, withdraw};
use penstock_app::review::Kept;
use penstock_app::settings::{Key, Value, set};
use penstock_app::store::workspace::{ApprovalState, Workspace, restored};
use penstock_app::track::{Actor, Decision, FindingId, Objection, Status};
use penstock_common::gate::Verdict;
use penstock_common::upload::answer::Answer;
use penstock_common::{BaseKind, Change, Severity, Uuid};
use penstock_sandbox::{Commit, Permission, Person};
use serde_json::{Value as Json, json};

use super::scenes;
use super::uploads::Scene;
use super::world::{REPOSITORY, finding, upload};

scenes!(
    a_second_person_approves_what_is_critical,
    who_proposed_it_takes_it_back_and_others_reject_it,
    two_people_ignore_something_critical_in_comments,
    no_other_tenant_decides,
    who_opened_a_pull_request_does_not_dismiss_what_it_brings,
    a_dismissal_counts_by_the_worst_severity_when_the_verdict_is_given,
    a_second_run_of_a_commit_takes_nothing_back,
    the_first_pull_request_is_compared_as_the_pipe_did,
);

/// A repository with something critical and something that is not on its main branch.
struct Case {
    scene: Scene,
    workspace: Workspace,
    repository: Uuid,
    critical: FindingId,
    low: FindingId,
}

impl Case {
    async fn new(scene: Scene) -> Self {
        let step = scene.sandbox.branch_step(REPOSITORY, "main").unwrap();
        let findings = [finding("bad", "a.rs", Severity::Critical), finding("low", "b.rs", Severity::Low)];
        scene.app.scan(&scene.sandbox, &step, &findings).await;
        let workspace = scene.app.state.store.for_workspace(scene.workspace());
        let repository = workspace.repositories().await.unwrap()[0].repository;
        let on = [(Key::SecondPerson, Some(Value::Switch(true)))];
        set(&workspace, None, &on, "admin", scene.app.state.now()).await.unwrap();
        let id = async |rule: &str| {
            let mut lane = workspace.lane(repository).await;
            let tracked = lane.state(&[]).await.unwrap();
            tracked.repository.findings().find(|one| one.rule == rule).unwrap().id
        };
        let (critical, low) = (id("bad").await, id("low").await);
        Self { scene, workspace, repository, critical, low }
    }

    async fn id(&self, rule: &str) -> FindingId {
        let mut lane = self.workspace.lane(self.repository).await;
        let tracked = lane.state(&[]).await.unwrap();
        tracked.repository.findings().find(|one| one.rule == rule).unwrap().id
    }

    async fn judge(&self, finding: FindingId, status: Status, account: &str) -> Result<Judged, Refused> {
        let state = &self.scene.app.state;
        let author = Actor::Account(account.to_owned());
        let (reason, account, now) = ("a test".into(), account.to_owned(), state.now());
        let decision = Decision { status, reason, author, account, expires: None, now };
        let wish = Judge { finding, pull_request: None, decision };
        judge(state, &self.workspace, self.repository, &wish).await
    }

    /// How many findings are dismissed by the verdict on a pull request.
    async fn dismissed_in(&self, number: u64) -> u64 {
        let row = self.workspace.pull_request_verdict(self.repository, number).await.unwrap().unwrap();
        restored::<Kept>(&row.body).unwrap().counts.dismissed
    }

    async fn name_of(&self, account: &str) -> Option<String> {
        self.workspace.name_of(account).await.unwrap()
    }

    /// What lists show of a finding.
    async fn status(&self, finding: FindingId) -> Status {
        let mut lane = self.workspace.lane(self.repository).await;
        lane.state(&[]).await.unwrap().repository.finding(finding).unwrap().triage.shown()
    }

    async fn acts(&self) -> Vec<(String, Act)> {
        let told = self.workspace.audit(Some(self.repository), u64::MAX, 20).await.unwrap();
        told.into_iter().rev().map(|(_, entry)| (entry.by, entry.act)).collect()
    }

    async fn triage(&self, token: &str, finding: FindingId) -> (u16, Json) {
        let base = &self.scene.app.base;
        let address = format!("{base}/api/v1/repositories/{}/findings/{finding}/triage", self.repository);
        let body = json!({"status": "false_positive", "reason": "a test"}).to_string();
        let request =
            reqwest::Client::new().post(address).bearer_auth(token).header("content-type", "application/json");
        let response = request.body(body).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }
}

async fn who_opened_a_pull_request_does_not_dismiss_what_it_brings(scene: Scene) {
    let case = Case::new(scene).await;
    let sandbox = &case.scene.sandbox;
    let author = sandbox.person("Ann Author");
    let theirs = sandbox.acting_as(&author.uuid).unwrap();
    sandbox.permit(REPOSITORY, &author.uuid, Permission::Write).unwrap();
    sandbox.branch(REPOSITORY, "feature", "main").unwrap();
    theirs.push(REPOSITORY, "feature", &Commit::new("More").write("c.rs", "1")).unwrap();
    let number = theirs.open_pull_request(REPOSITORY, "More", "feature", "main").unwrap();
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    let found = [
        finding("bad", "a.rs", Severity::Critical),
        finding("low", "b.rs", Severity::Low),
        finding("brought", "c.rs", Severity::Low),
    ];
    case.scene.app.scan(sandbox, &step, &found).await;
    case.scene.app.settle(sandbox).await;
    let brought = {
        let mut lane = case.workspace.lane(case.repository).await;
        let tracked = lane.state(&[]).await.unwrap();
        tracked.repository.findings().find(|one| one.rule == "brought").unwrap().id
    };
    // Bitbucket told his name with the pull request.
    assert_eq!(case.name_of(&author.account_id).await.as_deref(), Some("Ann Author"));
    // Said everywhere it would hold in the pull request, too.
    let told = case.judge(brought, Status::FalsePositive, &author.account_id).await.unwrap();
    assert_eq!(told, Judged::Waits(Objection::Author));
    case.scene.app.settle(sandbox).await;
    assert_eq!(case.dismissed_in(number).await, 0);
    // What the destination has already is no business of the pull request.
    assert_eq!(case.judge(case.low, Status::FalsePositive, &author.account_id).await.unwrap(), Judged::Holds);
    assert_eq!(case.judge(brought, Status::FalsePositive, "somebody else").await.unwrap(), Judged::Holds);
    case.scene.app.settle(sandbox).await;
    assert_eq!(case.dismissed_in(number).await, 2, "and what the destination has");
}

/// A pull request with one commit.
async fn pull_request(case: &Case) -> (u64, String) {
    let sandbox = &case.scene.sandbox;
    sandbox.branch(REPOSITORY, "feature", "main").unwrap();
    let head = sandbox.push(REPOSITORY, "feature", &Commit::new("F").write("n.rs", "1")).unwrap();
    (sandbox.open_pull_request(REPOSITORY, "F", "feature", "main").unwrap(), head)
}

async fn a_dismissal_counts_by_the_worst_severity_when_the_verdict_is_given(scene: Scene) {
    let case = Case::new(scene).await;
    let Scene { sandbox, app } = &case.scene;
    let (number, _) = pull_request(&case).await;
    let scan = async |severity| {
        let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
        app.scan(sandbox, &step, &[finding("new", "n.rs", severity)]).await;
        app.settle(sandbox).await;
    };
    let more = async || {
        sandbox
            .push(REPOSITORY, "feature", &Commit::new("M").write("m.rs", case.scene.app.state.now().to_string()))
            .unwrap();
        app.settle(sandbox).await;
    };
    scan(Severity::Low).await;
    let new = case.id("new").await;
    assert_eq!(case.judge(new, Status::FalsePositive, "me").await.unwrap(), Judged::Holds);
    app.settle(sandbox).await;
    assert_eq!(case.dismissed_in(number).await, 1);
    assert!(case.workspace.waiting_approval(case.repository, new, None).await.unwrap().is_none());
    for severity in [Severity::Critical, Severity::Low] {
        more().await;
        scan(severity).await;
        assert_eq!(case.dismissed_in(number).await, 0, "it was critical once");
    }
    assert_eq!(case.status(new).await, Status::NeedsTriage, "and lists show that");
    let comments = sandbox.comments(REPOSITORY, number).unwrap();
    assert!(
        comments
            .iter()
            .any(|one| one.raw.contains("needs a second person, because it was critical in the run of commit"))
    );
    // It is on the list of approvals by itself.
    let waiting = case.workspace.waiting_approval(case.repository, new, None).await.unwrap().unwrap();
    assert_eq!(waiting.new.proposer, "me");
    approve(&app.state, &case.workspace, case.repository, waiting.new.approval, "you").await.unwrap();
    app.settle(sandbox).await;
    assert_eq!((case.dismissed_in(number).await, case.status(new).await), (1, Status::FalsePositive));

    // An admin lowers it, and rules that change apply to what was said before.
    assert_eq!(case.judge(new, Status::WontFix, "me").await.unwrap(), Judged::Waits(Objection::SecondPerson));
    let lower = async || {
        lower_severity(&app.state, &case.workspace, case.repository, new, &"the rule was wrong".into(), "admin").await
    };
    assert!(lower().await.unwrap());
    assert!(!lower().await.unwrap());
    app.settle(sandbox).await;
    assert_eq!(case.dismissed_in(number).await, 1);
    assert!(matches!(case.acts().await.last().unwrap().1, Act::SeverityLowered { .. }));
    assert_eq!(case.judge(case.critical, Status::WontFix, "me").await.unwrap(), Judged::Waits(Objection::SecondPerson));
    let off = [(Key::SecondPerson, Some(Value::Switch(false)))];
    set(&case.workspace, None, &off, "admin", app.state.now()).await.unwrap();
    app.settle(sandbox).await;
    assert_eq!(case.status(case.critical).await, Status::WontFix);
    assert!(app.state.store.system().dead_jobs(10).await.unwrap().is_empty());
}

async fn a_second_run_of_a_commit_takes_nothing_back(scene: Scene) {
    let case = Case::new(scene).await;
    let Scene { sandbox, app } = &case.scene;
    let (number, head) = pull_request(&case).await;
    // The pull request and the branch have a status each.
    let state = || {
        let all = sandbox.statuses(REPOSITORY, &head).unwrap();
        let own = all.iter().find(|one| one["key"].as_str().unwrap().contains("pr-")).unwrap();
        own["state"].as_str().unwrap().to_owned()
    };
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    app.scan(sandbox, &step, &[finding("new", "n.rs", Severity::Critical)]).await;
    app.settle(sandbox).await;
    assert_eq!(state(), "FAILED");
    let answer = app.scan(sandbox, &step, &[]).await;
    assert_eq!(answer.gate.unwrap().verdict(), Verdict::Failed, "the step ends with the app's verdict");
    app.settle(sandbox).await;
    assert_eq!(state(), "FAILED");
    let comments = sandbox.comments(REPOSITORY, number).unwrap();
    let told = |words: &str| comments.iter().any(|one| one.raw.contains(words));
    assert!(told("no longer reports 1 finding that run 1 reported"), "{comments:?}");
    // Nor does a branch that is made at the commit, or another `NAME`.
    sandbox.branch(REPOSITORY, "again", "feature").unwrap();
    let step = sandbox.branch_step(REPOSITORY, "again").unwrap();
    let mut empty = upload(sandbox, &step, &[]);
    empty.name = "other".into();
    let (status, body) = app.send(&sandbox.oidc_token(&step, &[&app.base]), &empty).await;
    assert_eq!(
        (status, body["counts"]["existing"].as_u64().unwrap() + body["counts"]["new"].as_u64().unwrap()),
        (201, 1),
        "{body}"
    );
    app.settle(sandbox).await;
    assert_eq!(state(), "FAILED");
    // A person may mark it as a false alarm, and a new commit starts without it.
    case.judge(case.id("new").await, Status::FalsePositive, "me").await.unwrap();
    assert_eq!(case.judge(case.id("new").await, Status::FalsePositive, "you").await.unwrap(), Judged::Holds);
    // A job that has to be tried again is due later.
    for _ in 0..40 {
        app.settle(sandbox).await;
        if state() == "SUCCESSFUL" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    assert_eq!(state(), "SUCCESSFUL");
    assert!(app.state.store.system().dead_jobs(10).await.unwrap().is_empty());
}

async fn the_first_pull_request_is_compared_as_the_pipe_did(scene: Scene) {
    let Scene { sandbox, app } = &scene;
    sandbox.branch(REPOSITORY, "feature", "main").unwrap();
    let base = sandbox.tip(REPOSITORY, "main").unwrap();
    sandbox.push(REPOSITORY, "feature", &Commit::new("F").write("n.rs", "1")).unwrap();
    let number = sandbox.open_pull_request(REPOSITORY, "F", "feature", "main").unwrap();
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    let findings = [finding("new", "n.rs", Severity::Critical), finding("old", "o.rs", Severity::Critical)];
    let send = async |commit: &str| {
        let mut upload = upload(sandbox, &step, &findings);
        upload.run.findings[1].change = Some(Change::Existing);
        let base = &mut upload.run.comparison.as_mut().unwrap().base;
        (base.kind, base.commit) = (BaseKind::MergeBase, Some(commit.to_owned()));
        let (status, body) = app.send(&sandbox.oidc_token(&step, &[&app.base]), &upload).await;
        assert_eq!(status, 201, "{body}");
        restored::<Answer>(&body.to_string()).unwrap()
    };
    let answer = send(&base).await;
    assert_eq!((answer.counts.new, answer.counts.existing), (1, 1));
    let told = answer.base.unwrap();
    assert_eq!((told.kind, told.commit.as_deref()), (BaseKind::MergeBase, Some(base.as_str())));
    assert_eq!(answer.gate.unwrap().verdict(), Verdict::Failed);
    // Given again by a job, it is the same.
    app.settle(sandbox).await;
    let workspace = app.state.store.for_workspace(scene.workspace());
    let repository = workspace.repositories().await.unwrap()[0].repository;
    let row = workspace.pull_request_verdict(repository, number).await.unwrap().unwrap();
    let kept: Kept = restored(&row.body).unwrap();
    assert_eq!((kept.counts.new, kept.counts.existing, kept.base.kind), (1, 1, BaseKind::MergeBase));
    // A base that is none is not believed.
    let other = sandbox.push(REPOSITORY, "feature", &Commit::new("M").write("m.rs", "1")).unwrap();
    let answer = send(&other).await;
    assert_eq!(answer.base.map(|base| base.kind), Some(BaseKind::Unknown));
}

async fn a_second_person_approves_what_is_critical(scene: Scene) {
    let case = Case::new(scene).await;
    let state = &case.scene.app.state;
    let token = case.scene.token("triage", None).await;
    let (status, told) = case.triage(&token, case.critical).await;
    assert_eq!((status, &told["waits_for_approval"]), (202, &json!(true)), "{told}");
    assert_eq!(case.triage(&token, case.low).await.0, 200, "what is not critical needs nobody else");
    assert_eq!(case.status(case.critical).await, Status::NeedsTriage);
    assert_eq!(case.status(case.low).await, Status::FalsePositive);
    assert_eq!(case.triage(&token, case.critical).await.0, 202, "again is the same");
    let waiting = case.workspace.approvals(Some(case.repository), None, u128::MAX, 10).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].new.proposer.as_str()), (1, "me"));
    let id = waiting[0].new.approval;

    // The token was made by `me`.
    let own = approve(state, &case.workspace, case.repository, id, "me").await.unwrap_err();
    assert!(matches!(own, Refused::Policy(Violation::SecondPerson)), "{own}");
    let told = case.judge(case.critical, Status::FalsePositive, "me").await.unwrap();
    assert_eq!(told, Judged::Waits(Objection::SecondPerson));
    let id = id_of(&case).await;
    approve(state, &case.workspace, case.repository, id, "you").await.unwrap();
    assert_eq!(case.status(case.critical).await, Status::FalsePositive);
    let again = approve(state, &case.workspace, case.repository, id, "third").await.unwrap_err();
    assert!(matches!(again, Refused::NothingWaits), "{again}");
    let acts = case.acts().await;
    let names: Vec<String> =
        acts.iter().map(|(by, act)| format!("{by} {}", json!(act)["act"].as_str().unwrap())).collect();
    assert_eq!(names, ["me proposed", "me judged", "me judged", "you approved"]);
    let Act::Approved { proposer, judgement } = &acts[3].1 else { panic!("{acts:?}") };
    assert_eq!((proposer.as_str(), judgement.finding, judgement.reason.as_str()), ("me", case.critical, "a test"));
    case.scene.app.settle(&case.scene.sandbox).await;
    assert!(case.workspace.verify_audit().await.unwrap().is_ok());
    assert!(case.scene.app.state.store.system().dead_jobs(10).await.unwrap().is_empty());
}

async fn id_of(case: &Case) -> u128 {
    let waiting = case.workspace.waiting_approval(case.repository, case.critical, None).await.unwrap();
    waiting.unwrap().new.approval
}

async fn who_proposed_it_takes_it_back_and_others_reject_it(scene: Scene) {
    let case = Case::new(scene).await;
    let state = &case.scene.app.state;
    let propose = async || {
        let judged = case.judge(case.critical, Status::FalsePositive, "me").await.unwrap();
        assert_eq!(judged, Judged::Waits(Objection::SecondPerson));
        id_of(&case).await
    };
    let ended = async |id| case.workspace.approval(case.repository, id).await.unwrap().unwrap().state;
    let id = propose().await;
    let refused = withdraw(state, &case.workspace, case.repository, id, "you").await.unwrap_err();
    assert!(matches!(refused, Refused::Policy(Violation::NotTheProposer)), "{refused}");
    let refused = reject(state, &case.workspace, case.repository, id, "me").await.unwrap_err();
    assert!(matches!(refused, Refused::Policy(Violation::SecondPerson)), "{refused}");
    withdraw(state, &case.workspace, case.repository, id, "me").await.unwrap();
    assert_eq!(ended(id).await, ApprovalState::Withdrawn);
    let id = propose().await;
    reject(state, &case.workspace, case.repository, id, "you").await.unwrap();
    assert_eq!(ended(id).await, ApprovalState::Rejected);
    // Who says the opposite rejects it, too.
    let id = propose().await;
    assert_eq!(case.judge(case.critical, Status::Confirmed, "you").await.unwrap(), Judged::Holds);
    assert_eq!((ended(id).await, case.status(case.critical).await), (ApprovalState::Rejected, Status::Confirmed));
    // Without the policy nobody is waited for.
    let now = state.now();
    let off = [(Key::SecondPerson, Some(Value::Switch(false)))];
    assert!(set(&case.workspace, Some(case.repository), &off, "admin", now).await.is_err(), "it is the workspace's");
    set(&case.workspace, None, &off, "admin", now).await.unwrap();
    assert_eq!(case.judge(case.critical, Status::FalsePositive, "me").await.unwrap(), Judged::Holds);
}

async fn two_people_ignore_something_critical_in_comments(scene: Scene) {
    let case = Case::new(scene).await;
    let Scene { sandbox, app } = &case.scene;
    sandbox.branch(REPOSITORY, "feature", "main").unwrap();
    let head = sandbox.push(REPOSITORY, "feature", &Commit::new("F").write("n.rs", "1")).unwrap();
    let number = sandbox.open_pull_request(REPOSITORY, "F", "feature", "main").unwrap();
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    let new = finding("new", "n.rs", Severity::Critical);
    app.scan(sandbox, &step, std::slice::from_ref(&new)).await;
    app.settle(sandbox).await;
    let id = &new.fingerprints.primary.as_str()[4..14];
    let state = || sandbox.statuses(REPOSITORY, &head).unwrap()[0]["state"].as_str().unwrap().to_owned();
    let last = || sandbox.comments(REPOSITORY, number).unwrap().last().unwrap().raw.clone();
    let [wim, wanda, rob] = ["Wim", "Wanda", "Rob"].map(|name| sandbox.person(name));
    [&wim, &wanda].iter().for_each(|who| sandbox.permit(REPOSITORY, &who.uuid, Permission::Write).unwrap());
    sandbox.permit(REPOSITORY, &rob.uuid, Permission::Read).unwrap();
    let say = async |who: &Person| {
        let person = sandbox.acting_as(&who.uuid).unwrap();
        person.comment(REPOSITORY, number, &format!("/penstock ignore {id} it is a test")).unwrap();
        app.settle(sandbox).await;
    };
    say(&rob).await;
    assert!(last().contains("Only who may write"), "{}", last());
    say(&wim).await;
    assert!(last().contains("a second person has to agree"), "{}", last());
    say(&wim).await;
    assert!(last().contains("a second person has to agree"), "himself is nobody else: {}", last());
    assert_eq!(state(), "FAILED");
    say(&wanda).await;
    assert!(last().contains("is ignored in this pull request"), "{}", last());
    app.settle(sandbox).await;
    assert_eq!(state(), "SUCCESSFUL");
    // Who did something is known by name, and nobody else.
    assert_eq!(case.name_of(&wim.account_id).await.as_deref(), Some("Wim"));
    assert_eq!(case.name_of(&wanda.account_id).await.as_deref(), Some("Wanda"));
    assert_eq!(case.name_of(&rob.account_id).await, None);
}

async fn no_other_tenant_decides(scene: Scene) {
    let case = Case::new(scene).await;
    let Scene { sandbox, app } = &case.scene;
    sandbox.repository("other/thing").unwrap();
    app.install(sandbox, "other").await;
    let other = sandbox.installed().into_iter().find(|one| one.workspace == "other").unwrap();
    let other = app.state.store.for_workspace(other.workspace_uuid.parse().unwrap());
    case.judge(case.critical, Status::FalsePositive, "me").await.unwrap();
    let id = id_of(&case).await;
    app.settle(sandbox).await;
    let before = case.workspace.export().await.unwrap();
    for outcome in [
        approve(&app.state, &other, case.repository, id, "evil").await,
        reject(&app.state, &other, case.repository, id, "evil").await,
        withdraw(&app.state, &other, case.repository, id, "me").await,
    ] {
        assert!(matches!(outcome, Err(Refused::NothingWaits)), "{outcome:?}");
    }
    assert_eq!(case.workspace.export().await.unwrap(), before);
}
