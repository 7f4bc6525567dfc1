//! What a webhook asks for.
//!
//! Owns the way from an event to jobs. Only ids are read, and the tenant must be the one that the sender was verified for: a webhook that names
//! another workspace asks for nothing.

use penstock_common::Uuid;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::jobs::kind;
use crate::store::system::Subject;

/// The events that ask for something.
pub const EVENTS: [&str; 14] = [
    "repo:push",
    "repo:created",
    "repo:imported",
    "repo:updated",
    "repo:transfer",
    "repo:deleted",
    "repo:commit_status_created",
    "repo:commit_status_updated",
    "pullrequest:created",
    "pullrequest:updated",
    "pullrequest:push",
    "pullrequest:fulfilled",
    "pullrequest:rejected",
    "pullrequest:comment_created",
];

/// What of a body is read. Everything may be missing.
#[derive(Deserialize)]
struct Body {
    repository: Option<Repository>,
    pullrequest: Option<PullRequest>,
    comment: Option<Comment>,
}

#[derive(Deserialize)]
struct Repository {
    uuid: Option<Uuid>,
    workspace: Option<Workspace>,
}

#[derive(Deserialize)]
struct Workspace {
    uuid: Option<Uuid>,
}

#[derive(Deserialize)]
struct PullRequest {
    id: Option<u64>,
}

#[derive(Deserialize)]
struct Comment {
    id: Option<u64>,
    content: Option<Content>,
}

#[derive(Deserialize)]
struct Content {
    raw: Option<String>,
}

/// Maximum characters of a comment that are looked at, to see whether it is a command.
const COMMENT_MAX: usize = 64;

/// The part of a webhook that [`wishes`] reads, and nothing else.
pub(super) fn ids(data: &Value) -> Value {
    let at = |pointer: &str| data.pointer(pointer).filter(|value| is_id(value)).cloned().unwrap_or_default();
    let raw = data.pointer("/comment/content/raw").and_then(Value::as_str).unwrap_or_default();
    let raw: String = raw.trim_start().chars().take(COMMENT_MAX).collect();
    let mut kept = json!({
        "repository": {"uuid": at("/repository/uuid"), "workspace": {"uuid": at("/repository/workspace/uuid")}},
    });
    if data.get("pullrequest").is_some() {
        kept["pullrequest"] = json!({"id": at("/pullrequest/id")});
    }
    if data.get("comment").is_some() {
        kept["comment"] = json!({"id": at("/comment/id"), "content": {"raw": raw}});
    }
    kept
}

/// A number, or a text that is no longer than a UUID in braces.
fn is_id(value: &Value) -> bool {
    value.is_u64() || value.as_str().is_some_and(|text| text.len() <= 38)
}

