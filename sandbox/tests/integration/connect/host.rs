//! Pages of the host, and what their buttons do.

use std::path::PathBuf;

use penstock_sandbox::{Bitbucket, Permission, Pipe, Sandbox};
use tempfile::TempDir;

use super::double::AppDouble;
use crate::client::{Client, Reply, SHOP, send, shop};

struct Browser {
    client: Client,
    cookies: String,
}

impl Browser {
    fn new(bitbucket: &Bitbucket, cookies: &str) -> Self {
        Self { client: Client::new(bitbucket).at(&bitbucket.page_url()), cookies: cookies.to_owned() }
    }

    fn of(bitbucket: &Bitbucket, person: &str) -> Self {
        Self::new(bitbucket, &format!("viewer={}", person.trim_matches(['{', '}'])))
    }

    fn get(&self, path: &str) -> Reply {
        send(self.client.request("GET", path).header("cookie", &self.cookies)).unwrap()
    }

    fn press(&self, act: &str, fields: &[(&str, &str)]) -> Reply {
        let body = fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        let request = self.client.request("POST", &format!("/_host/{act}")).header("cookie", &self.cookies);
        send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).unwrap()
    }
}

/// A pipe that does nothing but write down what it is told.
#[expect(clippy::disallowed_methods, reason = "installs the pipe as a step finds it")]
fn pipe(sandbox: &Sandbox) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (program, told) = (folder.path().join("penstock"), folder.path().join("told"));
    let line = "$BITBUCKET_REPO_FULL_NAME $BITBUCKET_BRANCH $BITBUCKET_PR_ID at $SOURCE_DATE_EPOCH by $AUTH_PROXY";
    let text = folder.path().join("text");
    std::fs::write(&text, format!("#!/bin/sh\necho \"{line}\" >>'{}'\n", told.display())).unwrap();
    // By another process: a program cannot be run while a process has it open for writing, and what
    // another test starts inherits what this process has open.
    let installed = std::process::Command::new("install").args(["-m", "755"]).args([&text, &program]).status().unwrap();
    assert!(installed.success());
    sandbox.set_pipe(Pipe { program, companion: "http://127.0.0.1:1".to_owned() });
    (folder, told)
}

fn sources(page: &Reply) -> Vec<String> {
    let parts = page.text.split("src=\"").skip(1);
    parts.map(|part| part.split('"').next().unwrap().replace("&amp;", "&")).collect()
}

#[test]
fn each_place_is_shown_where_it_belongs_and_to_whom_it_says() {
    let (sandbox, app) = (shop(), AppDouble::start());
    app.install(&sandbox);
    let grace = sandbox.person("Grace");
    let browser = Browser::of(&sandbox, &grace.uuid);
    assert!(sources(&browser.get("/acme/shop")).is_empty(), "a private repository is shown to nobody else");
    sandbox.permit(SHOP, &grace.uuid, Permission::Read).unwrap();
    for (path, frame, count) in [
        ("/acme/", "", 0),
        ("/acme/shop", "/base/repo?", 1),
        ("/acme/shop/pull-requests", "", 0),
        ("/acme/shop/pull-requests/1", "/base/pr?", 1),
        ("/acme/addon/an-app/page", "/base/page?", 1),
    ] {
        let page = browser.get(path);
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        let sources = sources(&page);
        assert_eq!(sources.len(), count, "{path}: {sources:?}");
        assert!(sources.iter().all(|source| source.contains(frame) && source.contains("&jwt=")), "{path}: {sources:?}");
    }
    let account = grace.account_id.replace(':', "%3A");
    assert!(sources(&browser.get("/acme/shop/pull-requests/1"))[0].contains(&account));
    for path in ["/nowhere/", "/acme/nothing", "/acme/shop/pull-requests/7", "/acme/shop/addon/an-app/page"] {
        assert_eq!(browser.get(path).status, 404, "{path}");
    }
    let script = browser.get("/atlassian-connect/all.js");
    assert_eq!((script.status, script.header("content-type")), (200, Some("text/javascript; charset=utf-8")));
    // The pages are at home under another name than the frames, and git stands beside them.
    assert!(sandbox.page_url().starts_with("http://localhost:"));
    for base in [sandbox.site_url(), sandbox.page_url()] {
        assert_eq!(Client::new(&sandbox).at(&base).get("/acme/shop").status, 200);
        assert_eq!(Client::new(&sandbox).at(&base).get("/acme/shop/info/refs?service=git-upload-pack").status, 401);
    }
}

#[test]
fn switches_are_remembered_by_the_host_alone() {
    let sandbox = shop();
    let grace = sandbox.person("Grace");
    let uuid = grace.uuid.trim_matches(['{', '}']);
    let switched =
        Browser::new(&sandbox, "").press("switch", &[("viewer", uuid), ("scheme", "dark"), ("back", "/acme/shop")]);
    assert_eq!((switched.status, switched.header("location")), (303, Some("/acme/shop")));
    let set: Vec<_> = switched.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(set.len(), 2);
    assert!(set.iter().all(|cookie| cookie.ends_with("Path=/; SameSite=Strict; HttpOnly")), "{set:?}");
    let page = Browser::new(&sandbox, &format!("viewer={uuid}; scheme=dark")).get("/acme/shop");
    assert!(page.text.contains(":root{color-scheme:dark}"), "{}", page.text);
    assert!(page.text.contains("Grace has the permission “none” here"), "{}", page.text);
    for back in ["", "//example.com", "https://example.com", "/%5C%5Cexample.com", "/a%0D%0Ab"] {
        assert_eq!(Browser::new(&sandbox, "").press("switch", &[("back", back)]).status, 422, "{back}");
    }
}

