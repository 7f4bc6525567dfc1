//! A step that Pipelines stops.

use std::process::{Command, Stdio};
use std::time::Duration;

use penstock_sandbox::{Fault, Route};

use super::fixture::{Fixture, REPOSITORY};
use super::open_status::states;

/// The real program, stopped as Pipelines stops a step.
#[test]
#[expect(clippy::disallowed_methods, reason = "the program under test, and what stops it")]
fn a_step_that_is_stopped_closes_it() {
    let (fixture, token) = Fixture::with_token(&["repository", "pullrequest"]);
    let step = fixture.sandbox.pull_request_step(REPOSITORY, fixture.pull_request).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let clone = folder.path().join("clone");
    fixture.sandbox.clone_for(&step, &clone, None).unwrap();
    // In the middle of publishing it waits for an answer.
    fixture.sandbox.fault(Route::new("PUT", "*/reports/*"), Fault::Delay(Duration::from_secs(600)), 1);
    let mut program = Command::new(env!("CARGO_BIN_EXE_penstock"))
        .arg("pipe")
        .current_dir(&clone)
        .env_clear()
        .envs(fixture.sandbox.step_environment(&step))
        .env("BITBUCKET_CLONE_DIR", &clone)
        .env("BITBUCKET_API_URL", fixture.sandbox.api_url())
        .env("BITBUCKET_ACCESS_TOKEN", token)
        .env("STATUS_INPROGRESS", "true")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while fixture.requests("PUT", ".secret") == 0 {
        assert_eq!(program.try_wait().unwrap(), None, "it waits");
        std::thread::yield_now();
    }
    assert_eq!(states(&fixture), ["INPROGRESS"]);
    let stopped = Command::new("kill").args(["-TERM", &program.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert_eq!(program.wait().unwrap().code(), Some(143));
    assert_eq!(states(&fixture), ["STOPPED"]);
}
