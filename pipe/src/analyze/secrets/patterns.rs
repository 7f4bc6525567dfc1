//! The rules' regular expressions, compiled when first needed.
//!
//! Owns compiling and searching. Where a match must begin at a given place, that place is first tried by `lead`. Compiled expressions are shared by all threads; the working memory of each belongs to one thread, so that no
//! search waits for another. Nothing is compiled for rules whose keyword never occurs.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex_automata::meta::{BuildError, Cache, Config, Regex};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, PatternID};

use super::lead::Lead;
use super::rule::{Rule, Shape};

/// Compiled expressions of all rules, by index.
pub(super) struct Patterns {
    compiled: Vec<OnceLock<Option<Arc<Compiled>>>>,
    leads: Vec<OnceLock<Lead>>,
}

struct Compiled {
    regex: Regex,
    /// Index of the group `secret`, if there is one.
    secret: Option<usize>,
}

/// One thread's working memory.
pub(super) struct Caches(Vec<Option<Box<Ready>>>);

/// A compiled expression with the memory to run it.
type Ready = (Arc<Compiled>, Cache);

/// Where a pattern matched and what of it is the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) whole: Range<usize>,
    pub(super) secret: Range<usize>,
}

/// A rule's pattern as its shape demands.
pub(super) fn written(rule: &Rule) -> Cow<'static, str> {
    match rule.shape {
        Shape::Assigned => format!(r"\A(?:{})\z", rule.pattern).into(),
        _ => rule.pattern.into(),
    }
}

/// Compiles a rule's pattern.
pub(super) fn compile(rule: &Rule) -> Result<Regex, Box<BuildError>> {
    // What costs more to make than it saves in short windows is left out: small tables that need the whole pattern beforehand, and, where a
    // search stays at its start, what skips ahead.
    let config = Config::new()
        .nfa_size_limit(Some(4 << 20))
        .hybrid_cache_capacity(1 << 20)
        .dfa(false)
        .onepass(false)
        .auto_prefilter(matches!(rule.shape, Shape::Window { .. }));
    Regex::builder()
        .configure(config)
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .build(&written(rule))
        .map_err(Box::new)
}

impl Patterns {
    pub(super) fn new(rules: usize) -> Self {
        Self {
            compiled: (0..rules).map(|_| OnceLock::new()).collect(),
            leads: (0..rules).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Whether rule `index` may match where `text` begins; for the rule of an assignment, `text` as a whole.
    pub(super) fn admit(&self, rules: &[Rule], index: usize, text: &[u8]) -> bool {
        let rule = &rules[index];
        let lead = self.leads[index].get_or_init(|| Lead::of(&written(rule)));
        if rule.shape == Shape::Assigned { lead.admits_whole(text) } else { lead.admits(text) }
    }

    fn get(&self, rules: &[Rule], index: usize) -> Option<Arc<Compiled>> {
        self.compiled[index]
            .get_or_init(|| {
                // A pattern that does not compile fails a test; here its rule finds nothing.
                let regex = compile(&rules[index]).ok()?;
                let secret = regex.group_info().to_index(PatternID::ZERO, "secret");
                Some(Arc::new(Compiled { regex, secret }))
            })
            .clone()
    }
}

impl Caches {
    pub(super) fn new(rules: usize) -> Self {
        Self((0..rules).map(|_| None).collect())
    }

    /// Searches rule `index` within `range` of `text`; bytes around the range count as context.
    pub(super) fn search(
        &mut self,
        patterns: &Patterns,
        rules: &[Rule],
        index: usize,
        text: &[u8],
        range: Range<usize>,
        anchored: bool,
    ) -> Option<Match> {
        if anchored && !patterns.admit(rules, index, &text[range.clone()]) {
            return None;
        }
        if self.0[index].is_none() {
            let compiled = patterns.get(rules, index)?;
            let cache = compiled.regex.create_cache();
            self.0[index] = Some(Box::new((compiled, cache)));
        }
        let (compiled, cache) = &mut **self.0[index].as_mut()?;
        let input = Input::new(text).range(range).anchored(if anchored { Anchored::Yes } else { Anchored::No });
        let Some(group) = compiled.secret else {
            let found = compiled.regex.search_with(cache, &input)?;
            return Some(Match { whole: found.range(), secret: found.range() });
        };
        // Positions first: most windows hold no match, and groups cost more.
        compiled.regex.search_half_with(cache, &input)?;
        let mut groups = compiled.regex.create_captures();
        compiled.regex.search_captures_with(cache, &input, &mut groups);
        let whole = groups.get_match()?.range();
        let secret = groups.get_group(group).map_or_else(|| whole.clone(), |span| span.range());
        Some(Match { whole, secret })
    }
}
