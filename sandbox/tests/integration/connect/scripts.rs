//! What scripts call.

use penstock_sandbox::Sandbox;
use serde_json::{Value, json};

use super::double::AppDouble;
use crate::client::{Client, SHOP, shop};

fn act(sandbox: &Sandbox, name: &str, body: &Value) -> Value {
    let client = Client::new(sandbox).at(&sandbox.site_url());
    let reply = client.post(&format!("/_sandbox/{name}"), body);
    assert_eq!(reply.status, 200, "{name}: {}", reply.text);
    reply.json()
}

fn look(sandbox: &Sandbox, path: &str) -> Value {
    let reply = Client::new(sandbox).at(&sandbox.site_url()).get(&format!("/_sandbox/{path}"));
    assert_eq!(reply.status, 200, "{path}: {}", reply.text);
    reply.json()
}

#[test]
fn a_script_tells_a_whole_story() {
    let (sandbox, app) = (Sandbox::new().unwrap(), AppDouble::start());
    let act = |name: &str, body: Value| act(&sandbox, name, &body);
    act("workspace", json!({"slug": "acme"}));
    let installed =
        act("install", json!({"workspace": "acme", "descriptor": app.descriptor_url(), "registered": true}));
    assert!(installed["client_key"].as_str().unwrap().starts_with("ari:cloud:bitbucket::app/{"));
    let uuid = act("repository", json!({"name": SHOP}))["uuid"].clone();
    act(
        "push",
        json!({"repository": SHOP, "branch": "main", "message": "first\n", "write": {"a.txt": "a\n", "b.txt": "b\n"}}),
    );
    act("branch", json!({"repository": SHOP, "branch": "feature", "at": "main"}));
    let tip = act(
        "push",
        json!({"repository": SHOP, "branch": "feature", "message": "second\n", "remove": ["b.txt"], "rename": {"a.txt": "c.txt"}}),
    );
    assert_eq!(tip["commit"], sandbox.tip(SHOP, "feature").unwrap());
    let open = json!({"repository": SHOP, "title": "A feature", "source": "feature", "destination": "main"});
    let grace = act("person", json!({"name": "Grace", "personal_workspace": "grace"}));
    let by = format!("open-pull-request?by={}", grace["uuid"].as_str().unwrap().trim_matches(['{', '}']));
    assert_eq!(act(&by, open)["id"], 1);
    act("permit", json!({"repository": SHOP, "person": grace["uuid"], "permission": "write"}));
    act("update-pull-request", json!({"repository": SHOP, "id": 1, "title": "The feature"}));
    let comment = act("comment", json!({"repository": SHOP, "id": 1, "text": "hello"}))["comment"].clone();
    act("edit-comment", json!({"repository": SHOP, "id": 1, "comment": comment, "text": "hi"}));
    act("delete-comment", json!({"repository": SHOP, "id": 1, "comment": comment}));
    let step = act("step", json!({"repository": SHOP, "pull_request": 1, "oidc": ["https://app.example.com"]}));
    assert_eq!(step["environment"]["BITBUCKET_PR_ID"], "1");
    assert_eq!(step["environment"]["BITBUCKET_STEP_OIDC_TOKEN"].as_str().unwrap().split('.').count(), 3);
    act("merge", json!({"repository": SHOP, "id": 1}));
    act("delete-branch", json!({"repository": SHOP, "branch": "feature"}));
    act("move-to-project", json!({"repository": SHOP, "project": "NEW"}));
    act("rename-repository", json!({"from": SHOP, "to": "acme/store"}));
    act("settle", json!({}));
    let frames = look(
        &sandbox,
        &format!(
            "frames?repository=acme/store&pull_request=1&viewer={}",
            grace["uuid"].as_str().unwrap().trim_matches(['{', '}'])
        ),
    );
    assert_eq!(frames.as_array().unwrap().len(), 3);
    assert!(frames[0]["url"].as_str().unwrap().contains(uuid.as_str().unwrap().trim_matches(['{', '}'])));
    act("uninstall", json!({"app": "an-app", "workspace": "acme"}));
    let deliveries = look(&sandbox, "deliveries");
    let all = deliveries.as_array().unwrap();
    assert!(all.iter().all(|delivery| delivery["outcome"] == "delivered"), "{deliveries}");
    assert_eq!(all[0]["event"], "repo:created");
    assert_eq!(all.len(), app.got("/hooks").len());
    assert_eq!(look(&sandbox, "")["api"], sandbox.api_url());
    assert_eq!(look(&sandbox, "apps"), json!([]));
    // It is nothing that Bitbucket sees.
    assert!(sandbox.journal().is_empty());
}

#[test]
fn what_is_not_meant_is_refused() {
    let sandbox = shop();
    let client = Client::new(&sandbox).at(&sandbox.site_url());
    for (name, body) in [
        ("dance", json!({})),
        ("merge", json!({"repository": SHOP})),
        ("merge", json!({"repository": SHOP, "id": 1, "colour": "red"})),
        ("merge", json!({"repository": SHOP, "id": 7})),
        ("settle", json!([])),
        ("settle?by=nobody", json!({})),
        ("step", json!({"repository": SHOP})),
        ("install", json!({"workspace": "acme", "descriptor": "nowhere"})),
        ("mishap", json!({"mishap": "rain", "times": 1})),
    ] {
        let reply = client.post(&format!("/_sandbox/{name}"), &body);
        assert_eq!(reply.status, 422, "{name} {body}: {}", reply.text);
        assert!(reply.json()["error"].is_string());
    }
    assert_eq!(client.get("/_sandbox/frames?workspace=acme").status, 422);
    assert_eq!(client.post("/_sandbox/mishap", &json!({"mishap": {"repeat": 2}, "times": 1})).status, 200);
}

#[test]
fn a_page_embeds_the_app() {
    let (sandbox, app) = (shop(), AppDouble::start());
    app.install(&sandbox);
    let client = Client::new(&sandbox).at(&sandbox.site_url());
    let page = client.get(&format!("/_sandbox/host?repository={SHOP}&module=repo"));
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    assert_eq!(page.text.matches("<iframe").count(), 1);
    let address = page.text.split("src=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    let reply = client.get(&address);
    assert_eq!(reply.status, 200);
    let got = app.got("/repo").pop().unwrap();
    assert!(got.target.contains("&jwt="));
}
