//! The layer within a scan.
//!
//! Owns the ways from a configuration's matches to candidates and from allowlists to the candidates of all rules. The built-in detectors know
//! nothing of it, and without a layer none of it runs.

use std::collections::BTreeSet;

use penstock_common::{Confidence, Mask};

use super::Layer;
use super::allowlist::{Origin, Subject};
use super::search::{entropy, line};
use crate::analyze::secrets::candidate::Candidate;
use crate::analyze::secrets::detect::rank;
use crate::analyze::secrets::view::RuleView;
use crate::analyze::secrets::{Engine, Scanner, rule};

/// So much before a secret on its line counts as part of a built-in rule's match.
const MATCH_REACH: usize = 100;

impl Layer {
    /// How a rule of the configuration is told. `index` is the engine's.
    pub(in super::super) fn view(&self, index: usize) -> Option<RuleView<'_>> {
        let rule = self.rules.get(index.checked_sub(rule::builtin().len())?)?;
        Some(RuleView {
            id: &rule.id,
            aliases: &[],
            title: &rule.title,
            severity: rule.severity,
            mask: Mask::HIDDEN,
            references: &[],
            revoke: None,
        })
    }

    /// Whether the configuration has a rule of its own with this id.
    pub(in super::super) fn has_rule(&self, id: &str) -> bool {
        self.rules.iter().any(|rule| rule.id == id)
    }

    /// How a built-in rule is told after the configuration had its say.
    pub(in super::super) fn overridden<'l>(&'l self, index: usize, mut view: RuleView<'l>) -> RuleView<'l> {
        if let Some(said) = self.overrides.get(&index) {
            view.title = said.title.as_deref().unwrap_or(view.title);
            view.severity = said.severity.unwrap_or(view.severity);
        }
        view
    }

    /// Rules that report a file for its path alone. Where the path is not known, all of them.
    fn path_rules<'l>(&'l self, path: Option<&'l [u8]>) -> impl Iterator<Item = usize> + 'l {
        let holds = move |pattern: &regex_automata::meta::Regex| path.is_none_or(|path| pattern.is_match(path));
        let rules = self.rules.iter().enumerate();
        rules
            .filter(move |(_, rule)| rule.regex.is_none() && !rule.skip_report && rule.path.as_ref().is_some_and(holds))
            .map(|(number, _)| number)
    }
}

impl Scanner<'_> {
    /// Adds what the configuration's rules find in a text, and asks the allowlists about everything that was found.
    pub(in super::super) fn consult(&mut self, path: &[u8], text: &[u8], is_text: bool, found: &mut Vec<Candidate>) {
        let engine: &Engine = self.engine;
        let Some(layer) = engine.layer.as_deref() else { return };
        let commit = self.commit.clone();
        let path = (!path.is_empty()).then_some(path);
        let origin = Origin { path, commit: commit.as_deref().map(|commit| commit.id.as_str()) };
        for candidate in found.iter_mut() {
            layer.judge(candidate, text, origin);
        }
        let first = rule::builtin().len();
        let is_itself = path.is_some() && path == layer.own_path.as_deref();
        if is_itself || !is_text || layer.rules.is_empty() {
            return;
        }
        let matches = layer.search(&mut self.memory, text, origin, found);
        // What stands there plainly was not found under an encoding.
        let plain: BTreeSet<u128> = matches.iter().map(|one| engine.identity(&text[one.secret.clone()])).collect();
        found.retain(|known| known.encoding.is_none() || known.rule < first || !plain.contains(&known.identity));
        for one in matches {
            let is_generic = layer.rules[one.rule].id.contains("generic");
            // With another value of a rule that it requires it is another secret.
            let with: BTreeSet<u128> = one.with.iter().map(|secret| engine.identity(&text[secret.clone()])).collect();
            let own = engine.identity(&text[one.secret.clone()]);
            let identity = engine.joint_identity(std::iter::once(own).chain(with));
            found.push(Candidate {
                rule: first + one.rule,
                identity,
                match_start: Some(one.whole.start),
                hidden: one.secret.clone(),
                secret: one.secret,
                confidence: Confidence::Medium,
                validity: None,
                reported: one.reported,
                encoding: None,
                allowed_by: one.allowed_by,
                origin: (if is_generic { rank::GENERIC } else { rank::CONFIGURED }, 0),
            });
        }
    }

    /// Adds the rules that report the file for its path.
    pub(in super::super) fn consult_path(&self, path: &[u8], text: &[u8], found: &mut Vec<Candidate>) {
        let Some(layer) = self.engine.layer.as_deref() else { return };
        let path = (!path.is_empty()).then_some(path);
        let origin = Origin { path, commit: self.commit.as_deref().map(|commit| commit.id.as_str()) };
        for number in layer.path_rules(path) {
            let rule = rule::builtin().len() + number;
            let lists = layer.global.iter().chain(&layer.of_rule[rule]);
            found.push(Candidate {
                rule,
                // Equal files hold equal secrets.
                identity: self.engine.identity(text),
                match_start: None,
                secret: 0..0,
                hidden: 0..0,
                confidence: Confidence::Medium,
                validity: None,
                reported: true,
                encoding: None,
                allowed_by: lists.copied().find(|list| layer.lists[*list].covers(origin)),
                origin: (rank::CONFIGURED, 0),
            });
        }
    }
}

impl Layer {
    /// Asks the allowlists about a built-in rule's candidate.
    fn judge(&self, candidate: &mut Candidate, text: &[u8], origin: Origin<'_>) {
        if self.is_muted(candidate.rule) {
            candidate.reported = false;
        }
        // What was found in decoded text was judged there.
        if !candidate.reported || candidate.encoding.is_some() || candidate.rule >= rule::builtin().len() {
            return;
        }
        let secret = &text[candidate.secret.clone()];
        let least = self.overrides.get(&candidate.rule).and_then(|said| said.entropy).filter(|least| *least > 0.0);
        if least.is_some_and(|least| entropy(secret) <= least) {
            candidate.reported = false;
            return;
        }
        let line = line(text, &candidate.secret);
        let floor = candidate.secret.start.saturating_sub(MATCH_REACH);
        let start = memchr::memrchr(b'\n', &text[floor..candidate.secret.start]).map_or(floor, |at| floor + at + 1);
        let end = candidate.secret.end
            + usize::from(text.get(candidate.secret.end).is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'`')));
        let subject = Subject { origin, secret, whole: &text[start..end], line };
        candidate.allowed_by = self.allowed_by(candidate.rule, &subject);
    }
}