/// The jobs that a webhook of `tenant` asks for. One that makes no sense asks for none.
pub fn wishes(tenant: Uuid, event: &str, body: &[u8]) -> Vec<Subject> {
    let Ok(body) = serde_json::from_slice::<Body>(body) else { return Vec::new() };
    let Some(repository) = body.repository else { return Vec::new() };
    let Some(id) = repository.uuid else { return Vec::new() };
    let elsewhere =
        repository.workspace.and_then(|workspace| workspace.uuid).is_some_and(|workspace| workspace != tenant);
    // After a transfer the repository is told with its new workspace; what it means is asked over REST.
    if elsewhere && event != "repo:transfer" {
        return Vec::new();
    }
    let of = |kind, subject: String| Subject { repository: Some(id), kind, subject };
    let number = body.pullrequest.and_then(|pull_request| pull_request.id);
    let pull_request = || number.map(|number| of(kind::PULL_REQUEST, number.to_string()));
    match event {
        "repo:push" => vec![of(kind::BRANCHES, String::new())],
        "repo:created" | "repo:imported" | "repo:updated" | "repo:transfer" | "repo:deleted" => {
            vec![of(kind::REPOSITORY, String::new())]
        }
        "pullrequest:created"
        | "pullrequest:updated"
        | "pullrequest:push"
        | "pullrequest:fulfilled"
        | "pullrequest:rejected" => pull_request().into_iter().collect(),
        "pullrequest:comment_created" => {
            let comment = body.comment.filter(|comment| {
                let text = comment.content.as_ref().and_then(|content| content.raw.as_deref()).unwrap_or_default();
                text.trim_start().starts_with("/penstock")
            });
            let ids = number.zip(comment.and_then(|comment| comment.id));
            ids.map(|(number, comment)| of(kind::COMMENT, format!("{number}/{comment}"))).into_iter().collect()
        }
        // Statuses are posted by us too, and nothing is done about anybody's.
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "01010101-0101-0101-0101-010101010101";

    fn wishes_of(event: &str, rest: &str) -> Vec<(&'static str, String)> {
        let repository = format!(
            r#""repository":{{"uuid":"{{02020202-0202-0202-0202-020202020202}}","workspace":{{"uuid":"{{{}}}"}}}}"#,
            TENANT.to_uppercase()
        );
        let comma = if rest.is_empty() { "" } else { "," };
        let body = format!("{{{repository}{comma}{rest}}}");
        wishes(TENANT.parse().unwrap(), event, body.as_bytes()).into_iter().map(|one| (one.kind, one.subject)).collect()
    }

    #[test]
    fn an_event_asks_for_what_it_is_about() {
        assert_eq!(wishes_of("repo:push", ""), [(kind::BRANCHES, String::new())]);
        assert_eq!(wishes_of("repo:updated", ""), [(kind::REPOSITORY, String::new())]);
        assert_eq!(
            wishes_of("pullrequest:created", r#""pullrequest":{"id":7}"#),
            [(kind::PULL_REQUEST, "7".to_owned())]
        );
        let comment = |text: &str| {
            wishes_of(
                "pullrequest:comment_created",
                &format!(r#""pullrequest":{{"id":7}},"comment":{{"id":9,"content":{{"raw":"{text}"}}}}"#),
            )
        };
        assert_eq!(comment(" /penstock ignore x"), [(kind::COMMENT, "7/9".to_owned())]);
        assert!(comment("nice").is_empty());
    }

    #[test]
    fn what_is_kept_asks_for_the_same_and_is_small() {
        let filler = "x".repeat(100_000);
        for (event, rest) in [
            ("repo:push", String::new()),
            ("repo:push", format!(r#""push":{{"changes":["{filler}"]}},"actor":null"#)),
            ("pullrequest:created", format!(r#""pullrequest":{{"id":7,"title":"{filler}"}}"#)),
            ("pullrequest:created", format!(r#""pullrequest":{{"id":"{filler}"}}"#)),
            (
                "pullrequest:comment_created",
                format!(
                    r#""pullrequest":{{"id":7}},"comment":{{"id":9,"content":{{"raw":"  /penstock ignore {filler}"}}}}"#
                ),
            ),
            (
                "pullrequest:comment_created",
                format!(
                    r#""pullrequest":{{"id":7}},"comment":{{"id":9,"content":{{"raw":"{filler} /penstock ignore"}}}}"#
                ),
            ),
        ] {
            let comma = if rest.is_empty() { "" } else { "," };
            let body =
                format!(r#"{{"repository":{{"uuid":"{{02020202-0202-0202-0202-020202020202}}"}}{comma}{rest}}}"#);
            let kept = ids(&serde_json::from_str(&body).unwrap()).to_string();
            let tenant: Uuid = TENANT.parse().unwrap();
            let wanted = match rest.contains(&format!(r#""id":"{filler}"#)) {
                true => Vec::new(),
                false => wishes(tenant, event, body.as_bytes()),
            };
            assert_eq!(wishes(tenant, event, kept.as_bytes()), wanted, "{event}");
            assert!(kept.len() < 400, "{kept}");
        }
    }

    #[test]
    fn what_is_unknown_or_somebody_elses_asks_for_nothing() {
        assert!(wishes_of("repo:commit_status_created", "").is_empty());
        assert!(wishes_of("issue:created", "").is_empty());
        assert!(wishes_of("pullrequest:created", "").is_empty());
        assert!(wishes_of("pullrequest:created", r#""pullrequest":{"id":null}"#).is_empty());
        let other = Uuid::from([9; 16]);
        let body = format!(r#"{{"repository":{{"uuid":"{other}","workspace":{{"uuid":"{TENANT}"}}}}}}"#);
        assert!(wishes(other, "repo:push", body.as_bytes()).is_empty(), "another workspace");
        assert_eq!(wishes(other, "repo:transfer", body.as_bytes()).len(), 1);
        for body in ["", "{}", "[]", r#"{"repository":null}"#, r#"{"repository":{"uuid":"x"}}"#] {
            assert!(wishes(other, "repo:push", body.as_bytes()).is_empty(), "{body}");
        }
    }
}
