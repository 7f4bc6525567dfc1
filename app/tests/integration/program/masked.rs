//! A run in which every string is a secret: what is stored, posted, exported and answered holds
//! none of them.

use std::io::{Read as _, Write as _};

use penstock_app::upload::{Encoding, read};
use penstock_common::upload::v1::{IDEMPOTENCY_HEADER, Upload};
use penstock_common::{Finding, Severity};
use penstock_sandbox::{Commit, Permission};
use serde_json::{Value, json};

use self::tokens::token;
use super::uploads::Scene;
use super::world::{REPOSITORY, finding, upload};
use crate::pages::visitor::{Visit, person, repository};

super::scenes!(no_string_of_a_run_reaches_anybody_as_a_secret);

/// Tokens of public forms, all different, which are in no source.
mod tokens {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /// The beginning of a vendor's token, and how many letters follow.
    const FORMS: [(&str, usize); 4] = [("ghp", 36), ("glpat-", 20), ("npm", 36), ("dop_v1", 64)];

    /// A token, different for each number.
    pub(super) fn token(number: usize) -> String {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes).unwrap();
        let (mark, length) = FORMS[number % FORMS.len()];
        let letters = if mark == "dop_v1" { &b"0123456789abcdef"[..] } else { LETTERS };
        let value: String =
            bytes[..length].iter().map(|byte| char::from(letters[*byte as usize % letters.len()])).collect();
        let joint = if mark.ends_with('-') { "" } else { "_" };
        format!("{mark}{joint}{value}")
    }
}

