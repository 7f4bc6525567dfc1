//! Code Insights.

use serde_json::{Value, json};

use crate::client::{Client, commit_path, shop};

fn report() -> Value {
    json!({
        "title": "Secrets",
        "details": "1 finding",
        "report_type": "SECURITY",
        "reporter": "Penstock",
        "result": "PENDING",
        "link": "https://example.com/run/1",
        "data": [
            {"title": "New", "type": "NUMBER", "value": 1},
            {"title": "Passed", "type": "BOOLEAN", "value": false},
            {"title": "Took", "type": "DURATION", "value": 1200},
            {"title": "Covered", "type": "PERCENTAGE", "value": 12.5},
            {"title": "See", "type": "LINK", "value": {"text": "run", "href": "https://example.com"}},
            {"title": "Base", "type": "TEXT", "value": "merge base"},
        ],
    })
}

fn annotation(number: usize) -> Value {
    json!({
        "external_id": format!("a-{number}"),
        "annotation_type": "VULNERABILITY",
        "summary": "A secret",
        "path": "src/lib.rs",
        "line": 1,
        "severity": "HIGH",
        "result": "FAILED",
    })
}

fn annotations(numbers: std::ops::Range<usize>) -> Value {
    numbers.map(annotation).collect()
}

#[test]
fn nine_operations() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let reports = format!("{}/reports", commit_path(&sandbox, "feature"));
    let one = format!("{reports}/penstock-1");
    assert_eq!(client.delete(&one).status, 404);
    assert_eq!(client.get(&one).status, 404);
    let made = client.put(&one, &report());
    assert_eq!((made.status, made.json()["type"].as_str()), (200, Some("report")));
    assert_eq!(made.json()["external_id"], "penstock-1");

    let posted = client.post(&format!("{one}/annotations"), &annotations(0..2));
    assert_eq!((posted.status, posted.json().as_array().unwrap().len()), (200, 2));
    let single = client.put(&format!("{one}/annotations/a-2"), &annotation(2));
    assert_eq!(single.status, 200);
    // By its UUID, too.
    let uuid = single.json()["uuid"].as_str().unwrap().to_owned();
    assert_eq!(client.get(&format!("{one}/annotations/{uuid}")).json()["external_id"], "a-2");
    assert_eq!(client.delete(&format!("{one}/annotations/a-0")).status, 204);
    assert_eq!(client.get(&format!("{one}/annotations/a-0")).status, 404);
    assert_eq!(client.all(&format!("{one}/annotations")).len(), 2);

    // A report that is put again keeps what accumulated; one that is deleted does not.
    let uuid = made.json()["uuid"].clone();
    assert_eq!(client.put(&one, &report()).json()["uuid"], uuid);
    assert_eq!(client.all(&format!("{one}/annotations")).len(), 2);
    assert_eq!(client.all(&reports).len(), 1);
    assert_eq!(client.delete(&one).status, 204);
    client.put(&one, &report());
    assert_eq!(client.all(&format!("{one}/annotations")).len(), 0);
}

#[test]
fn a_page_tells_where_the_next_one_is() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let one = format!("{}/reports/r", commit_path(&sandbox, "feature"));
    client.put(&one, &report());
    client.post(&format!("{one}/annotations"), &annotations(0..25));
    let page = client.get(&format!("{one}/annotations?pagelen=10&page=2")).json();
    assert_eq!((page["size"].as_u64(), page["page"].as_u64(), page["pagelen"].as_u64()), (Some(25), Some(2), Some(10)));
    assert!(page["next"].as_str().unwrap().starts_with(&sandbox.api_url()), "{}", page["next"]);
    assert_eq!(client.all(&format!("{one}/annotations?pagelen=10")).len(), 25);
    assert_eq!(client.get(&format!("{one}/annotations?page=4")).status, 404);
}

#[test]
fn limits_in_the_words_of_the_server() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let one = format!("{}/reports/r", commit_path(&sandbox, "feature"));
    let all = format!("{one}/annotations");
    client.put(&one, &report());
    let with = |mut value: Value, name: &str, to: Value| {
        value[name] = to;
        value
    };
    let long = || json!([with(annotation(1), "summary", "x".repeat(451).into())]);
    let mut bare = annotation(1);
    bare.as_object_mut().unwrap().remove("summary");
    let data = vec![json!({"title": "n", "value": 1}); 11];
    let twins = json!([annotation(1), annotation(1)]);
    let key = "report-service.general.bad-request";
    let refusals = [
        (client.post(&all, &long()), "The summary field cannot contain more than 450 characters."),
        (
            client.post(&all, &json!([bare])),
            "Cannot build Annotation, some of required attributes are not set [summary]",
        ),
        (client.post(&all, &twins), "The external_id of an annotation must be unique within the request."),
        (
            client.put(&one, &json!({"title": "x", "report_type": "BUG"})),
            "Cannot build Report, some of required attributes are not set [details]",
        ),
    ];
    for (reply, words) in refusals {
        assert_eq!((reply.status, reply.message().as_str()), (400, words));
        assert_eq!(reply.json()["key"], key);
    }
    let many = client.post(&all, &annotations(0..101));
    assert_eq!(many.json(), json!({"code": 400, "message": "Bulk upload supports a maximum of /100 annotations."}));
    assert_eq!(client.put(&one, &with(report(), "data", data.into())).status, 400);
    // Each of them fails the test that sends it.
    let violations = sandbox.take_violations();
    for words in ["summary", "external_id", "details", "body", "data"] {
        assert!(violations.iter().any(|violation| violation.what.contains(words)), "{words}: {violations:#?}");
    }
    assert_eq!(client.all(&all).len(), 0);
}

#[test]
fn a_report_holds_a_thousand_annotations() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let one = format!("{}/reports/r", commit_path(&sandbox, "feature"));
    client.put(&one, &report());
    for chunk in 0..10 {
        assert_eq!(
            client.post(&format!("{one}/annotations"), &annotations(chunk * 100..chunk * 100 + 100)).status,
            200
        );
    }
    // The same ones again are no more.
    assert_eq!(client.post(&format!("{one}/annotations"), &annotations(0..100)).status, 200);
    sandbox.assert_valid();
    assert_eq!(client.post(&format!("{one}/annotations"), &annotations(1000..1001)).status, 400);
    assert_eq!(sandbox.take_violations().len(), 1);
}

#[test]
fn there_are_no_reports_on_commits_that_are_unknown() {
    let sandbox = shop();
    let client = Client::with_token(&sandbox);
    let unknown = format!("/repositories/acme/shop/commit/{}/reports/r", "0".repeat(40));
    let reply = client.put(&unknown, &report());
    assert_eq!(reply.status, 404);
    assert_eq!(reply.json()["key"], "report-service.general.not-found");
    // A prefix is enough for one that is known.
    let tip = sandbox.tip("acme/shop", "feature").unwrap();
    let short = format!("/repositories/acme/shop/commit/{}/reports/r", &tip[..12]);
    assert_eq!(client.put(&short, &report()).status, 200);
    assert_eq!(sandbox.reports("acme/shop", &tip).unwrap().len(), 1);
}
