//! Build statuses of commits.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Urls;
use super::account::User;
use crate::clock;

/// A build status.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) key: String,
    pub(crate) refname: Option<String>,
    /// Who may overwrite it.
    pub(crate) author: User,
    fields: Map<String, Value>,
    #[serde(with = "clock::kept")]
    created: Timestamp,
    #[serde(with = "clock::kept")]
    updated: Timestamp,
}

impl Status {
    /// As Bitbucket shows it. `repository` is the API's URL of the repository.
    pub(crate) fn json(&self, repository: &str, commit: &str) -> Value {
        let mut shown = self.fields.clone();
        shown.insert("type".to_owned(), "build".into());
        shown.insert("key".to_owned(), self.key.clone().into());
        shown.insert("created_on".to_owned(), clock::written(self.created).into());
        shown.insert("updated_on".to_owned(), clock::written(self.updated).into());
        let commit = format!("{repository}/commit/{commit}");
        let links = json!({
            "self": {"href": format!("{commit}/statuses/build/{}", urlencoded(&self.key))},
            "commit": {"href": commit},
        });
        shown.insert("links".to_owned(), links);
        Value::Object(shown)
    }

    fn is(&self, key: &str, refname: Option<&str>) -> bool {
        self.key == key && self.refname.as_deref() == refname
    }

    /// With its author, whom Bitbucket does not show: for people to look at.
    pub(crate) fn with_author(&self, repository: &str, commit: &str, urls: &Urls) -> Value {
        let mut shown = self.json(repository, commit);
        shown["author"] = self.author.json(urls);
        shown
    }
}

/// All statuses of a repository, by commit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Statuses(BTreeMap<String, Vec<Status>>);

impl Statuses {
    /// Those of a commit, the first one first.
    pub(crate) fn of(&self, commit: &str) -> &[Status] {
        self.0.get(commit).map_or(&[], Vec::as_slice)
    }

    /// Those with a key: one for each `refname`, the last one set first. Which of them Bitbucket
    /// shows for a request with only a key is not documented.
    pub(crate) fn with_key(&self, commit: &str, key: &str) -> Vec<&Status> {
        let mut all: Vec<&Status> = self.of(commit).iter().filter(|status| status.key == key).collect();
        all.sort_by_key(|status| std::cmp::Reverse(status.updated));
        all
    }

    /// The status with a key and a `refname`. Both identify it:
    /// <https://github.com/jenkinsci/bitbucket-branch-source-plugin/pull/930> ("multiple build
    /// statuses with the same key but different refnames are allowed").
    pub(crate) fn get(&self, commit: &str, key: &str, refname: Option<&str>) -> Option<&Status> {
        self.of(commit).iter().find(|status| status.is(key, refname))
    }

    /// Creates or overwrites a status; whose it was is for the caller to look at first.
    pub(crate) fn put(&mut self, commit: &str, key: &str, author: &User, fields: Map<String, Value>) -> &Status {
        let now = clock::now();
        let refname = fields.get("refname").and_then(Value::as_str).map(str::to_owned);
        let statuses = self.0.entry(commit.to_owned()).or_default();
        let place = statuses.iter().position(|status| status.is(key, refname.as_deref()));
        let created = place.map_or(now, |place| statuses[place].created);
        let author = place.map_or_else(|| author.clone(), |place| statuses[place].author.clone());
        let status = Status { key: key.to_owned(), refname, author, fields, created, updated: now };
        match place {
            Some(place) => {
                statuses[place] = status;
                &statuses[place]
            }
            None => {
                statuses.push(status);
                &statuses[statuses.len() - 1]
            }
        }
    }
}

fn urlencoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
