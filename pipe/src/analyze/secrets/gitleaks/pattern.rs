//! Regular expressions as Go writes them, compiled by the library that we use.
//!
//! Owns the differences between the two syntaxes and the bounds on size: every search is linear in the text, and all patterns of a
//! configuration together have a budget. A pattern that cannot be compiled is told with the place in it.

use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::util::syntax;

/// Largest compiled pattern.
const PATTERN_MAX: usize = 8 << 20;
/// All patterns of a configuration together.
const TOTAL_MAX: usize = 64 << 20;

/// What is left for patterns.
pub(super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(TOTAL_MAX)
    }
}

/// Why a pattern cannot be used, and at which byte of it if that is known.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    #[error("{what}")]
    Syntax { what: String, at: usize },
    #[error("it is too large once its repetitions are written out (more than {} MiB)", PATTERN_MAX >> 20)]
    TooLarge,
    #[error("the patterns of this configuration are too large together (more than {} MiB)", TOTAL_MAX >> 20)]
    Exhausted,
}

/// Compiles a pattern. Classes are ASCII, as Go's are; a pattern that needs more is tried again with Unicode.
pub(super) fn compile(pattern: &str, budget: &mut Budget) -> Result<Regex, Flaw> {
    if budget.0 == 0 {
        return Err(Flaw::Exhausted);
    }
    let (translated, places) = translate(pattern);
    let built = build(&translated, false).or_else(|error| match error.syntax_error() {
        Some(_) => build(&translated, true),
        None => Err(error),
    });
    match built {
        Ok(regex) => {
            budget.0 = budget.0.saturating_sub(regex.memory_usage());
            Ok(regex)
        }
        Err(error) => {
            let (what, at) = match error.syntax_error() {
                Some(regex_syntax::Error::Parse(error)) => (error.kind().to_string(), error.span().start.offset),
                Some(regex_syntax::Error::Translate(error)) => (error.kind().to_string(), error.span().start.offset),
                Some(error) => (error.to_string(), 0),
                None => {
                    // It took that much work to find out.
                    budget.0 = budget.0.saturating_sub(PATTERN_MAX);
                    return Err(Flaw::TooLarge);
                }
            };
            Err(Flaw::Syntax { what, at: places.get(at).copied().unwrap_or(pattern.len()) })
        }
    }
}

fn build(pattern: &str, unicode: bool) -> Result<Regex, Box<BuildError>> {
    let config = Config::new().nfa_size_limit(Some(PATTERN_MAX)).hybrid_cache_capacity(256 << 10).utf8_empty(false);
    Regex::builder()
        .configure(config)
        .syntax(syntax::Config::new().unicode(unicode).utf8(false))
        .build(pattern)
        .map_err(Box::new)
}

/// The pattern in our syntax, and for each byte of it the byte of the original that it came from.
fn translate(go: &str) -> (String, Vec<usize>) {
    let mut out = Translation { go, at: 0, out: String::with_capacity(go.len() + 16), places: Vec::new() };
    while let Some(next) = out.peek() {
        match next {
            '\\' => out.escape(false),
            '[' => out.class(),
            '{' if !is_repetition(&go[out.at..]) => out.replace(1, r"\{"),
            _ => out.copy(next.len_utf8()),
        }
    }
    (out.out, out.places)
}

struct Translation<'g> {
    go: &'g str,
    at: usize,
    out: String,
    places: Vec<usize>,
}

