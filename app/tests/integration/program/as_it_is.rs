//! Bitbucket as it is reported to be: it refuses apps at `/user`, sends webhooks in two shapes with
//! any text in them, and does not send them again.

use std::time::Duration;

use penstock_app::crypto::MasterKeys;
use penstock_app::door;
use penstock_app::store::system::TenantState;
use penstock_common::{Severity, Uuid};
use penstock_sandbox::{Commit, Install, Mishap};
use serde_json::json;

use super::uploads::Scene;
use super::world::{APP, App, REPOSITORY, WORKSPACE, client, finding, shop};

const WEBHOOKS: &str = "/connect/webhooks";
const INSTALLED: &str = "/connect/installed";

/// Posts bytes as they are, and hands back the status.
async fn post(app: &App, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> u16 {
    let mut request = client().post(format!("{}{path}", app.base)).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_app_that_may_not_ask_who_it_is_is_installed_and_finds_its_comment() {
    for (status, is_registered) in [(401, false), (403, false), (403, true)] {
        let sandbox = shop();
        sandbox.refuse_user_to_apps(Some(status));
        let app = App::start(&sandbox, None).await;
        let wish = Install::new(WORKSPACE, &format!("{}/atlassian-connect.json", app.base));
        let wish = if is_registered { wish.registered() } else { wish };
        tokio::task::block_in_place(|| sandbox.install(&wish)).unwrap();
        let system = app.state.store.system();
        let tenants = system.tenants().await.unwrap();
        assert_eq!((tenants.len(), tenants[0].state), (1, TenantState::Active), "at once, {status} {is_registered}");
        assert!(system.waiting_candidates(10).await.unwrap().is_empty());

        // Among copies of it, also when what was posted last is not known any more.
        let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
        app.scan(&sandbox, &step, &[]).await;
        sandbox.branch(REPOSITORY, "feature", "main").unwrap();
        sandbox.push(REPOSITORY, "feature", &Commit::new("Feature").write("c.rs", "1")).unwrap();
        let number = sandbox.open_pull_request(REPOSITORY, "Feature", "feature", "main").unwrap();
        let comments = || {
            let all = sandbox.comments(REPOSITORY, number).unwrap();
            all.into_iter().filter(|comment| !comment.is_deleted).map(|comment| comment.raw).collect::<Vec<_>>()
        };
        for round in 1..=2 {
            let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
            app.scan(&sandbox, &step, &[finding(&format!("rule-{round}"), "c.rs", Severity::High)]).await;
            app.settle(&sandbox).await;
            assert!(comments()[0].contains(&format!("rule-{round}")), "{:?}", comments());
            assert_eq!(comments().len(), if round == 1 { 1 } else { 8 });
            if round == 1 {
                let copy = comments().remove(0);
                (0..7).for_each(|_| assert!(sandbox.comment(REPOSITORY, number, &copy).unwrap() > 0));
                sandbox.push(REPOSITORY, "feature", &Commit::new("More").write("c.rs", "2")).unwrap();
                app.settle(&sandbox).await;
            }
        }
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_somebody_else_claims_is_not_installed_and_says_what_it_waits_for() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    sandbox.refuse_user_to_apps(Some(403));
    sandbox.workspace("eve").unwrap();
    app.install(sandbox, "eve").await;
    let system = app.state.store.system();
    assert_eq!(system.tenants().await.unwrap().len(), 2);
    // An unknown secret, for another workspace.
    let secret = ["no", "such", "secret", "at", "all"].join("-");
    let body = json!({"key": APP, "clientKey": "connection:99", "sharedSecret": secret,
        "eventType": "installed", "productType": "bitbucket", "principal": {"type": "team", "uuid": scene.workspace().braced()}});
    assert_eq!(post(app, INSTALLED, &[], body.to_string().into_bytes()).await, 204);
    let waiting = system.waiting_candidates(10).await.unwrap();
    let [one] = &waiting[..] else { panic!("one waits") };
    assert_eq!(one.claimed, Some(scene.workspace()));
    let line = door::waiting_line(one, app.state.now());
    assert!(line.starts_with("installation connection:99: not proven for "), "{line}");
    assert!(line.contains(": Bitbucket does not accept the installation's secret; given up in "), "{line}");
    assert!(!line.contains("no-such-secret"), "{line}");
    assert_eq!(system.tenants().await.unwrap().len(), 2);
}

/// A webhook about a pull request of which nothing else is known.
struct Untold {
    scene: Scene,
    repository: Uuid,
    number: u64,
}

impl Untold {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let Scene { sandbox, app } = &scene;
        let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
        app.scan(sandbox, &step, &[]).await;
        app.settle(sandbox).await;
        sandbox.mishap(Mishap::Lose, 1000);
        sandbox.branch(REPOSITORY, "feature", "main").unwrap();
        sandbox.push(REPOSITORY, "feature", &Commit::new("Feature").write("c.rs", "1")).unwrap();
        let repository = app.state.store.for_workspace(scene.workspace()).repositories().await.unwrap()[0].repository;
        Self { scene, repository, number: 0 }
    }

    /// Another pull request, which only what is posted next tells of.
    fn open(&mut self) -> u64 {
        let Scene { sandbox, .. } = &self.scene;
        let branch = format!("feature-{}", self.number);
        sandbox.branch(REPOSITORY, &branch, "feature").unwrap();
        self.number = sandbox.open_pull_request(REPOSITORY, "Another", &branch, "main").unwrap();
        self.number
    }

    async fn is_known(&self, number: u64) -> bool {
        let workspace = self.scene.app.state.store.for_workspace(self.scene.workspace());
        let mut lane = workspace.lane(self.repository).await;
        lane.state(&[]).await.unwrap().repository.pull_request(number).is_some()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_shape_and_no_text_loses_a_webhook() {
    let mut untold = Untold::new().await;
    let repository = untold.repository.braced();
    let long = "ä".repeat(600_000).into_bytes();
    let titles: [&[u8]; 6] =
        [b"plain", b"a\0b\\u0000", b"\\ud800 \\udc00\\ud83d", b"\xff\xfe \xed\xa0\x80", b"\n\t\x1b", &long];
    for (at, title) in titles.into_iter().enumerate() {
        for (in_envelope, as_text) in [(false, at % 2 == 0), (true, at % 2 == 1)] {
            let number = untold.open();
            let Scene { sandbox, app } = &untold.scene;
            let id = if as_text { format!("\"{number}\"") } else { number.to_string() };
            let head = format!(r#"{{"repository":{{"uuid":"{repository}"}},"pullrequest":{{"title":""#);
            let data = [head.as_bytes(), title, format!(r#"","id":{id}}}}}"#).as_bytes()].concat();
            let body = match in_envelope {
                true => [br#"{"event":"pullrequest:created","data":"#, &*data, b"}"].concat(),
                false => data,
            };
            let token = format!("JWT {}", sandbox.sign(APP, WORKSPACE, "POST", WEBHOOKS).unwrap());
            let headers = [("authorization", &*token), ("x-event-key", "pullrequest:created")];
            let headers = if in_envelope { &headers[..1] } else { &headers };
            assert_eq!(post(app, WEBHOOKS, headers, body).await, 200, "{at} {in_envelope}");
            app.settle(sandbox).await;
            assert!(untold.is_known(number).await, "{at} {in_envelope}");
        }
    }
    // Nothing says which event it is.
    let Scene { sandbox, app } = &untold.scene;
    let token = format!("JWT {}", sandbox.sign(APP, WORKSPACE, "POST", WEBHOOKS).unwrap());
    let plain = json!({"repository": {"uuid": repository}}).to_string().into_bytes();
    assert_eq!(post(app, WEBHOOKS, &[("authorization", &token)], plain).await, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restart_compares_everything_at_once() {
    let sandbox = shop();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("master.key");
    MasterKeys::read_or_create(&key).unwrap();
    let app = App::start_with(&sandbox, None, folder.path(), &key).await;
    app.install(&sandbox, WORKSPACE).await;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    app.scan(&sandbox, &step, &[]).await;
    app.settle(&sandbox).await;
    let workspace: Uuid = sandbox.installed()[0].workspace_uuid.parse().unwrap();
    app.stop().await;

    // What happens while it is down is sent to no one, and not sent again.
    sandbox.mishap(Mishap::Lose, 1000);
    sandbox.branch(REPOSITORY, "feature", "main").unwrap();
    sandbox.push(REPOSITORY, "feature", &Commit::new("Feature").write("c.rs", "1")).unwrap();
    let number = sandbox.open_pull_request(REPOSITORY, "Feature", "feature", "main").unwrap();
    let app = App::start_with(&sandbox, None, folder.path(), &key).await;
    let workspace = app.state.store.for_workspace(workspace);
    let repository = workspace.repositories().await.unwrap()[0].repository;
    let is_known = async || {
        let mut lane = workspace.lane(repository).await;
        lane.state(&[]).await.unwrap().repository.pull_request(number).is_some()
    };
    for _ in 0..600 {
        if is_known().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(is_known().await, "half an hour is not waited for");
    app.stop().await;
}
