//! Comments that allow a secret, as they are written: ours and those of other tools.
//!
//! Owns their syntax. Which lines a comment covers is decided by the parent module.

use std::ops::Range;

use memchr::memmem;
use schemars::JsonSchema;

use crate::analyze::secrets::page::Page;

/// Another tool whose comments are honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum Tool {
    /// `nosec`
    Bandit,
    /// `betterleaks:allow`
    Betterleaks,
    /// `pragma: allowlist secret`, `pragma: allowlist nextline secret`
    DetectSecrets,
    /// `ggignore`
    Ggshield,
    /// `gitleaks:allow`
    Gitleaks,
    /// `nosec` in Go
    Gosec,
    /// `trufflehog:ignore`
    Trufflehog,
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Bandit,
        Self::Betterleaks,
        Self::DetectSecrets,
        Self::Ggshield,
        Self::Gitleaks,
        Self::Gosec,
        Self::Trufflehog,
    ];

    /// The name that the tool uses for itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bandit => "bandit",
            Self::Betterleaks => "betterleaks",
            Self::DetectSecrets => "detect-secrets",
            Self::Ggshield => "ggshield",
            Self::Gitleaks => "gitleaks",
            Self::Gosec => "gosec",
            Self::Trufflehog => "trufflehog",
        }
    }
}

/// A comment that allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comment {
    /// Position of its mark.
    pub(super) mark: Range<usize>,
    /// The tool that it belongs to; none if it is ours.
    pub(super) tool: Option<Tool>,
    /// The rules it names; none: any one finding.
    pub(super) rules: Option<Vec<String>>,
    /// As written in the text, not masked.
    pub(super) reason: String,
    /// It covers the next statement, not its own line.
    pub(super) is_for_next: bool,
}

impl Comment {
    /// The ids that it names and its reason, with the secrets of its line masked. The end of a line
    /// has to be masked in context: alone it may not look like a secret.
    pub(super) fn as_shown(&self, text: &[u8], page: &Page<'_>) -> (Vec<String>, String) {
        if self.tool.is_some() {
            return (Vec::new(), self.reason.clone());
        }
        let shown = page.masked_comment(rest_of_line(text, self.mark.end));
        let read = ours(self.mark.clone(), shown.as_bytes());
        read.map_or_else(Default::default, |read| (read.rules.unwrap_or_default(), read.reason))
    }
}

/// Maximum number of bytes read after a mark: one long line may have many marks.
const REST_MAX: usize = 1024;

/// The marks, each searched for once per text.
const MARKS: [(&[u8], Option<Tool>); 7] = [
    (b"penstock:", None),
    (b"gitleaks:allow", Some(Tool::Gitleaks)),
    (b"betterleaks:allow", Some(Tool::Betterleaks)),
    (b"trufflehog:ignore", Some(Tool::Trufflehog)),
    (b"ggignore", Some(Tool::Ggshield)),
    (b"pragma:", Some(Tool::DetectSecrets)),
    (b"nosec", Some(Tool::Bandit)),
];

/// All allow comments in a text, in order. In Go, `nosec` belongs to gosec.
pub(super) fn find(text: &[u8], is_go: bool) -> Vec<Comment> {
    let mut comments: Vec<Comment> = Vec::new();
    for (mark, tool) in MARKS {
        for at in memmem::find_iter(text, mark) {
            let is_word = at == 0 || !is_word_byte(text[at - 1]);
            // The mark must be a whole word: `xgitleaks:allow` is something else.
            if is_word && let Some(comment) = read(text, at, mark, tool, is_go) {
                comments.push(comment);
            }
        }
    }
    comments.sort_by_key(|comment| comment.mark.start);
    comments
}

fn rest_of_line(text: &[u8], start: usize) -> Range<usize> {
    let end = text.len().min(start + REST_MAX);
    start..memchr::memchr(b'\n', &text[start..end]).map_or(end, |length| start + length)
}

fn read(text: &[u8], at: usize, mark: &[u8], tool: Option<Tool>, is_go: bool) -> Option<Comment> {
    let rest = &text[rest_of_line(text, at + mark.len())];
    let mark = at..at + mark.len();
    let Some(tool) = tool else { return ours(mark, rest) };
    let mut comment =
        Comment { mark, tool: Some(tool), rules: None, reason: tool.name().to_owned(), is_for_next: false };
    match tool {
        Tool::DetectSecrets => comment.is_for_next = allowlist(rest)?,
        Tool::Bandit | Tool::Gosec => {
            // Without `#` before it, `nosec` is an ordinary word.
            text[..at].iter().rev().find(|byte| **byte != b' ').filter(|byte| **byte == b'#')?;
            let tool = nosec(rest, is_go)?;
            (comment.tool, comment.reason) = (Some(tool), tool.name().to_owned());
        }
        _ => rest.first().is_none_or(|byte| !is_word_byte(*byte)).then_some(())?,
    }
    Some(comment)
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// `penstock: allow[rule, rule] reason`, from behind `penstock:`.
fn ours(mark: Range<usize>, rest: &[u8]) -> Option<Comment> {
    let rest = rest.trim_ascii_start().strip_prefix(b"allow")?;
    let (rules, reason) = match rest.strip_prefix(b"[") {
        Some(rest) => {
            let close = memchr::memchr(b']', rest)?;
            let named = std::str::from_utf8(&rest[..close]).ok()?;
            let rules = named.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect();
            (Some(rules), &rest[close + 1..])
        }
        // `penstock: allowed` is not our comment.
        None if rest.first().is_some_and(|byte| is_word_byte(*byte)) => return None,
        None => (None, rest),
    };
    let reason = String::from_utf8_lossy(reason);
    let reason = ["*/", "-->", "%>", "#}", "*)", "-}"]
        .iter()
        .fold(reason.trim(), |reason, end| reason.strip_suffix(end).map_or(reason, str::trim_end));
    // `allow: because`, `allow -- because`
    let reason = reason.trim_start_matches(|c: char| matches!(c, ':' | '-' | '–' | '—' | ',') || c.is_whitespace());
    let reason = if reason.chars().any(char::is_alphanumeric) { reason.to_owned() } else { String::new() };
    Some(Comment { mark, tool: None, rules, reason, is_for_next: false })
}

/// `allowlist secret` from behind `pragma:`, and whether it is for the next line. The tool reads
/// its older word, `whitelist`, as well.
fn allowlist(rest: &[u8]) -> Option<bool> {
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let rest = rest.strip_prefix(b"allowlist").or_else(|| rest.strip_prefix(b"whitelist"))?;
    let word = |rest: &[u8], word: &[u8]| {
        let rest = rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"-"))?;
        let rest = rest.strip_prefix(word)?;
        rest.first().is_none_or(|byte| !is_word_byte(*byte)).then(|| rest.to_vec())
    };
    match word(rest, b"nextline") {
        Some(rest) => word(&rest, b"secret").map(|_| true),
        None => word(rest, b"secret").map(|_| false),
    }
}

