//! Is the value of an assignment a secret?
//!
//! Owns the judgement over values that carry no vendor's mark, from three witnesses: what the name promises, what the value is made of, and what
//! kind of file it stands in. The order is: what is surely none, then passwords, then tokens. It never looks beyond the value itself.

mod bigrams;
mod form;
mod password;
pub(super) mod placeholder;
mod token;
pub(super) mod traits;
mod words;

use penstock_common::Confidence;

use super::assignment::{Operator, Quote};
use super::file_kind::FileKind;
use super::names::Promise;
use traits::Traits;

/// Maximum length of a password, or of a token that only its name identifies.
const VALUE_MAX: usize = 512;

/// What is known about a value besides itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub(super) promise: Promise,
    pub(super) quote: Quote,
    pub(super) operator: Operator,
    pub(super) kind: FileKind,
}

/// The judgement, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// No literal, or one that gives nothing away.
    Harmless,
    /// A literal that is unlikely to be a secret. It is not reported, but it is masked.
    Doubtful,
    /// A secret, with this confidence.
    Secret(Confidence),
}

use Verdict::{Doubtful, Harmless};

/// Judges one value.
pub(super) fn judge(value: &[u8], context: Context) -> Verdict {
    let verdict = assess(value, context);
    // A random-looking value under a name that promises a secret is masked, regardless of its form.
    let is_literal = context.quote != Quote::Bare || context.kind != FileKind::Code;
    if verdict == Harmless && context.promise >= Promise::Secret && is_literal && is_mixed(value) {
        return Doubtful;
    }
    verdict
}

/// Whether a text mixes character classes like a random one, with few words or too few letters for
/// words.
fn is_mixed(value: &[u8]) -> bool {
    let count = |class: fn(&u8) -> bool| value.iter().filter(|b| class(b)).count();
    let (lower, upper) = (count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase));
    let (digits, signs) = (count(u8::is_ascii_digit), count(u8::is_ascii_punctuation));
    let classes = [lower, upper, digits, signs].iter().filter(|count| **count > 0).count();
    (6..=VALUE_MAX).contains(&value.len())
        && classes >= 3
        && (digits + signs >= (lower + upper) / 2 || words::coverage(value) < 0.4)
}

fn assess(value: &[u8], context: Context) -> Verdict {
    let bare = context.quote == Quote::Bare;
    if context.promise == Promise::Nothing || value.len() < 4 {
        return Harmless;
    }
    // The checks below are not meant for texts of this length, and each reads all of it.
    if value.len() > VALUE_MAX {
        return Doubtful;
    }
    if placeholder::is_reference(value, bare) {
        return Harmless;
    }
    let traits = Traits::of(value);
    // Few letters and digits: punctuation, unless it looks like a generated password.
    let few = traits.letters() + traits.digits < 4;
    let made = context.promise == Promise::Password && !bare && traits.length >= 8 && traits.distinct >= 6;
    if traits.distinct < 3 || form::is_literal_word(value) || few && !made {
        return Harmless;
    }
    if context.kind == FileKind::Translation && traits.digits < 2 {
        return Harmless;
    }
    if bare && context.kind == FileKind::Code && !stands_for_itself(value, &traits, context.operator) {
        return Harmless;
    }
    if form::is_address(value)
        || form::is_number(value)
        || form::is_time(value)
        || form::is_pattern(value)
        || form::is_technical(value)
    {
        return Harmless;
    }
    if placeholder::is_placeholder(value) {
        return Doubtful;
    }
    match context.promise {
        Promise::Password => password::judge(value, &traits, context),
        Promise::Secret => token::judge(value, &traits, context),
        Promise::Perhaps => token::perhaps(value, &traits),
        Promise::Nothing => Harmless,
    }
}

/// Share of the letters of `text` that lie in words, 0 to 1.
pub(super) fn word_coverage(text: &[u8]) -> f32 {
    words::coverage(text)
}

/// Whether a text among other arguments can hardly be a name: it mixes classes and holds few words, or its letters read like nothing.
pub(super) fn is_surely_no_word(value: &[u8]) -> bool {
    let traits = Traits::of(value);
    if traits.length < 6
        || traits.length > 128
        || value.iter().any(u8::is_ascii_whitespace)
        || traits.letters() < 2
        || form::is_technical(value)
    {
        return false;
    }
    let words = words::coverage(value);
    if traits.digits == 0 && traits.symbols == 0 {
        let (wordiness, pairs) = words::wordiness(value);
        return traits.joiners == 0 && pairs >= 6 && wordiness < -0.3 && words < 0.4;
    }
    // `127.0.0.1`, `2024-01-01`, `utf8mb4`, `sha256`, `v1.2.3`.
    let joined = traits.joiners > 0 && traits.symbols == 0;
    let short = traits.length < 8 && traits.symbols == 0;
    !(words > 0.6 && traits.symbols == 0 && traits.digits < 3
        || joined && (words > 0.3 || traits.upper == 0)
        || short && traits.upper == 0)
}

/// In code a bare word is a variable. Only what cannot be an expression counts.
fn stands_for_itself(value: &[u8], traits: &Traits, operator: Operator) -> bool {
    // `/^…/`, `|x| …`
    if matches!(value[0], b'/' | b'|' | b'\\') {
        return false;
    }
    if operator == Operator::Blank || operator == Operator::Element {
        return true;
    }
    let identifier = value.iter().all(|b| {
        b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'_' | b'.'
                    | b'$'
                    | b':'
                    | b'>'
                    | b'-'
                    | b'['
                    | b']'
                    | b'('
                    | b')'
                    | b'?'
                    | b'!'
                    | b'*'
                    | b'&'
                    | b'{'
                    | b'}'
                    | b'/'
                    | b'|'
                    | b'@'
            )
    });
    let random = traits.length >= 16
        && traits.digits >= 3
        && traits.letters() >= 3
        && traits.entropy >= 3.4
        && words::coverage(value) < 0.4;
    random || (!identifier && traits.digits > 0 && traits.symbols > 0)
}

/// 8-4-4-4-12 hexadecimal digits.
pub(super) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value
            .iter()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { *byte == b'-' } else { byte.is_ascii_hexdigit() })
}

#[cfg(test)]
mod tests {
    use super::Verdict::Secret;
    use super::*;

    fn verdict(value: &str, promise: Promise) -> Verdict {
        judge(
            value.as_bytes(),
            Context { promise, quote: Quote::Quoted, operator: Operator::Assign, kind: FileKind::Code },
        )
    }

    #[test]
    fn passwords_of_people_and_machines_are_seen() {
        for value in ["Tr0ub4dor&3", "kdmqpzow", "x7Gh2Lq9", "sunshine42", "Welcome2024!", "p@55w0rd!x", "zXcvQw12"] {
            assert!(matches!(verdict(value, Promise::Password), Secret(c) if c >= Confidence::Medium), "{value}");
        }
    }

    #[test]
    fn labels_references_and_dummies_are_not_reported() {
        for value in [
            "password",
            "userPassword",
            "Enter your password",
            "changeme",
            "your-password",
            "${DB_PASSWORD}",
            "login.password.label",
            "/etc/app/password",
            "password1",
            "key.pem",
            "N/A",
            "********",
        ] {
            assert!(!matches!(verdict(value, Promise::Password), Secret(c) if c >= Confidence::Medium), "{value}");
        }
        for value in
            ["access_token", "X-Auth-Token", "getToken()", "application/json", "refresh_token_v2", "your_api_key_here"]
        {
            assert!(!matches!(verdict(value, Promise::Secret), Secret(c) if c >= Confidence::Medium), "{value}");
        }
    }
}
