//! The self-check tells why something would not be posted.

use penstock_app::bitbucket::Permission;
use penstock_app::settings::connection::{Connection, Obstacle, check};
use penstock_app::settings::{Key, Source, Value, set};
use penstock_common::{Destination, Uuid};
use penstock_sandbox::{Fault, Route};

use super::scenes;
use super::uploads::Scene;
use super::world::{APP, REPOSITORY, WORKSPACE};

scenes!(each_obstacle_is_named);

impl Scene {
    async fn connection(&self, repository: Uuid) -> Connection {
        let viewer = self.sandbox.owner().uuid.parse().unwrap();
        let workspace = self.app.state.store.for_workspace(self.workspace_of_app());
        check(&self.app.state, &workspace, repository, viewer).await.unwrap()
    }

    fn workspace_of_app(&self) -> Uuid {
        // Known before it was uninstalled, too.
        let step = self.sandbox.branch_step(REPOSITORY, "main").unwrap();
        let told = self.sandbox.step_environment(&step);
        told.iter().find(|(name, _)| name == "BITBUCKET_WORKSPACE_UUID").unwrap().1.parse().unwrap()
    }
}

fn obstacle(connection: &Connection, destination: Destination) -> Option<Obstacle> {
    connection.destinations.iter().find(|one| one.destination == destination).unwrap().obstacle.clone()
}

async fn each_obstacle_is_named(scene: Scene) {
    let (sandbox, app) = (&scene.sandbox, &scene.app);
    let status = Route::new("POST", "/2.0/repositories/*/statuses/build");
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    app.scan(sandbox, &step, &[]).await;
    app.settle(sandbox).await;
    let workspace = app.state.store.for_workspace(scene.workspace());
    let repository = workspace.repositories().await.unwrap()[0].repository;

    let well = scene.connection(repository).await;
    assert_eq!((&well.access, &well.repository, &well.rights), (&Ok(()), &Ok(()), &Ok(Permission::Admin)));
    assert!(well.destinations.len() == 3 && well.destinations.iter().all(|one| one.obstacle.is_none()), "{well:?}");
    assert!(well.destinations[0].last.is_some() && well.requests_left.unwrap() < 900);

    // The installation may not ask what people may do.
    let rights = Route::new("GET", "/2.0/workspaces/*/permissions/repositories/*");
    sandbox.fault(rights, Fault::status(403), 1);
    assert!(matches!(scene.connection(repository).await.rights, Err(Obstacle::Denied(_))));

    // A status was refused; the comment is switched off in the repository, reports in the workspace.
    sandbox.fault(status, Fault::status(403), 1);
    let next = sandbox.push(REPOSITORY, "main", &penstock_sandbox::Commit::new("B").write("b.rs", "1")).unwrap();
    app.scan(sandbox, &sandbox.branch_step(REPOSITORY, "main").unwrap(), &[]).await;
    app.settle(sandbox).await;
    assert!(sandbox.statuses(REPOSITORY, &next).unwrap().is_empty());
    let (off, now) = (Some(Value::Switch(false)), app.state.now());
    set(&workspace, Some(repository), &[(Key::PostComment, off.clone())], "admin", now).await.unwrap();
    set(&workspace, None, &[(Key::PostReport, off)], "admin", now).await.unwrap();
    let told = scene.connection(repository).await;
    assert!(matches!(obstacle(&told, Destination::BuildStatus), Some(Obstacle::Refused { .. })), "{told:?}");
    assert_eq!(obstacle(&told, Destination::PrComment), Some(Obstacle::SwitchedOff(Source::Repository)));
    assert_eq!(obstacle(&told, Destination::CodeInsights), Some(Obstacle::SwitchedOff(Source::Workspace)));

    // A repository that is not there; a Bitbucket that does not answer; an app that is not installed.
    let gone = scene.connection(Uuid::from([9; 16])).await;
    assert_eq!((gone.access, gone.repository), (Ok(()), Err(Obstacle::NotFound)));
    sandbox.fault(Route::new("GET", "/2.0/repositories/*"), Fault::too_many(120), 1);
    let told = scene.connection(repository).await;
    assert!(matches!(told.repository, Err(Obstacle::TooMany(1..=120))), "{told:?}");
    assert_eq!(
        (obstacle(&told, Destination::BuildStatus), told.rights),
        (told.repository.err(), Err(Obstacle::NotAsked))
    );
    tokio::task::block_in_place(|| sandbox.uninstall(APP, WORKSPACE)).unwrap();
    let told = scene.connection(repository).await;
    assert_eq!((told.access, told.requests_left), (Err(Obstacle::NotInstalled), None));
    assert_eq!(told.rights, Err(Obstacle::NotAsked));
}