/// The tool that a `nosec` belongs to; `rest` is the text after the word. A `nosec` that names
/// tests counts if one of them checks for credentials.
fn nosec(rest: &[u8], is_go: bool) -> Option<Tool> {
    rest.first().is_none_or(|byte| !is_word_byte(*byte)).then_some(())?;
    let rest = rest.strip_prefix(b":").unwrap_or(rest);
    let words = rest.split(|byte| matches!(byte, b' ' | b',' | b'\t' | b'\r')).filter(|word| !word.is_empty());
    let is_test = |word: &&[u8]| match word {
        [b'B' | b'G', number @ ..] => number.len() == 3 && number.iter().all(u8::is_ascii_digit),
        word => word.len() > 3 && word.contains(&b'_') && word.iter().all(|byte| is_word_byte(*byte)),
    };
    let tests: Vec<&[u8]> = words.take_while(is_test).collect();
    let is_about_credentials = |test: &&[u8]| {
        matches!(*test, b"B105" | b"B106" | b"B107" | b"G101") || test.starts_with(b"hardcoded_password")
    };
    (tests.is_empty() || tests.iter().any(is_about_credentials)).then_some(())?;
    Some(if is_go || tests.contains(&&b"G101"[..]) { Tool::Gosec } else { Tool::Bandit })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(text: &str) -> Option<Comment> {
        let mut found = find(text.as_bytes(), false);
        assert!(found.len() < 2, "{text}");
        found.pop()
    }

    #[test]
    fn our_comments_are_read() {
        for (text, rules, reason) in [
            ("# penstock: allow", None, ""),
            ("// penstock:allow a sample", None, "a sample"),
            ("/* penstock: allow[jwt] known */", Some(vec!["jwt"]), "known"),
            ("<!-- penstock: allow[a, b,] -->", Some(vec!["a", "b"]), ""),
            ("{# penstock: allow: because #}", None, "because"),
            ("# penstock: allow -- ", None, ""),
            ("# penstock: allow[jwt]: tests", Some(vec!["jwt"]), "tests"),
        ] {
            let comment = read_one(text).unwrap_or_else(|| panic!("{text}"));
            let rules = rules.map(|ids| ids.into_iter().map(str::to_owned).collect());
            assert_eq!((comment.rules, comment.reason.as_str(), comment.tool), (rules, reason, None), "{text}");
        }
        for text in ["penstock: allowed", "penstock: allow_all", "# penstock: allow[jwt", "mypenstock: allow"] {
            assert_eq!(read_one(text), None, "{text}");
        }
    }

    #[test]
    fn comments_of_other_tools_are_read() {
        for (text, tool, is_for_next) in [
            ("x # pragma: allowlist secret", Tool::DetectSecrets, false),
            ("x // pragma:allowlist secret", Tool::DetectSecrets, false),
            ("x /* pragma: whitelist secret */", Tool::DetectSecrets, false),
            ("x # pragma: allowlist-secret", Tool::DetectSecrets, false),
            ("# pragma: allowlist nextline secret", Tool::DetectSecrets, true),
            ("x # nosec", Tool::Bandit, false),
            ("x  #nosec", Tool::Bandit, false),
            ("x # nosec B105", Tool::Bandit, false),
            ("x # nosec: B602, B106", Tool::Bandit, false),
            ("x # nosec hardcoded_password_string", Tool::Bandit, false),
            ("x # nosec - a sample", Tool::Bandit, false),
            ("x // #nosec G101 -- a sample", Tool::Gosec, false),
            ("x # trufflehog:ignore", Tool::Trufflehog, false),
            ("x // betterleaks:allow", Tool::Betterleaks, false),
            ("x # ggignore", Tool::Ggshield, false),
            ("x # gitleaks:allow", Tool::Gitleaks, false),
        ] {
            let comment = read_one(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((comment.tool, comment.is_for_next), (Some(tool), is_for_next), "{text}");
            assert_eq!((comment.rules, comment.reason.as_str()), (None, tool.name()), "{text}");
        }
        for text in [
            "x # nosec B602",
            "x # nosecret",
            "x nosec",
            "x # noqa: S105",
            "x # ggignored",
            "x # gitleaks:allowed",
            "x # pragma: allowlist secrets",
            "x # pragma: no cover",
            "x # trufflehog:ignored",
        ] {
            assert_eq!(read_one(text), None, "{text}");
        }
        assert_eq!(find(b"x // #nosec", true)[0].tool, Some(Tool::Gosec));
    }
}
