//! What the form of a secret proves without asking anybody.
//!
//! Owns checksums and structures. A failed check lowers the confidence and is shown; it never hides a finding, because a mistyped or shortened
//! secret still tells an attacker most of it.

mod jwt;
mod pem;

use penstock_common::{Confidence, Validity};

use super::rule::{Check, Rule};

/// The confidence after the rule's check, and what the check says.
pub(super) fn check(rule: &Rule, value: &[u8], confidence: Confidence, now: i64) -> (Confidence, Option<Validity>) {
    let validity = match rule.check {
        Check::None | Check::Luhn | Check::Base64Text | Check::UuidV4 | Check::Slack | Check::Stripe => None,
        Check::Github | Check::Npm => {
            Some(if crc32_base62(value) { Validity::ValidForm } else { Validity::InvalidChecksum })
        }
        Check::Penstock => Some(if crc32_hex(value) { Validity::ValidForm } else { Validity::InvalidChecksum }),
        Check::Jwt => jwt::check(value, now),
        Check::Pem => pem::check(value),
        Check::AwsKeyId => aws_account(value).map(|_| Validity::ValidForm),
        Check::Pypi => value.starts_with(b"pypi-AgE").then_some(Validity::ValidForm),
    };
    let confidence = match validity {
        Some(Validity::ValidForm) => confidence.max(Confidence::High),
        Some(Validity::InvalidChecksum | Validity::Expired | Validity::Encrypted) => confidence.min(Confidence::Medium),
        None => confidence,
    };
    (confidence, validity)
}

/// The last six characters are the CRC-32 of those between prefix and checksum, in base 62. Both GitHub and npm document it so.
fn crc32_base62(token: &[u8]) -> bool {
    let Some(underscore) = memchr::memchr(b'_', token) else { return false };
    let body = &token[underscore + 1..];
    let Some(split) = body.len().checked_sub(6) else { return false };
    let (payload, checksum) = body.split_at(split);
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'Z' => Some(byte - b'A' + 10),
        b'a'..=b'z' => Some(byte - b'a' + 36),
        _ => None,
    };
    let claimed = checksum.iter().try_fold(0_u64, |sum, &byte| Some(sum * 62 + u64::from(digit(byte)?)));
    claimed == Some(u64::from(crc32fast::hash(payload)))
}

/// The last eight characters are the CRC-32 of all before them, in hex digits: a token of our own companion app.
fn crc32_hex(token: &[u8]) -> bool {
    let Some((told, sum)) = token.split_last_chunk::<8>() else { return false };
    format!("{:08x}", crc32fast::hash(told)).as_bytes() == sum
}

/// The account that an AWS key id carries: 40 bits of the base 32 after the four-letter prefix. Ids made before 2019 carry none that makes sense.
fn aws_account(key_id: &[u8]) -> Option<u64> {
    let body = key_id.get(4..20)?;
    let mut bits = 0_u128;
    for &byte in body {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u128::from(value);
    }
    let account = ((bits >> 39) & 0xff_ffff_ffff) as u64;
    (account < 1_000_000_000_000).then_some(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_checksum(prefix: &str, payload: &str) -> String {
        let mut rest = crc32fast::hash(payload.as_bytes());
        let mut digits = [b'0'; 6];
        for digit in digits.iter_mut().rev() {
            *digit = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(rest % 62) as usize];
            rest /= 62;
        }
        format!("{prefix}_{payload}{}", String::from_utf8_lossy(&digits))
    }

    #[test]
    fn checksums_of_github_hold_or_do_not() {
        let good = with_checksum("ghp", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ");
        assert!(crc32_base62(good.as_bytes()));
        let bad = good.replace("zQW", "zQX");
        assert!(!crc32_base62(bad.as_bytes()));
    }

    #[test]
    fn checksums_of_our_own_tokens_hold_or_do_not() {
        let told = format!("penstock_{}", "0123456789abcdef".repeat(4));
        let good = format!("{told}{:08x}", crc32fast::hash(told.as_bytes()));
        assert!(crc32_hex(good.as_bytes()));
        assert!(!crc32_hex(good.replace("_0123", "_0124").as_bytes()));
        assert!(!crc32_hex(told.as_bytes()) && !crc32_hex(b"short"));
    }

    #[test]
    fn key_ids_of_aws_carry_an_account() {
        assert!(aws_account(b"AKIAIOSFODNN7EXAMPLE").is_some());
        assert!(aws_account(b"AKIA1111111111111111").is_none());
    }
}
