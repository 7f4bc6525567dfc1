//! git over HTTP, with the real git.

use std::path::Path;
use std::process::{Command, Output};

use penstock_sandbox::{Commit, Sandbox};

use crate::client::{SHOP, shop};

#[expect(clippy::disallowed_methods, reason = "the client under test is git itself")]
fn git(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(words);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
    // What is committed here is the youngest, so that git offers it first.
    command.env("GIT_COMMITTER_DATE", "2038-01-01T00:00:00Z");
    command.env("GIT_ASKPASS", "true").env_remove("http_proxy").env_remove("no_proxy").env_remove("NO_PROXY");
    command.output().unwrap()
}

pub(crate) fn succeeds(folder: &Path, words: &[&str]) -> String {
    let output = git(folder, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn by_proxy(sandbox: &Sandbox) -> String {
    format!("http.proxy=http://{}/", sandbox.proxy_addr())
}

fn with_token(sandbox: &Sandbox, name: &str, token: &str) -> String {
    let host = sandbox.site_url().trim_start_matches("http://").to_owned();
    format!("http://{name}:{token}@{host}/{SHOP}.git")
}

#[test]
fn a_commit_is_fetched_through_the_proxy() {
    let sandbox = shop();
    let folder = tempfile::tempdir().unwrap();
    let commit = sandbox.tip(SHOP, "feature").unwrap();
    succeeds(folder.path(), &["init", "-q", "--bare"]);
    for protocol in ["0", "1", "2"] {
        let version = format!("protocol.version={protocol}");
        let url = format!("http://bitbucket.org/{SHOP}");
        let listed =
            succeeds(folder.path(), &["-c", &by_proxy(&sandbox), "-c", &version, "ls-remote", &url, "feature"]);
        assert!(listed.starts_with(&commit), "{protocol}: {listed}");
    }
    // By its id, as version 2 allows.
    let url = format!("http://bitbucket.org/{SHOP}.git");
    succeeds(folder.path(), &["-c", &by_proxy(&sandbox), "fetch", "-q", "--depth=1", &url, &commit]);
    assert_eq!(succeeds(folder.path(), &["rev-parse", "FETCH_HEAD"]), commit);
    let entry = sandbox.journal().pop().unwrap();
    assert!(entry.headers.contains(&"git-protocol".to_owned()));
    assert!(entry.path.ends_with("/git-upload-pack"), "{}", entry.path);
}

#[test]
fn the_proxy_serves_the_repository_of_the_step_only() {
    let sandbox = shop();
    sandbox.set_step(SHOP).unwrap();
    sandbox.repository("acme/other").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let refused = git(folder.path(), &["-c", &by_proxy(&sandbox), "ls-remote", "http://bitbucket.org/acme/other"]);
    assert!(!refused.status.success());
}

#[test]
fn a_large_request_comes_compressed() {
    let sandbox = shop();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://bitbucket.org/{SHOP}");
    succeeds(folder.path(), &["-c", &by_proxy(&sandbox), "clone", "-q", &url, "clone"]);
    let clone = folder.path().join("clone");
    // So many commits that the list of what is there is compressed.
    for number in 0..40 {
        let message = format!("own {number}");
        succeeds(
            &clone,
            &["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", &message],
        );
    }
    let pushed = sandbox.push(SHOP, "feature", &Commit::new("more\n").write("more", "x")).unwrap();
    succeeds(&clone, &["-c", &by_proxy(&sandbox), "fetch", "-q", "origin", "feature"]);
    assert_eq!(succeeds(&clone, &["rev-parse", "FETCH_HEAD"]), pushed);
    assert!(sandbox.journal().iter().any(|entry| entry.headers.contains(&"content-encoding".to_owned())));
}

#[test]
fn with_a_token_without_the_proxy() {
    let sandbox = shop();
    let folder = tempfile::tempdir().unwrap();
    let access = sandbox.repository_token(SHOP, &["repository"]).unwrap();
    let api = sandbox.api_token("acme", "ada@example.com", &["read:repository:bitbucket"]).unwrap();
    for (name, token) in [("x-token-auth", &access), ("x-bitbucket-api-token-auth", &api)] {
        succeeds(folder.path(), &["ls-remote", &with_token(&sandbox, name, token)]);
    }
    let password = sandbox.app_password("acme", "ada").unwrap();
    for (name, token) in [("somebody", &access), ("ada", &password), ("x-token-auth", &"wrong".to_owned())] {
        assert!(!git(folder.path(), &["ls-remote", &with_token(&sandbox, name, token)]).status.success(), "{name}");
    }
    assert!(!git(folder.path(), &["ls-remote", &format!("{}/{SHOP}", sandbox.site_url())]).status.success());
}

#[test]
fn a_push_needs_the_right_to_write_and_moves_the_pull_request() {
    let sandbox = shop();
    let folder = tempfile::tempdir().unwrap();
    let reader = sandbox.repository_token(SHOP, &["repository"]).unwrap();
    let writer = sandbox.repository_token(SHOP, &["repository:write"]).unwrap();
    let url = with_token(&sandbox, "x-token-auth", &writer);
    succeeds(folder.path(), &["clone", "-q", "--branch=feature", &url, "clone"]);
    let clone = folder.path().join("clone");
    succeeds(&clone, &["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "pushed"]);
    assert!(
        !git(&clone, &["push", "-q", &with_token(&sandbox, "x-token-auth", &reader), "HEAD:feature"]).status.success()
    );
    succeeds(&clone, &["push", "-q", &url, "HEAD:feature"]);
    assert_eq!(sandbox.tip(SHOP, "feature").unwrap(), succeeds(&clone, &["rev-parse", "HEAD"]));
}

#[test]
fn a_repository_that_moved_is_found() {
    let sandbox = shop();
    let folder = tempfile::tempdir().unwrap();
    let token = sandbox.repository_token(SHOP, &["repository"]).unwrap();
    let url = with_token(&sandbox, "x-token-auth", &token);
    sandbox.rename_repository(SHOP, "acme/store").unwrap();
    succeeds(folder.path(), &["ls-remote", &url]);
}

#[test]
fn what_the_sandbox_keeps_for_itself_is_not_offered() {
    let sandbox = shop();
    sandbox.fork(SHOP, "eve/shop").unwrap();
    sandbox.push("eve/shop", "main", &Commit::new("fork\n").write("fork", "x\n")).unwrap();
    sandbox.open_pull_request_from("eve/shop", "main", SHOP, "main").unwrap();
    sandbox.set_step(SHOP).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let listed =
        succeeds(folder.path(), &["-c", &by_proxy(&sandbox), "ls-remote", &format!("http://bitbucket.org/{SHOP}")]);
    assert!(!listed.contains("sandbox"), "{listed}");
}
