//! Is the value of an assignment a secret?
//!
//! Owns the judgement over values that carry no vendor's mark, from three witnesses: what the name promises, what the value is made of, and what
//! kind of file it stands in. The order is: what is surely none, then passwords, then tokens. It never looks beyond the value itself.

mod bigrams;
pub(super) mod placeholder;
pub(super) mod traits;
mod words;

use penstock_common::Confidence;

use super::assignment::{Operator, Quote};
use super::file_kind::FileKind;
use super::names::Promise;
use traits::Traits;

/// What is known about a value besides itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub(super) promise: Promise,
    pub(super) quote: Quote,
    pub(super) operator: Operator,
    pub(super) kind: FileKind,
}

/// The judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A secret, this surely.
    Secret(Confidence),
    /// A literal that is hardly a secret. It is not reported, but no output shows it.
    Doubtful,
    /// No literal, or one that gives nothing away.
    Harmless,
}

use Verdict::{Doubtful, Harmless, Secret};

/// Judges one value.
pub(super) fn judge(value: &[u8], context: Context) -> Verdict {
    let bare = context.quote == Quote::Bare;
    if context.promise == Promise::Nothing || value.len() < 4 || placeholder::is_reference(value, bare) {
        return Harmless;
    }
    let traits = Traits::of(value);
    if traits.distinct < 3 || is_literal_word(value) || traits.letters() + traits.digits < 4 {
        return Harmless;
    }
    if context.kind == FileKind::Translation && traits.digits < 2 {
        return Harmless;
    }
    if bare && context.kind == FileKind::Code && !stands_for_itself(value, &traits, context.operator) {
        return Harmless;
    }
    if is_address(value) {
        return Harmless;
    }
    if value.len() > 512 || placeholder::is_placeholder(value) {
        return Doubtful;
    }
    match context.promise {
        Promise::Password => password(value, &traits, context),
        Promise::Secret => token(value, &traits, context),
        Promise::Perhaps => perhaps(value, &traits),
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
    if traits.length < 6 || traits.length > 128 || value.iter().any(u8::is_ascii_whitespace) || traits.letters() < 2 {
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

/// Words of languages and forms that stand where a secret could.
fn is_literal_word(value: &[u8]) -> bool {
    #[rustfmt::skip]
    const LITERALS: &[&[u8]] = &[
        b"null", b"none", b"true", b"false", b"undefined", b"empty", b"string", b"optional", b"required", b"default",
        b"enabled", b"disabled", b"yes", b"bool", b"boolean", b"number", b"object", b"int32", b"int64", b"nullptr",
        b"bytes",
    ];
    LITERALS.iter().any(|literal| value.eq_ignore_ascii_case(literal))
}

/// Paths, URLs, mail addresses, dotted names and the like.
fn is_address(value: &[u8]) -> bool {
    let has = |needle: &[u8]| memchr::memmem::find(value, needle).is_some();
    if has(b"://")
        || value.starts_with(b"/") && value[1..].contains(&b'/')
        || value.starts_with(b"./")
        || value.starts_with(b"../")
        || value.starts_with(b"~/")
        || has(b":\\")
        || value.starts_with(b"\\\\")
    {
        return true;
    }
    if value.starts_with(b"/") && !value.iter().any(u8::is_ascii_digit) && words::coverage(value) > 0.6 {
        return true;
    }
    #[rustfmt::skip]
    const ENDINGS: &[&[u8]] = &[
        b".pem", b".key", b".crt", b".txt", b".json", b".yml", b".yaml", b".xml", b".html", b".php", b".js", b".ts",
        b".py", b".java", b".go", b".rb", b".conf", b".properties", b".jks", b".p12", b".pfx", b".com", b".org", b".net",
        b".io", b".local", b".md", b".png", b".cfg", b".ini", b".pub", b".cer", b".der", b".env", b".sh", b".sql",
        b".csv",
    ];
    if ENDINGS
        .iter()
        .any(|ending| value.len() > ending.len() && value[value.len() - ending.len()..].eq_ignore_ascii_case(ending))
    {
        return true;
    }
    // `a@b.com`
    if let Some(at) = memchr::memchr(b'@', value)
        && at > 0
        && memchr::memchr(b'.', &value[at..]).is_some()
        && value[at + 1..].iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        && words::coverage(&value[at + 1..]) > 0.5
    {
        return true;
    }
    // `login.password.label`, `com.example.Name`, `a/b/c`: words with joiners and nothing else.
    let joined = value.iter().filter(|b| matches!(b, b'.' | b'/' | b':')).count();
    joined >= 2 && words::coverage(value) > 0.6 && value.iter().filter(|b| b.is_ascii_digit()).count() <= 2
}

/// Stand-ins of people who test: a value of these words and few digits is a password only by name.
#[rustfmt::skip]
const LAZY: &[&[u8]] = &[
    b"password", b"passwd", b"pass", b"secret", b"token", b"test", b"testing", b"admin", b"user", b"username", b"key",
    b"pwd", b"demo", b"guest", b"foo", b"bar", b"login", b"default", b"changeme", b"abc", b"qwerty", b"asdf",
    b"hello", b"root", b"value", b"string", b"some", b"my", b"the", b"new", b"old", b"wrong", b"bad", b"correct",
    b"hunter", b"letmein", b"tester",
];

fn is_lazy(value: &[u8]) -> bool {
    let mut rest: Vec<u8> = value.iter().filter(|b| b.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect();
    while !rest.is_empty() {
        let Some(word) = LAZY.iter().filter(|word| rest.starts_with(word)).max_by_key(|word| word.len()) else {
            return false;
        };
        rest.drain(..word.len());
    }
    true
}

fn password(value: &[u8], traits: &Traits, context: Context) -> Verdict {
    if traits.length > 128 || traits.length < 5 && traits.classes() < 3 {
        return Doubtful;
    }
    let blanks = value.iter().filter(|b| **b == b' ').count();
    if blanks > 0 && (words::coverage(value) > 0.5 || blanks > 3 || traits.digits + traits.symbols == 0) {
        return Harmless;
    }
    if blanks > 0 && context.quote == Quote::Bare {
        return Doubtful;
    }
    if traits.letters() == 0 {
        // A number: an id, a length, a PIN.
        return if traits.digits == traits.length && traits.length < 8 { Doubtful } else { Secret(Confidence::Low) };
    }
    let words = words::coverage(value);
    let strong_symbols = value
        .iter()
        .filter(|b| matches!(b, b'!' | b'@' | b'#' | b'%' | b'^' | b'&' | b'*' | b'+' | b'~' | b'?' | b'$'))
        .count();
    if words >= 0.7 {
        // Labels, constants, other people's field names; a person's password has digits or signs in it.
        if traits.digits + strong_symbols == 0 {
            return if traits.joiners > 0 || traits.upper > 0 { Harmless } else { Doubtful };
        }
        if is_lazy(value) || (traits.digits < 2 && strong_symbols == 0) || traits.joiners > 1 {
            return Secret(Confidence::Low);
        }
        return Secret(Confidence::Medium);
    }
    if traits.digits + strong_symbols + traits.symbols == 0 {
        let (wordiness, pairs) = words::wordiness(value);
        let mixed = traits.upper > 0 && traits.lower > 0;
        let unknown = traits.length >= 8 && words < 0.35 && traits.joiners == 0 && traits.upper == 0;
        if pairs >= 4 && (wordiness < if traits.length >= 8 { 0.35 } else { 0.0 } || unknown) {
            return Secret(Confidence::Medium);
        }
        let humps = mixed && !value[1..].iter().any(u8::is_ascii_uppercase);
        return if traits.joiners > 0 || humps { Doubtful } else { Secret(Confidence::Low) };
    }
    if is_lazy(value) {
        return Secret(Confidence::Low);
    }
    if traits.length < 6 {
        return Secret(Confidence::Low);
    }
    Secret(if traits.length >= 10 && traits.classes() >= 3 && words < 0.3 {
        Confidence::High
    } else {
        Confidence::Medium
    })
}

fn token(value: &[u8], traits: &Traits, context: Context) -> Verdict {
    if value.iter().any(u8::is_ascii_whitespace) {
        return if words::coverage(value) > 0.4 || traits.length > 80 { Harmless } else { Doubtful };
    }
    if is_uuid(value) {
        return Secret(Confidence::Low);
    }
    let words = words::coverage(value);
    if traits.letters() == 0 {
        return Doubtful;
    }
    if words > 0.65 {
        return if traits.length >= 10 && traits.digits >= 3 && traits.symbols > 0 && !is_lazy(value) {
            Secret(Confidence::Medium)
        } else if traits.digits + traits.symbols == 0 {
            Harmless
        } else {
            Doubtful
        };
    }
    let (wordiness, pairs) = words::wordiness(value);
    if traits.digits == 0 {
        // Letters alone: names of things unless they are long and read like nothing.
        let random = traits.length >= 16
            && traits.entropy >= 3.2
            && (wordiness < -0.2 || (wordiness < 0.3 && traits.upper > 2 && traits.lower > 2));
        let short_random = traits.length >= 8 && pairs >= 6 && wordiness < -0.6;
        return match (random && traits.joiners <= 2, short_random) {
            (true, _) => Secret(Confidence::Medium),
            (false, true) => {
                Secret(if context.operator == Operator::Compare { Confidence::Low } else { Confidence::Medium })
            }
            _ => Doubtful,
        };
    }
    if traits.length < 8 || (traits.digits < 2 && traits.length < 12) {
        return Secret(Confidence::Low);
    }
    // `session-token-v2`, `x86_64-linux`: words, joiners and a few digits.
    if traits.joiners > 0 && words > 0.35 && traits.digits <= 3 {
        return Doubtful;
    }
    let needed = if traits.hex {
        2.6
    } else if traits.length >= 20 {
        3.3
    } else {
        2.75
    };
    if traits.entropy < needed {
        return Secret(Confidence::Low);
    }
    if traits.length < 12 && traits.classes() < 3 && words > 0.3 {
        return Secret(Confidence::Low);
    }
    Secret(if traits.length >= 20 && words < 0.3 && traits.entropy >= needed + 0.2 {
        Confidence::High
    } else {
        Confidence::Medium
    })
}

/// `key`, `salt`, `nonce`: the name proves little, so the value must.
fn perhaps(value: &[u8], traits: &Traits) -> Verdict {
    if traits.length < 16
        || traits.digits < 2
        || traits.letters() < 4
        || traits.length > 256
        || is_uuid(value)
        || value.contains(&b' ')
    {
        return Harmless;
    }
    let words = words::coverage(value);
    if words > 0.35 || traits.joiners > 3 || (traits.joiners > 0 && words > 0.15) {
        return Harmless;
    }
    if traits.hex {
        return if traits.length >= 24 && traits.entropy >= 3.0 { Secret(Confidence::Medium) } else { Doubtful };
    }
    let mixed = traits.lower > 0 && traits.upper > 0;
    if traits.entropy >= 3.7 && (mixed || traits.length >= 24) { Secret(Confidence::Medium) } else { Doubtful }
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
        for value in [
            "access_token",
            "X-Auth-Token",
            "123e4567-e89b-12d3-a456-426614174000",
            "getToken()",
            "application/json",
            "refresh_token_v2",
            "your_api_key_here",
        ] {
            assert!(!matches!(verdict(value, Promise::Secret), Secret(c) if c >= Confidence::Medium), "{value}");
        }
    }
}
