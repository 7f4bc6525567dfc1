//! Clients that hang up while an upload waits for Bitbucket.

use std::time::Duration;

use penstock_common::upload::v1::IDEMPOTENCY_HEADER;
use penstock_common::{Severity, Uuid};
use penstock_sandbox::{Fault, Route};

use crate::program::scenes;
use crate::program::uploads::Scene;
use crate::program::world::{REPOSITORY, finding, open_store, upload};
use crate::store::findings::all;

scenes!(
    a_run_whose_client_hung_up_is_applied_and_the_repeated_request_joins_it,
    a_stop_waits_for_a_run_whose_client_hung_up,
);

const PIPELINE: &str = "/2.0/repositories/*/pipelines/*";

/// Sends a run of the main branch and hangs up while Bitbucket is asked about it.
async fn hang_up(scene: &Scene) -> (String, penstock_common::upload::v1::Upload) {
    let step = scene.sandbox.branch_step(REPOSITORY, "main").unwrap();
    let token = scene.sandbox.oidc_token(&step, &[&scene.app.base]);
    let run = upload(&scene.sandbox, &step, &[finding("one", "a.rs", Severity::High)]);
    scene.sandbox.fault(Route::new("GET", PIPELINE), Fault::Delay(Duration::from_secs(2)), 1);
    let body = run.to_bytes().unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sent = reqwest::Client::new()
        .post(format!("{}/api/v1/runs", scene.app.base))
        .bearer_auth(&token)
        .header(IDEMPOTENCY_HEADER, run.idempotency_key(&body))
        .header("content-type", "application/json")
        .body(body)
        .send();
    tokio::select! {
        answer = sent => panic!("Bitbucket was not waited for: {answer:?}"),
        () = asked(scene) => {}
    }
    (token, run)
}

/// Waits until Bitbucket is being asked.
async fn asked(scene: &Scene) {
    while questions(scene) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn questions(scene: &Scene) -> usize {
    let asked = scene.sandbox.journal();
    asked.iter().filter(|entry| entry.path.contains("/pipelines/") && !entry.path.contains("oidc")).count()
}

async fn a_run_whose_client_hung_up_is_applied_and_the_repeated_request_joins_it(scene: Scene) {
    let (token, run) = hang_up(&scene).await;
    let (status, body) = scene.app.send(&token, &run).await;
    assert_eq!((status, body["state"].as_str()), (201, Some("applied")), "{body}");
    assert_eq!(questions(&scene), 1, "the request that came again asked nothing");
    let workspace = scene.app.state.store.for_workspace(scene.workspace());
    assert_eq!(stored(&workspace).await, 1);
}

async fn a_stop_waits_for_a_run_whose_client_hung_up(scene: Scene) {
    hang_up(&scene).await;
    let (tenant, config, now) = (scene.workspace(), scene.app.state.config.clone(), scene.app.state.now());
    let Scene { sandbox: _sandbox, app } = scene;
    let _folder = app.stop_but_keep().await;
    let store = open_store(&config, now).await;
    assert_eq!(stored(&store.for_workspace(tenant)).await, 1, "what began is applied");
}

/// How many findings another copy reads.
async fn stored(workspace: &penstock_app::store::Workspace) -> usize {
    let repository: Uuid = workspace.repositories().await.unwrap()[0].repository;
    let mut lane = workspace.lane(repository).await;
    all(&lane.state(&["main"]).await.unwrap().repository, &[]).4.len()
}
