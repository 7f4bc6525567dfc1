//! Pull requests.

use penstock_sandbox::Commit;

use crate::client::{Client, SHOP, send, shop};

const ALL: &str = "/repositories/acme/shop/pullrequests";

#[test]
fn a_pull_request_follows_its_branches_until_it_is_closed() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let one = format!("{ALL}/1");
    let source = |json: &serde_json::Value| json["source"]["commit"]["hash"].as_str().unwrap().to_owned();
    let before = client.get(&one).json();
    // Twelve digits, as Bitbucket writes them.
    assert_eq!(source(&before), sandbox.tip(SHOP, "feature").unwrap()[..12]);
    let pushed = sandbox.push(SHOP, "feature", &Commit::new("third\n").write("c", "c")).unwrap();
    assert_eq!(source(&client.get(&one).json()), pushed[..12]);
    let merged = sandbox.merge(SHOP, 1).unwrap();
    sandbox.push(SHOP, "feature", &Commit::new("fourth\n").write("d", "d")).unwrap();
    let after = client.get(&one).json();
    assert_eq!((after["state"].as_str(), source(&after)), (Some("MERGED"), pushed[..12].to_owned()));
    assert_eq!(after["merge_commit"]["hash"], merged[..12]);
    assert_eq!(sandbox.tip(SHOP, "main").unwrap(), merged);
}

#[test]
fn the_pull_request_of_a_branch_is_found_by_a_query() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let find = |branch: &str, state: &str| {
        let query = format!("source.branch.name=\"{branch}\" AND state=\"{state}\"");
        let request = client.request("GET", ALL).query(&[("q", query)]);
        send(request).unwrap().json()["values"].as_array().unwrap().len()
    };
    assert_eq!((find("feature", "OPEN"), find("main", "OPEN"), find("feature", "DECLINED")), (1, 0, 0));
    sandbox.decline(SHOP, 1).unwrap();
    assert_eq!((find("feature", "OPEN"), find("feature", "DECLINED")), (0, 1));
    assert_eq!(client.all(ALL).len(), 0);
    assert_eq!(client.all(&format!("{ALL}?state=DECLINED&state=MERGED")).len(), 1);
    assert_eq!(client.get(&format!("{ALL}/2")).status, 404);
    assert_eq!(client.get(&format!("{ALL}/none")).status, 404);
}

#[test]
fn its_diff_is_elsewhere() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    // What happened on the destination meanwhile is not part of it.
    sandbox.push(SHOP, "main", &Commit::new("other\n").write("other", "x")).unwrap();
    for (what, words) in [("diff", "+new"), ("diffstat", "src/new.rs")] {
        let reply = client.get(&format!("{ALL}/1/{what}"));
        assert_eq!(reply.status, 302);
        let location = reply.header("location").unwrap().to_owned();
        assert!(location.contains(&format!("/{what}/acme/shop:")), "{location}");
        assert!(location.ends_with("?from_pullrequest_id=1&topic=true"), "{location}");
        let reply = client.get(&location);
        assert_eq!(reply.status, 200);
        assert!(reply.text.contains(words) && !reply.text.contains("other"), "{}", reply.text);
    }
}

#[test]
fn a_pull_request_from_a_fork() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    sandbox.fork(SHOP, "eve/shop").unwrap();
    let pushed = sandbox.push("eve/shop", "main", &Commit::new("fork\n").write("fork", "x\n")).unwrap();
    let id = sandbox.open_pull_request_from("eve/shop", "main", SHOP, "main").unwrap();
    let shown = client.get(&format!("{ALL}/{id}")).json();
    assert_eq!(shown["source"]["repository"]["full_name"], "eve/shop");
    assert_eq!(shown["destination"]["repository"]["full_name"], SHOP);
    assert_eq!(shown["source"]["commit"]["hash"], pushed[..12]);
    // The token is one of the destination: the fork is none of its business, the diff is.
    assert_eq!(client.get("/repositories/eve/shop").status, 404);
    let location = client.get(&format!("{ALL}/{id}/diffstat")).header("location").unwrap().to_owned();
    assert!(client.get(&location).text.contains("\"fork\""));
    let again = sandbox.push("eve/shop", "main", &Commit::new("fork\n").write("fork", "y\n")).unwrap();
    assert_eq!(client.get(&format!("{ALL}/{id}")).json()["source"]["commit"]["hash"], again[..12]);
    // A fork that is gone leaves no repository.
    sandbox.delete_repository("eve/shop").unwrap();
    let shown = client.get(&format!("{ALL}/{id}")).json();
    assert!(shown["source"].get("repository").is_none());
}
