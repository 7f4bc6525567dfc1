//! One gitleaks configuration file as it is written.
//!
//! Owns the keys, today's and the older forms (`[allowlist]`, `[rules.allowlist]`). Decides nothing that needs another file or another rule:
//! nothing is merged, compiled or looked up here.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::book::{At, Book, Text};
use super::values::Values;

/// What one file says.
#[derive(Default)]
pub(super) struct Document {
    pub(super) extend: Extend,
    pub(super) rules: Vec<RuleTable>,
    pub(super) allowlists: Vec<AllowTable>,
}

/// `[extend]`
#[derive(Default)]
pub(super) struct Extend {
    pub(super) use_default: bool,
    pub(super) path: Option<Text>,
    pub(super) disabled: Vec<Text>,
}

/// `[[rules]]`
#[derive(Clone)]
pub(super) struct RuleTable {
    pub(super) id: Text,
    pub(super) description: String,
    pub(super) tags: Vec<String>,
    pub(super) regex: Option<Text>,
    pub(super) path: Option<Text>,
    pub(super) secret_group: Option<(u32, At)>,
    pub(super) entropy: Option<f64>,
    pub(super) keywords: Vec<String>,
    pub(super) skip_report: bool,
    pub(super) allowlists: Vec<AllowTable>,
    pub(super) required: Vec<Required>,
}

/// `[[rules.required]]`
#[derive(Clone)]
pub(super) struct Required {
    pub(super) id: Text,
    pub(super) within_lines: Option<u32>,
    pub(super) within_columns: Option<u32>,
}

/// `[[allowlists]]`, `[[rules.allowlists]]` and their older forms.
#[derive(Clone)]
pub(super) struct AllowTable {
    pub(super) at: At,
    pub(super) description: String,
    /// Each kind of criterion must match, not one of them.
    pub(super) all: bool,
    pub(super) commits: Vec<String>,
    pub(super) paths: Vec<Text>,
    pub(super) target: RegexTarget,
    pub(super) regexes: Vec<Text>,
    pub(super) stopwords: Vec<String>,
    pub(super) target_rules: Vec<Text>,
}

/// What the regexes of an allowlist look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum RegexTarget {
    #[default]
    Secret,
    Match,
    Line,
}

/// Reads source number `source`. What cannot be read is noted in the book.
pub(super) fn read(book: &mut Book, source: usize) -> Document {
    let text = book.sources[source].text.clone();
    let (root, errors) = DeTable::parse_recoverable(&text);
    let mut document = Document::default();
    let place = |span: Option<Range<usize>>| {
        let span = span.unwrap_or(0..0);
        At { source, start: span.start, end: span.end }
    };
    let errors: Vec<_> = errors.iter().map(|error| (place(error.span()), error.message().to_owned())).collect();
    if errors.is_empty() {
        root_table(&mut Values { book, source }, root.get_ref(), &mut document);
    }
    for (at, message) in errors {
        book.mistake(at, message, None);
    }
    document
}

fn root_table(values: &mut Values<'_>, root: &DeTable<'_>, document: &mut Document) {
    let mut old = None;
    let mut new = None;
    values.entries(root, &mut |values, name, key, value| match name {
        "title" | "description" | "minversion" => {}
        "extend" => extend(values, value, &mut document.extend),
        "rules" => values.tables(value, &mut |values, value| document.rules.extend(rule(values, value))),
        "allowlist" => {
            old = Some(values.at(key));
            document.allowlists.extend(allowlist(values, value, true));
        }
        "allowlists" => {
            new = Some(values.at(key));
            values.tables(value, &mut |values, value| document.allowlists.extend(allowlist(values, value, true)));
        }
        _ => unknown(values, key),
    });
    if let (Some(old), Some(_)) = (old, new) {
        let hint = "move its keys into a `[[allowlists]]` table";
        values.book.mistake(
            old,
            "`[allowlist]` is the older form and cannot stand beside `[[allowlists]]`",
            Some(hint),
        );
    }
}

fn extend(values: &mut Values<'_>, value: &Spanned<DeValue<'_>>, extend: &mut Extend) {
    values.table(value, &mut |values, name, key, value| match name {
        "usedefault" => extend.use_default = values.boolean(value),
        "path" => extend.path = values.text(value).filter(|text| !text.value.is_empty()),
        "disabledrules" => extend.disabled = values.ids(value),
        _ => unknown(values, key),
    });
    if let (true, Some(path)) = (extend.use_default, &extend.path) {
        let hint = "keep one of them; the file that is extended may itself say `useDefault = true`";
        values.book.mistake(path.at, "`useDefault` and `path` cannot stand together", Some(hint));
    }
}

