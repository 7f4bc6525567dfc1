//! `penstock.toml`.
//!
//! Owns its grammar: every key, what it may hold, and where a mistake stands. What may never come from a file in a repository (hosts,
//! certificates, names of tokens) is refused by name, because whoever may change the file must not be able to send anything anywhere.

use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use penstock_common::Confidence;
use penstock_common::gate::Condition;
use schemars::JsonSchema;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::analyze::secrets::allow::Tool;
use crate::analyze::secrets::rule;
use crate::assess::{FailOn, Suppress};
use crate::checkout::Exclude;
use crate::cli::parse_size;
pub(super) use crate::mistake::distance;
pub use crate::mistake::{Mistake, nearest};

mod allow;
mod gate;
mod suppress;
mod told;

/// What `penstock.toml` may say. Every key may be left out.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
#[schemars(title = "penstock.toml", deny_unknown_fields, default)]
pub struct File {
    /// What is looked at.
    pub scan: ScanTable,
    /// How secrets are looked for.
    pub secrets: SecretsTable,
    /// What fails a run.
    pub gate: GateTable,
    /// Which comments allow a finding.
    pub allow: AllowTable,
    /// Findings that somebody decided to live with.
    #[schemars(schema_with = "suppress::schema")]
    pub suppress: Vec<Suppress>,
}

/// `[scan]`
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ScanTable {
    /// Look at ignored files too.
    #[schemars(with = "bool", extend("default" = false))]
    pub all_files: Option<bool>,
    /// Look into archives.
    #[schemars(with = "bool", extend("default" = false))]
    pub archives: Option<bool>,
    /// Look into submodules.
    #[schemars(with = "bool", extend("default" = false))]
    pub submodules: Option<bool>,
    /// Leave out files larger than this, as `"10MB"`.
    #[schemars(with = "String", extend("default" = "10MB"))]
    pub max_file_size: Option<u64>,
    /// Paths to leave out, as patterns of `.gitignore` from the root of the repository:
    /// `"vendor/"`.
    pub exclude: Vec<String>,
}

/// `[secrets]`
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SecretsTable {
    /// Least confidence of a finding: `low`, `medium` or `high`.
    #[schemars(with = "Confidence", extend("default" = "medium"))]
    pub min_confidence: Option<Confidence>,
    /// Ids of rules not to use.
    pub disable: Vec<String>,
}

/// `[gate]`
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
#[schemars(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct GateTable {
    /// `"any:SEVERITY"`, `"new:SEVERITY"`, a list of these, or `"never"`: takes the place of the defaults.
    #[schemars(schema_with = "gate::fail_on_schema")]
    pub fail_on: Option<Vec<FailOn>>,
    /// Of the findings that the base has not, how many may there be?
    #[schemars(schema_with = "gate::new_schema")]
    pub new: Vec<Condition>,
    /// Of all findings, how many may there be?
    #[schemars(schema_with = "gate::any_schema")]
    pub any: Vec<Condition>,
    /// Of the secrets that a commit added and a later one removed, how many may there be?
    #[schemars(schema_with = "gate::leaked_schema")]
    pub leaked: Vec<Condition>,
    /// How many tests may fail?
    #[schemars(schema_with = "gate::tests_schema")]
    pub tests: Vec<Condition>,
    /// How many per cent of the lines must tests cover?
    #[schemars(schema_with = "gate::coverage_schema")]
    pub coverage: Vec<Condition>,
}

impl GateTable {
    /// All single conditions.
    pub fn conditions(&self) -> Vec<Condition> {
        [&self.new[..], &self.any, &self.leaked, &self.tests, &self.coverage].concat()
    }
}

/// `[allow]`
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AllowTable {
    /// A comment counts only with a reason. Comments of other tools have none.
    #[schemars(with = "bool", extend("default" = false))]
    pub require_reason: Option<bool>,
    /// The other tools whose comments count.
    #[schemars(schema_with = "allow::tools_schema")]
    pub tools: Option<Vec<Tool>>,
}

/// Reads the text of a `penstock.toml`. All mistakes are told at once.
pub fn read(path: &Path, text: &str) -> Result<File, Vec<Mistake>> {
    let mut reader = Reader { file: path.display().to_string(), text, mistakes: Vec::new() };
    let mut file = File::default();
    match DeTable::parse(text) {
        Ok(root) => reader.root(root.get_ref(), &mut file),
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            reader.mistake(span, error.message().to_owned(), None);
        }
    }
    // Tables come in the order of their keys; people read from top to bottom.
    reader.mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    if reader.mistakes.is_empty() { Ok(file) } else { Err(reader.mistakes) }
}

