//! `penstock pipe` on clones that are too short, against the sandbox: what is missing is fetched by whatever way there is.

use penstock_sandbox::{Commit, Sandbox, Step};

use crate::folder::{Folder, leak};
use crate::run::{Penstock, Told};

const REPOSITORY: &str = "acme/shop";

/// A private repository whose `feature` adds a secret, whose `main` has debt, old and new, and a pull request between them.
fn seeded() -> (Sandbox, u64) {
    let sandbox = Sandbox::new().expect("a sandbox");
    sandbox.repository(REPOSITORY).unwrap();
    let push = |branch: &str, commit: &Commit| sandbox.push(REPOSITORY, branch, commit).unwrap();
    let first = push("main", &Commit::new("first").write("debt", leak(1)));
    sandbox.branch(REPOSITORY, "feature", &first).unwrap();
    push("feature", &Commit::new("change").write("fresh", leak(2)));
    for number in 0..5_u8 {
        push("main", &Commit::new("meanwhile").write("log", [b'0' + number]).write("later", leak(3)));
    }
    let pull_request = sandbox.open_pull_request(REPOSITORY, "A change", "feature", "main").unwrap();
    (sandbox, pull_request)
}

/// Runs the step in a clone of one commit.
fn run(sandbox: &Sandbox, step: &Step, variables: &[(&str, &str)]) -> Told {
    let folder = Folder::new();
    let clone = folder.at("clone");
    // As git clones it; of a single commit git could not merge the destination into it.
    sandbox.clone_for(&sandbox.branch_step(REPOSITORY, "feature").unwrap(), &clone, Some(1)).unwrap();
    let environment = sandbox.step_environment(step);
    let mut run = Penstock::new().arg("pipe").dir(&clone).env("NO_COLOR", "1");
    for (name, value) in
        environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(variables.iter().copied())
    {
        run = run.env(name, value);
    }
    let told = run.env("BITBUCKET_CLONE_DIR", clone.to_str().unwrap()).run();
    sandbox.assert_valid();
    told
}

fn report(told: &Told) -> String {
    format!("{}\n{}", told.stdout, told.stderr)
}

#[test]
fn the_authentication_proxy_fetches_without_any_credentials() {
    let (sandbox, pull_request) = seeded();
    let step = sandbox.pull_request_step(REPOSITORY, pull_request).unwrap();
    let (api, proxy) = (sandbox.api_url(), sandbox.proxy_addr().to_owned());
    let told = run(&sandbox, &step, &[("BITBUCKET_API_URL", &api), ("AUTH_PROXY", &proxy)]);
    assert_eq!(told.code, 1, "{}", report(&told));
    assert!(told.stdout.contains("merge base with `main`"), "{}", report(&told));
    assert!(told.stdout.contains("1 new, 1 existing"), "{}", report(&told));
}

#[test]
fn a_token_fetches_where_there_is_no_proxy_and_tells_the_main_branch() {
    let (sandbox, pull_request) = seeded();
    let token = sandbox.repository_token(REPOSITORY, &["repository", "pullrequest"]).unwrap();
    let (api, site) = (sandbox.api_url(), sandbox.site_url());
    // Nobody listens there.
    let variables = [
        ("BITBUCKET_API_URL", api.as_str()),
        ("BITBUCKET_SITE_URL", &site),
        ("AUTH_PROXY", "127.0.0.1:1"),
        ("BITBUCKET_ACCESS_TOKEN", &token),
    ];
    for step in [
        sandbox.pull_request_step(REPOSITORY, pull_request).unwrap(),
        sandbox.branch_step(REPOSITORY, "feature").unwrap(),
    ] {
        let told = run(&sandbox, &step, &variables);
        assert_eq!(told.code, 1, "{}", report(&told));
        assert!(told.stdout.contains("merge base with `main`"), "{}", report(&told));
        assert!(told.stdout.contains("1 new, 1 existing"), "{}", report(&told));
        assert!(!report(&told).contains(&token));
    }
}

#[test]
fn without_any_way_the_gate_stays_shut_and_says_what_to_do() {
    let (sandbox, pull_request) = seeded();
    let step = sandbox.pull_request_step(REPOSITORY, pull_request).unwrap();
    let nobody =
        [("BITBUCKET_API_URL", "http://127.0.0.1:1/2.0"), ("AUTH_PROXY", "127.0.0.1:1"), ("CODE_INSIGHTS", "false")];
    let told = run(&sandbox, &step, &nobody);
    assert_eq!(told.code, 3, "{}", report(&told));
    assert!(told.stdout.contains("clone: depth: full"), "{}", report(&told));
}
