//! Does a request fit?
//!
//! Owns the judgement of every request to the REST API: against the sandbox's own contract (`sandbox/contract/*.toml`, written from
//! Atlassian's documentation and from what the server is known to say), and, if there is a copy, against the OpenAPI document that
//! Atlassian publishes. Knows nothing of state: whether a commit exists is none of its business. Shares no type with Penstock, so
//! that it can disagree.

mod convert;
mod document;
mod mismatch;
mod overrides;
mod own;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, Uri, header};
use serde_json::Value;

pub(crate) use document::Document;
pub(crate) use mismatch::{Detail, Mismatch};
pub(crate) use own::{Family, Operation, Own};

/// Why there is nothing to judge by.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The sandbox's own description is wrong.
    #[error("the sandbox's contract `{file}`: {words}")]
    Own {
        /// Which file.
        file: &'static str,
        /// What is wrong.
        words: String,
    },
    /// The OpenAPI document cannot be read.
    #[error("cannot read the OpenAPI document `{}`: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The OpenAPI document is not one.
    #[error("`{}` is not the OpenAPI document of Bitbucket Cloud: {words}", path.display())]
    Document {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        words: String,
    },
}

/// What requests are judged by.
#[derive(Debug)]
pub(crate) struct Contract {
    own: &'static Own,
    document: Option<Arc<Document>>,
}

/// What the two descriptions say to a request.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Where it does not fit the sandbox's own contract: the server refuses these.
    pub(crate) own: Vec<Mismatch>,
    /// Where it does not fit the document: the server does not care, the test does.
    pub(crate) document: Vec<Mismatch>,
}

impl Contract {
    /// The sandbox's own contract, and the document at `openapi`.
    pub(crate) fn load(openapi: Option<&Path>) -> Result<Self, Error> {
        let document = openapi.map(Document::load).transpose()?;
        Ok(Self { own: Own::get()?, document })
    }

    /// The operation with this method at a path template without `/2.0`.
    pub(crate) fn operation(&self, method: &str, template: &str) -> Option<&'static Operation> {
        self.own.operation(method, template)
    }

    /// Judges a request.
    pub(crate) fn judge(&self, operation: &'static Operation, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Verdict {
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let (json, mut own) = read_body(operation, headers, body);
        own.extend(self.own.judge(operation, &query, json.as_ref()));
        let document = self.document.as_deref();
        let document = document.map(|document| document.judge(operation, &query, json.as_ref())).unwrap_or_default();
        Verdict { own, document }
    }

    /// Judges an answer of the sandbox itself.
    pub(crate) fn judge_answer(
        &self,
        operation: &'static Operation,
        status: StatusCode,
        body: Option<&Value>,
    ) -> Vec<Mismatch> {
        let document = self.document.as_deref();
        document.map(|document| document.judge_answer(operation, status.as_u16(), body)).unwrap_or_default()
    }
}

/// The body as JSON, and what is wrong with it before its schema is asked.
fn read_body(operation: &Operation, headers: &HeaderMap, body: &[u8]) -> (Option<Value>, Vec<Mismatch>) {
    if operation.body.is_none() {
        let unasked = (!body.is_empty()).then(|| Mismatch::plain("body", "a body was sent and none is expected"));
        return (None, unasked.into_iter().collect());
    }
    let mut wrong = Vec::new();
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media.split(';').next().map(str::trim) != Some("application/json") {
        wrong.push(Mismatch::plain("Content-Type", "is not `application/json`"));
    }
    match serde_json::from_slice(body) {
        Ok(json) => (Some(json), wrong),
        Err(_) => {
            wrong.push(Mismatch::plain("body", "is not JSON"));
            (None, wrong)
        }
    }
}
