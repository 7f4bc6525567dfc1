//! Comments on a pull request.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Urls;
use super::account::User;
use crate::clock;

/// A comment. One that is deleted stays in lists.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) author: User,
    pub(crate) raw: String,
    markup: String,
    inline: Option<Value>,
    parent: Option<u64>,
    pending: bool,
    pub(crate) deleted: bool,
    #[serde(with = "clock::kept")]
    created: Timestamp,
    #[serde(with = "clock::kept")]
    updated: Timestamp,
}

impl Comment {
    /// A new comment from a body that fits the contract.
    pub(crate) fn new(id: u64, author: &User, body: &Value) -> Self {
        let now = clock::now();
        let mut comment = Self {
            id,
            author: author.clone(),
            raw: String::new(),
            markup: "markdown".to_owned(),
            inline: body.get("inline").cloned(),
            parent: body.pointer("/parent/id").and_then(Value::as_u64),
            pending: body.get("pending") == Some(&Value::Bool(true)),
            deleted: false,
            created: now,
            updated: now,
        };
        comment.edit(body);
        comment
    }

    /// Replaces its text.
    pub(crate) fn edit(&mut self, body: &Value) {
        if let Some(raw) = body.pointer("/content/raw").and_then(Value::as_str) {
            raw.clone_into(&mut self.raw);
        }
        if let Some(markup) = body.pointer("/content/markup").and_then(Value::as_str) {
            markup.clone_into(&mut self.markup);
        }
        self.updated = clock::now();
    }

    /// Blots it out.
    pub(crate) fn delete(&mut self) {
        self.deleted = true;
        self.raw.clear();
        self.updated = clock::now();
    }

    /// As Bitbucket shows it. `pull_request` are the API's and the site's URL of its pull request.
    pub(crate) fn json(&self, urls: &Urls, pull_request: (&str, &str), number: u64, title: &str) -> Value {
        let mut shown = json!({
            "type": "pullrequest_comment",
            "id": self.id,
            "created_on": clock::written(self.created),
            "updated_on": clock::written(self.updated),
            "content": {"type": "rendered", "raw": self.raw, "markup": self.markup, "html": paragraph(&self.raw)},
            "user": self.author.json(urls),
            "deleted": self.deleted,
            "pending": self.pending,
            "pullrequest": {
                "type": "pullrequest",
                "id": number,
                "title": title,
                "links": {"self": {"href": pull_request.0}, "html": {"href": pull_request.1}},
            },
            "links": {
                "self": {"href": format!("{}/comments/{}", pull_request.0, self.id)},
                "html": {"href": format!("{}/_/diff#comment-{}", pull_request.1, self.id)},
            },
        });
        if let Some(inline) = &self.inline {
            shown["inline"] = inline.clone();
        }
        if let Some(parent) = self.parent {
            shown["parent"] = json!({
                "type": "pullrequest_comment",
                "id": parent,
                "links": {"self": {"href": format!("{}/comments/{parent}", pull_request.0)}},
            });
        }
        shown
    }
}

/// Text as a paragraph: the sandbox renders no markup.
pub(super) fn paragraph(raw: &str) -> String {
    let escaped = raw.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    if escaped.is_empty() { escaped } else { format!("<p>{escaped}</p>") }
}
