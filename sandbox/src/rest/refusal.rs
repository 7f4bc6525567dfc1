//! Refusals, in the two shapes in which Bitbucket writes them.
//!
//! A handler says what is wrong; in which shape it is written depends on the operation and is decided here, when the guard asks.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::contract::{Detail, Family, Mismatch, Operation};

/// Why a request is refused.
#[derive(Clone, Debug)]
pub(crate) struct Refusal(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    status: StatusCode,
    message: String,
    detail: Option<Value>,
    data: Option<Value>,
    fields: Option<Value>,
    /// Code Insights has a third shape for one of its limits.
    coded: bool,
    /// What the client did wrong that it should not do in any test.
    violation: Option<String>,
    location: Option<String>,
}

/// What handlers answer.
pub(crate) type Answer = Result<Response, Refusal>;

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: &str) -> Self {
        let message = message.to_owned();
        Self(Box::new(Parts {
            status,
            message,
            detail: None,
            data: None,
            fields: None,
            coded: false,
            violation: None,
            location: None,
        }))
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

    /// There is no such workspace, or none that the caller may see.
    pub(crate) fn no_workspace(name: &str) -> Self {
        Self::not_found(&format!("No workspace with identifier '{name}'."))
    }

    /// There is no such commit.
    pub(crate) fn no_commit(name: &str) -> Self {
        let mut refusal = Self::not_found(&format!("Commit not found: {name}"));
        refusal.0.data = Some(json!({"shas": [name]}));
        refusal
    }

    /// There is no such API.
    pub(crate) fn no_api() -> Self {
        let mut refusal = Self::not_found("Resource not found");
        refusal.0.detail = Some("There is no API hosted at this URL.".into());
        refusal
    }

    /// There was such an API once.
    pub(crate) fn removed() -> Self {
        Self::new(StatusCode::GONE, "This API has been removed.")
    }

    /// It is elsewhere.
    pub(crate) fn moved(status: StatusCode, location: String) -> Self {
        let mut refusal = Self::new(status, "");
        refusal.0.location = Some(location);
        refusal
    }

    /// Nobody, or nobody who is known.
    pub(crate) fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    /// It is not for this caller.
    pub(crate) fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// The scope is missing.
    pub(crate) fn lacks_scope(required: &str, granted: &[String]) -> Self {
        let words = "Your credentials lack one or more required privilege scopes.";
        let mut refusal = Self::new(StatusCode::FORBIDDEN, words);
        refusal.0.detail = Some(json!({"required": [required], "granted": granted}));
        refusal
    }

    /// A field whose value the contract cannot check. This is not a violation: only some
    /// deployments send such a value.
    pub(crate) fn invalid_field(field: &str, words: &str) -> Self {
        let mut refusal = Self::new(StatusCode::BAD_REQUEST, &format!("{field}: {words}"));
        refusal.0.fields = Some(json!({field: [words]}));
        refusal
    }

    /// The client should have known better: its test fails.
    pub(crate) fn wrong(message: &str) -> Self {
        let mut refusal = Self::new(StatusCode::BAD_REQUEST, message);
        refusal.0.violation = Some(message.to_owned());
        refusal
    }

    /// The request does not fit the contract.
    pub(crate) fn misfit(wrong: &[Mismatch], operation: &Operation) -> Self {
        let Some(first) = wrong.first() else { return Self::new(StatusCode::BAD_REQUEST, "Bad request") };
        let field = first.field();
        let mut refusal = Self::new(StatusCode::BAD_REQUEST, "");
        match (operation.errors, &first.detail) {
            (Family::Reports, Detail::Characters(limit, _)) => {
                refusal.0.message = format!("The {field} field cannot contain more than {limit} characters.");
            }
            (Family::Reports, Detail::Property(_)) => {
                let thing = if operation.name.contains("annotation") { "Annotation" } else { "Report" };
                refusal.0.message = format!("Cannot build {thing}, some of required attributes are not set [{field}]");
            }
            (Family::Reports, Detail::Items(limit)) if first.at == "body" => {
                refusal.0.coded = true;
                refusal.0.message = format!("Bulk upload supports a maximum of /{limit} annotations.");
            }
            (Family::Reports, _) => refusal.0.message = format!("{field}: {}", first.words),
            (Family::General, detail) => {
                let words = match detail {
                    Detail::Characters(limit, is) => {
                        format!("Ensure this value has at most {limit} characters (it has {is}).")
                    }
                    Detail::Property(_) => "This field is required.".to_owned(),
                    _ => first.words.clone(),
                };
                refusal.0.message = format!("{field}: {words}");
                refusal.0.fields = Some(json!({field: [words]}));
            }
        }
        refusal
    }

    /// The client should have known better: its test fails.
    pub(crate) fn with_violation(mut self, words: &str) -> Self {
        self.0.violation = Some(words.to_owned());
        self
    }

    /// What the client did wrong that it should not do in any test.
    pub(crate) fn violation(&self) -> Option<&str> {
        self.0.violation.as_deref()
    }

    /// As an operation of this family writes it.
    pub(crate) fn write(&self, family: Family) -> Response {
        if let Some(location) = &self.0.location {
            return (self.0.status, [(header::LOCATION, location)]).into_response();
        }
        let from_service = matches!(self.0.status, StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND);
        let body = if self.0.coded {
            json!({"code": self.0.status.as_u16(), "message": self.0.message})
        } else if family == Family::Reports && from_service {
            // What stands before the service (authentication, scopes, rates) writes the general shape.
            let key = match self.0.status {
                StatusCode::NOT_FOUND => "report-service.general.not-found",
                _ => "report-service.general.bad-request",
            };
            json!({"key": key, "message": self.0.message, "arguments": {}})
        } else {
            let mut error = json!({"message": self.0.message});
            for (name, value) in [("detail", &self.0.detail), ("data", &self.0.data), ("fields", &self.0.fields)] {
                if let Some(value) = value {
                    error[name] = value.clone();
                }
            }
            json!({"type": "error", "error": error})
        };
        (self.0.status, Json(body)).into_response()
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
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
