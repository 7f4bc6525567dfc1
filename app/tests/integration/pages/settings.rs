//! The pages of settings, used by admins, and closed to everybody else.

use penstock_app::audit::Act;
use penstock_app::judgement::{Judge, Judged, judge};
use penstock_app::settings::{Key, Settings, Value, set};
use penstock_app::store::workspace::{ApprovalState, Workspace};
use penstock_app::track::{Actor, Decision, FindingId, Status};
use penstock_common::{Severity, Uuid};
use penstock_sandbox::{Fault, Permission, Route, Scene as Place};

use super::visitor::{Got, Visit, field, person, repository};
use crate::program::scenes;
use crate::program::uploads::Scene;
use crate::program::world::{REPOSITORY, finding};

scenes!(
    an_admin_sets_and_everybody_sees_where_it_comes_from,
    a_mistake_is_told_beside_its_field_and_nothing_is_set,
    a_repository_may_only_be_stricter_and_is_told_so,
    settings_are_closed_to_others,
    a_token_is_shown_once_and_revoked,
    a_webhook_is_made_and_removed,
    the_audit_log_is_paged_and_checked,
    the_connection_tells_what_does_not_work,
    two_people_decide_on_the_page,
    who_acts_is_called_by_the_name_that_bitbucket_tells,
    no_page_reaches_another_tenant,
);

/// What the pages and the actions of settings are, for whoever tries all of them.
const PAGES: [&str; 7] = ["settings", "tokens", "hook", "connection", "audit", "audit.jsonl", "approvals"];
const ACTIONS: [&str; 6] = ["settings", "make-token", "revoke-token", "make-hook", "remove-hook", "approvals"];

/// How a reason is shown that tries to be more, in one line.
const SHOWN: &str = "“&#60;b&#62;only&#60;/b&#62;\\u{202e} a test”";

/// A repository with something critical, and people.
struct Case {
    scene: Scene,
    workspace: Workspace,
    repository: Uuid,
    admin: String,
}

impl Case {
    async fn new(scene: Scene) -> Self {
        let step = scene.sandbox.branch_step(REPOSITORY, "main").unwrap();
        scene.app.scan(&scene.sandbox, &step, &[finding("bad", "a.rs", Severity::Critical)]).await;
        scene.app.settle(&scene.sandbox).await;
        let workspace = scene.app.state.store.for_workspace(scene.workspace());
        let repository = workspace.repositories().await.unwrap()[0].repository;
        let admin = person(&scene, "Ada Admin", Permission::Admin);
        Self { scene, workspace, repository, admin }
    }

