//! Masking of text that leaves the process.
//!
//! Owns the only implementations of [`Redact`], so that only the engine turns foreign text into
//! [`Masked`]. Outside a scan use [`mask`]; during one, its scanner, which also has the rules of a
//! configuration.

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread;

use penstock_common::redact::escape_control;
use penstock_common::{Masked, Redact};

use super::report::redact_text;
use super::{Engine, Scanner};

/// The built-in rules, all of them.
static BUILT_IN: LazyLock<Engine> = LazyLock::new(|| Engine::new([0; 16], 0, &[]));

/// `text` masked by the built-in rules, with control characters escaped.
pub fn mask(text: &str) -> Masked {
    Masked::new(&mut BUILT_IN.scanner(), &escape_control(text))
}

impl Redact for Scanner<'_> {
    fn redact(&mut self, text: &str) -> String {
        redact_text(self, text)
    }
}

/// Any text unchanged, for tests of code that handles masked text.
#[cfg(test)]
pub(crate) fn verbatim(text: &str) -> Masked {
    struct Verbatim;
    impl Redact for Verbatim {
        fn redact(&mut self, text: &str) -> String {
            text.to_owned()
        }
    }
    Masked::new(&mut Verbatim, text)
}

/// The built-in rules, for documents: many texts are searched on all cores.
pub struct BuiltIn(Scanner<'static>);

impl Default for BuiltIn {
    fn default() -> Self {
        Self(BUILT_IN.scanner())
    }
}

impl Redact for BuiltIn {
    fn redact(&mut self, text: &str) -> String {
        redact_text(&mut self.0, text)
    }

    fn finds_any(&mut self, texts: &[String]) -> bool {
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(texts.len()).max(1);
        let finds =
            |texts: &[String], scanner: &mut Scanner<'_>| texts.iter().any(|text| redact_text(scanner, text) != *text);
        if threads == 1 {
            return finds(texts, &mut self.0);
        }
        thread::scope(|scope| {
            let parts = texts.chunks(texts.len().div_ceil(threads));
            let workers: Vec<_> = parts.map(|part| scope.spawn(move || finds(part, &mut BUILT_IN.scanner()))).collect();
            // A worker that panicked may have found something.
            workers.into_iter().any(|worker| worker.join().unwrap_or(true))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use penstock_common::masked;
    use proptest::prelude::*;

    use super::*;
    use crate::analyze::secrets::{redact_lines, rule};

    /// Texts whose reading depends on their neighbours: open quotes and brackets, joined lines,
    /// comments, armour, and secrets of many kinds.
    fn texts() -> impl Strategy<Value = Vec<String>> {
        let letters = "[A-Za-z0-9]{36}";
        let secret = prop_oneof![
            letters.prop_map(|text| format!("ghp_{text}")),
            "[A-Za-z0-9]{20}".prop_map(|text| format!("glpat-{text}")),
            "[A-Z2-7]{16}".prop_map(|text| format!("AKIA{text}")),
            "[!-~]{8,24}",
            "[A-Za-z0-9+/]{40}",
            "[a-f0-9]{32}",
        ];
        let around = prop::sample::select(vec![
            ("", ""),
            ("password = ", ""),
            ("password = \"", "\""),
            ("password = \"", ""),
            ("DB_PASSWORD='", "' \\"),
            ("api_key: ", " # example"),
            ("https://me:", "@db.example.org/x"),
            ("Authorization: Bearer ", ""),
            ("secret: >-\n  ", "\n"),
            ("-----BEGIN RSA PRIVATE KEY-----\n", "\n-----END RSA PRIVATE KEY-----"),
            ("token \\\n", ""),
            ("curl -u me:", " https://example.org"),
        ]);
        let filler = prop::sample::select(vec![
            "\"",
            "'",
            "`",
            "\\",
            "password =",
            "password: |",
            "-----BEGIN PRIVATE KEY-----",
            "/*",
            "<!--",
            "# gitleaks:allow",
            "penstock: allow",
            "kind: Secret\ndata:",
            "example",
            "src/main.rs",
            "{",
            "[",
            "\"\"\"",
            "EOF",
            "data:",
            "",
        ]);
        let text = prop_oneof![
            (around, secret).prop_map(|((before, after), secret)| format!("{before}{secret}{after}")),
            filler.prop_map(str::to_owned),
        ];
        prop::collection::vec(text, 1..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// Searching all texts of a document as one is enough: a text that is masked alone makes
        /// that search find something.
        #[test]
        fn the_one_look_notices_what_any_text_hides(texts in texts()) {
            let json = serde_json::to_vec(&texts).unwrap();
            let (read, _) = masked::read::<Vec<Masked>>(&json, &mut BuiltIn::default()).unwrap();
            let mut built_in = BuiltIn::default();
            let alone: Vec<String> = texts.iter().map(|text| built_in.redact(text)).collect();
            prop_assert_eq!(read, alone, "{:?}", texts);
        }

        /// No rule id is masked as a secret.
        #[test]
        fn ids_survive(bytes: [u8; 32]) {
            let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            let uuid = penstock_common::Uuid::from([bytes[0]; 16]).to_string();
            for id in [&hex[..12], &hex[..16], &hex[..40], &hex, &format!("pf1:{}", &hex[..32]), &uuid, "2026-11-23T14:05:09Z"] {
                prop_assert_eq!(mask(id), id);
            }
        }
    }

    /// A text that cannot be searched completely within its budget is hidden as a whole.
    #[test]
    fn a_secret_does_not_hide_behind_others() {
        let token = format!("ghp_{}", "Qz7RkW3pLx9TbV5nMc2Jd8Ys4Gh6Fa1Ue0Ko".chars().rev().collect::<String>());
        for shape in ["password=", "kind: Secret\ndata:\n", "api_key: x", "token=\"", "AKIA"] {
            let text = format!("{}\n{token}\n", shape.repeat(60_000));
            assert!(!mask(&text).contains(&token[8..]), "{shape}");
            let lines = redact_lines(&mut BUILT_IN.scanner(), &text);
            assert!(lines.iter().all(|line| !line.contains(&token[8..])), "{shape}");
            let json = serde_json::to_vec(&[shape.repeat(60_000).as_str(), token.as_str()]).unwrap();
            let (read, hidden) = masked::read::<Vec<Masked>>(&json, &mut BuiltIn::default()).unwrap();
            assert!(hidden && !read[1].contains(&token[8..]), "{shape}");
        }
    }

    #[test]
    fn the_programs_own_words_and_masks_survive() {
        for rule in rule::builtin() {
            for text in [rule.id, rule.title, rule.revoke].into_iter().chain(rule.references.iter().copied()) {
                assert_eq!(mask(text), text, "{}", rule.id);
            }
            let shown = rule.mask().to_string();
            for text in [shown.clone(), format!("key = \"{shown}\""), format!("password: {shown}")] {
                assert_eq!(mask(&text), text.as_str(), "{}", rule.id);
            }
        }
    }
}
