//! Tokens, keys and secrets: values that a machine made.
//!
//! Owns telling random texts from identifiers. What a machine made holds no words, so the letters' statistics decide.

use penstock_common::Confidence;

use super::Verdict::{self, Doubtful, Harmless, Secret};
use super::password::is_lazy;
use super::traits::Traits;
use super::{Context, is_uuid, words};
use crate::analyze::secrets::assignment::Operator;

/// Judges the value of a name that promises a token, a key or a secret.
pub(super) fn judge(value: &[u8], traits: &Traits, context: Context) -> Verdict {
    if value.iter().any(u8::is_ascii_whitespace) {
        return if words::coverage(value) > 0.4 || traits.length > 80 { Harmless } else { Doubtful };
    }
    if is_uuid(value) {
        return Secret(Confidence::Medium);
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
        let short_random = traits.length >= 8 && pairs >= 6 && wordiness < -0.45;
        return match (random && traits.joiners <= 2, short_random) {
            (true, _) => Secret(Confidence::Medium),
            (false, true) => {
                Secret(if context.operator == Operator::Compare { Confidence::Low } else { Confidence::Medium })
            }
            _ => Doubtful,
        };
    }
    let random_letters = words < 0.3 && (pairs < 3 || wordiness < 0.0);
    if traits.length < 8 || (traits.digits < 2 && traits.length < 12) {
        // `f7Kq2x`: short, but nobody names a thing so.
        let noise = traits.length >= 6 && traits.letters() >= 3 && traits.joiners == 0 && random_letters;
        let compared = context.operator == Operator::Compare;
        return Secret(if noise && !compared { Confidence::Medium } else { Confidence::Low });
    }
    // `session-token-v2`, `x86_64-linux`: words, joiners and a few digits.
    if traits.joiners > 0 && words > 0.35 && traits.digits <= 3 {
        return Doubtful;
    }
    let needed = if traits.hex {
        2.6
    } else if traits.length >= 20 {
        3.3
    } else if traits.length < 12 {
        2.3
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
pub(super) fn perhaps(value: &[u8], traits: &Traits) -> Verdict {
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
