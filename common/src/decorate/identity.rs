//! What tells the posts of one run from those of others on the same commit.
//!
//! Owns the ids of reports, the key of the build status and the marker of the comment. They are made from the kind of build and `NAME`, so that
//! the `default` and the `pull-requests` pipeline, and parallel steps, never touch each other's; and they are the same for each further run of the
//! same kind and name, so that it replaces what the one before posted.

use sha2::{Digest, Sha256};

use crate::bitbucket::statuses::KEY_MAX;
use crate::plain::cut;
use crate::{Category, Subject};

/// What `NAME` is unless it is set.
pub const DEFAULT_NAME: &str = "penstock";
/// Most characters of the kind and of the name in words for people.
const WORDS_MAX: usize = 100;
/// Hex digits that make a shortened id unique.
const DIGITS: usize = 12;
/// Most characters of a report's id. The server's limit is not documented.
const REPORT_ID_MAX: usize = 80;

/// What tells the posts of one run from those of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    kind: Kind<'a>,
    name: &'a str,
}

/// What a build was started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind<'a> {
    PullRequest(u64),
    Branch(&'a str),
    Tag(&'a str),
    Commit,
}

impl<'a> Identity<'a> {
    /// Of a run on `subject` with the given `NAME`.
    pub fn new(subject: &'a Subject, name: &'a str) -> Self {
        let kind = match subject {
            Subject { pull_request: Some(pull_request), .. } => Kind::PullRequest(pull_request.id),
            Subject { tag: Some(tag), .. } => Kind::Tag(tag),
            Subject { branch: Some(branch), .. } => Kind::Branch(branch),
            _ => Kind::Commit,
        };
        Self { kind, name }
    }

    /// `pr-12`, `branch-main`, `tag-1.0` or `commit`; as it is in the repository, so not harmless.
    fn kind_name(&self) -> String {
        match self.kind {
            Kind::PullRequest(id) => format!("pr-{id}"),
            Kind::Branch(branch) => format!("branch-{branch}"),
            Kind::Tag(tag) => format!("tag-{tag}"),
            Kind::Commit => "commit".to_owned(),
        }
    }

    /// Id of the report of one category: letters, digits, `.`, `-` and `_` only.
    pub fn report_id(&self, category: Category) -> String {
        id(&["penstock", &self.kind_name(), self.name, category.name()], REPORT_ID_MAX)
    }

    /// Key of the build status, at most [`KEY_MAX`] characters.
    pub fn status_key(&self) -> String {
        id(&["penstock", &self.kind_name(), self.name], KEY_MAX)
    }

    /// Key of the status that the companion app posts. Only who posted a status may replace it, so the two programs have different ones.
    pub fn app_status_key(&self) -> String {
        id(&["penstock-app", &self.kind_name(), self.name], KEY_MAX)
    }

    /// The line that marks the comment: markdown that shows nothing, and nothing that stands in text which was escaped.
    pub fn marker(&self) -> String {
        format!("[//]: # ({})", id(&["penstock", &self.kind_name(), self.name], REPORT_ID_MAX))
    }

    /// What the posts are called: `Penstock`, with `NAME` if it was set.
    pub fn title(&self) -> String {
        if self.name == DEFAULT_NAME {
            "Penstock".to_owned()
        } else {
            format!("Penstock {}", cut(self.name, WORDS_MAX))
        }
    }

    /// What the build was started for, in words: `pull request 12`.
    pub fn occasion(&self) -> String {
        match self.kind {
            Kind::PullRequest(id) => format!("pull request {id}"),
            Kind::Branch(branch) => format!("branch {}", cut(branch, WORDS_MAX)),
            Kind::Tag(tag) => format!("tag {}", cut(tag, WORDS_MAX)),
            Kind::Commit => "commit".to_owned(),
        }
    }
}

/// The parts with dots between them if that is short, unambiguous and harmless; else what can be kept of that, and a digest of the parts.
fn id(parts: &[&str], max: usize) -> String {
    let plain = |part: &&str| !part.is_empty() && part.bytes().all(is_plain);
    let joined = parts.join(".");
    if parts.iter().all(plain) && joined.len() <= max {
        return joined;
    }
    let mut hash = Sha256::new();
    for part in parts {
        // Each part is preceded by its length, so that no two different lists run together.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let kept: String = joined
        .chars()
        .map(|c| if c == '.' || u8::try_from(c).is_ok_and(is_plain) { c } else { '-' })
        .take(max - DIGITS - 1)
        .collect();
    format!("{kept}.{}", hex(&hash.finalize(), DIGITS))
}

/// Not the dot, which stands between the parts.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// The first `digits` of `bytes` as lower-case hex.
pub(crate) fn hex(bytes: &[u8], digits: usize) -> String {
    let all = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    all.take(digits).filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::PullRequest;
    use crate::masked::verbatim::verbatim;

    fn subject(pull_request: Option<u64>, branch: Option<&str>, tag: Option<&str>) -> Subject {
        Subject {
            pull_request: pull_request.map(|id| PullRequest {
                id,
                destination_branch: "main".into(),
                destination_commit: None,
            }),
            branch: branch.map(verbatim),
            tag: tag.map(verbatim),
            ..Subject::default()
        }
    }

    #[test]
    fn short_names_are_kept_in_full() {
        let subject = subject(Some(12), Some("feature"), None);
        let identity = Identity::new(&subject, DEFAULT_NAME);
        assert_eq!(identity.status_key(), "penstock.pr-12.penstock");
        assert_eq!(identity.report_id(Category::Secret), "penstock.pr-12.penstock.secret");
        assert_eq!(identity.marker(), "[//]: # (penstock.pr-12.penstock)");
    }

    #[test]
    fn no_two_kinds_or_names_share_an_id() {
        let subjects = [
            subject(Some(1), Some("a"), None),
            subject(Some(12), Some("a"), None),
            subject(None, Some("a"), None),
            subject(None, Some("a.b"), None),
            subject(None, Some("a-b"), None),
            subject(None, Some("a/b"), None),
            subject(None, Some(&format!("{}1", "long".repeat(50))), None),
            subject(None, Some(&format!("{}2", "long".repeat(50))), None),
            subject(None, None, Some("a")),
            subject(None, None, None),
        ];
        let names = ["penstock", "b", "b.penstock", "", "a\u{202e})"];
        let mut seen = BTreeSet::new();
        for subject in &subjects {
            for name in names {
                let identity = Identity::new(subject, name);
                let key = identity.status_key();
                assert!(key.len() <= KEY_MAX && key.bytes().all(|byte| is_plain(byte) || byte == b'.'), "{key}");
                let marker = identity.marker();
                assert_eq!(marker.matches(')').count(), 1, "{marker}");
                assert!(seen.insert(key) && seen.insert(marker), "{identity:?}");
                assert!(seen.insert(identity.report_id(Category::Secret)), "{identity:?}");
                assert!(seen.insert(identity.report_id(Category::Vulnerability)), "{identity:?}");
            }
        }
    }
}
