//! Commands in comments.

use penstock_common::Severity;
use penstock_sandbox::{Commit, Permission};

use super::uploads::Scene;
use super::world::{REPOSITORY, finding};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_may_write_ignores_a_finding_and_others_do_not() {
    let scene = Scene::new().await;
    let Scene { sandbox, app } = &scene;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    app.scan(sandbox, &step, &[]).await;
    sandbox.branch(REPOSITORY, "feature", "main").unwrap();
    let head = sandbox.push(REPOSITORY, "feature", &Commit::new("F").write("n.rs", "1")).unwrap();
    let number = sandbox.open_pull_request(REPOSITORY, "F", "feature", "main").unwrap();
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    let new = finding("n", "n.rs", Severity::High);
    app.scan(sandbox, &step, std::slice::from_ref(&new)).await;
    app.settle(sandbox).await;
    let state = || sandbox.statuses(REPOSITORY, &head).unwrap()[0]["state"].as_str().unwrap().to_owned();
    let last = || sandbox.comments(REPOSITORY, number).unwrap().last().unwrap().raw.clone();
    assert_eq!(state(), "FAILED");
    let id = &new.fingerprints.primary.as_str()[4..14];
    assert!(sandbox.comments(REPOSITORY, number).unwrap()[0].raw.contains(&format!("`{id}`")));

    let (reader, writer) = (sandbox.person("Rita").uuid, sandbox.person("Wim").uuid);
    sandbox.permit(REPOSITORY, &reader, Permission::Read).unwrap();
    sandbox.permit(REPOSITORY, &writer, Permission::Write).unwrap();
    let say = async |who: &str, text: &str| {
        let person = sandbox.acting_as(who).unwrap();
        person.comment(REPOSITORY, number, text).unwrap();
        app.settle(sandbox).await;
    };
    say(&reader, &format!("/penstock ignore {id} it is nothing")).await;
    assert!(last().contains("Only who may write"), "{}", last());
    say(&writer, "/penstock ignore ffffffffff because").await;
    assert!(last().contains("No open finding"), "{}", last());
    say(&writer, &format!("/penstock ignore {id}")).await;
    assert!(last().contains("not ignored"), "{}", last());
    assert_eq!(state(), "FAILED");
    say(&writer, &format!("/penstock ignore {id} it is a test")).await;
    assert!(last().contains("is ignored in this pull request"), "{}", last());
    app.settle(sandbox).await;
    assert_eq!(state(), "SUCCESSFUL");
    let count = sandbox.comments(REPOSITORY, number).unwrap().len();
    say(&writer, "nice work").await;
    assert_eq!(sandbox.comments(REPOSITORY, number).unwrap().len(), count + 1, "what is no command is not answered");
}
