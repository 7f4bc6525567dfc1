//! Repositories and what is in them.

use penstock_sandbox::Commit;
use serde_json::Value;

use crate::client::{Client, SHOP, commit_path, send, shop};

const HERE: &str = "/repositories/acme/shop";

fn hashes(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["hash"].as_str().unwrap()).collect()
}

#[test]
fn a_repository_by_either_name() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let shown = client.get(HERE).json();
    assert_eq!((shown["full_name"].as_str(), shown["mainbranch"]["name"].as_str()), (Some(SHOP), Some("main")));
    let uuid = shown["uuid"].as_str().unwrap();
    assert_eq!(client.get(&format!("/repositories/acme/{uuid}")).json()["full_name"], SHOP);
}

#[test]
fn a_repository_that_moved_leads_on() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let commit = commit_path(&sandbox, "main");
    sandbox.rename_repository(SHOP, "acme/store").unwrap();
    let reply = client.get(&format!("{commit}?fields=hash"));
    assert_eq!(reply.status, 301);
    let location = reply.header("location").unwrap().to_owned();
    assert!(location.starts_with(&format!("{}/repositories/acme/store/commit/", sandbox.api_url())), "{location}");
    assert_eq!(client.get(&location).status, 200);
    let status = serde_json::json!({"key": "k", "state": "FAILED", "url": "https://example.com"});
    assert_eq!(client.post(&format!("{commit}/statuses/build"), &status).status, 308);
    // Who does not see it is not told where it went.
    let stranger = Client::new(&sandbox);
    assert_eq!(stranger.get(HERE).status, 401);
}

#[test]
fn commits_and_their_ancestors() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let (main, feature) = (sandbox.tip(SHOP, "main").unwrap(), sandbox.tip(SHOP, "feature").unwrap());
    let shown = client.get(&format!("{HERE}/commit/{}", &feature[..12])).json();
    assert_eq!(shown["hash"], feature);
    assert_eq!(
        (shown["message"].as_str(), shown["parents"][0]["hash"].as_str()),
        (Some("second\n"), Some(main.as_str()))
    );
    assert_eq!(client.get(&format!("{HERE}/commit/{}", "f".repeat(40))).status, 404);

    assert_eq!(hashes(&client.all(&format!("{HERE}/commits"))), [feature.as_str(), &main]);
    assert_eq!(hashes(&client.all(&format!("{HERE}/commits?include=feature&exclude=main"))), [feature.as_str()]);
    assert_eq!(hashes(&client.all(&format!("{HERE}/commits/main"))), [main.as_str()]);
    assert_eq!(client.get(&format!("{HERE}/commits?include=none")).status, 404);

    sandbox.push(SHOP, "main", &Commit::new("other\n").write("other", "x")).unwrap();
    assert_eq!(client.get(&format!("{HERE}/merge-base/main..feature")).json()["hash"], main);
    assert_eq!(client.get(&format!("{HERE}/merge-base/{feature}..none")).status, 404);
}

#[test]
fn a_long_list_of_commits_goes_on_elsewhere() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    for number in 0..5 {
        sandbox.push(SHOP, "main", &Commit::new("more\n").write("n", number.to_string())).unwrap();
    }
    let page = client.get(&format!("{HERE}/commits/main?pagelen=4")).json();
    assert!(page.get("size").is_none());
    assert!(page["next"].as_str().unwrap().contains("ctx="), "{}", page["next"]);
    assert_eq!(client.all(&format!("{HERE}/commits/main?pagelen=4")).len(), 6);
}

#[test]
fn branches_also_those_with_slashes() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    sandbox.branch(SHOP, "fix/a-b", "feature").unwrap();
    let shown = client.get(&format!("{HERE}/refs/branches/fix/a-b")).json();
    assert_eq!(
        (shown["name"].as_str(), shown["target"]["hash"].as_str()),
        (Some("fix/a-b"), Some(sandbox.tip(SHOP, "feature").unwrap().as_str()))
    );
    assert_eq!(client.get(&format!("{HERE}/refs/branches/fix%2Fa-b")).json()["name"], "fix/a-b");
    assert_eq!(client.get(&format!("{HERE}/refs/branches/none")).status, 404);
    sandbox.branch(SHOP, "fix/<b>", "feature").unwrap();
    let links = client.get(&format!("{HERE}/refs/branches/fix%2F%3Cb%3E")).json()["links"].clone();
    for link in ["self", "commits", "html"] {
        let address = links[link]["href"].as_str().unwrap();
        assert!(address.ends_with("/fix/%3Cb%3E"), "{address}");
    }
    let query = client.request("GET", &format!("{HERE}/refs/branches")).query(&[("q", "name = \"main\"")]);
    assert_eq!(send(query).unwrap().json()["values"][0]["name"], "main");
}