struct Reader<'t> {
    file: String,
    text: &'t str,
    mistakes: Vec<Mistake>,
}

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;
type Value<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    fn root(&mut self, root: &DeTable<'_>, file: &mut File) {
        for (key, value) in root {
            match key.get_ref().as_ref() {
                "scan" => self.table(value, |reader, key, value| reader.scan(key, value, &mut file.scan)),
                "secrets" => self.table(value, |reader, key, value| reader.secrets(key, value, &mut file.secrets)),
                "gate" => self.table(value, |reader, key, value| reader.gate(key, value, &mut file.gate)),
                "allow" => self.table(value, |reader, key, value| reader.allow(key, value, &mut file.allow)),
                "suppress" => self.suppressions(value, &mut file.suppress),
                _ => self.unknown(key, &["scan", "secrets", "gate", "allow", "suppress"]),
            }
        }
    }

    fn scan(&mut self, key: &Key<'_>, value: &Value<'_>, table: &mut ScanTable) {
        match key.get_ref().as_ref() {
            "all-files" => table.all_files = self.boolean(value),
            "archives" => table.archives = self.boolean(value),
            "submodules" => table.submodules = self.boolean(value),
            "max-file-size" => table.max_file_size = self.parsed(value, parse_size),
            "exclude" => {
                for (pattern, span) in self.strings(value) {
                    if let Some(why) = Exclude::check(&pattern) {
                        self.mistake(span, format!("`{pattern}` is no pattern as in `.gitignore`: {why}"), None);
                    }
                    table.exclude.push(pattern);
                }
            }
            _ => self.unknown(key, &["all-files", "archives", "submodules", "max-file-size", "exclude"]),
        }
    }

    fn secrets(&mut self, key: &Key<'_>, value: &Value<'_>, table: &mut SecretsTable) {
        match key.get_ref().as_ref() {
            "min-confidence" => table.min_confidence = self.parsed(value, Confidence::from_str),
            "disable" => {
                for (id, span) in self.strings(value) {
                    if rule::find(&id).is_none() {
                        let ids = rule::builtin().iter().map(|rule| rule.id);
                        let hint = nearest(&id, ids).map(|near| format!("did you mean `{near}`?"));
                        self.mistake(
                            span,
                            format!("there is no rule `{id}`"),
                            hint.or(Some("`penstock rules` lists them".to_owned())),
                        );
                    }
                    table.disable.push(id);
                }
            }
            _ => self.unknown(key, &["min-confidence", "disable"]),
        }
    }

    fn table(&mut self, value: &Value<'_>, mut each: impl FnMut(&mut Self, &Key<'_>, &Value<'_>)) {
        match value.get_ref() {
            DeValue::Table(table) => table.iter().for_each(|(key, value)| each(self, key, value)),
            other => self.wrong_type(value.span(), "a table", other),
        }
    }

    fn boolean(&mut self, value: &Value<'_>) -> Option<bool> {
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            other => {
                self.wrong_type(value.span(), "`true` or `false`", other);
                None
            }
        }
    }

    fn string(&mut self, value: &Value<'_>) -> Option<String> {
        match value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            other => {
                self.wrong_type(value.span(), "a text in quotation marks", other);
                None
            }
        }
    }

    fn strings(&mut self, value: &Value<'_>) -> Vec<(String, Range<usize>)> {
        match value.get_ref() {
            DeValue::Array(array) => {
                let mut texts = Vec::new();
                for value in array.iter() {
                    texts.extend(self.string(value).map(|text| (text, value.span())));
                }
                texts
            }
            other => {
                self.wrong_type(value.span(), "a list of texts", other);
                Vec::new()
            }
        }
    }

    fn parsed<T, E: ToString>(&mut self, value: &Value<'_>, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let text = self.string(value)?;
        match parse(&text) {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.mistake(value.span(), error.to_string(), None);
                None
            }
        }
    }

    fn wrong_type(&mut self, span: Range<usize>, expected: &str, found: &DeValue<'_>) {
        self.mistake(span, format!("expected {expected}, found {}", found.type_str()), None);
    }

    fn unknown(&mut self, key: &Key<'_>, known: &[&str]) {
        let name = key.get_ref().as_ref();
        const NEVER: &[&str] =
            &["host", "url", "proxy", "cert", "token", "password", "username", "bundle", "companion"];
        if NEVER.iter().any(|word| name.to_ascii_lowercase().contains(word)) {
            let what = format!("`{name}` is never read from this file");
            let hint = "hosts, certificates and names of tokens come from flags and the environment only, so that nobody who may change this file can send anything anywhere";
            self.mistake(key.span(), what, Some(hint.to_owned()));
            return;
        }
        self.mistake(key.span(), format!("unknown key `{name}`"), Some(suggestion(name, known)));
    }

    fn mistake(&mut self, span: Range<usize>, what: String, hint: Option<String>) {
        self.mistakes.push(Mistake::at(&self.file, self.text, span.start, what, hint));
    }
}

/// The known name most similar to `name`, or all of them.
fn suggestion(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each mistake in `text` with its remedy.
    pub(super) fn mistakes(text: &str) -> Vec<String> {
        let mistakes = read(Path::new("penstock.toml"), text).expect_err("a mistake");
        mistakes.iter().map(|m| format!("{m}; {}", m.hint.as_deref().unwrap_or("-"))).collect()
    }

    #[test]
    fn everything_may_be_set() {
        let file = read(
            Path::new("penstock.toml"),
            "[scan]\nall-files = true\nmax-file-size = \"2MB\"\nexclude = [\"vendor/**\"]\n[secrets]\nmin-confidence = \"low\"\ndisable = [\"jwt\"]\n[gate]\nfail-on = \"any:high\"\nnew.high = 0\n[[suppress]]\nrule = \"jwt\"\nreason = \"r\"\n",
        );
        let file = file.expect("no mistake");
        assert_eq!(file.scan.max_file_size, Some(2_000_000));
        assert_eq!(file.secrets.disable, ["jwt"]);
        assert_eq!((file.gate.new.len(), file.suppress.len()), (1, 1));
    }

    #[test]
    fn mistakes_are_told_with_their_place_and_a_remedy() {
        assert_eq!(mistakes("[scann]\n"), ["penstock.toml:1:2: unknown key `scann`; did you mean `scan`?"]);
        assert_eq!(
            mistakes("[secrets]\ndisable = [\"jvt\"]\nmin-confidence = 3\n"),
            [
                "penstock.toml:2:12: there is no rule `jvt`; did you mean `jwt`?",
                "penstock.toml:3:18: expected a text in quotation marks, found integer; -",
            ]
        );
        assert!(mistakes("[gate]\ncompanion-url = \"https://x\"\n")[0].contains("never read from this file"));
        assert!(mistakes("[gate\n")[0].starts_with("penstock.toml:1:"));
    }
}
