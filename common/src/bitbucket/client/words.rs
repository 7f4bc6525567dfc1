//! Text from outside, made fit to be shown.
//!
//! Owns what happens to every word of a server before it may stand in an error: configured tokens are masked in each form in which they
//! were sent or may come back, then whatever else the caller knows as secret, then it becomes one line of bounded length without
//! control characters.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use crate::redact::{DOTS, escape_control};

/// Most characters of a server's message that are shown.
pub const WORDS_MAX: usize = 300;

/// Most secrets that are hidden for now: as many as may be under way at once.
const FOR_NOW_MAX: usize = 64;

/// Hides further secrets in a text, such as those that a scan found.
pub type Redact = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// What must not be shown.
#[derive(Default)]
pub(super) struct Words {
    /// Every form of every token, the longest first.
    forms: RwLock<Vec<String>>,
    /// The same of tokens that come and go while the client lives, the newest last.
    for_now: RwLock<VecDeque<Vec<String>>>,
    redact: Option<Redact>,
}

impl Words {
    pub(super) fn new(redact: Option<Redact>) -> Self {
        Self { redact, ..Self::default() }
    }

    /// The same, with no secrets known but those that any redaction hides.
    pub(super) fn without_secrets(&self) -> Self {
        Self::new(self.redact.clone())
    }

    /// From now on `secret` is masked. `name` is what it is sent with in a Basic header.
    pub(super) fn hide(&self, secret: &str, name: Option<&str>) {
        self.add(forms_of(secret, name));
    }

    /// From now on all of `secrets` are masked.
    pub(super) fn hide_all<'s>(&self, secrets: impl IntoIterator<Item = &'s str>) {
        self.add(secrets.into_iter().flat_map(|secret| forms_of(secret, None)));
    }

    /// `secret` is masked until [`FOR_NOW_MAX`] others came after it: a client may live for years.
    pub(super) fn hide_for_now(&self, secret: &str) {
        let mut forms = forms_of(secret, None);
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        let mut for_now = self.for_now.write().unwrap_or_else(PoisonError::into_inner);
        for_now.push_back(forms);
        if for_now.len() > FOR_NOW_MAX {
            for_now.pop_front();
        }
    }

    fn add(&self, new: impl IntoIterator<Item = String>) {
        let mut forms = self.forms.write().unwrap_or_else(PoisonError::into_inner);
        let all: BTreeSet<String> = forms.drain(..).chain(new).collect();
        forms.extend(all);
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// `text` without tokens.
    pub(super) fn mask(&self, text: &str) -> String {
        let forms = self.forms.read().unwrap_or_else(PoisonError::into_inner);
        let for_now = self.for_now.read().unwrap_or_else(PoisonError::into_inner);
        forms.iter().chain(for_now.iter().flatten()).fold(text.to_owned(), |text, form| {
            if text.contains(form.as_str()) { text.replace(form.as_str(), DOTS) } else { text }
        })
    }

    /// `text` as it may be shown: one line, at most [`WORDS_MAX`] characters.
    pub(super) fn line(&self, text: &str) -> String {
        let mut text = self.mask(text);
        if let Some(redact) = &self.redact {
            text = redact(&text);
        }
        let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = escape_control(&folded);
        match line.char_indices().nth(WORDS_MAX) {
            Some(_) => line.chars().take(WORDS_MAX - 1).chain(['…']).collect(),
            None => line,
        }
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Words").finish_non_exhaustive()
    }
}

/// The forms in which a server or a proxy may repeat a secret.
fn forms_of(secret: &str, name: Option<&str>) -> Vec<String> {
    if secret.is_empty() {
        return Vec::new();
    }
    let mut plain = vec![secret.to_owned()];
    plain.extend(name.map(|name| format!("{name}:{secret}")));
    let mut forms = Vec::new();
    for text in plain {
        for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
            let coded = engine.encode(&text);
            forms.push(percent_encoded(&coded, false));
            forms.push(percent_encoded(&coded, true));
            forms.push(coded);
        }
        let quoted = serde_json::Value::from(text.as_str()).to_string();
        let escaped = quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned();
        forms.push(escaped.replace('/', "\\/"));
        forms.push(escaped);
        forms.push(percent_encoded(&text, false));
        forms.push(percent_encoded(&text, true));
        forms.push(form_encoded(&text));
        forms.push(text);
    }
    forms.retain(|form| !form.is_empty());
    forms
}

fn percent_encoded(text: &str, lower: bool) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ if lower => out.push_str(&format!("%{byte:02x}")),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn form_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_is_masked_in_every_form() {
        let words = Words::default();
        let token = ["ca/na", "ry+\"value", "="].concat();
        words.hide(&token, Some("me@example.org"));
        let basic = STANDARD.encode(format!("me@example.org:{token}"));
        let json = serde_json::Value::from(token.as_str()).to_string();
        for echo in [
            token.clone(),
            basic.clone(),
            basic.trim_end_matches('=').to_owned(),
            json.trim_matches('"').to_owned(),
            json.trim_matches('"').replace('/', "\\/"),
            percent_encoded(&token, false),
            percent_encoded(&token, true),
            percent_encoded(&basic, false),
            STANDARD.encode(&token),
        ] {
            assert_eq!(words.line(&format!("got <{echo}> here")), format!("got <{DOTS}> here"), "{echo}");
        }
    }

    #[test]
    fn what_is_hidden_for_now_makes_room() {
        let words = Words::default();
        let token = |number: usize| format!("canary-{number:03}");
        (0..=FOR_NOW_MAX).for_each(|number| words.hide_for_now(&token(number)));
        assert_eq!(words.line(&token(0)), token(0));
        assert!((1..=FOR_NOW_MAX).all(|number| words.line(&token(number)) == DOTS));
    }

    #[test]
    fn a_message_becomes_one_harmless_line() {
        let words = Words::new(Some(Arc::new(|text: &str| text.replace("found", "hidden"))));
        assert_eq!(words.line("a\r\n b\tfound \u{1b}[31m\u{202e}x"), "a b hidden \\x1b[31m\\u{202e}x");
        assert_eq!(words.line(&"ä".repeat(5000)).chars().count(), WORDS_MAX);
    }

    proptest! {
        #[test]
        fn no_token_survives(token in "[ -~]{8,60}", before in "\\PC{0,400}", after in "\\PC{0,20}") {
            let words = Words::default();
            words.hide(&token, None);
            let masked = words.mask(&format!("{before}{token}{after}"));
            prop_assert!(!masked.contains(&token), "{}", masked);
        }
    }
}