    /// In the repository's settings.
    async fn inside(&self) -> Visit<'_> {
        let visit = Visit::new(&self.scene, "repository-settings", &repository(&self.admin)).await;
        assert_eq!(visit.first, "settings");
        visit
    }

    /// In the workspace's, as the one who owns it.
    async fn above(&self) -> Visit<'_> {
        let owner = self.scene.sandbox.owner().uuid;
        let visit = Visit::new(&self.scene, "workspace-settings", &Place::new().seen_by(&owner)).await;
        assert_eq!(visit.first, "workspace-settings");
        visit
    }

    /// Sends the form for an action that a page has.
    async fn send(&self, visit: &Visit<'_>, page: &str, action: &str, fields: &[(&str, &str)]) -> Got {
        let body = visit.get(page).await.body;
        let begin = body.find(&format!("action=\"{action}\"")).unwrap_or_else(|| panic!("no form {action}: {body}"));
        let token = field(&body[begin..], "token");
        let form: Vec<(&str, &str)> = [("token", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        visit.post_from(action, &form, Some(&self.scene.app.base)).await
    }

    async fn settings(&self) -> Settings {
        Settings::of(&self.workspace, Some(self.repository)).await.unwrap()
    }

    async fn critical(&self) -> FindingId {
        let mut lane = self.workspace.lane(self.repository).await;
        lane.state(&[]).await.unwrap().repository.findings().next().unwrap().id
    }

    async fn propose(&self, account: &str) -> u128 {
        let state = &self.scene.app.state;
        let on = [(Key::SecondPerson, Some(Value::Switch(true)))];
        set(&self.workspace, Some(self.repository), &on, "admin", state.now()).await.unwrap();
        let decision = Decision {
            status: Status::FalsePositive,
            reason: "<b>only</b>\u{202e} a\r\ntest".into(),
            author: Actor::Account(account.to_owned()),
            account: account.to_owned(),
            expires: None,
            now: state.now(),
        };
        let finding = self.critical().await;
        let wish = Judge { finding, pull_request: None, decision };
        let judged = judge(state, &self.workspace, self.repository, &wish).await.unwrap();
        assert!(matches!(judged, Judged::Waits(_)), "{judged:?}");
        let waiting = self.workspace.waiting_approval(self.repository, finding, None).await.unwrap();
        waiting.unwrap().new.approval
    }
}

fn led_to(got: &Got) -> (u16, &str) {
    (got.status, got.headers.get("location").map_or("", |to| to.to_str().unwrap()))
}

async fn an_admin_sets_and_everybody_sees_where_it_comes_from(scene: Scene) {
    let case = Case::new(scene).await;
    let above = case.above().await;
    let fields = [("waiting_minutes", "7"), ("gate", "any.critical <= 0\r\n"), ("default_audience", "true")];
    let got = case.send(&above, "workspace-settings", "settings", &fields).await;
    assert_eq!(led_to(&got), (303, "settings?done=1"), "{}", got.body);
    assert!(above.get("settings?done=1").await.text().contains("The settings are kept."));

    let visit = case.inside().await;
    let shown = visit.get("settings").await;
    assert_eq!(shown.status, 200);
    let text = shown.text();
    assert!(text.contains("From the workspace: 7"), "{text}");
    assert!(text.contains("From the workspace, beside these: any.critical &#60;= 0"), "{text}");
    assert!(text.contains("Usually: 3") && !text.contains("meant for nobody"), "{text}");
    assert!(shown.body.contains("name=\"post_status\"") && !shown.body.contains("name=\"run_days\""));
    let fields = [("waiting_minutes", "9"), ("gate", "new.high <= 1"), ("post_status", "false"), ("missing_scan", "")];
    assert_eq!(led_to(&case.send(&visit, "settings", "settings", &fields).await).0, 303);
    let settings = case.settings().await;
    assert_eq!((settings.wait(), settings.floor().len(), settings.posts_status()), (9 * 60_000, 2, false));
    let shown = visit.get("settings").await;
    assert!(shown.text().contains("Set here by"), "{}", shown.text());
    assert_eq!(field(&shown.body, "waiting_minutes"), "9");
    // Emptied, what holds above holds again; what the form does not name stays.
    assert_eq!(led_to(&case.send(&visit, "settings", "settings", &[("waiting_minutes", "")]).await).0, 303);
    let settings = case.settings().await;
    assert_eq!((settings.wait(), settings.posts_status()), (7 * 60_000, false));
    let told = case.workspace.audit(Some(case.repository), u64::MAX, 10).await.unwrap();
    assert_eq!(told.len(), 4, "what did not change is not told: {told:?}");
    assert!(shown.body.len() < 30_000, "{}", shown.body.len());
}

async fn a_mistake_is_told_beside_its_field_and_nothing_is_set(scene: Scene) {
    let case = Case::new(scene).await;
    let visit = case.inside().await;
    let fields = [("waiting_minutes", "0"), ("gate", "new.high <= 0\n<b>"), ("reason_characters", "9")];
    let got = case.send(&visit, "settings", "settings", &fields).await;
    let text = got.text();
    assert_eq!(got.status, 422);
    assert!(text.contains("Nothing was set: 2 fields are wrong"), "{text}");
    assert!(text.contains("This must be a whole number from 1 to 1440."), "{text}");
    assert!(text.contains("Line 2: write"), "{text}");
    assert_eq!(
        (field(&got.body, "waiting_minutes"), field(&got.body, "reason_characters")),
        ("0".to_owned(), "9".to_owned())
    );
    assert!(got.body.contains("aria-invalid=\"true\"") && !got.body.contains("<b>"), "what was entered is text");
    assert!(case.workspace.settings(Some(case.repository)).await.unwrap().is_empty());
    // What is the workspace's is not the repository's to set, also in a form that somebody made.
    let got = case.send(&visit, "settings", "settings", &[("run_days", "50")]).await;
    assert_eq!(led_to(&got).0, 303, "it is passed over");
    assert!(case.workspace.settings(Some(case.repository)).await.unwrap().is_empty());
}

async fn a_repository_may_only_be_stricter_and_is_told_so(scene: Scene) {
    let case = Case::new(scene).await;
    let (above, visit) = (case.above().await, case.inside().await);
    assert!(above.get("settings").await.text().contains("a repository may only be stricter."));
    let stricter = "A repository may only be stricter than its workspace.";
    assert!(!visit.get("settings").await.text().contains(stricter), "nobody set anything");
    let loose = [("reason_characters", "5"), ("author_may_dismiss", "true")];
    assert_eq!(led_to(&case.send(&visit, "settings", "settings", &loose).await).0, 303);
    let fields = [("reason_characters", "10"), ("second_person", "true")];
    assert_eq!(led_to(&case.send(&above, "workspace-settings", "settings", &fields).await).0, 303);
    let text = visit.get("settings").await.text();
    assert!(text.contains("From the workspace: 10") && text.contains(stricter), "{text}");
    assert!(text.contains("The workspace is stricter than what is set here, so what it says holds."), "{text}");
    assert_eq!(case.settings().await.policy().reason_characters, 10);

    let fields = [("second_person", "false"), ("reason_characters", "9"), ("author_may_dismiss", "false")];
    let got = case.send(&visit, "settings", "settings", &fields).await;
    let text = got.text();
    assert_eq!(got.status, 422);
    assert!(text.contains("Nothing was set: 2 fields are wrong"), "{text}");
    assert!(text.contains("The workspace is stricter: a repository may tighten this, not loosen it."), "{text}");
    let policy = case.settings().await.policy();
    assert!(policy.second_person && policy.author_may_dismiss, "all or nothing");
    let fields = [("reason_characters", "11"), ("second_person", "true")];
    assert_eq!(led_to(&case.send(&visit, "settings", "settings", &fields).await).0, 303);
    assert_eq!(case.settings().await.policy().reason_characters, 11);
}

async fn settings_are_closed_to_others(scene: Scene) {
    let case = Case::new(scene).await;
    let scene = &case.scene;
    let writer = person(scene, "Wim Writer", Permission::Write);
    let visit = Visit::new(scene, "repository-panel", &repository(&writer)).await;
    for page in PAGES.into_iter().filter(|page| *page != "approvals") {
        let got = visit.get(page).await;
        assert_eq!(got.status, 403, "{page}");
        assert!(got.text().contains("Settings are for admins of the repository."), "{page}: {}", got.text());
    }
    assert_eq!(visit.get("approvals").await.status, 200, "who reads findings sees what waits");
    // The form of an admin's view is worth nothing in another one, nor from another site, nor for another action.
    let admin = case.inside().await;
    let before = case.workspace.export().await.unwrap();
    for action in ACTIONS {
        let token = admin.form_token(&scene.app.state, action).await;
        let form = [("token", token.as_str()), ("waiting_minutes", "9"), ("name", "x"), ("read", "on"), ("days", "1")];
        assert_eq!(visit.post_from(action, &form, Some(&scene.app.base)).await.status, 403, "{action}");
        assert_eq!(admin.post_from(action, &form, Some("https://evil.example")).await.status, 403, "{action}");
        assert_eq!(admin.post_from(action, &form, None).await.status, 403, "{action}");
        let other = if action == "settings" { "make-token" } else { "settings" };
        assert_eq!(admin.post_from(other, &form, Some(&scene.app.base)).await.status, 403, "{action} as {other}");
    }
    // A right that ended in Bitbucket ends here, at once.
    let body = admin.get("settings").await.body;
    scene.sandbox.permit(REPOSITORY, &case.admin, Permission::Write).unwrap();
    let form = [("token", field(&body, "token")), ("waiting_minutes", "9".to_owned())];
    let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(admin.post_from("settings", &form, Some(&scene.app.base)).await.status, 403);
    // The workspace's are for who owns it, whatever he may in a repository.
    let nobody = Visit::new(scene, "workspace-settings", &Place::new().seen_by(&writer)).await;
    for page in ["workspace-settings", "settings", "tokens", "audit"] {
        assert_eq!(nobody.get(page).await.status, 403, "{page}");
    }
    for page in ["hook", "connection", "approvals"] {
        assert_eq!(case.above().await.get(page).await.status, 404, "{page} is a repository's");
    }
    assert_eq!(case.workspace.export().await.unwrap(), before);
}

async fn a_token_is_shown_once_and_revoked(scene: Scene) {
    let case = Case::new(scene).await;
    let visit = case.inside().await;
    let wrong = case.send(&visit, "tokens", "make-token", &[("name", "ci"), ("days", "9")]).await;
    assert!(wrong.status == 422 && wrong.text().contains("The token needs a scope."), "{}", wrong.text());
    assert_eq!(field(&wrong.body, "name"), "ci");
    let fields = [("name", "ci"), ("read", "on"), ("days", "9")];
    let made = case.send(&visit, "tokens", "make-token", &fields).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let begin = made.body.find("<code>penstock_").unwrap() + 6;
    let token = made.body[begin..].split('<').next().unwrap().to_owned();
    let address = format!("{}/api/v1/repositories/{}/findings", case.scene.app.base, case.repository);
    let ask = async || reqwest::Client::new().get(&address).bearer_auth(&token).send().await.unwrap().status().as_u16();
    assert_eq!(ask().await, 200);
    let listed = visit.get("tokens").await;
    assert!(!listed.body.contains(&token) && listed.text().contains("one repository"), "{}", listed.text());
    let again = case.send(&visit, "tokens", "make-token", &fields).await;
    assert!(again.status == 422 && again.text().contains("active token with this name"), "{}", again.text());

    // One of the whole workspace is not a repository's to end, and not shown there.
    let above = case.above().await;
    case.send(&above, "tokens", "make-token", &[("name", "all"), ("triage", "on"), ("days", "1")]).await;
    let known = case.workspace.tokens().await.unwrap();
    let id = |name: &str| {
        let id = known.iter().find(|one| one.name == name).unwrap().token;
        Uuid::from(id.to_be_bytes()).to_string()
    };
    let listed = visit.get("tokens").await;
    assert!(!listed.text().contains("all repositories"), "{}", listed.text());
    assert_eq!(case.send(&visit, "tokens", "revoke-token", &[("id", &id("all"))]).await.status, 404);
    assert_eq!(
        led_to(&case.send(&visit, "tokens", "revoke-token", &[("id", &id("ci"))]).await),
        (303, "tokens?done=1")
    );
    assert_eq!(ask().await, 401);
    assert!(visit.get("tokens").await.text().contains("Revoked"));
    assert_eq!(led_to(&case.send(&above, "tokens", "revoke-token", &[("id", &id("all"))]).await).0, 303);
}

async fn a_webhook_is_made_and_removed(scene: Scene) {
    let case = Case::new(scene).await;
    let visit = case.inside().await;
    let made = case.send(&visit, "hook", "make-hook", &[]).await;
    let hook = case.workspace.hooks(Some(case.repository)).await.unwrap()[0].hook;
    let known = case.scene.app.state.store.system().hook(hook).await.unwrap().unwrap();
    assert!(made.status == 200 && made.body.contains(known.secret.expose()), "{}", made.body);
    let shown = visit.get("hook").await;
    assert!(!shown.body.contains(known.secret.expose()), "its secret is shown once");
    assert!(shown.text().contains(&format!("{}/hooks/", case.scene.app.base)) && shown.text().contains("repo:push"));
    let got = case.send(&visit, "hook", "remove-hook", &[("id", &Uuid::from([9; 16]).to_string())]).await;
    assert_eq!(got.status, 404);
    let got = case.send(&visit, "hook", "remove-hook", &[("id", &hook.to_string())]).await;
    assert_eq!(led_to(&got), (303, "hook?done=1"));
    assert!(case.workspace.hooks(None).await.unwrap().is_empty());
}

async fn the_audit_log_is_paged_and_checked(scene: Scene) {
    let case = Case::new(scene).await;
    let now = case.scene.app.state.now();
    for number in 1..=60 {
        let minutes = [(Key::WaitingMinutes, Some(Value::Number(number)))];
        set(&case.workspace, Some(case.repository), &minutes, "a:1", now).await.unwrap();
    }
    let on = [(Key::SecondPerson, Some(Value::Switch(true)))];
    set(&case.workspace, None, &on, "operator", now).await.unwrap();
    let mut write = case.workspace.write().await.unwrap();
    write.person("a:1", &"Ann <Example>".into(), now).await.unwrap();
    write.commit().await.unwrap();
    let visit = case.inside().await;
    let first = visit.get("audit").await;
    let text = first.text();
    assert!(text.contains("Ann &#60;Example&#62; a:1 set waiting_minutes from 59 to 60"), "{text}");
    assert!(!text.contains("second_person"), "what is the workspace's stands there: {text}");
    assert!(first.body.contains("audit?before=11") && !text.contains("from 9 to 10"), "{text}");
    let second = visit.get("audit?before=11").await.text();
    assert!(
        second.contains("from 9 to 10") && second.contains("from nothing to 1") && !second.contains("Older"),
        "{second}"
    );
    let checked = case.above().await.get("audit?check=1").await.text();
    assert!(checked.contains("The log of the workspace is whole: 61 entries"), "{checked}");
    assert!(checked.contains("the operator set second_person from nothing to true"), "{checked}");
    assert_eq!(visit.get("audit?before=x").await.status, 400);
    // As a file: all of the workspace, or what is about the repository.
    let lines =
        |body: &str| body.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<serde_json::Value>>();
    let file = visit.get("audit.jsonl?after=59").await;
    assert_eq!(file.headers["content-type"], "application/x-ndjson");
    let ours = lines(&file.body);
    assert!(ours.len() == 1 && ours[0]["number"] == 60 && ours[0]["new"] == 60, "{ours:?}");
    let above = lines(&case.above().await.get("audit.jsonl").await.body);
    assert!(above.len() == 61 && above[60]["name"] == "second_person", "{}", above.len());
}

async fn the_connection_tells_what_does_not_work(scene: Scene) {
    let case = Case::new(scene).await;
    let visit = case.inside().await;
    let text = visit.get("connection").await.text();
    for words in [
        "The app gets tokens.",
        "The app can read it.",
        "Bitbucket tells that you are an admin.",
        "requests to Bitbucket are left",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let off = [(Key::PostComment, Some(Value::Switch(false)))];
    set(&case.workspace, None, &off, "a:1", case.scene.app.state.now()).await.unwrap();
    // Also where nobody can be told to be an admin, which is what has to be found out here.
    let rights = Route::new("GET", "/2.0/workspaces/*/permissions/repositories/*");
    case.scene.sandbox.fault(rights, Fault::status(403), 2);
    let got = visit.get("connection").await;
    let text = got.text();
    assert_eq!(got.status, 200, "{text}");
    assert!(text.contains("Switched off It is switched off in the workspace"), "{text}");
    assert!(text.contains("What people may do Does not work Bitbucket does not let the app do this"), "{text}");
}

async fn two_people_decide_on_the_page(scene: Scene) {
    let case = Case::new(scene).await;
    let sandbox = &case.scene.sandbox;
    let writer = sandbox.person("Wim Writer");
    let reader = person(&case.scene, "Rea Reader", Permission::Read);
    sandbox.permit(REPOSITORY, &writer.uuid, Permission::Write).unwrap();
    let state = async |id| case.workspace.approval(case.repository, id).await.unwrap().unwrap().state;
    let decide = async |who: &str, id: u128, decision: &str| {
        let visit = Visit::new(&case.scene, "repository-page", &repository(who)).await;
        let id = Uuid::from(id.to_be_bytes()).to_string();
        case.send(&visit, "approvals", "approvals", &[("id", &id), ("decision", decision)]).await
    };
    let own = writer.account_id.clone();
    let id = case.propose(&own).await;
    let shown = Visit::new(&case.scene, "repository-page", &repository(&writer.uuid)).await.get("approvals").await;
    assert!(shown.body.contains("Take back") && !shown.body.contains("value=\"approve\""), "{}", shown.body);
    assert!(shown.body.contains(SHOWN), "{}", shown.body);
    let findings = Visit::new(&case.scene, "repository-page", &repository(&reader)).await.get("findings").await;
    assert!(findings.text().contains("Something critical waits for a second person"), "{}", findings.text());
    assert_eq!(decide(&reader, id, "approve").await.status, 403);
    let got = decide(&writer.uuid, id, "approve").await;
    assert!(got.status == 422 && got.text().contains("somebody else has to"), "{}", got.text());
    assert_eq!(led_to(&decide(&writer.uuid, id, "withdraw").await), (303, "approvals?done=1"));
    assert_eq!(state(id).await, ApprovalState::Withdrawn);
    let id = case.propose("other:1").await;
    assert_eq!(led_to(&decide(&writer.uuid, id, "reject").await).0, 303);
    assert_eq!(state(id).await, ApprovalState::Rejected);
    let id = case.propose("other:1").await;
    assert_eq!(led_to(&decide(&writer.uuid, id, "approve").await).0, 303);
    assert_eq!(state(id).await, ApprovalState::Approved);
    let critical = case.critical().await;
    let mut lane = case.workspace.lane(case.repository).await;
    assert_eq!(
        lane.state(&[]).await.unwrap().repository.finding(critical).unwrap().triage.status,
        Status::FalsePositive
    );
    drop(lane);
    let told = case.workspace.audit(Some(case.repository), u64::MAX, 1).await.unwrap();
    assert!(matches!(&told[0].1.act, Act::Approved { proposer, .. } if proposer == "other:1"));
    assert_eq!(told[0].1.by, own);
    let text = Visit::new(&case.scene, "repository-page", &repository(&reader)).await.get("approvals").await.text();
    assert!(text.contains("Nothing waits.") && text.contains("Approved") && text.contains("Rejected"), "{text}");
    let visit = Visit::new(&case.scene, "repository-page", &repository(&reader)).await;
    let text = visit.get(&format!("finding?id={critical}")).await.text();
    assert_eq!((text.matches(SHOWN).count(), text.contains('\u{202e}')), (4, false), "as it is and as it came: {text}");
    case.scene.app.settle(sandbox).await;
}

async fn who_acts_is_called_by_the_name_that_bitbucket_tells(scene: Scene) {
    let case = Case::new(scene).await;
    let (sandbox, app) = (&case.scene.sandbox, &case.scene.app);
    let writer = sandbox.person("Wim <i>Writer</i>\u{202e}");
    let (account, name) = (writer.account_id.as_str(), "Wim &#60;i&#62;Writer&#60;/i&#62;\\u{202e}");
    sandbox.permit(REPOSITORY, &writer.uuid, Permission::Write).unwrap();
    let id = Uuid::from(case.propose(account).await.to_be_bytes()).to_string();
    let visit = Visit::new(&case.scene, "repository-page", &repository(&writer.uuid)).await;
    let text = visit.get("approvals").await.text();
    assert!(text.contains(&format!("account {account}, ")), "who only looks is not asked about: {text}");
    let got = case.send(&visit, "approvals", "approvals", &[("id", &id), ("decision", "withdraw")]).await;
    assert_eq!(led_to(&got), (303, "approvals?done=1"));
    let text = visit.get("approvals").await.text();
    assert!(text.contains(&format!("{name}, ")) && !text.contains(account), "{text}");
    let admin = case.inside().await;
    let text = admin.get("audit").await.text();
    assert!(text.contains(&format!("{name} {account} took back a proposal")) && text.contains(SHOWN), "{text}");

    // Another tenant does not know him, whom he works for as well.
    sandbox.repository("other/thing").unwrap();
    app.install(sandbox, "other").await;
    let other = sandbox.installed().into_iter().find(|one| one.workspace == "other").unwrap();
    let other = app.state.store.for_workspace(other.workspace_uuid.parse().unwrap());
    set(&other, None, &[(Key::WaitingMinutes, Some(Value::Number(7)))], account, app.state.now()).await.unwrap();
    let owner = sandbox.owner();
    let url =
        sandbox.frame(crate::program::world::APP, "other", "workspace-settings", &Place::new().seen_by(&owner.uuid));
    let above = Visit::through(&case.scene, &url.unwrap()).await;
    let text = above.get("audit").await.text();
    assert!(text.contains(&format!("account {account} set waiting_minutes")) && !text.contains("Wim"), "{text}");
    assert_eq!(other.name_of(&owner.account_id).await.unwrap(), None, "who only looks is not kept");
    case.send(&above, "settings", "settings", &[("waiting_minutes", "8")]).await;
    assert_eq!(other.name_of(&owner.account_id).await.unwrap(), Some(owner.name));
    assert_eq!(case.workspace.name_of(&owner.account_id).await.unwrap(), None);

    // Nobody is called what the pages themselves are called.
    let mut write = case.workspace.write().await.unwrap();
    write.person(account, &"The Operator".into(), app.state.now()).await.unwrap();
    write.commit().await.unwrap();
    let text = admin.get("audit").await.text();
    assert!(text.contains(&format!("account {account} took back")) && !text.contains("Operator"), "{text}");
    // A name is forgotten; what he did is not, and its chain is whole.
    let mut write = case.workspace.write().await.unwrap();
    write.person(account, &"Wim".into(), app.state.now()).await.unwrap();
    write.erase_person(account).await.unwrap();
    write.commit().await.unwrap();
    let text = admin.get("audit?check=1").await.text();
    assert!(text.contains(&format!("account {account} took back")) && text.contains("log of the workspace is whole"));
}

async fn no_page_reaches_another_tenant(scene: Scene) {
    let case = Case::new(scene).await;
    let (sandbox, app) = (&case.scene.sandbox, &case.scene.app);
    let id = case.propose("other:1").await;
    let base = app.state.config.base.clone();
    let hook = penstock_app::settings::hooks::make(&case.workspace, case.repository, &base, "a:1", app.state.now());
    let hook = hook.await.unwrap().hook.to_string();
    case.scene.token("read", None).await;
    let token = Uuid::from(case.workspace.tokens().await.unwrap()[0].token.to_be_bytes()).to_string();
    app.settle(sandbox).await;
    let before = case.workspace.export().await.unwrap();

    // Who owns another workspace, and everything in it.
    sandbox.repository("other/thing").unwrap();
    app.install(sandbox, "other").await;
    let owner = sandbox.owner().uuid;
    let place = Place::new().in_repository("other/thing").seen_by(&owner);
    let url = sandbox.frame(crate::program::world::APP, "other", "repository-settings", &place).unwrap();
    let visit = Visit::through(&case.scene, &url).await;
    for page in PAGES {
        let text = visit.get(page).await.text();
        assert!(!text.contains("bad") && !text.contains("ci ") && !text.contains("a:1"), "{page}: {text}");
    }
    let approval = Uuid::from(id.to_be_bytes()).to_string();
    let fields = [("id", approval.as_str()), ("decision", "approve")];
    let body = visit.get("settings").await;
    assert_eq!(body.status, 200, "{}", body.text());
    for (action, fields) in [
        ("approvals", &fields[..]),
        ("revoke-token", &[("id", token.as_str())]),
        ("remove-hook", &[("id", hook.as_str())]),
    ] {
        let form_token = visit.form_token(&app.state, action).await;
        let form: Vec<_> = [("token", form_token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        assert_eq!(visit.post_from(action, &form, Some(&app.base)).await.status, 404, "{action}");
    }
    assert_eq!(case.workspace.export().await.unwrap(), before);
}
