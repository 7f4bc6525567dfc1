//! Refusals, in the two shapes in which Bitbucket writes them.
//!
//! A handler says what is wrong; in which shape it is written depends on the operation and is decided here, when the guard asks.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::contract::{Detail, Family, Mismatch, Operation};

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    message: String,
    detail: Option<Value>,
    fields: Option<Value>,
    /// Code Insights has a third shape for one of its limits.
    coded: bool,
    /// What the client did wrong that it should not do in any test.
    violation: Option<String>,
}

/// What handlers answer.
pub(crate) type Answer = Result<Response, Refusal>;

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: &str) -> Self {
        Self { status, message: message.to_owned(), detail: None, fields: None, coded: false, violation: None }
    }

    /// There is no such thing.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, what)
    }

    /// There is no such repository, or none that the caller may see: Bitbucket does not tell which.
    pub(crate) fn no_repository() -> Self {
        let words = "You may not have access to this repository or it no longer exists in this workspace. If you think this \
                     repository exists and you have access, make sure you are authenticated.";
        Self::not_found(words)
    }

    /// There is no such commit.
    pub(crate) fn no_commit(name: &str) -> Self {
        let mut refusal = Self::not_found(&format!("Commit not found: {name}"));
        refusal.detail = Some(json!({"shas": [name]}));
        refusal
    }

    /// There is no such API.
    pub(crate) fn no_api() -> Self {
        let mut refusal = Self::not_found("Resource not found");
        refusal.detail = Some("There is no API hosted at this URL.".into());
        refusal
    }

    /// There was such an API once.
    pub(crate) fn removed() -> Self {
        Self::new(StatusCode::GONE, "This API has been removed.")
    }

    /// Nobody, or nobody who is known.
    pub(crate) fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    /// The scope is missing.
    pub(crate) fn lacks_scope(required: &str, granted: &[String]) -> Self {
        let words = "Your credentials lack one or more required privilege scopes.";
        let mut refusal = Self::new(StatusCode::FORBIDDEN, words);
        refusal.detail = Some(json!({"required": [required], "granted": granted}));
        refusal
    }

    /// The client should have known better: its test fails.
    pub(crate) fn wrong(message: &str) -> Self {
        let mut refusal = Self::new(StatusCode::BAD_REQUEST, message);
        refusal.violation = Some(message.to_owned());
        refusal
    }

    /// The request does not fit the contract.
    pub(crate) fn misfit(wrong: &[Mismatch], operation: &Operation) -> Self {
        let Some(first) = wrong.first() else { return Self::new(StatusCode::BAD_REQUEST, "Bad request") };
        let field = first.field();
        let mut refusal = Self::new(StatusCode::BAD_REQUEST, "");
        match (operation.errors, &first.detail) {
            (Family::Reports, Detail::Characters(limit, _)) => {
                refusal.message = format!("The {field} field cannot contain more than {limit} characters.");
            }
            (Family::Reports, Detail::Property(_)) => {
                let thing = if operation.name.contains("annotation") { "Annotation" } else { "Report" };
                refusal.message = format!("Cannot build {thing}, some of required attributes are not set [{field}]");
            }
            (Family::Reports, Detail::Items(limit)) if first.at == "body" => {
                refusal.coded = true;
                refusal.message = format!("Bulk upload supports a maximum of /{limit} annotations.");
            }
            (Family::Reports, _) => refusal.message = format!("{field}: {}", first.words),
            (Family::General, detail) => {
                let words = match detail {
                    Detail::Characters(limit, is) => {
                        format!("Ensure this value has at most {limit} characters (it has {is}).")
                    }
                    Detail::Property(_) => "This field is required.".to_owned(),
                    _ => first.words.clone(),
                };
                refusal.message = format!("{field}: {words}");
                refusal.fields = Some(json!({field: [words]}));
            }
        }
        refusal
    }

    /// What the client did wrong that it should not do in any test.
    pub(crate) fn violation(&self) -> Option<&str> {
        self.violation.as_deref()
    }

    /// As an operation of this family writes it.
    pub(crate) fn write(&self, family: Family) -> Response {
        let from_service = matches!(self.status, StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND);
        let body = if self.coded {
            json!({"code": self.status.as_u16(), "message": self.message})
        } else if family == Family::Reports && from_service {
            // What stands before the service (authentication, scopes, rates) writes the general shape.
            let key = match self.status {
                StatusCode::NOT_FOUND => "report-service.general.not-found",
                _ => "report-service.general.bad-request",
            };
            json!({"key": key, "message": self.message, "arguments": {}})
        } else {
            let mut error = json!({"message": self.message});
            if let Some(detail) = &self.detail {
                error["detail"] = detail.clone();
            }
            if let Some(fields) = &self.fields {
                error["fields"] = fields.clone();
            }
            json!({"type": "error", "error": error})
        };
        (self.status, Json(body)).into_response()
    }
}

impl From<crate::git::Error> for Refusal {
    /// Whatever git did not like about what it was asked.
    fn from(_: crate::git::Error) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "The repository cannot answer this.")
    }
}

impl IntoResponse for Refusal {
    /// Carried to the guard, which knows the family.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
