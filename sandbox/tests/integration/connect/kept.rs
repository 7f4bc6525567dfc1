//! What outlives a sandbox.

use penstock_sandbox::{Commit, Options, Permission, Sandbox, StartError};

use super::double::AppDouble;
use crate::client::{Client, SHOP};

#[test]
fn another_start_begins_with_what_was_kept() {
    let (folder, app) = (tempfile::tempdir().unwrap(), AppDouble::start());
    let options = Options { folder: Some(folder.path().join("all")), ..Options::default() };
    let first = Sandbox::start(options.clone()).unwrap();
    assert!(first.is_empty());
    first.repository(SHOP).unwrap();
    app.install(&first);
    let grace = first.person("Grace");
    first.permit(SHOP, &grace.uuid, Permission::Write).unwrap();
    first.push(SHOP, "main", &Commit::new("one\n").write("a", "1\n")).unwrap();
    first.branch(SHOP, "more", "main").unwrap();
    let tip = first.push(SHOP, "more", &Commit::new("two\n").write("a", "2\n")).unwrap();
    first.open_pull_request(SHOP, "More", "more", "main").unwrap();
    first.comment(SHOP, 1, "Hello").unwrap();
    first.hook(SHOP, "http://127.0.0.1:9/hook", None, &["repo:push"]).unwrap();
    let token = first.repository_token(SHOP, &["repository", "pullrequest"]).unwrap();
    let path = format!("/repositories/{SHOP}/pullrequests/1");
    let shown = |sandbox: &Sandbox| Client::new(sandbox).bearer(&token).get(&path).json();
    let before = shown(&first);
    first.keep().unwrap();
    first.person("Forgotten");
    drop(first);

    let second = Sandbox::start(options).unwrap();
    assert!(!second.is_empty());
    let after = shown(&second);
    for field in ["id", "title", "created_on", "comment_count", "source"] {
        // Addresses are those of this start.
        let plain = |value: &serde_json::Value| value.to_string().replace(|one: char| one.is_ascii_digit(), "");
        assert_eq!(plain(&before[field]), plain(&after[field]), "{field}");
    }
    assert_eq!((second.tip(SHOP, "more").unwrap(), second.comments(SHOP, 1).unwrap().len()), (tip, 1));
    assert_eq!(second.named("Grace").unwrap(), grace);
    assert!(second.named("Forgotten").is_err());
    // The app is told a new secret, signed with the former one.
    assert!(second.installed().is_empty());
    let secret = app.secret();
    app.install(&second);
    assert!(app.got("/installed").last().unwrap().claims(&secret).is_some());
}

#[test]
fn what_is_no_world_is_not_taken_for_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bitbucket.json"), "{").unwrap();
    let options = Options { folder: Some(folder.path().to_owned()), ..Options::default() };
    assert!(matches!(Sandbox::start(options), Err(StartError::Kept { .. })));
}

#[test]
fn ports_are_those_that_were_asked_for() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let started = Sandbox::start(Options { port: Some(port), ..Options::default() });
    assert!(matches!(started, Err(StartError::Port { port: named, .. }) if named == port));
}
