//! API tokens end when who made them loses the right to.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use penstock_app::audit::{Act, PENSTOCK};
use penstock_app::settings::tokens::{Wanted, make};
use penstock_app::store::workspace::Workspace;
use penstock_common::Uuid;
use penstock_sandbox::{Fault, Permission, Route};

use super::uploads::Scene;
use super::world::REPOSITORY;
use crate::store::world::database;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

struct Made {
    scene: Scene,
    ahead: Arc<AtomicI64>,
    workspace: Workspace,
    repository: Uuid,
    maker: String,
    token: String,
}

impl Made {
    /// A token that an admin of the repository made, or of the workspace.
    async fn new(postgres: Option<&str>, folder: &std::path::Path, of_repository: bool) -> Self {
        let (scene, ahead) = Scene::with_clock(postgres, folder).await;
        let step = scene.sandbox.branch_step(REPOSITORY, "main").unwrap();
        scene.app.scan(&scene.sandbox, &step, &[]).await;
        let workspace = scene.app.state.store.for_workspace(scene.workspace());
        let repository = workspace.repositories().await.unwrap()[0].repository;
        let maker = match of_repository {
            true => scene.sandbox.person("Ada Admin").uuid,
            false => scene.sandbox.owner().uuid,
        };
        scene.sandbox.permit(REPOSITORY, &maker, Permission::Admin).unwrap();
        let wanted = Wanted {
            name: "ci".to_owned(),
            scopes: "read".parse().unwrap(),
            repository: of_repository.then_some(repository),
            days: 90,
            maker: Some(maker.parse().unwrap()),
        };
        let (_, token) = make(&workspace, &wanted, "a:1", scene.app.state.now()).await.unwrap();
        Self { scene, ahead, workspace, repository, maker, token: token.expose().to_owned() }
    }

    async fn use_at(&self, ahead: i64) -> u16 {
        self.ahead.store(ahead, Ordering::Relaxed);
        let address = format!("{}/api/v1/repositories/{}/findings", self.scene.app.base, self.repository);
        reqwest::Client::new().get(address).bearer_auth(&self.token).send().await.unwrap().status().as_u16()
    }

    fn questions(&self) -> usize {
        let asked = |path: &str| path.contains("/permissions");
        self.scene.sandbox.journal().iter().filter(|entry| asked(&entry.path)).count()
    }
}

async fn a_token_ends_with_its_maker_s_right(postgres: Option<&str>) {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new(postgres, folder.path(), true).await;
    let before = made.questions();
    assert_eq!(made.use_at(59 * MINUTE).await, 200);
    assert_eq!(made.questions(), before, "what Bitbucket said is remembered for an hour");
    assert_eq!(made.use_at(61 * MINUTE).await, 200);
    assert_eq!(made.questions(), before + 1);
    made.scene.sandbox.permit(REPOSITORY, &made.maker, Permission::Write).unwrap();
    assert_eq!(made.use_at(2 * HOUR).await, 200, "confirmed an hour ago");
    assert_eq!(made.use_at(2 * HOUR + 2 * MINUTE).await, 401);
    let token = made.workspace.tokens().await.unwrap().remove(0);
    assert!(token.revoked_at.is_some());
    let (_, entry) = made.workspace.audit(None, u64::MAX, 1).await.unwrap().remove(0);
    assert_eq!(entry.by, PENSTOCK);
    assert!(matches!(entry.act, Act::TokenLapsed { ref name, .. } if name == "ci"), "{entry:?}");
    // The right that comes back does not bring the token back.
    made.scene.sandbox.permit(REPOSITORY, &made.maker, Permission::Admin).unwrap();
    assert_eq!(made.use_at(2 * HOUR + 3 * MINUTE).await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_ends_with_its_maker_s_right_on_sqlite() {
    a_token_ends_with_its_maker_s_right(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_ends_with_its_maker_s_right_on_postgres() {
    if let Some(url) = database().await {
        a_token_ends_with_its_maker_s_right(Some(&url)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_of_the_workspace_is_confirmed_by_its_owners() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new(None, folder.path(), false).await;
    assert_eq!(made.use_at(2 * HOUR).await, 200);
    // A person who is not an owner: the same token, as if this person had made it.
    let stranger: Uuid = made.scene.sandbox.person("Sam Stranger").uuid.parse().unwrap();
    let wanted = Wanted {
        name: "other".to_owned(),
        scopes: "read".parse().unwrap(),
        repository: None,
        days: 90,
        maker: Some(stranger),
    };
    let (_, token) = make(&made.workspace, &wanted, "a:2", made.scene.app.state.now()).await.unwrap();
    let made = Made { token: token.expose().to_owned(), ..made };
    assert_eq!(made.use_at(2 * HOUR + 59 * MINUTE).await, 200);
    assert_eq!(made.use_at(3 * HOUR + MINUTE).await, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_outlives_an_outage_of_bitbucket_by_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new(None, folder.path(), true).await;
    // That the app may not ask says nothing of the maker.
    made.scene.sandbox.fault(Route::new("GET", "*/permissions/*"), Fault::status(403), 99);
    assert_eq!(made.use_at(23 * HOUR).await, 200);
    assert_eq!(made.use_at(25 * HOUR).await, 503);
    made.scene.sandbox.clear_faults();
    assert_eq!(made.use_at(25 * HOUR).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_that_is_not_confirmed_asks_bitbucket_a_few_times_and_not_at_each_use() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new(None, folder.path(), true).await;
    made.scene.sandbox.fault(Route::new("GET", "*/permissions/*"), Fault::status(403), 1000);
    let before = made.questions();
    for _ in 0..60 {
        assert_eq!(made.use_at(2 * HOUR).await, 200);
    }
    assert!(made.questions() - before <= 12, "{}", made.questions() - before);
}
