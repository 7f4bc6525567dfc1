//! `penstock pipe`, the real program, in the steps of real pull requests: what passes, what is told where, and what no one may see.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use penstock_sandbox::{Commit, Fault, PipeRun, Route, Sandbox, Seed, Step, shared_folder, variables_file};
use serde_json::Value;

/// Commits that Pipelines clones unless it is told otherwise.
const DEPTH: u32 = 50;
const SCOPES: [&str; 2] = ["repository", "pullrequest"];

/// The sandbox with its pull request, which adds two secrets and fixes one; the destination has got one more meanwhile.
struct World {
    sandbox: Sandbox,
    seed: Seed,
    folder: tempfile::TempDir,
}

/// A step that has run.
struct Ran {
    step: Step,
    clone: PathBuf,
    run: PipeRun,
}

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::new().expect("a sandbox");
        let seed = sandbox.seed().unwrap();
        Self { sandbox, seed, folder: tempfile::tempdir().unwrap() }
    }

    fn token(&self) -> String {
        self.sandbox.repository_token(&self.seed.repository, &SCOPES).unwrap()
    }

    fn push(&self, commit: &Commit) -> String {
        self.sandbox.push(&self.seed.repository, &self.seed.source, commit).unwrap()
    }

    /// Runs a step of the pull request.
    fn step(&self, variables: &[(&str, &str)]) -> Ran {
        let step = self.sandbox.pull_request_step(&self.seed.repository, self.seed.pull_request).unwrap();
        self.run(step, variables)
    }

    fn run(&self, step: Step, variables: &[(&str, &str)]) -> Ran {
        let clone = tempfile::Builder::new().tempdir_in(self.folder.path()).unwrap().keep().join("build");
        self.sandbox.clone_for(&step, &clone, Some(DEPTH)).unwrap();
        self.run_in(step, clone, variables)
    }

    fn run_in(&self, step: Step, clone: PathBuf, variables: &[(&str, &str)]) -> Ran {
        let plain = [("NO_COLOR", "1")];
        let variables: Vec<(&str, &str)> = plain.into_iter().chain(variables.iter().copied()).collect();
        let penstock = Path::new(env!("CARGO_BIN_EXE_penstock"));
        let run = self.sandbox.run_pipe(&step, &clone, penstock, &variables).unwrap();
        Ran { step, clone, run }
    }

    fn reports(&self, ran: &Ran) -> Vec<Value> {
        self.sandbox.reports(&self.seed.repository, ran.step.commit()).unwrap()
    }

    fn annotations(&self, ran: &Ran) -> Vec<Value> {
        let reports = self.reports(ran);
        let of = |report: &Value| {
            let id = report["external_id"].as_str().unwrap();
            self.sandbox.annotations(&self.seed.repository, ran.step.commit(), id).unwrap()
        };
        reports.iter().flat_map(of).collect()
    }

    fn comments(&self) -> Vec<String> {
        let comments = self.sandbox.comments(&self.seed.repository, self.seed.pull_request).unwrap();
        comments.into_iter().filter(|comment| !comment.is_deleted).map(|comment| comment.raw).collect()
    }
}

impl Ran {
    /// Exit code, and all that was written, for messages.
    fn told(&self) -> String {
        format!("exit {:?}\n{}\n{}", self.run.code, self.run.stdout, self.run.stderr)
    }

    #[track_caller]
    fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.run.code, Some(code), "{}", self.told());
        self
    }

    #[track_caller]
    fn tells(&self, text: &str) -> &Self {
        assert!(self.told().contains(text), "`{text}` is missing in\n{}", self.told());
        self
    }

    #[track_caller]
    fn is_silent_about(&self, text: &str) -> &Self {
        assert!(!self.told().contains(text), "`{text}` stands in\n{}", self.told());
        self
    }
}

/// A value that only its place makes a password.
fn password(number: usize) -> String {
    format!("hT7{number:05}qXz9Lw{number:05}")
}

