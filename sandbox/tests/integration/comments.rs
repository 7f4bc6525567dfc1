//! Comments on a pull request.

use serde_json::json;

use crate::client::{Client, SHOP, shop};

fn all() -> String {
    format!("/repositories/{SHOP}/pullrequests/1/comments")
}

#[test]
fn made_read_changed_and_deleted() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let made = client.post(&all(), &json!({"content": {"raw": "one"}}));
    assert_eq!(made.status, 201);
    let location = made.header("location").unwrap().to_owned();
    assert_eq!(client.get(&location).json()["content"]["raw"], "one");
    let one = format!("{}/{}", all(), made.json()["id"]);
    assert_eq!(client.put(&one, &json!({"content": {"raw": "two"}})).json()["content"]["raw"], "two");
    let inline = json!({"content": {"raw": "here"}, "inline": {"path": "src/lib.rs", "to": 2}, "parent": {"id": made.json()["id"]}});
    let inline = client.post(&all(), &inline).json();
    assert_eq!(inline["inline"], json!({"path": "src/lib.rs", "to": 2}));
    assert_eq!(inline["parent"]["id"], made.json()["id"]);

    assert_eq!(client.delete(&one).status, 204);
    assert_eq!(client.delete(&one).status, 404);
    assert_eq!(client.put(&one, &json!({"content": {"raw": "three"}})).status, 404);
    // It stays in the list, blotted out.
    let listed = client.all(&all());
    assert_eq!(listed.iter().map(|comment| comment["deleted"].as_bool().unwrap()).collect::<Vec<_>>(), [true, false]);
    assert_eq!(listed[0]["content"]["raw"], "");
    assert!(sandbox.comments(SHOP, 1).unwrap()[0].is_deleted);
}

#[test]
fn only_its_author_changes_a_comment() {
    let sandbox = shop();
    let made = Client::with_token(&sandbox).post(&all(), &json!({"content": {"raw": "mine"}})).json();
    let one = format!("{}/{}", all(), made["id"]);
    let other = Client::with_token(&sandbox);
    assert_eq!(other.put(&one, &json!({"content": {"raw": "theirs"}})).status, 403);
    assert_eq!(other.delete(&one).status, 403);
    assert_ne!(other.post(&all(), &json!({"content": {"raw": "x"}})).json()["user"]["uuid"], made["user"]["uuid"]);
}

#[test]
fn parts_of_an_answer_and_queries() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    for text in ["marker: one", "two", "marker: three"] {
        client.post(&all(), &json!({"content": {"raw": text}}));
    }
    let reply = client.request("GET", &all()).query(&[
        ("q", "content.raw ~ \"marker\""),
        ("fields", "values.id,next"),
        ("sort", "-id"),
    ]);
    let page = crate::client::send(reply).unwrap().json();
    let values = page["values"].as_array().unwrap();
    assert_eq!(values.len(), 2);
    assert!(values[0]["id"].as_u64() > values[1]["id"].as_u64());
    assert_eq!(page.as_object().unwrap().len(), 1);
    assert_eq!(values[0].as_object().unwrap().len(), 1);
    sandbox.assert_valid();
    let reply = client.request("GET", &all()).query(&[("q", "nonsense here")]);
    assert_eq!(crate::client::send(reply).unwrap().status, 400);
    assert_eq!(sandbox.take_violations().len(), 1);
}

#[test]
fn there_are_none_on_what_is_not_there() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    sandbox.delete_pull_request(SHOP, 1).unwrap();
    let reply = client.post(&all(), &json!({"content": {"raw": "x"}}));
    assert_eq!((reply.status, reply.json()["type"].as_str()), (404, Some("error")));
    sandbox.delete_repository(SHOP).unwrap();
    assert_eq!(client.get(&all()).status, 404);
}
