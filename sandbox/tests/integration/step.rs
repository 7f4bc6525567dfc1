//! What a step is told and what it finds.

use penstock_sandbox::Commit;

use crate::client::{Client, SHOP, shop};

#[test]
fn a_step_of_a_pull_request_finds_a_merge() {
    let sandbox = shop();
    sandbox.push(SHOP, "main", &Commit::new("debt\n").write("debt", "x\n")).unwrap();
    let step = sandbox.pull_request_step(SHOP, 1).unwrap();
    let told: std::collections::HashMap<_, _> = sandbox.step_environment(&step).into_iter().collect();
    assert_eq!(told["BITBUCKET_COMMIT"], sandbox.tip(SHOP, "feature").unwrap());
    assert_eq!(told["BITBUCKET_PR_ID"], "1");
    assert_eq!(told["BITBUCKET_PR_DESTINATION_COMMIT"], sandbox.tip(SHOP, "main").unwrap()[..12]);
    assert!(!told.contains_key("BITBUCKET_TAG"));

    let folder = tempfile::tempdir().unwrap();
    for (name, depth) in [("shallow", Some(50)), ("full", None)] {
        let clone = folder.path().join(name);
        sandbox.clone_for(&step, &clone, depth).unwrap();
        // The destination's work is in the work tree, and the commit is not what is checked out.
        assert!(clone.join("debt").exists() && clone.join("src/new.rs").exists());
        let head = std::fs::read_to_string(clone.join(".git/HEAD")).unwrap();
        assert_eq!(head.trim(), "ref: refs/heads/feature");
        let tip = std::fs::read_to_string(clone.join(".git/refs/heads/feature")).unwrap();
        assert_ne!(tip.trim(), step.commit());
        // There are fewer commits than it would be cut to.
        assert!(!clone.join(".git/shallow").exists(), "{name}");
    }
    let pipeline = sandbox.repository_token(SHOP, &["pipeline"]).unwrap();
    let path = format!("/repositories/{SHOP}/pipelines/{}", step.pipeline());
    let shown = Client::new(&sandbox).bearer(&pipeline).get(&path).json();
    assert_eq!(shown["target"]["commit"]["hash"], step.commit());
}

#[test]
fn a_step_of_a_branch_finds_the_branch() {
    let sandbox = shop();
    for number in 0..3 {
        sandbox.push(SHOP, "main", &Commit::new("more\n").write("n", number.to_string())).unwrap();
    }
    let step = sandbox.branch_step(SHOP, "main").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let clone = folder.path().join("clone");
    sandbox.clone_for(&step, &clone, Some(2)).unwrap();
    assert_eq!(std::fs::read_to_string(clone.join(".git/refs/heads/main")).unwrap().trim(), step.commit());
    assert!(clone.join(".git/shallow").exists());
    assert!(sandbox.step_environment(&step).iter().all(|(name, _)| !name.starts_with("BITBUCKET_PR_")));
}

#[test]
fn a_seed_is_a_pull_request_beside_a_destination_that_went_on() {
    let sandbox = penstock_sandbox::Sandbox::new().unwrap();
    let seed = sandbox.seed().unwrap();
    let token = sandbox.repository_token(&seed.repository, &["repository", "pullrequest"]).unwrap();
    let client = Client::new(&sandbox).bearer(&token);
    let diff = client.get(&format!("/repositories/{}/pullrequests/{}/diff", seed.repository, seed.pull_request));
    let text = client.get(diff.header("location").unwrap()).text;
    let count = |start: &str| text.lines().filter(|line| line.starts_with(start) && line.contains("password")).count();
    assert_eq!((count("+"), count("-")), (3, 1), "two secrets, and one that is read from the environment now: {text}");
    let step = sandbox.pull_request_step(&seed.repository, seed.pull_request).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let clone = folder.path().join("clone");
    sandbox.clone_for(&step, &clone, Some(50)).unwrap();
    assert!(clone.join("config/other.py").exists());
}
