//! Which workspaces may install the app.
//!
//! Owns the operator's list and nothing else: the workspace was proven before, and existing
//! installations stay.

use std::collections::BTreeSet;
use std::str::FromStr;

use penstock_common::Uuid;

/// The workspaces that the operator named; all of them if none was named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedWorkspaces {
    ids: BTreeSet<Uuid>,
    slugs: BTreeSet<String>,
}

/// A text that names no workspaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither a UUID nor a name of a workspace")]
pub struct NotAWorkspace;

impl FromStr for AllowedWorkspaces {
    type Err = NotAWorkspace;

    /// UUIDs, with or without braces, and names as they are in addresses, separated by commas or
    /// spaces.
    fn from_str(text: &str) -> Result<Self, NotAWorkspace> {
        let mut all = Self::default();
        for part in text.split([',', ' ', '\n', '\t']).filter(|part| !part.is_empty()) {
            if let Ok(id) = part.parse() {
                all.ids.insert(id);
            } else if part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
                all.slugs.insert(part.to_ascii_lowercase());
            } else {
                return Err(NotAWorkspace);
            }
        }
        Ok(all)
    }
}

impl AllowedWorkspaces {
    /// Whether a workspace is excluded by its UUID alone, before its name is known.
    pub fn excludes(&self, workspace: Uuid) -> bool {
        self.slugs.is_empty() && !self.ids.is_empty() && !self.ids.contains(&workspace)
    }

    /// Whether a workspace may install the app. `slug` is its name, where Bitbucket gives one.
    pub fn includes(&self, workspace: Uuid, slug: Option<&str>) -> bool {
        let is_named = slug.is_some_and(|slug| self.slugs.contains(&slug.to_ascii_lowercase()));
        (self.ids.is_empty() && self.slugs.is_empty()) || self.ids.contains(&workspace) || is_named
    }

    /// Whether the answer depends on the workspace's slug.
    pub fn needs_slug(&self, workspace: Uuid) -> bool {
        !self.slugs.is_empty() && !self.ids.contains(&workspace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_uuid_and_by_name() {
        let (one, other) = (Uuid::from([1; 16]), Uuid::from([2; 16]));
        let none = AllowedWorkspaces::default();
        assert!(none.includes(one, None) && !none.excludes(one) && !none.needs_slug(one));
        for text in [one.to_string(), one.braced(), format!(" {},", one.braced().to_uppercase())] {
            let all: AllowedWorkspaces = text.parse().unwrap();
            assert!(all.includes(one, None) && !all.excludes(one), "{text}");
            assert!(!all.includes(other, Some("acme")) && all.excludes(other) && !all.needs_slug(other), "{text}");
        }
        let all: AllowedWorkspaces = format!("{one} Acme").parse().unwrap();
        assert!(all.includes(one, None) && all.includes(other, Some("acme")) && !all.includes(other, Some("acme2")));
        assert!(!all.excludes(other) && all.needs_slug(other) && !all.includes(other, None));
        for bad in ["acme/shop", "{nonsense}", "https://bitbucket.org/acme"] {
            assert_eq!(bad.parse::<AllowedWorkspaces>(), Err(NotAWorkspace), "{bad}");
        }
    }
}