#[test]
fn files_and_directories() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    assert_eq!(client.get(&format!("{HERE}/src/feature/src/lib.rs")).text, "one\n2\n");
    let meta = client.get(&format!("{HERE}/src/main/src/lib.rs?format=meta")).json();
    assert_eq!((meta["type"].as_str(), meta["size"].as_u64()), (Some("commit_file"), Some(8)));
    let paths = |path: &str| {
        let items = client.all(path);
        items.iter().map(|item| item["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(paths(&format!("{HERE}/src/feature/src/")), ["src/lib.rs", "src/new.rs"]);
    assert_eq!(client.get(&format!("{HERE}/src/main/none")).status, 404);
    assert_eq!(client.get(&format!("{HERE}/src/none/README.md")).status, 404);
    // A slash in a branch's name ends the revision, however it is written.
    sandbox.branch(SHOP, "topic/x", "main").unwrap();
    for name in ["topic%2Fx", "topic%2fx", "topic/x"] {
        assert_eq!(client.get(&format!("{HERE}/src/{name}/README.md")).status, 404, "{name}");
    }
    for what in ["commit", "commits"] {
        assert_eq!(client.get(&format!("{HERE}/{what}/topic%2Fx")).status, 404, "{what}");
    }
    assert_eq!(client.get(&format!("{HERE}/refs/branches/topic/x")).status, 200);
    let tip = sandbox.tip(SHOP, "topic/x").unwrap();
    assert_eq!(client.get(&format!("{HERE}/src/{tip}/README.md")).status, 200);
    let root = client.get(&format!("{HERE}/src"));
    assert_eq!(root.status, 302);
}

#[test]
fn differences_in_the_opposite_order_of_gits() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let text = client.get(&format!("{HERE}/diff/feature..main")).text;
    assert!(text.contains("-two\n+2"), "{text}");
    let stat = client.all(&format!("{HERE}/diffstat/feature..main"));
    assert_eq!(stat.len(), 2);
    assert_eq!(
        (stat[1]["status"].as_str(), stat[1]["new"]["path"].as_str(), stat[1]["old"].is_null()),
        (Some("added"), Some("src/new.rs"), true)
    );
    assert_eq!((stat[0]["lines_added"].as_u64(), stat[0]["lines_removed"].as_u64()), (Some(1), Some(1)));
    // One commit alone is compared with its parent, the first one with nothing.
    assert_eq!(client.all(&format!("{HERE}/diffstat/feature")).len(), 2);
    assert_eq!(client.all(&format!("{HERE}/diffstat/main")).len(), 2);
    sandbox
        .push(SHOP, "feature", &Commit::new("moved\n").rename("README.md", "docs/README.md").remove("src/new.rs"))
        .unwrap();
    let stat = client.all(&format!("{HERE}/diffstat/feature"));
    let kinds: Vec<_> = stat.iter().map(|stat| stat["status"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["renamed", "removed"]);
}

#[test]
fn what_is_public_may_be_read_by_anybody() {
    let sandbox = shop();
    sandbox.set_private(SHOP, false).unwrap();
    let client = Client::new(&sandbox);
    assert_eq!(client.get(HERE).status, 200);
    let body = serde_json::json!({"content": {"raw": "x"}});
    assert_eq!(client.post(&format!("{HERE}/pullrequests/1/comments"), &body).status, 401);
}

#[test]
fn what_was_removed_is_not_there() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    assert_eq!(client.get(&format!("{HERE}/issues")).status, 410);
    assert_eq!(sandbox.take_violations().len(), 1);
}
