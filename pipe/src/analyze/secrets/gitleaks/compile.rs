//! From a merged configuration to a layer over the built-in rules.
//!
//! Owns what needs the whole configuration: which built-in rules stay, which ids exist, which allowlist holds for which rule, and whether
//! every pattern compiles. All mistakes are noted, not only the first.

use aho_corasick::AhoCorasick;
use penstock_common::Severity;
use regex_automata::meta::Regex;

use super::allowlist::Allowlist;
use super::book::{At, Book, Text};
use super::chain::Merged;
use super::document::{AllowTable, Required, RuleTable};
use super::pattern::{self, Budget, Flaw};
use super::search::{Distance, Dynamic, Needed};
use super::{Layer, Mode, Override};
use crate::analyze::secrets::rule;

/// Compiles everything. The layer is of use only if the book holds no mistake afterwards.
pub(super) fn compile(book: &mut Book, merged: &Merged, mode: Mode) -> Layer {
    let builtin = rule::builtin().len();
    let with_builtin = mode == Mode::Add || merged.use_default;
    let mut compiler = Compiler { book, budget: Budget::default(), layer: Layer::empty(), with_builtin };
    compiler.layer.muted = vec![!with_builtin; builtin];
    compiler.disable(merged);
    let mut own: Vec<(&RuleTable, Option<usize>)> = Vec::new();
    for table in &merged.rules {
        let number = compiler.rule(table, mode);
        own.push((table, number));
    }
    let layer = &mut compiler.layer;
    layer.of_rule = vec![Vec::new(); builtin + layer.rules.len()];
    for (table, number) in own {
        compiler.required(table, number, &merged.rules);
        for list in &table.allowlists {
            let indices = compiler.named(&table.id.value);
            compiler.attach(list, Some(indices));
        }
    }
    for list in &merged.allowlists {
        let targets = compiler.targets(list);
        compiler.attach(list, targets);
    }
    compiler.keywords();
    compiler.layer
}

struct Compiler<'b> {
    book: &'b mut Book,
    budget: Budget,
    layer: Layer,
    with_builtin: bool,
}

/// The built-in rules that an id names; an id of gitleaks may name several.
fn builtin_named(id: &str) -> impl Iterator<Item = usize> + '_ {
    rule::builtin().iter().enumerate().filter(move |(_, rule)| rule.is_named(id)).map(|(index, _)| index)
}

