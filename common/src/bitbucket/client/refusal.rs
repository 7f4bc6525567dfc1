//! How Bitbucket says no.
//!
//! Owns the reading of error bodies. There are several shapes: the API's own, that of its report service, that of OAuth, and whatever
//! proxies say.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::words::Words;

/// Most scopes of a message that are kept.
const SCOPES_MAX: usize = 12;

/// An answer that says no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Method and path.
    pub call: String,
    /// HTTP status, or Bitbucket's 555 for what took it too long.
    pub status: u16,
    /// What the server says, in one line of at most [`super::WORDS_MAX`] characters, without tokens. May be empty.
    pub message: String,
    /// Scopes that the call needs, if the server names them.
    pub required: Vec<String>,
    /// Scopes that the credentials have, if the server names them.
    pub granted: Vec<String>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    pub(super) fn read(call: String, status: u16, body: &[u8], words: &Words) -> Self {
        let text = String::from_utf8_lossy(body);
        let value: Option<Value> = serde_json::from_str(&text).ok();
        let detail = value.as_ref().map(|value| &value["error"]["detail"]);
        let scopes = |name: &str| -> Vec<String> {
            let list = detail.and_then(|detail| detail[name].as_array()).into_iter().flatten();
            list.filter_map(Value::as_str).take(SCOPES_MAX).map(|scope| words.line(scope)).collect()
        };
        let message = match &value {
            Some(value) => message_of(value),
            // A page for people tells less than the status does.
            None if text.trim_start().starts_with('<') => String::new(),
            None => text.to_string(),
        };
        Self {
            call,
            status,
            message: words.line(&message),
            required: scopes("required"),
            granted: scopes("granted"),
            retry_after: None,
        }
    }

    /// What to do, if something can be done.
    pub fn remedy(&self) -> Option<String> {
        let text = match self.status {
            401 => "the credentials are missing, wrong, expired or revoked",
            403 if !self.required.is_empty() => {
                let missing = self.required.iter().filter(|scope| !self.granted.contains(scope));
                let names: Vec<String> = missing.map(|scope| scope_names(scope)).collect();
                if names.is_empty() {
                    return None;
                }
                return Some(format!("give the token the scope {}", names.join(", ")));
            }
            403 => "the credentials may not do this: check their scopes, and what their owner may do",
            404 => "it does not exist, or the credentials may not see it",
            407 => "the proxy of your network wants credentials of its own",
            410 => "Bitbucket has removed this part of its API",
            429 => "the limit of requests per hour is reached: wait, or use credentials of their own for this",
            500..=599 => "the server has a problem: try again later",
            _ => return None,
        };
        Some(text.to_owned())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the server says {}", self.call, self.status)?;
        if let Some(reason) = reason(self.status) {
            write!(f, " {reason}")?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

fn reason(status: u16) -> Option<&'static str> {
    match status {
        555 => Some("Timed Out"),
        _ => reqwest::StatusCode::from_u16(status).ok()?.canonical_reason(),
    }
}

/// The two names of a scope: tokens of repositories and workspaces have the old ones, API tokens of users the new ones.
fn scope_names(scope: &str) -> String {
    if scope.ends_with(":bitbucket") {
        return format!("`{scope}`");
    }
    let (thing, act) = scope.split_once(':').unwrap_or((scope, "read"));
    format!("`{scope}` (of an API token: `{act}:{thing}:bitbucket`)")
}

fn message_of(value: &Value) -> String {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let error = &value["error"];
    let mut parts = Vec::new();
    parts.extend(text(&error["message"]).or_else(|| text(&value["message"])));
    // Problem details (RFC 9457), as the companion app answers.
    parts.extend(text(&value["detail"]).or_else(|| text(&value["title"])));
    // OAuth: a word for programs and a sentence for people.
    parts.extend(text(&value["error_description"]).or_else(|| text(error)));
    parts.extend(text(&error["detail"]));
    if let Some(fields) = error["fields"].as_object() {
        for (name, said) in fields {
            let said = said.as_str().or_else(|| said[0].as_str());
            // The message often repeats the fields.
            if let Some(said) = said.filter(|said| !parts.iter().any(|part| part.contains(said))) {
                parts.push(format!("{name}: {said}"));
            }
        }
    }
    parts.dedup();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str) -> Refusal {
        Refusal::read("GET /x".to_owned(), status, body.as_bytes(), &Words::default())
    }

    #[test]
    fn every_shape_is_read() {
        for (body, message) in [
            (
                r#"{"key":"report-service.general.bad-request","message":"The summary is too long.","arguments":{}}"#,
                "The summary is too long.",
            ),
            (
                r#"{"code":400,"message":"Bulk upload supports a maximum of /100 annotations."}"#,
                "Bulk upload supports a maximum of /100 annotations.",
            ),
            (
                r#"{"type":"error","error":{"message":"key: at most 40.","fields":{"key":["at most 40."],"url":["missing"]}}}"#,
                "key: at most 40.; url: missing",
            ),
            (
                r#"{"type":"error","error":{"message":"Not found","detail":"There is no such thing"}}"#,
                "Not found; There is no such thing",
            ),
            (r#"{"error":"invalid_client","error_description":"No such client"}"#, "No such client"),
            (r#"{"error":"invalid_client"}"#, "invalid_client"),
            (r#"{"type":"about:blank","title":"Unprocessable","detail":"version 2"}"#, "version 2"),
            (r#"{"title":"Unprocessable","status":422}"#, "Unprocessable"),
            ("<html><body>Bad gateway</body></html>", ""),
            ("upstream\nfailed", "upstream failed"),
            ("", ""),
            ("[1,2]", ""),
        ] {
            assert_eq!(refusal(400, body).message, message, "{body}");
        }
    }

    #[test]
    fn a_missing_scope_is_named_in_both_ways() {
        let body = r#"{"type":"error","error":{"message":"Your credentials lack one or more required privilege scopes.",
            "detail":{"required":["repository","pullrequest:write"],"granted":["repository"]}}}"#;
        let refusal = refusal(403, body);
        assert_eq!(
            refusal.remedy().as_deref(),
            Some("give the token the scope `pullrequest:write` (of an API token: `write:pullrequest:bitbucket`)")
        );
        assert_eq!(
            refusal.to_string(),
            "GET /x: the server says 403 Forbidden: Your credentials lack one or more required privilege scopes."
        );
    }
}