impl Translation<'_> {
    fn rest(&self) -> &str {
        &self.go[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn copy(&mut self, length: usize) {
        self.out.push_str(&self.go[self.at..self.at + length]);
        self.places.extend(self.at..self.at + length);
        self.at += length;
    }

    /// Takes `length` bytes of the original and writes `text` in their place.
    fn replace(&mut self, length: usize, text: &str) {
        self.out.push_str(text);
        self.places.extend(std::iter::repeat_n(self.at, text.len()));
        self.at += length;
    }

    fn escape(&mut self, in_class: bool) {
        let after = self.rest()[1..].chars().next();
        match after {
            // Go's classes are ASCII whatever the mode; `\v` is not in its `\s`.
            Some('d') => self.replace(2, "[0-9]"),
            Some('D') => self.replace(2, "[^0-9]"),
            Some('w') => self.replace(2, "[0-9A-Za-z_]"),
            Some('W') => self.replace(2, "[^0-9A-Za-z_]"),
            Some('s') => self.replace(2, r"[\t\n\x0C\r\x20]"),
            Some('S') => self.replace(2, r"[^\t\n\x0C\r\x20]"),
            Some('b') if !in_class => self.replace(2, r"(?-u:\b)"),
            Some('B') if !in_class => self.replace(2, r"(?-u:\B)"),
            Some('Q') => self.quoted(),
            Some('p' | 'P' | 'x') if self.rest()[2..].starts_with('{') => {
                let length = self.rest().find('}').map_or(self.rest().len(), |at| at + 1);
                self.copy(length);
            }
            // Escaped signs mean themselves in Go; here `\<` and others mean more.
            Some(sign) if sign.is_ascii_punctuation() => self.replace(2, &literal(sign)),
            Some(other) => self.copy(1 + other.len_utf8()),
            None => self.copy(1),
        }
    }

    /// `\Q…\E`: everything between means itself.
    fn quoted(&mut self) {
        self.at += 2;
        while let Some(next) = self.peek() {
            if self.rest().starts_with(r"\E") {
                self.at += 2;
                return;
            }
            match next {
                sign if sign.is_ascii_punctuation() => self.replace(1, &literal(sign)),
                other => self.copy(other.len_utf8()),
            }
        }
    }

    /// A class in brackets. Go knows no classes within classes and no `&&`, `--`, `~~`.
    fn class(&mut self) {
        self.copy(1);
        if self.peek() == Some('^') {
            self.copy(1);
        }
        if self.peek() == Some(']') {
            self.replace(1, r"\]");
        }
        let mut before = None;
        while let Some(next) = self.peek() {
            match next {
                ']' => return self.copy(1),
                '\\' => self.escape(true),
                '[' => match self.rest().strip_prefix("[:").and_then(|rest| rest.find(":]")) {
                    Some(length) => self.copy(length + 4),
                    None => self.replace(1, r"\["),
                },
                '&' | '~' => self.replace(1, &literal(next)),
                '-' if before == Some('-') => self.replace(1, r"\-"),
                other => self.copy(other.len_utf8()),
            }
            before = Some(next);
        }
    }
}

fn literal(sign: char) -> String {
    format!(r"\x{:02X}", sign as u32)
}

/// Whether `text` starts with `{n}`, `{n,}` or `{n,m}`; anything else in braces means itself in Go.
fn is_repetition(text: &str) -> bool {
    let Some(inner) = text[1..].split_once('}').map(|(inner, _)| inner) else { return false };
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && digits(least) && digits(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        compile(pattern, &mut Budget::default()).unwrap().is_match(text)
    }

    #[test]
    fn what_means_itself_in_go_means_itself_here() {
        assert!(matches(r"^\<b\>$", "<b>"));
        assert!(matches(r"^a{,5}$", "a{,5}"));
        assert!(matches(r"^${name}", "") || !matches(r"^a{x}$", "aaa"));
        assert!(matches(r"^[[x]+$", "[x["));
        assert!(matches(r"^[]a]+$", "]a]"));
        assert!(matches(r"^[a&&b]+$", "a&b"));
        assert!(matches(r"^[+--]+$", "+,-"));
        assert!(matches(r"^[\w-.]+$", "a-.b"));
        assert!(matches(r"^\Qa.b[\E+$", "a.b[["));
        assert!(!matches(r"^\Qa.b\E$", "axb"));
        assert!(matches(r"^[[:alpha:]_]+\/$", "ab_/"));
        assert!(matches(r"^\x{41}\x42$", "AB"));
    }

    #[test]
    fn classes_are_ascii_and_unicode_is_there_where_it_is_asked_for() {
        assert!(!matches(r"^\w$", "é"));
        assert!(!matches(r"^\d$", "٣"));
        assert!(matches(r"^\p{Greek}+\d$", "αβ3"));
        assert!(!matches(r"^\p{Greek}+\w$", "αβé"));
        assert!(matches(r"^[é]+$", "éé"));
        assert!(!matches(r"^\s$", "\u{b}"));
        assert!(matches(r"(?i)^KEY\b", "key x"));
    }

    #[test]
    fn flaws_are_told_with_their_place() {
        let flaw = |pattern: &str| compile(pattern, &mut Budget::default()).unwrap_err();
        let Flaw::Syntax { what, at } = flaw(r"\d\d(?=x)") else { panic!("a flaw of syntax") };
        assert!(what.contains("look-around"), "{what}");
        assert_eq!(at, 4);
        assert!(matches!(flaw("ab(c"), Flaw::Syntax { at: 2, .. }));
        assert_eq!(flaw("(((a{1000}){1000}){1000})"), Flaw::TooLarge);
    }

    #[test]
    fn all_patterns_together_are_bounded() {
        let mut budget = Budget::default();
        let flaws: Vec<_> =
            (0..12).map(|n| compile(&format!("((x{{1000}}){{1000}}){{{n}9}}"), &mut budget).unwrap_err()).collect();
        assert_eq!(flaws.first(), Some(&Flaw::TooLarge));
        assert_eq!(flaws.last(), Some(&Flaw::Exhausted));
    }
}
