//! Passwords: values that a person may have chosen.
//!
//! Owns telling a password from a label, an identifier or a stand-in. A chosen password may hold words, so digits and signs beside them count.

use penstock_common::Confidence;

use super::Verdict::{self, Doubtful, Harmless, Secret};
use super::traits::Traits;
use super::{Context, words};
use crate::analyze::secrets::assignment::{Operator, Quote};
use crate::analyze::secrets::detect;

/// Stand-ins of people who test: a value of these words and few digits is a password only by name.
#[rustfmt::skip]
const LAZY: &[&[u8]] = &[
    b"password", b"passwd", b"pass", b"secret", b"token", b"test", b"testing", b"admin", b"user", b"username", b"key",
    b"pwd", b"demo", b"guest", b"foo", b"bar", b"login", b"default", b"changeme", b"abc", b"qwerty", b"asdf",
    b"hello", b"root", b"value", b"string", b"some", b"my", b"the", b"new", b"old", b"wrong", b"bad", b"correct",
    b"hunter", b"letmein", b"tester",
];

pub(super) fn is_lazy(value: &[u8]) -> bool {
    let mut rest: Vec<u8> = value.iter().filter(|b| b.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect();
    while !rest.is_empty() {
        let Some(word) = LAZY.iter().filter(|word| rest.starts_with(word)).max_by_key(|word| word.len()) else {
            return false;
        };
        rest.drain(..word.len());
    }
    true
}

/// Judges the value of a name that promises a password.
pub(super) fn judge(value: &[u8], traits: &Traits, context: Context) -> Verdict {
    if traits.length > 128 || traits.length < 5 && traits.classes() < 3 {
        return Doubtful;
    }
    if encodes_words(value) {
        return Doubtful;
    }
    // Google shows passwords for programs as four groups of four letters.
    if value.len() == 19
        && value.split(|b| *b == b' ').all(|part| part.len() == 4 && part.iter().all(u8::is_ascii_lowercase))
    {
        return if words::coverage(value) < 0.5 { Secret(Confidence::Medium) } else { Harmless };
    }
    let blanks = value.iter().filter(|b| **b == b' ').count();
    if blanks > 0 && (words::coverage(value) > 0.5 || blanks > 3 || traits.digits + traits.symbols == 0) {
        return Harmless;
    }
    if blanks > 0 && context.quote == Quote::Bare {
        return Doubtful;
    }
    if traits.letters() == 0 {
        // A number: an id, a length, a PIN. Written as a text it is meant as one.
        let chosen = context.quote == Quote::Quoted && context.operator == Operator::Assign;
        if chosen && traits.digits == traits.length && (6..=16).contains(&traits.length) {
            return Secret(Confidence::Medium);
        }
        // Digits among many different signs: not a number or a date.
        if traits.digits > 0 && traits.symbols >= 4 && traits.length >= 8 && traits.distinct >= 6 && blanks == 0 {
            return Secret(Confidence::Medium);
        }
        return if traits.digits == traits.length && traits.length < 8 { Doubtful } else { Secret(Confidence::Low) };
    }
    // Two or three letters among signs are not a word.
    let words = if traits.letters() < 4 && traits.symbols > 2 { 0.0 } else { words::coverage(value) };
    let strong_symbols = value
        .iter()
        .filter(|b| matches!(b, b'!' | b'@' | b'#' | b'%' | b'^' | b'&' | b'*' | b'+' | b'~' | b'?' | b'$'))
        .count();
    if words >= 0.7 {
        // Labels, constants, other people's field names; a person's password has digits or signs in it.
        if traits.digits + strong_symbols == 0 {
            return if traits.joiners > 0 || traits.upper > 0 { Harmless } else { Doubtful };
        }
        // `Error!`, `users#index`: one sign among words is punctuation.
        if traits.digits == 0 && strong_symbols == 1
            || traits.length < 6
            || is_lazy(value) && !is_padded(traits, strong_symbols)
            || (traits.digits < 2 && strong_symbols == 0)
            || traits.joiners > 1
        {
            return Secret(Confidence::Low);
        }
        return Secret(Confidence::Medium);
    }
    if traits.digits + strong_symbols + traits.symbols == 0 {
        // `net/http`, `users:write`: parts of a path or a scope.
        if value.iter().any(|b| matches!(b, b'/' | b':')) {
            return Doubtful;
        }
        let (wordiness, pairs) = words::wordiness(value);
        let mixed = traits.upper > 0 && traits.lower > 0;
        let unknown = traits.length >= 6 && words < 0.35 && traits.joiners == 0 && traits.upper == 0;
        let limit = if traits.length >= 8 {
            f32::MAX
        } else if matches!(context.quote, Quote::Bare | Quote::Line) {
            0.0
        } else {
            0.6
        };
        if pairs >= 4 && (wordiness < if traits.length >= 8 { 0.35 } else { 0.0 } || unknown && wordiness < limit) {
            return Secret(Confidence::Medium);
        }
        let humps = mixed && !value[1..].iter().any(u8::is_ascii_uppercase);
        return if traits.joiners > 0 || humps { Doubtful } else { Secret(Confidence::Low) };
    }
    if is_lazy(value) && !is_padded(traits, strong_symbols) {
        return Secret(Confidence::Low);
    }
    if traits.length < 6 {
        // `xpy4a`
        let noise = traits.digits > 0 && traits.letters() >= 3 && words < 0.3 && words::wordiness(value).0 < 0.0;
        return Secret(if noise && context.operator == Operator::Assign {
            Confidence::Medium
        } else {
            Confidence::Low
        });
    }
    Secret(if traits.length >= 10 && traits.classes() >= 3 && words < 0.3 {
        Confidence::High
    } else {
        Confidence::Medium
    })
}

/// Whether somebody made a stand-in long enough for a rule about passwords: `admin1234`, `Test12!`.
fn is_padded(traits: &Traits, strong_symbols: usize) -> bool {
    traits.digits >= 4 || traits.digits > 0 && strong_symbols > 0
}

/// Base64 of words, as mail servers ask for a user name: `VXNlcm5hbWU6`.
fn encodes_words(value: &[u8]) -> bool {
    let value = value.rsplit(|b| *b == b' ').next().unwrap_or(value);
    value.len() >= 8
        && value.len().is_multiple_of(4)
        && detect::base64(value).is_some_and(|text| {
            text.iter().all(|b| (0x20..0x7f).contains(b))
                && words::coverage(&text) > 0.8
                && !text.iter().any(u8::is_ascii_digit)
        })
}
