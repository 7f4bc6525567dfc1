//! A rule as its findings tell it, whether it was compiled in or read from a configuration.
//!
//! Owns what a report needs of a rule and nothing that matches. The engine's index space resolves here: built-in rules come first, those of a
//! configuration after them.

use penstock_common::{Category, FingerprintInput, Fingerprints, Mask, Severity};

use super::Engine;
use super::rule::{self, Rule};

/// What a finding says of its rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct RuleView<'e> {
    pub(super) id: &'e str,
    pub(super) aliases: &'e [&'static str],
    pub(super) title: &'e str,
    pub(super) severity: Severity,
    pub(super) mask: Mask,
    pub(super) references: &'e [&'static str],
    pub(super) revoke: Option<&'static str>,
}

impl RuleView<'_> {
    /// Whether `id` names this rule.
    pub(super) fn is_named(&self, id: &str) -> bool {
        self.id == id || self.aliases.contains(&id)
    }

    /// The fingerprints of a finding of this rule alone.
    pub(super) fn fingerprints(&self, path: &str, context: &str, ordinal: u32) -> Fingerprints {
        let category = Category::Secret.name();
        FingerprintInput { category, tool: "penstock", rule: self.id, path, context, ordinal }.fingerprints()
    }
}

impl From<&'static Rule> for RuleView<'static> {
    fn from(rule: &'static Rule) -> Self {
        Self {
            id: rule.id,
            aliases: rule.aliases,
            title: rule.title,
            severity: rule.severity,
            mask: rule.mask(),
            references: rule.references,
            revoke: Some(rule.revoke),
        }
    }
}

impl Engine {
    /// The rule of this index.
    pub(super) fn rule(&self, index: usize) -> RuleView<'_> {
        match (rule::builtin().get(index), &self.layer) {
            (Some(rule), None) => rule.into(),
            (Some(rule), Some(layer)) => layer.overridden(index, rule.into()),
            // Only a layer hands out further indices.
            (None, layer) => {
                let view = layer.as_ref().and_then(|layer| layer.view(index));
                view.unwrap_or_else(|| RuleView::from(&rule::builtin()[self.known.token]))
            }
        }
    }

    /// How a secret of this rule is shown.
    pub(super) fn mask(&self, index: usize) -> Mask {
        rule::builtin().get(index).map_or(Mask::HIDDEN, Rule::mask)
    }
}
