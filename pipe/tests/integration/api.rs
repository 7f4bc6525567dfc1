//! `penstock api`, the real program, against the sandbox.

use penstock_sandbox::{Door, Fault, Route, Sandbox, Seed};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::run::{Penstock, Told};

struct World {
    sandbox: Sandbox,
    seed: Seed,
    token: String,
    /// Where the program runs: with a file that is neither JSON nor a certificate.
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        let sandbox = Sandbox::new().unwrap();
        let seed = sandbox.seed().unwrap();
        let token = sandbox.repository_token(&seed.repository, &["repository", "pullrequest"]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("words.txt"), "words").unwrap();
        Self { sandbox, seed, token, folder }
    }

    /// A call without credentials, on a laptop.
    fn anonymous(&self, arguments: &[&str]) -> Penstock {
        let call = Penstock::new().dir(self.folder.path()).arg("api").args(arguments);
        call.env("BITBUCKET_API_URL", &self.sandbox.api_url())
    }

    /// A call with an access token.
    fn call(&self, arguments: &[&str]) -> Penstock {
        self.anonymous(arguments).env("BITBUCKET_ACCESS_TOKEN", &self.token)
    }

    /// A call within a step, without credentials.
    fn in_step(&self, arguments: &[&str]) -> Penstock {
        let step = self.sandbox.pull_request_step(&self.seed.repository, self.seed.pull_request).unwrap();
        let environment = self.sandbox.step_environment(&step);
        let call = self.anonymous(arguments).env("AUTH_PROXY", self.sandbox.proxy_addr());
        environment.iter().fold(call, |call, (name, value)| call.env(name, value))
    }
}

fn done(told: Told) -> String {
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{}", told.stdout);
    told.stdout
}

const REPOSITORY: &str = "/repositories/acme/shop";

#[test]
fn json_comes_on_one_line_and_parts_of_it_can_be_chosen() {
    let world = World::new();
    let text = done(world.call(&["GET", REPOSITORY]).run());
    assert_eq!(text.lines().count(), 1);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["full_name"], "acme/shop");
    assert_eq!(
        done(world.call(&["get", "2.0/repositories/acme/shop", "--select", "/mainbranch/name"]).run()),
        "main\n"
    );
    let branches = format!("{REPOSITORY}/refs/branches?pagelen=1");
    let all = done(world.call(&["GET", &branches, "--paginate"]).run());
    assert_eq!(serde_json::from_str::<Vec<Value>>(&all).unwrap().len(), 2);
    let names = done(world.call(&["GET", &branches, "--paginate", "--select", "/name", "-f", "sort=name"]).run());
    assert_eq!(names, "feature/payments\nmain\n");
    let file = done(world.call(&["GET", &format!("{REPOSITORY}/src/main/README.md")]).run());
    assert_eq!(file, "# Shop\n\nSells things.\n");
}

