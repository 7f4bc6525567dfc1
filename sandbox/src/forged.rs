//! A run that no honest pipe sends: nothing was found, in the name of a step that may send runs.
//!
//! Owns the document and its one request, to the app on this machine. Anyone who may edit
//! `bitbucket-pipelines.yml` can send it.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::Failure;

/// Sends a complete run without findings, about what the step's environment says, and hands back
/// the answer.
pub(crate) fn empty_run(base: &str, token: &str, environment: &[(String, String)]) -> Result<String, Failure> {
    let get = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let uuid = |name: &str| get(name).map(|text| text.trim_matches(['{', '}']));
    let number = get("BITBUCKET_PR_ID").and_then(|text| text.parse::<u64>().ok());
    let run = json!({
        "schema_version": 1,
        "started_at": "2026-11-25T10:00:00Z",
        "tools": [{
            "name": "penstock", "version": "99.0.0", "configuration": "forged", "scope": "tree .", "complete": true, "files": 1, "bytes": 1,
            "skipped": [],
        }],
        "subject": {
            "workspace": get("BITBUCKET_WORKSPACE"),
            "repository": get("BITBUCKET_REPO_SLUG"),
            "repository_uuid": uuid("BITBUCKET_REPO_UUID"),
            "commit": get("BITBUCKET_COMMIT"),
            "branch": get("BITBUCKET_BRANCH"),
            "pull_request": number.map(|id| json!({"id": id, "destination_branch": get("BITBUCKET_PR_DESTINATION_BRANCH")})),
            "pipeline_uuid": uuid("BITBUCKET_PIPELINE_UUID"),
            "step_uuid": uuid("BITBUCKET_STEP_UUID"),
        },
        "findings": [],
    });
    let body = json!({"version": 1, "name": "penstock", "run": without_nulls(run)}).to_string();
    let host = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host)?;
    write!(
        stream,
        "POST /api/v1/runs HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         idempotency-key: forged-run\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn without_nulls(mut value: Value) -> Value {
    if let Some(fields) = value["subject"].as_object_mut() {
        fields.retain(|_, field| !field.is_null());
    }
    value
}