#[test]
fn without_credentials_the_reports_are_published_and_the_rest_is_skipped() {
    let world = World::new();
    let ran = world.step(&[]);
    ran.exits(1)
        .tells("2 new, 1 existing, 1 fixed")
        .tells("merge base with `main`")
        .tells("code-insights: published: 1 report with 3 annotations, by the authentication proxy")
        .tells("build-status: skipped: ")
        .tells("pr-comment: skipped: ")
        .tells("`BITBUCKET_ACCESS_TOKEN`")
        .tells("the scopes `repository` and `pullrequest`")
        // What the destination did meanwhile stands in the clone, merged by Pipelines, and is not this change's.
        .is_silent_about("config/other.py");
    assert_eq!(world.reports(&ran).len(), 1);
    assert_eq!(world.annotations(&ran).len(), 3);
    assert_eq!(world.comments(), Vec::<String>::new());
}

#[test]
fn a_fix_replaces_the_report_and_the_comment_tells_what_has_leaked() {
    let world = World::new();
    let token = world.token();
    let credentials = [("BITBUCKET_ACCESS_TOKEN", token.as_str())];
    let first = world.step(&credentials);
    first.exits(1).tells("build-status: published: FAILED").tells("pr-comment: published");
    let again = world.step(&credentials);
    again.exits(1);
    assert_eq!(world.reports(&again).len(), 1, "the same commit has one report, however often it is built");

    world.push(&Commit::new("fix").remove("src/payments.py").write("config/mail.ini", "[smtp]\nuser = shop\n"));
    let fixed = world.step(&credentials);
    fixed
        .exits(0)
        .tells("build-status: published: SUCCESSFUL")
        .tells("was updated")
        .tells("still leaked: revoke it")
        .tells("✔ Passed with warnings: leaked.total is 2");
    let comments = world.comments();
    let [comment] = &comments[..] else { panic!("one comment: {comments:?}") };
    assert!(comment.contains("**Removed, but still leaked: to be revoked**"), "{comment}");
    assert!(comment.contains(&fixed.step.commit()[..12]), "the comment names its commit: {comment}");
    let statuses = world.sandbox.statuses(&world.seed.repository, fixed.step.commit()).unwrap();
    assert_eq!(statuses.iter().map(|status| status["state"].as_str().unwrap()).collect::<Vec<_>>(), ["SUCCESSFUL"]);
}