#[test]
fn fields_and_files_are_sent() {
    let world = World::new();
    let comments = format!("{REPOSITORY}/pullrequests/1/comments");
    let made = done(world.call(&["POST", &comments, "-f", r#"content:={"raw": "one"}"#, "--select", "/id"]).run());
    let comment = format!("{comments}/{}", made.trim());
    let body = json!({"content": {"raw": "two"}}).to_string();
    let text = done(world.call(&["PUT", &comment, "--input", "-", "--select", "/content/raw"]).input(body).run());
    assert_eq!(text, "two\n");
    assert_eq!(done(world.call(&["DELETE", &comment]).run()), "");
    let sent = world.sandbox.journal();
    assert_eq!(sent[0].json(), Some(json!({"content": {"raw": "one"}})));
    assert_eq!(sent[1].json(), Some(json!({"content": {"raw": "two"}})));
}

#[test]
fn within_a_step_placeholders_are_filled_and_reports_need_no_credentials() {
    let world = World::new();
    let reports = "/repositories/{workspace}/{repo_slug}/commit/{commit}/reports";
    let title = ["-f", "title=Own", "-f", "details=made by hand", "-f", "report_type=TEST"];
    let put = format!("{reports}/own");
    done(world.in_step(&[&["PUT", put.as_str()][..], &title].concat()).run());
    assert_eq!(done(world.in_step(&["GET", reports, "--paginate", "--select", "/title"]).run()), "Own\n");
    assert!(world.sandbox.journal().iter().all(|entry| entry.door == Door::Proxy && entry.authorization.is_none()));

    let told = world.in_step(&["GET", "/repositories/{workspace}/{repo_slug}/pullrequests/{pr_id}"]).run();
    assert_eq!(told.code, 3);
    assert!(told.stderr.contains("signs calls of reports only") && told.stderr.contains("`BITBUCKET_ACCESS_TOKEN`"));
    let told = world.call(&["GET", "/repositories/{workspace}/{repo_slug}"]).run();
    assert_eq!(told.code, 2);
    assert!(told.stderr.contains("`BITBUCKET_WORKSPACE` is not set"), "{}", told.stderr);
}

#[test]
fn every_kind_of_credentials() {
    let world = World::new();
    let own = "/user";
    let email = "me@example.com";
    let api_token = world.sandbox.api_token("acme", email, &["read:repository:bitbucket"]).unwrap();
    let repository = [("ATLASSIAN_ACCOUNT_EMAIL", email), ("ATLASSIAN_API_TOKEN", &api_token)];
    let call = |variables: &[(&str, &str)], path: &str| {
        variables.iter().fold(world.anonymous(&["GET", path]), |call, (name, value)| call.env(name, value)).run()
    };
    assert_eq!(call(&repository, REPOSITORY).code, 0);
    let (id, secret) = world.sandbox.oauth_consumer("acme", &["repository"]).unwrap();
    let consumer = [
        ("BITBUCKET_OAUTH_CLIENT_ID", id.as_str()),
        ("BITBUCKET_OAUTH_CLIENT_SECRET", &secret),
        ("BITBUCKET_SITE_URL", &world.sandbox.site_url()),
    ];
    assert_eq!(call(&consumer, REPOSITORY).code, 0);
    let nobody = call(&[], own);
    assert_eq!(nobody.code, 3);
    assert!(nobody.stderr.contains("hint: no credentials are set: `BITBUCKET_ACCESS_TOKEN`"), "{}", nobody.stderr);

    let password = world.sandbox.app_password("acme", "me").unwrap();
    for (variables, wanted) in [
        (vec![("ATLASSIAN_API_TOKEN", api_token.as_str())], "`ATLASSIAN_ACCOUNT_EMAIL` is not"),
        (vec![("BITBUCKET_OAUTH_CLIENT_ID", id.as_str())], "`BITBUCKET_OAUTH_CLIENT_SECRET` is not"),
        (vec![("BITBUCKET_USERNAME", "me"), ("BITBUCKET_APP_PASSWORD", password.as_str())], "removed app passwords"),
        (vec![("BITBUCKET_ACCESS_TOKEN", "a\nb")], "cannot be sent"),
        (vec![("CA_BUNDLE", "words.txt")], "no certificate"),
        (vec![("CA_BUNDLE", "none.pem")], "`CA_BUNDLE`"),
        (vec![("BITBUCKET_API_URL", "http://bitbucket.example")], "on loopback only"),
        (vec![("AUTH_PROXY", "https://proxy.example")], "`AUTH_PROXY`"),
    ] {
        let told = call(&variables, own);
        assert_eq!(told.code, 2, "{}", told.stderr);
        assert!(told.stderr.contains(wanted), "{}", told.stderr);
        for secret in [&api_token, &password, &secret] {
            assert!(!told.stderr.contains(secret.as_str()), "{}", told.stderr);
        }
    }
}

#[test]
fn wrong_usage_sends_nothing() {
    let world = World::new();
    for (arguments, wanted) in [
        (&["GET", "https://evil.example/2.0/user"][..], "https://evil.example"),
        (&["GET", "/user", "-f", "name"], "`NAME=TEXT`"),
        (&["GET", "/user", "-f", "name:=x"], "JSON"),
        (&["GET", "/user", "--select", "uuid"], "JSON pointer"),
        (&["POST", "/user", "--paginate"], "GET only"),
        (&["GET", "/user", "--input", "-"], "not for GET"),
        (&["PUT", "/user", "--input", "none.json"], "`none.json`"),
        (&["PUT", "/user", "--input", "words.txt"], "not JSON"),
        (&["FETCH", "/user"], "invalid value"),
    ] {
        let told = world.call(arguments).run();
        assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{arguments:?}: {}", told.stderr);
        assert!(told.stderr.contains(wanted), "{arguments:?}: {}", told.stderr);
    }
    assert!(world.sandbox.journal().is_empty());
}

#[test]
fn what_the_server_says_is_told_with_what_to_do() {
    let world = World::new();
    let lacking = world.sandbox.repository_token(&world.seed.repository, &["repository"]).unwrap();
    let path = format!("{REPOSITORY}/pullrequests/1/comments");
    let told = world.call(&["GET", &path]).env("BITBUCKET_ACCESS_TOKEN", &lacking).run();
    assert_eq!(told.code, 3);
    assert!(told.stderr.contains("hint: give the token the scope `pullrequest`"), "{}", told.stderr);

    let told = world.call(&["GET", REPOSITORY, "--select", "/nothing"]).run();
    assert_eq!((told.code, told.stderr.as_str()), (3, "error: the answer has nothing at `/nothing`\n"));

    // A server that repeats the token, in an error and in an answer.
    for status in [400, 200] {
        let body = json!({"message": format!("I was sent {}\u{202e}", world.token)}).to_string();
        world.sandbox.fault(Route::new("GET", "*"), Fault::status(status).with_body(&body), 1);
        let told = world.call(&["GET", REPOSITORY]).run();
        let text = told.stdout + &told.stderr;
        assert!(text.contains("I was sent ••••••••\\u"), "{text}");
        assert!(!text.contains(&world.token), "{text}");
    }

    let told = world.call(&["GET", "/user", "--bitbucket-api-url", "http://127.0.0.1:1/2.0"]).run();
    assert_eq!(told.code, 3);
    assert!(told.stderr.starts_with("error: http://127.0.0.1:1 cannot be reached: "), "{}", told.stderr);
}