impl Compiler<'_> {
    fn disable(&mut self, merged: &Merged) {
        for disabled in &merged.disabled {
            let mut met = disabled.met;
            for index in builtin_named(&disabled.id.value).filter(|_| self.with_builtin) {
                self.layer.muted[index] = true;
                met = true;
            }
            if !met {
                self.book.notice(disabled.id.at, format!("there is no rule `{}` to disable", disabled.id.value));
            }
        }
    }

    /// Takes up one rule. Its number among ours, unless it only says more about a built-in one.
    fn rule(&mut self, table: &RuleTable, mode: Mode) -> Option<usize> {
        let id = &table.id.value;
        let builtin: Vec<usize> = if self.with_builtin { builtin_named(id).collect() } else { Vec::new() };
        let severity = table.tags.iter().find_map(|tag| tag.to_ascii_lowercase().parse::<Severity>().ok());
        if table.regex.is_none() && table.path.is_none() {
            if builtin.is_empty() {
                let hint =
                    "a rule needs `regex` or `path`; only a rule that extends one of the same id may leave both out";
                self.book.mistake(table.id.at, format!("the rule `{id}` looks for nothing"), Some(hint));
            }
            for index in builtin.into_iter().filter(|_| mode == Mode::Exact) {
                let title = Some(table.description.clone()).filter(|title| !title.is_empty());
                self.layer.overrides.insert(index, Override { title, entropy: table.entropy, severity });
            }
            return None;
        }
        let mut keywords = table.keywords.clone();
        let mut entropy = table.entropy.unwrap_or(0.0);
        if mode == Mode::Exact {
            // The configuration's own pattern takes the place of ours; what it leaves open it inherits.
            for &index in &builtin {
                self.layer.muted[index] = true;
                let rule = &rule::builtin()[index];
                if !keywords.is_empty() {
                    keywords.extend(rule.keywords.iter().map(|word| (*word).to_owned()));
                }
                if entropy == 0.0 {
                    entropy = f64::from(rule.entropy);
                }
            }
        }
        let regex = table.regex.as_ref().and_then(|text| self.pattern(text, &format!("the rule `{id}`"), "regex"));
        let path = table.path.as_ref().and_then(|text| self.pattern(text, &format!("the rule `{id}`"), "path"));
        if let (Some(regex), Some((group, at))) = (&regex, table.secret_group)
            && group as usize >= regex.captures_len()
        {
            let what = format!("the rule `{id}` has no group {group}: its `regex` has {}", regex.captures_len() - 1);
            self.book.mistake(at, what, None);
        }
        self.layer.rules.push(Dynamic {
            id: id.clone(),
            title: if table.description.is_empty() { id.clone() } else { table.description.clone() },
            severity: severity.unwrap_or(Severity::High),
            regex,
            path,
            secret_group: table.secret_group.map_or(0, |(group, _)| group as usize),
            entropy,
            keywords,
            skip_report: table.skip_report,
            required: Vec::new(),
        });
        Some(self.layer.rules.len() - 1)
    }

    fn required(&mut self, table: &RuleTable, number: Option<usize>, rules: &[RuleTable]) {
        for Required { id, within_lines, within_columns } in &table.required {
            let own = self.layer.rules.iter().position(|rule| rule.id == id.value);
            let builtin: Vec<usize> = builtin_named(&id.value).filter(|_| self.with_builtin).collect();
            let needed = match own {
                Some(index) => Needed::Dynamic(index),
                None if !builtin.is_empty() => Needed::Builtin(builtin),
                None => {
                    // A rule that has a mistake of its own is there all the same.
                    if !rules.iter().any(|rule| rule.id.value == id.value) {
                        self.book.mistake(id.at, format!("there is no rule `{}` to require", id.value), None);
                    }
                    continue;
                }
            };
            if let Some(number) = number {
                let distance = Distance { needed, lines: *within_lines, columns: *within_columns };
                self.layer.rules[number].required.push(distance);
            }
        }
    }

    /// All rules that an id names, in the index space of the engine.
    fn named(&self, id: &str) -> Vec<usize> {
        let first = rule::builtin().len();
        let own = self.layer.rules.iter().enumerate().filter(|(_, rule)| rule.id == id).map(|(at, _)| first + at);
        builtin_named(id).filter(|_| self.with_builtin).chain(own).collect()
    }

    /// The rules that a global allowlist is for; `None` for all.
    fn targets(&mut self, list: &AllowTable) -> Option<Vec<usize>> {
        if list.target_rules.is_empty() {
            return None;
        }
        let mut targets = Vec::new();
        for id in &list.target_rules {
            let named = self.named(&id.value);
            if named.is_empty() {
                self.book.mistake(id.at, format!("there is no rule `{}` for this allowlist", id.value), None);
            }
            targets.extend(named);
        }
        targets.sort_unstable();
        targets.dedup();
        Some(targets)
    }

    fn attach(&mut self, table: &AllowTable, targets: Option<Vec<usize>>) {
        let whose = "an allowlist";
        let patterns = |compiler: &mut Self, texts: &[Text], key| -> Vec<Regex> {
            texts.iter().filter_map(|text| compiler.pattern(text, whose, key)).collect()
        };
        let paths = patterns(self, &table.paths, "paths");
        let regexes = patterns(self, &table.regexes, "regexes");
        let list = Allowlist {
            description: table.description.clone(),
            all: table.all,
            commits: table.commits.clone(),
            paths,
            target: table.target,
            regexes,
            stopwords: self.words(&table.stopwords, table.at),
        };
        let number = self.layer.lists.len();
        self.layer.lists.push(list);
        match targets {
            None => self.layer.global.push(number),
            Some(rules) => rules.into_iter().for_each(|rule| self.layer.of_rule[rule].push(number)),
        }
    }

    fn keywords(&mut self) {
        let mut words: Vec<String> = Vec::new();
        for (number, rule) in self.layer.rules.iter().enumerate() {
            if rule.keywords.is_empty() || rule.keywords.iter().any(String::is_empty) {
                self.layer.always.push(number);
                continue;
            }
            for word in &rule.keywords {
                let word = word.to_lowercase();
                let at = words.iter().position(|known| *known == word).unwrap_or(words.len());
                if at == words.len() {
                    words.push(word);
                    self.layer.keyword_rules.push(Vec::new());
                }
                self.layer.keyword_rules[at].push(number);
            }
        }
        let start = At { source: 0, start: 0, end: 0 };
        self.layer.keywords = self.words(&words, start);
    }

    fn words(&mut self, words: &[String], at: At) -> Option<AhoCorasick> {
        if words.is_empty() {
            return None;
        }
        match AhoCorasick::builder().ascii_case_insensitive(true).build(words) {
            Ok(automaton) => Some(automaton),
            Err(error) => {
                self.book.mistake(at, format!("these words are too many: {error}"), None);
                None
            }
        }
    }

    fn pattern(&mut self, text: &Text, whose: &str, key: &str) -> Option<Regex> {
        let flaw = match pattern::compile(&text.value, &mut self.budget) {
            Ok(regex) => return Some(regex),
            Err(flaw) => flaw,
        };
        let (mut at, mut place) = (text.at, String::new());
        if let Flaw::Syntax { at: offset, .. } = flaw {
            let before = text.value.get(..offset).unwrap_or(&text.value);
            place = format!(" (at character {} of the pattern)", before.chars().count() + 1);
            // Between single quotation marks nothing is escaped, so the place in the file can be told exactly.
            let raw = self.book.raw(text.at);
            let head = if raw.starts_with("'''\n") {
                4
            } else if raw.starts_with("'''") {
                3
            } else {
                1
            };
            if raw.starts_with('\'') && raw.get(head..head + text.value.len()) == Some(&text.value) {
                at.start += head + before.len();
            }
        }
        let hint = match flaw {
            Flaw::Syntax { .. } => "gitleaks patterns are RE2: no look-around, no references back",
            _ => "make its repetitions smaller",
        };
        self.book.mistake(at, format!("`{key}` of {whose} cannot be compiled: {flaw}{place}"), Some(hint));
        None
    }
}