#[test]
fn buttons_do_what_they_say_and_the_pipeline_runs() {
    let sandbox = shop();
    let (_folder, told) = pipe(&sandbox);
    let walt = sandbox.person("Walt");
    sandbox.permit(SHOP, &walt.uuid, Permission::Write).unwrap();
    let browser = Browser::of(&sandbox, &walt.uuid);
    let back = ("back", "/acme/shop");
    let press = |act: &str, fields: &[(&str, &str)]| {
        let reply = browser.press(act, &[fields, &[("repository", SHOP), back]].concat());
        assert_eq!((reply.status, reply.header("location")), (303, Some("/acme/shop")), "{act}: {}", reply.text);
    };
    let before = sandbox.tip(SHOP, "feature").unwrap();
    press("push", &[("branch", "feature"), ("change", "secret")]);
    assert_ne!(sandbox.tip(SHOP, "feature").unwrap(), before);
    press("push", &[("branch", "feature"), ("change", "fix")]);
    press("run", &[("branch", "main")]);
    press("open", &[("change", "harmless"), ("title", "More")]);
    press("merge", &[("pull_request", "1")]);
    press("comment", &[("pull_request", "2"), ("text", "Hello")]);
    let told = std::fs::read_to_string(told).unwrap();
    let told: Vec<_> = told.lines().map(|line| line.split(" at ").next().unwrap().trim_end()).collect();
    assert_eq!(told[..3], ["acme/shop feature 1", "acme/shop feature 1", "acme/shop main"]);
    assert!(told[3].starts_with("acme/shop change/") && told[3].ends_with(" 2"), "{told:?}");
    assert_eq!(told[4..], ["acme/shop main"]);
    let comments = sandbox.comments(SHOP, 2).unwrap();
    assert_eq!((comments[0].author.as_str(), comments[0].raw.as_str()), (walt.uuid.as_str(), "Hello"));
}

#[test]
fn who_may_not_is_told_so_and_nothing_is_done() {
    let sandbox = shop();
    let (_folder, told) = pipe(&sandbox);
    let rosa = sandbox.person("Rosa");
    sandbox.permit(SHOP, &rosa.uuid, Permission::Read).unwrap();
    let before = sandbox.tip(SHOP, "main").unwrap();
    let form = [("repository", SHOP), ("branch", "main"), ("change", "secret"), ("back", "/acme/shop")];
    assert_eq!(Browser::of(&sandbox, &rosa.uuid).press("push", &form).status, 403);
    let owner = Browser::new(&sandbox, "");
    let wrong = [("repository", SHOP), ("branch", "main"), ("change", "colour"), ("back", "/acme/shop")];
    assert_eq!(owner.press("push", &wrong).status, 422);
    assert_eq!(owner.press("dance", &form).status, 422);
    assert_eq!((sandbox.tip(SHOP, "main").unwrap(), told.exists()), (before, false));
}

#[test]
fn names_stay_text() {
    let sandbox = shop();
    let title = "\"><img src=x onerror=alert(1)>";
    sandbox.update_pull_request(SHOP, 1, Some(title), None, None).unwrap();
    sandbox.comment(SHOP, 1, title).unwrap();
    let browser = Browser::of(&sandbox, &sandbox.person(title).uuid);
    for path in ["/acme/", "/acme/shop", "/acme/shop/pull-requests", "/acme/shop/pull-requests/1"] {
        let page = browser.get(path);
        assert!(!page.text.contains("<img") && page.text.contains("&lt;img"), "{path}: {}", page.text);
    }
}

#[test]
fn the_past_is_the_past_and_steps_of_two_repositories_have_two_proxies() {
    let sandbox = shop();
    let (_folder, told) = pipe(&sandbox);
    sandbox.repository("acme/other").unwrap();
    let then = sandbox.acting_at(1_700_000_000);
    for name in [SHOP, "acme/other"] {
        then.push(name, "main", &penstock_sandbox::Commit::new("then\n").write("then", "x\n")).unwrap();
        assert_eq!(then.run_branch(name, "main").unwrap().code, Some(0));
    }
    let token = sandbox.repository_token(SHOP, &["repository"]).unwrap();
    let tip = sandbox.tip(SHOP, "main").unwrap();
    let shown = Client::new(&sandbox).bearer(&token).get(&format!("/repositories/{SHOP}/commit/{tip}")).json();
    assert_eq!(shown["date"], "2023-11-14T22:13:20Z");
    let told = std::fs::read_to_string(told).unwrap();
    let proxies: Vec<_> = told.lines().map(|line| line.split(" at 1700000000 by ").nth(1).unwrap()).collect();
    assert_ne!(proxies[0], proxies[1]);
    assert!(proxies.iter().all(|proxy| *proxy != sandbox.proxy_addr()));
}
