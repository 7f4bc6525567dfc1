//! What a tool looked at, and what its silence therefore says.
//!
//! Owns the one rule for it: absence says something only of places that the tool was told to look at.

use std::fmt;

use serde::{Deserialize, Serialize};

/// In what a finding was seen. Content of files and content of the past are different places: a secret that left the files still
/// stands in the history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// In the files of a commit.
    Files,
    /// In earlier commits.
    Past,
    /// In something that only its name tells, such as a report.
    Named(Box<str>),
}

/// What a tool was told to look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    seen: Seen,
    /// The folder (or file) below which everything was looked at, empty for all; absent if it was only a part of what there is.
    whole: Option<Box<str>>,
}

impl Scope {
    /// All files of a commit.
    pub fn tree() -> Self {
        Self { seen: Seen::Files, whole: Some("".into()) }
    }

    /// The files below one folder, or one file.
    pub fn folder(path: &str) -> Self {
        let path = path.trim_start_matches("./").trim_matches('/');
        Self { seen: Seen::Files, whole: Some(if path == "." { "".into() } else { path.into() }) }
    }

    /// From the words of [`penstock_common::ToolRun::scope`]. Words that are not known mean a scope that covers only its equal; those
    /// that name no lasting set of places (`staged`, `range …`) mean one that covers nothing.
    pub fn of_words(words: &str) -> Self {
        let (kind, rest) = words.split_once(' ').unwrap_or((words, ""));
        let part = |seen| Self { seen, whole: None };
        match kind {
            // Several paths stand in one word list; a path may hold a space, so they cannot be told apart again.
            "tree" if rest.contains(' ') => Self { seen: Seen::Named(words.into()), whole: Some("".into()) },
            "tree" => Self::folder(rest),
            "commit" => Self::tree(),
            "history" => Self { seen: Seen::Past, whole: Some("".into()) },
            "range" | "commits" => part(Seen::Past),
            "staged" | "input" => part(Seen::Files),
            _ if rest == "files" => part(Seen::Files),
            _ => Self { seen: Seen::Named(words.into()), whole: Some("".into()) },
        }
    }

    /// In what its findings are seen.
    pub const fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Whether a complete run over this scope would have seen again what was seen in `seen` at `path`.
    pub fn covers(&self, seen: &Seen, path: &str) -> bool {
        self.seen == *seen
            && self.whole.as_deref().is_some_and(|root| {
                root.is_empty() || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.seen, self.whole.as_deref()) {
            (Seen::Named(name), _) => f.write_str(name),
            (Seen::Files, Some("")) => f.write_str("all files"),
            (Seen::Files, Some(root)) => write!(f, "`{root}`"),
            (Seen::Files, None) => f.write_str("some files"),
            (Seen::Past, Some(_)) => f.write_str("the history"),
            (Seen::Past, None) => f.write_str("some commits"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(scope: &str, seen: &str, path: &str) -> bool {
        Scope::of_words(scope).covers(Scope::of_words(seen).seen(), path)
    }

    #[test]
    fn a_scope_covers_itself_and_what_is_below() {
        assert!(covers("tree .", "tree services", "services/a"));
        assert!(covers("commit 1234", "tree .", "a"), "the files of a commit are a whole tree");
        assert!(covers("tree services", "tree .", "services/a"));
        assert!(!covers("tree services", "tree .", "services-old/a"), "by whole names");
        assert!(covers("tree services/a.rs", "tree .", "services/a.rs"));
        assert!(covers("report eslint", "report eslint", "a"));
    }

    #[test]
    fn it_covers_nothing_else() {
        assert!(!covers("tree a", "tree .", "b/c"));
        assert!(!covers("tree .", "history", "a"), "what left the files still stands in the history");
        assert!(!covers("report eslint", "report pylint", "a"));
        assert!(!covers("tree a b", "tree .", "a/x"), "whether `a b` is one path or two is not known");
        for part in ["staged", "range a..b", "3 files", "commits of 1234", "input x"] {
            assert!(!covers(part, part, "a"), "{part}");
        }
    }
}
