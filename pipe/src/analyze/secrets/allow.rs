//! Comments that allow a secret: `penstock: allow[rule] reason`, `penstock: allow reason`, `gitleaks:allow`.
//!
//! Owns the comment's syntax. It counts on the secret's own lines, and `penstock: allow` also on the line before.

use std::ops::Range;

use penstock_common::{Suppression, SuppressionKind};

use super::view::RuleView;

/// Whether a comment allows a finding of `rule`. `lines` are the bytes of the secret's lines, `before` those of the line before. The reason
/// comes back as it stands: whoever shows it masks it first.
pub(super) fn allowed(
    text: &[u8],
    before: Range<usize>,
    lines: Range<usize>,
    rule: &RuleView<'_>,
) -> Option<Suppression> {
    let suppression = |reason: String| Suppression { kind: SuppressionKind::Inline, reason };
    let own = &text[lines];
    if memchr::memmem::find(own, b"gitleaks:allow").is_some() {
        return Some(suppression(String::new()));
    }
    marked(own, rule).or_else(|| marked(&text[before], rule)).map(suppression)
}

/// The reason given with the mark, if the mark is there and means `rule`.
fn marked(line: &[u8], rule: &RuleView<'_>) -> Option<String> {
    let at = memchr::memmem::find(line, b"penstock:")?;
    let rest = line[at + b"penstock:".len()..].trim_ascii_start().strip_prefix(b"allow")?;
    let reason = match rest.strip_prefix(b"[") {
        Some(rest) => {
            let close = memchr::memchr(b']', rest)?;
            let named = std::str::from_utf8(&rest[..close]).ok()?;
            named.split(',').any(|id| rule.is_named(id.trim())).then_some(())?;
            &rest[close + 1..]
        }
        // `penstock: allowed` is a text about something else.
        None if rest.first().is_some_and(u8::is_ascii_alphanumeric) => return None,
        None => rest,
    };
    let reason = String::from_utf8_lossy(reason);
    let reason = reason.trim().trim_end_matches("*/").trim_end_matches("-->").trim_end_matches("%>").trim();
    Some(reason.to_owned())
}