fn rule(values: &mut Values<'_>, value: &Spanned<DeValue<'_>>) -> Option<RuleTable> {
    let at = values.at(value);
    let mut id = None;
    let mut rule = RuleTable {
        id: Text { value: String::new(), at },
        description: String::new(),
        tags: Vec::new(),
        regex: None,
        path: None,
        secret_group: None,
        entropy: None,
        keywords: Vec::new(),
        skip_report: false,
        allowlists: Vec::new(),
        required: Vec::new(),
    };
    let mut old = None;
    let mut new = None;
    let plain = |texts: Vec<Text>| texts.into_iter().map(|text| text.value).collect();
    values.table(value, &mut |values, name, key, value| match name {
        "id" => id = values.id(value),
        "description" => rule.description = values.text(value).map(|text| text.value).unwrap_or_default(),
        "tags" => rule.tags = plain(values.texts(value)),
        "regex" => rule.regex = values.text(value).filter(|text| !text.value.is_empty()),
        "path" => rule.path = values.text(value).filter(|text| !text.value.is_empty()),
        "secretgroup" => rule.secret_group = values.count(value).map(|group| (group, values.at(value))),
        "entropy" => rule.entropy = values.number(value),
        "keywords" => rule.keywords = plain(values.texts(value)),
        "skipreport" => rule.skip_report = values.boolean(value),
        "required" => values.tables(value, &mut |values, value| rule.required.extend(required(values, value))),
        "allowlist" => {
            old = Some(values.at(key));
            rule.allowlists.extend(allowlist(values, value, false));
        }
        "allowlists" => {
            new = Some(values.at(key));
            values.tables(value, &mut |values, value| rule.allowlists.extend(allowlist(values, value, false)));
        }
        _ => unknown(values, key),
    });
    if let (Some(old), Some(_)) = (old, new) {
        let hint = "move its keys into a `[[rules.allowlists]]` table";
        let what = "`[rules.allowlist]` is the older form and cannot stand beside `[[rules.allowlists]]`";
        values.book.mistake(old, what, Some(hint));
    }
    if value.get_ref().is_table() && id.is_none() {
        values.book.mistake(at, "a rule has no `id`", Some("give it one: `id = \"my-token\"`"));
    }
    rule.id = id?;
    Some(rule)
}

fn required(values: &mut Values<'_>, value: &Spanned<DeValue<'_>>) -> Option<Required> {
    let at = values.at(value);
    let (mut id, mut within_lines, mut within_columns) = (None, None, None);
    values.table(value, &mut |values, name, key, value| match name {
        "id" => id = values.id(value),
        "withinlines" => within_lines = values.count(value),
        "withincolumns" => within_columns = values.count(value),
        _ => unknown(values, key),
    });
    if id.is_none() {
        values.book.mistake(at, "`required` does not say the `id` of a rule", None);
    }
    Some(Required { id: id?, within_lines, within_columns })
}

fn allowlist(values: &mut Values<'_>, value: &Spanned<DeValue<'_>>, global: bool) -> Option<AllowTable> {
    let at = values.at(value);
    let mut list = AllowTable {
        at,
        description: String::new(),
        all: false,
        commits: Vec::new(),
        paths: Vec::new(),
        target: RegexTarget::Secret,
        regexes: Vec::new(),
        stopwords: Vec::new(),
        target_rules: Vec::new(),
    };
    values.table(value, &mut |values, name, key, value| match name {
        "description" => list.description = values.text(value).map(|text| text.value).unwrap_or_default(),
        "condition" => list.all = values.text(value).is_some_and(|text| condition(values, &text)),
        "commits" => list.commits = values.texts(value).into_iter().map(|t| t.value.to_ascii_lowercase()).collect(),
        "paths" => list.paths = values.texts(value),
        "regextarget" => list.target = values.text(value).map(|text| target(values, &text)).unwrap_or_default(),
        "regexes" => list.regexes = values.texts(value),
        "stopwords" => list.stopwords = values.texts(value).into_iter().map(|text| text.value).collect(),
        "targetrules" if global => list.target_rules = values.ids(value),
        _ => unknown(values, key),
    });
    let empty =
        list.commits.is_empty() && list.paths.is_empty() && list.regexes.is_empty() && list.stopwords.is_empty();
    if empty && value.get_ref().is_table() {
        let hint = "give it `commits`, `paths`, `regexes` or `stopwords`, or remove it";
        values.book.mistake(at, "this allowlist allows nothing", Some(hint));
        return None;
    }
    value.get_ref().is_table().then_some(list)
}

/// Whether every criterion must match.
fn condition(values: &mut Values<'_>, text: &Text) -> bool {
    match text.value.to_ascii_uppercase().as_str() {
        "AND" | "&&" => true,
        "" | "OR" | "||" => false,
        _ => {
            values.book.mistake(text.at, format!("unknown `condition`: `{}`", text.value), Some("use `OR` or `AND`"));
            false
        }
    }
}

fn target(values: &mut Values<'_>, text: &Text) -> RegexTarget {
    match text.value.as_str() {
        "" | "secret" => RegexTarget::Secret,
        "match" => RegexTarget::Match,
        "line" => RegexTarget::Line,
        _ => {
            let what = format!("unknown `regexTarget`: `{}`", text.value);
            values.book.mistake(text.at, what, Some("use `secret`, `match` or `line`"));
            RegexTarget::Secret
        }
    }
}

/// gitleaks passes over keys that it does not know; so does this, but not silently.
fn unknown(values: &mut Values<'_>, key: &Spanned<std::borrow::Cow<'_, str>>) {
    let at = values.at(key);
    values.book.notice(at, format!("not understood: the key `{}`", key.get_ref()));
}