#[test]
fn later_steps_find_what_was_left_behind() {
    let world = World::new();
    let ran = world.step(&[("NAME", "shop")]);
    ran.exits(1);
    let junit = fs::read_to_string(ran.clone.join("test-results/shop.xml")).unwrap();
    // What existed before does not fail the gate, so it is no failed test.
    assert_eq!(junit.matches("<failure").count(), 2, "{junit}");
    for file in ["penstock-report/shop.sarif", "penstock-report/shop.json"] {
        let text = fs::read_to_string(ran.clone.join(file)).unwrap();
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{file}");
    }
    let variables = fs::read_to_string(variables_file(&ran.clone)).unwrap();
    for line in ["PENSTOCK_VERDICT=failed", "PENSTOCK_NEW=2", "PENSTOCK_FIXED=1", "PENSTOCK_COMPLETE=true"] {
        assert!(variables.lines().any(|one| one == line), "{line} is missing in {variables}");
    }
    let shared = fs::read_to_string(shared_folder(&ran.clone).join("NAMESPACE/penstock/shop.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&shared).unwrap()["new_high"], 2);
}

#[test]
fn another_value_on_the_same_line_is_new() {
    let world = World::new();
    world.push(&Commit::new("fix").remove("src/payments.py").write("config/mail.ini", "[smtp]\n"));
    let line = |value: &str| format!("HOST = \"db.internal\"\npassword = \"{value}\"\n");
    world.push(&Commit::new("rotate").write("config/settings.py", line(&password(1))));
    world.step(&[]).exits(1).tells("1 new, 0 existing");
}

#[test]
fn a_policy_that_the_pull_request_loosens_is_shown_and_not_effective() {
    let world = World::new();
    let loose = "[gate]\nnew.high = 99\n[scan]\nexclude = [\"src/**\", \"config/**\"]\n";
    world.push(
        &Commit::new("relax")
            .write("penstock.toml", loose)
            .write(".gitleaksignore", "src/payments.py:generic-api-key:2\n"),
    );
    let token = world.token();
    let ran = world.step(&[("BITBUCKET_ACCESS_TOKEN", &token)]);
    ran.exits(1).tells("2 new").tells("`scan.exclude` gains `src/**`").tells("`.gitleaksignore` gains 1 line");
    let comments = world.comments();
    assert!(comments[0].contains("Changes to the policy, in force after the merge"), "{comments:?}");
}

#[test]
fn a_policy_that_the_destination_has_is_effective() {
    let world = World::new();
    let Seed { repository, destination, .. } = &world.seed;
    let lenient = Commit::new("policy").write("penstock.toml", "[gate]\nnew.high = { max = 0, level = \"warn\" }\n");
    world.sandbox.push(repository, destination, &lenient).unwrap();
    world.step(&[]).exits(0).tells("2 new");
    world.step(&[("FAIL_ON", "new:low")]).exits(1);
}

#[test]
fn pipelines_of_a_branch_and_of_a_pull_request_on_one_commit_do_not_touch_each_other() {
    let world = World::new();
    let token = world.token();
    let credentials = [("BITBUCKET_ACCESS_TOKEN", token.as_str())];
    let of_pull_request = world.step(&credentials);
    let branch = world.sandbox.branch_step(&world.seed.repository, &world.seed.source).unwrap();
    let of_branch = world.run(branch, &[credentials[0], ("MAIN_BRANCH", "main")]);
    assert_eq!(of_pull_request.step.commit(), of_branch.step.commit());
    let reports = world.reports(&of_branch);
    let ids: Vec<&str> = reports.iter().map(|report| report["external_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2, "{ids:?}\n{}", of_branch.told());
    let statuses = world.sandbox.statuses(&world.seed.repository, of_branch.step.commit()).unwrap();
    assert_eq!(statuses.len(), 2);
    assert_eq!(world.comments().len(), 1, "a branch has no comment");
}

#[test]
fn without_any_network_the_gate_decides_and_every_destination_says_why() {
    let world = World::new();
    let token = world.token();
    // Nobody listens on these.
    let nowhere = [("BITBUCKET_API_URL", "http://127.0.0.1:1/2.0"), ("AUTH_PROXY", "127.0.0.1:1")];
    let ran = world.step(&nowhere);
    ran.exits(1).tells("code-insights: failed: ").tells("build-status: skipped: ").tells("✖ Failed: new.high is 2");
    let ran = world.step(&[nowhere[0], nowhere[1], ("BITBUCKET_ACCESS_TOKEN", &token)]);
    ran.exits(1).tells("code-insights: failed: ").tells("build-status: failed: ").tells("pr-comment: failed: ");

    world.push(&Commit::new("fix").remove("src/payments.py").remove("config/mail.ini"));
    world.step(&nowhere).exits(0);
    let required = [nowhere[0], nowhere[1], ("REQUIRE_PUBLISH", "code-insights")];
    world.step(&required).exits(3).tells("not published, although required: code-insights");
}

#[test]
fn of_three_thousand_secrets_the_worst_thousand_are_annotated() {
    let world = World::new();
    let file = |from: usize| {
        (from..from + 1500).fold(String::new(), |mut text, number| {
            let _ = writeln!(text, "password_{number} = \"{}\"", password(number));
            text
        })
    };
    world.push(&Commit::new("many").write("a.py", file(0)).write("b.py", file(1500)));
    let ran = world.step(&[]);
    ran.exits(1).tells("1 report with 1000 annotations");
    assert_eq!(world.annotations(&ran).len(), 1000);
    let details = world.reports(&ran)[0]["details"].as_str().unwrap().to_owned();
    assert!(details.contains("The 1000 worst are shown; 2003 more"), "{details}");
}

#[test]
fn neither_tokens_nor_secrets_stand_anywhere() {
    let world = World::new();
    let token = world.token();
    let companion = world.sandbox.companion_token();
    let found = password(7);
    world.push(&Commit::new("more").write("more.py", format!("password = \"{found}\"\n")));
    let echo = format!("{token} {companion} {found}");
    let body = serde_json::json!({"type": "error", "error": {"message": echo}}).to_string();
    world.sandbox.fault(Route::new("POST", "*/statuses/build"), Fault::status(400).with_body(&body), 9);
    let url = world.sandbox.companion_url();
    let ran = world.step(&[
        ("BITBUCKET_ACCESS_TOKEN", &token),
        ("COMPANION_URL", &url),
        ("COMPANION_TOKEN", &companion),
        ("DEBUG", "true"),
    ]);
    ran.exits(1).tells("build-status: failed: ").tells("companion: published");
    let mut all = ran.told();
    for file in ["test-results/penstock.xml", "penstock-report/penstock.sarif", "penstock-report/penstock.json"] {
        all += &fs::read_to_string(ran.clone.join(file)).unwrap();
    }
    for entry in world.sandbox.journal() {
        let _ = write!(all, "{entry} {:?} {}", entry.headers, String::from_utf8_lossy(&entry.body));
    }
    for run in world.sandbox.runs() {
        all += &run.to_string();
    }
    for canary in [&token, &companion, &found] {
        assert!(!all.contains(canary.as_str()), "a canary stands in\n{all}");
    }
}

#[test]
fn mistakes_in_variables_are_named_without_their_values() {
    let world = World::new();
    let ran = world.step(&[("FAIL_ONE", "canary-1"), ("PR_COMMENTS", "canary-2")]);
    ran.exits(1)
        .tells("the variable `FAIL_ONE` is none of Penstock's: is `FAIL_ON` meant?")
        .tells("the variable `PR_COMMENTS` is none of Penstock's: is `PR_COMMENT` meant?")
        .is_silent_about("canary");
    let ran = world.step(&[("DEBUG", "canary-3"), ("REQUIRE_PUBLISH", "canary-4")]);
    ran.exits(2).tells("`DEBUG` must be `true` or `false`").tells("`REQUIRE_PUBLISH`").is_silent_about("canary");
    let ran = world.step(&[("ATLASSIAN_API_TOKEN", "canary-5")]);
    ran.exits(2).tells("`ATLASSIAN_ACCOUNT_EMAIL` is not").is_silent_about("canary");
}

#[test]
fn a_step_without_a_clone_says_what_it_needs() {
    let world = World::new();
    let step = world.sandbox.pull_request_step(&world.seed.repository, world.seed.pull_request).unwrap();
    let empty = world.folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    world.run_in(step, empty, &[]).exits(2).tells("`clone: enabled: false`");
}

#[test]
fn a_pull_request_that_moved_on_was_closed_or_is_gone_gets_no_comment() {
    let world = World::new();
    let token = world.token();
    let credentials = [("BITBUCKET_ACCESS_TOKEN", token.as_str())];
    let Seed { repository, pull_request, .. } = &world.seed;
    let late = world.sandbox.pull_request_step(repository, *pull_request).unwrap();
    let clone = world.folder.path().join("late");
    world.sandbox.clone_for(&late, &clone, Some(DEPTH)).unwrap();
    world.push(&Commit::new("moved on").write("x", "x\n"));
    world.run_in(late, clone, &credentials).exits(1).tells("pr-comment: skipped: ").tells("superseded");
    world.sandbox.decline(repository, *pull_request).unwrap();
    world.step(&credentials).exits(1).tells("pr-comment: skipped: ");
    assert_eq!(world.comments(), Vec::<String>::new());
}
