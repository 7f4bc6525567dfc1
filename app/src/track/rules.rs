//! The rules that found something in a run.
//!
//! Owns that they are in memory once, however many accounts refer to them: a run has up to 64 parts
//! of the same tool, and each of them lists all rules.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Names of rules, sorted, each once. Clones share them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Box<str>>", into = "Vec<Box<str>>")]
pub struct Rules(Arc<[Box<str>]>);

impl<'a> FromIterator<&'a str> for Rules {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut names: Vec<&str> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        Self(names.into_iter().map(Box::from).collect())
    }
}

impl From<Vec<Box<str>>> for Rules {
    fn from(mut names: Vec<Box<str>>) -> Self {
        names.sort_unstable();
        names.dedup();
        Self(names.into())
    }
}

impl From<Rules> for Vec<Box<str>> {
    fn from(rules: Rules) -> Self {
        rules.0.to_vec()
    }
}

impl Rules {
    /// Whether this one is among them.
    pub fn contains(&self, rule: &str) -> bool {
        self.0.binary_search_by(|name| name.as_ref().cmp(rule)).is_ok()
    }

    /// Bytes of all names.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|name| name.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether both are the same ones in memory.
    pub(super) fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_once_and_shared() {
        let rules: Rules = ["b", "a", "b", "ü"].into_iter().collect();
        assert!(rules.contains("a") && rules.contains("ü") && !rules.contains("c") && !rules.contains(""));
        assert_eq!(rules.bytes(), 4);
        assert!(rules.clone().is_shared_with(&rules));
        let text = serde_json::to_string(&rules).unwrap();
        assert_eq!(text, r#"["a","b","ü"]"#);
        assert_eq!(serde_json::from_str::<Rules>(r#"["ü","a","b","a"]"#).unwrap(), rules);
        assert!(Rules::default().is_empty());
    }
}
