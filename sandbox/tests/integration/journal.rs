//! What was asked, without what must not be told.

use serde_json::json;

use crate::client::{Client, SHOP, shop};

#[test]
fn a_journal_without_credentials() {
    let sandbox = shop();
    let token = sandbox.repository_token(SHOP, &["repository", "pullrequest"]).unwrap();
    let client = Client::new(&sandbox).bearer(&token);
    let path = format!("/repositories/{SHOP}/pullrequests/1/comments");
    client.post(&path, &json!({"content": {"raw": "hello"}}));
    Client::new(&sandbox).get("/user");
    let journal = sandbox.journal();
    assert_eq!(journal.len(), 2);
    let first = &journal[0];
    assert_eq!(
        (first.method.as_str(), first.operation.as_deref(), first.status),
        ("POST", Some("post_comment"), Some(201))
    );
    assert_eq!(first.json().unwrap()["content"]["raw"], "hello");
    assert!(first.headers.contains(&"authorization".to_owned()));
    let digest = first.authorization.as_ref().unwrap();
    assert_eq!(digest.len(), 64);
    assert_eq!(journal[1].authorization, None);
    // The same credentials have the same digest, and are seen nowhere.
    client.get(&path);
    assert_eq!(sandbox.journal()[2].authorization.as_ref(), Some(digest));
    let shown: String = sandbox.journal().iter().map(|entry| format!("{entry}\n{entry:?}\n")).collect();
    assert!(shown.contains("authorized") && shown.contains("anonymous"));
    assert!(!shown.contains(&token));
    assert!(!format!("{sandbox:?}").contains(&token));
}