/// One finding with everything that a finding can have.
fn full(rule: &str) -> Finding {
    let plain = finding(rule, "a.rs", Severity::High);
    let mut value = serde_json::to_value(&plain).unwrap();
    let more = json!({
        "category": "secret", "masked": "x", "validity": "expired", "group": 1, "decoded_from": "base64", "change": "new",
        "excerpt": {"lines": [{"number": 3, "text": "x", "mark": [0, 1]}]},
        "related": [plain.location],
        "commit": {"id": "0".repeat(40), "author": "x", "email": "x", "date": "2026-11-25T10:00:00Z", "subject": "x"},
        "references": [{"type": "cwe", "value": "CWE-798"}, {"type": "cve", "value": "CVE-1"}, {"type": "url", "value": "https://x.example"}],
        "remediation": "x", "owners": ["@x"],
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    penstock_common::masked::read(value.to_string().as_bytes(), &mut super::world::Verbatim).unwrap().0
}

/// A document that has every field of the format, and one that it has not.
fn document(upload: &Upload) -> Value {
    let mut value = serde_json::to_value(upload).unwrap();
    let run = &mut value["run"];
    run["findings"] = serde_json::to_value([full("a"), full("b")]).unwrap();
    run["findings"][1].as_object_mut().unwrap().remove("commit");
    run["findings"][1]["suppression"] = json!({"kind": "inline", "reason": "x"});
    run["finished_at"] = json!("2026-11-25T10:00:01Z");
    run["tools"][0]["skipped"] = json!([{"subject": "x", "reason": "x", "by_limit": true}]);
    run["notices"] = json!([{"subject": "x", "text": "x"}]);
    run["gate"] = json!({"conditions": [{
        "name": "new.high", "bound": {"at_most": 0.0}, "level": "block", "missing": "block", "outcome": "unknown", "reason": "x",
    }]});
    run["comparison"] = json!({
        "base": {"kind": "unknown", "commit": "0".repeat(40), "reason": "x", "hint": "x"},
        "fixed": [full("c")], "leaked": [full("d")], "policy_changes": ["x"],
    });
    run["subject"]["tag"] = json!("x");
    value["unknown"] = json!({"x": ["x"]});
    value["deliveries"] = deliveries();
    value
}

fn deliveries() -> Value {
    json!([
        {"destination": "code-insights", "outcome": "failed", "reason": "x", "remedy": "x"},
        {"destination": "build-status", "outcome": "skipped", "reason": "x", "remedy": "x"},
        {"destination": "pr-comment", "outcome": "published", "detail": "x"},
    ])
}

/// Where the strings of a document are.
fn strings(value: &Value, at: &str) -> Vec<String> {
    match value {
        Value::String(_) => vec![at.to_owned()],
        Value::Array(all) => {
            all.iter().enumerate().flat_map(|(number, one)| strings(one, &format!("{at}/{number}"))).collect()
        }
        Value::Object(all) => all.iter().flat_map(|(name, one)| strings(one, &format!("{at}/{name}"))).collect(),
        _ => Vec::new(),
    }
}

/// A gzip body with text outside of its content.
fn compressed(content: &[u8], comment: &str) -> Vec<u8> {
    let mut encoder = flate2::GzBuilder::new().comment(comment).write(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    [encoder.finish().unwrap(), comment.as_bytes().to_vec()].concat()
}

fn decompressed(hex: &str) -> String {
    let digits = hex.trim_start_matches("\\x").as_bytes();
    let bytes: Vec<u8> =
        digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
    text
}

async fn no_string_of_a_run_reaches_anybody_as_a_secret(scene: Scene) {
    let Scene { sandbox, app } = &scene;
    sandbox.branch(REPOSITORY, "feature", "main").unwrap();
    sandbox.push(REPOSITORY, "feature", &Commit::new("More").write("a.rs", "2")).unwrap();
    let number = sandbox.open_pull_request(REPOSITORY, "More", "feature", "main").unwrap();
    app.settle(sandbox).await;
    let step = sandbox.pull_request_step(REPOSITORY, number).unwrap();
    let identity = sandbox.oidc_token(&step, &[&app.base]);
    let plain = document(&upload(sandbox, &step, &[]));
    let mut tokens: Vec<String> = Vec::new();
    let mut fresh = || {
        tokens.push(token(tokens.len()));
        tokens.last().unwrap().clone()
    };
    let client = super::world::client();
    let send = async |path: String, body: Vec<u8>, encoding: Option<&str>| {
        let request = client.post(format!("{}{path}", app.base)).bearer_auth(&identity);
        let request = request.header(IDEMPOTENCY_HEADER, uuid::Uuid::now_v7().simple().to_string());
        let request = match encoding {
            Some(encoding) => request.header("content-encoding", encoding),
            None => request.header("content-type", "application/json"),
        };
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };

    // One string at a time: either it is refused, and the refusal does not repeat it, or it is
    // taken in hiding.
    let (mut taken, mut answers) = (plain.clone(), Vec::new());
    let places = strings(&plain, "");
    assert!(places.len() > 80, "{places:?}");
    let mut refused = Vec::new();
    for place in &places {
        let mut one = plain.clone();
        *one.pointer_mut(place).unwrap() = json!(fresh());
        match read(one.to_string().as_bytes(), Encoding::Identity) {
            Ok(received) => {
                answers.push(serde_json::to_string(&received.upload).unwrap());
                *taken.pointer_mut(place).unwrap() = json!(fresh());
            }
            Err(problem) => {
                answers.push(problem.detail().to_owned());
                refused.push(place.as_str());
            }
        }
    }
    let words = ["type", "kind", "category", "change", "confidence", "severity", "validity", "destination", "outcome"];
    let words = [&words[..], &["level", "missing"]].concat();
    let is_word = |place: &&str| words.contains(&place.rsplit('/').next().unwrap());
    assert!(refused.iter().all(is_word), "only what has a fixed set of words is refused: {refused:?}");
    // What the run is about must be so, else it is about nothing.
    for place in ["/run/subject/commit", "/run/subject/branch"] {
        *taken.pointer_mut(place).unwrap() = plain.pointer(place).unwrap().clone();
    }

    // All at once, with names of fields, and outside of the content.
    taken["unknown"][fresh()] = json!(1);
    let body = compressed(taken.to_string().as_bytes(), &fresh());
    let (status, text) = send("/api/v1/runs".to_owned(), body, Some("gzip")).await;
    assert_eq!(status, 201, "{text}");
    let run: Value = serde_json::from_str(&text).unwrap();
    answers.push(text);
    let mut elsewhere = taken.clone();
    elsewhere["run"]["subject"]["branch"] = json!(fresh());
    let (status, text) = send("/api/v1/runs".to_owned(), elsewhere.to_string().into_bytes(), None).await;
    assert_eq!(status, 422, "{text}");
    answers.push(text);
    let mut told = deliveries();
    for place in strings(&told.clone(), "") {
        if !place.ends_with("destination") && !place.ends_with("outcome") {
            *told.pointer_mut(&place).unwrap() = json!(fresh());
        }
    }
    let path = format!("/api/v1/runs/{}/deliveries", run["run"].as_str().unwrap());
    let (status, text) = send(path.clone(), told.to_string().into_bytes(), None).await;
    assert_eq!(status, 204, "{text}");
    told[0]["outcome"] = json!(fresh());
    let (status, text) = send(path, told.to_string().into_bytes(), None).await;
    assert_eq!(status, 400);
    answers.push(text);
    app.settle(sandbox).await;

    let reader = person(&scene, "Rea Reader", Permission::Read);
    let visit = Visit::new(&scene, "repository-page", &repository(&reader)).await;
    for page in ["findings", "runs", "deliveries", "trends", "export?format=csv", "export?format=sarif"] {
        answers.push(visit.get(page).await.body);
    }
    let panel = Visit::new(&scene, "pull-request-panel", &repository(&reader).in_pull_request(number)).await;
    answers.push(panel.get(&format!("pull-request?id={number}")).await.body);

    let mut stored = app.state.store.for_workspace(scene.workspace()).export().await.unwrap();
    let documents = stored.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let documents: Vec<String> = documents
        .filter_map(|line| line["document"].as_str().or(line["row"]["document"].as_str()).map(decompressed))
        .collect();
    assert!(documents.len() == 2, "documents are exported: {}", stored[0]);
    stored.extend(documents);
    let posted: Vec<String> =
        sandbox.journal().iter().map(|entry| format!("{entry} {}", String::from_utf8_lossy(&entry.body))).collect();
    assert!(posted.iter().any(|text| text.contains("/comments")), "the comment was posted");
    for (what, texts) in [("answered", &answers), ("stored", &stored), ("posted", &posted)] {
        for token in &tokens {
            // The mark alone is public; eight letters after it are the secret's.
            let tail = &token[token.len() - 12..];
            let found = texts.iter().find(|text| text.contains(tail));
            assert!(found.is_none(), "{what}: {token} in {}", found.unwrap());
        }
    }
    let folder = tempfile::tempdir().unwrap();
    if app.state.store.backup(&folder.path().join("copy")).await.is_ok() {
        for entry in std::fs::read_dir(folder.path().join("copy")).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            for token in &tokens {
                let tail = &token.as_bytes()[token.len() - 12..];
                assert!(!bytes.windows(tail.len()).any(|window| window == tail), "{token} is in a backup");
            }
        }
    }
}
