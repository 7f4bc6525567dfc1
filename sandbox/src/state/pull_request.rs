//! Pull requests.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Urls;
use super::account::{Act, User};
use super::comment::{Comment, paragraph};
use crate::clock;

/// How a pull request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Open,
    Merged,
    Declined,
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Merged => "MERGED",
            Self::Declined => "DECLINED",
        }
    }
}

/// One end of a pull request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct End {
    /// UUID of the repository: another one for the source of a fork.
    pub(crate) repository: String,
    pub(crate) branch: String,
    /// The tip while it is open, thereafter what it was.
    pub(crate) commit: String,
}

/// A pull request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PullRequest {
    pub(crate) id: u64,
    pub(crate) title: String,
    description: String,
    pub(crate) author: User,
    pub(crate) state: State,
    pub(crate) source: End,
    pub(crate) destination: End,
    pub(crate) merge_commit: Option<String>,
    pub(crate) comments: Vec<Comment>,
    #[serde(with = "clock::kept")]
    created: Timestamp,
    #[serde(with = "clock::kept")]
    updated: Timestamp,
}

impl PullRequest {
    /// A new one.
    pub(crate) fn new(id: u64, title: &str, by: Act, source: End, destination: End) -> Self {
        Self {
            id,
            title: title.to_owned(),
            description: String::new(),
            author: by.who,
            state: State::Open,
            source,
            destination,
            merge_commit: None,
            comments: Vec::new(),
            created: by.when,
            updated: by.when,
        }
    }

    /// It is over.
    pub(crate) fn close(&mut self, state: State, merge_commit: Option<String>, now: Timestamp) {
        self.state = state;
        self.merge_commit = merge_commit;
        self.updated = now;
    }

    /// Somebody edits it.
    pub(crate) fn edit(&mut self, title: Option<&str>, description: Option<&str>, destination: Option<&str>) {
        let parts = [
            (title, &mut self.title),
            (description, &mut self.description),
            (destination, &mut self.destination.branch),
        ];
        for (new, part) in parts {
            if let Some(new) = new {
                new.clone_into(part);
            }
        }
        self.updated = clock::now();
    }

    /// As Bitbucket shows it. `at` are the API's and the site's URL of its repository; `ends` how the repositories of source and
    /// destination are shown, `null` for one that is gone.
    pub(crate) fn json(&self, urls: &Urls, at: (&str, &str), ends: (Value, Value)) -> Value {
        let (api, site) = (format!("{}/pullrequests/{}", at.0, self.id), format!("{}/pull-requests/{}", at.1, self.id));
        let link = |name: &str| json!({"href": format!("{api}/{name}")});
        let mut shown = json!({
            "type": "pullrequest",
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "rendered": {"title": rendered(&self.title), "description": rendered(&self.description)},
            "summary": rendered(&self.description),
            "reviewers": [],
            "participants": [],
            "state": self.state.name(),
            "author": self.author.json(urls),
            "source": end(&self.source, ends.0),
            "destination": end(&self.destination, ends.1),
            "comment_count": self.comments.iter().filter(|comment| !comment.deleted).count(),
            "task_count": 0,
            "close_source_branch": false,
            "reason": "",
            "created_on": clock::written(self.created),
            "updated_on": clock::written(self.updated),
            "links": {
                "self": {"href": api},
                "html": {"href": site},
                "commits": link("commits"),
                "diff": link("diff"),
                "diffstat": link("diffstat"),
                "comments": link("comments"),
            },
        });
        if let Some(commit) = &self.merge_commit {
            shown["merge_commit"] = json!({"type": "commit", "hash": short(commit)});
        }
        shown
    }
}

/// Text as its markup is shown; the sandbox renders none. As recorded:
/// <https://github.com/B-AROL-O/ble-testsuite/blob/main/docs/sample_webhooks/2023-05-11-165428-webhook-site.json>.
fn rendered(raw: &str) -> Value {
    json!({"type": "rendered", "raw": raw, "markup": "markdown", "html": paragraph(raw)})
}

fn end(end: &End, repository: Value) -> Value {
    let mut shown = json!({
        "branch": {"name": end.branch},
        "commit": {"type": "commit", "hash": short(&end.commit)},
    });
    // A fork that is gone is shown as null, and the schema has no null: left out, both are true.
    if !repository.is_null() {
        shown["repository"] = repository;
    }
    shown
}

/// Pull requests name commits by 12 digits.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
