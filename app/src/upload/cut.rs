//! Texts of an upload are cut to what people read.
//!
//! Owns the limits, which `docs/upload-api.md` lists. A text is cut after secrets were hidden in
//! it: half a secret is not recognised as one. Names that decide about identity are never cut but
//! refused (`document`).

use penstock_common::delivery::Outcome;
use penstock_common::upload::v1::Upload;
use penstock_common::{CommitInfo, Delivery, Excerpt, Finding, Masked, Reference, Suppression};

/// Maximum characters of a title, an author, a subject, a reason.
const LINE_MAX: usize = 500;
/// Maximum characters of a message, and of a remedy.
const TEXT_MAX: usize = 4000;
/// Maximum lines of an excerpt, and characters of each.
const EXCERPT_LINES_MAX: usize = 40;
const EXCERPT_LINE_MAX: usize = 1000;
/// Maximum related places, and references of a finding.
const RELATED_MAX: usize = 50;
const REFERENCES_MAX: usize = 20;
/// Maximum characters of an address.
const URL_MAX: usize = 2000;
/// Maximum changes of the policy that are listed.
const POLICY_CHANGES_MAX: usize = 100;

/// Cuts the texts of a finding.
pub(super) fn cut_finding(finding: &mut Finding) {
    line(&mut finding.title);
    text(&mut finding.message);
    finding.masked.iter_mut().for_each(line);
    finding.remediation.iter_mut().for_each(text);
    finding.decoded_from.iter_mut().for_each(line);
    finding.related.truncate(RELATED_MAX);
    finding.references.truncate(REFERENCES_MAX);
    // An address that is cut leads somewhere else.
    finding.references.retain(|reference| {
        let (Reference::Cwe(value) | Reference::Cve(value) | Reference::Url(value)) = reference;
        value.len() <= URL_MAX
    });
    if let Some(Excerpt { lines }) = &mut finding.excerpt {
        lines.truncate(EXCERPT_LINES_MAX);
        for line in lines {
            cut(&mut line.text, EXCERPT_LINE_MAX);
        }
    }
    if let Some(CommitInfo { author, email, subject, .. }) = &mut finding.commit {
        [author, email, subject].into_iter().for_each(line);
    }
    if let Some(Suppression { reason, .. }) = &mut finding.suppression {
        line(reason);
    }
}

/// Cuts the texts of an upload outside of its findings.
pub(super) fn cut_rest(upload: &mut Upload) {
    upload.run.tools.iter_mut().for_each(|tool| line(&mut tool.version));
    upload.deliveries.iter_mut().for_each(cut_delivery);
    let Some(comparison) = &mut upload.run.comparison else { return };
    comparison.policy_changes.truncate(POLICY_CHANGES_MAX);
    comparison.policy_changes.iter_mut().for_each(line);
    for told in [&mut comparison.base.reason, &mut comparison.base.hint] {
        line(told);
    }
    comparison.fixed.iter_mut().chain(&mut comparison.leaked).for_each(cut_finding);
}

/// Cuts what came of a destination.
pub(super) fn cut_delivery(delivery: &mut Delivery) {
    match &mut delivery.outcome {
        Outcome::Published { detail } => line(detail),
        Outcome::Skipped { reason, remedy } | Outcome::Failed { reason, remedy } => {
            [reason, remedy].into_iter().for_each(line);
        }
    }
}

fn line(told: &mut Masked) {
    cut(told, LINE_MAX);
}

fn text(told: &mut Masked) {
    cut(told, TEXT_MAX);
}

fn cut(told: &mut Masked, max: usize) {
    // Bytes are never fewer than characters, and nearly every text is short.
    if told.len() > max {
        *told = told.cut(max);
    }
}

#[cfg(test)]
mod tests {
    use penstock_common::{ExcerptLine, masked};
    use serde_json::json;

    use super::*;
    use crate::store::workspace::restored;

    fn finding(filler: &str) -> Finding {
        let finding = json!({
            "category": "code_quality", "rule": "r", "title": filler, "severity": "low", "confidence": "high", "message": filler,
            "location": {"path": "a.rs", "start_line": 1, "start_column": 1, "end_line": 1, "end_column": 2},
            "remediation": filler, "masked": filler, "decoded_from": filler,
            "fingerprints": {"primary": format!("pf1:{:032x}", 1), "path_free": format!("pf1:{:032x}", 2)},
            "commit": {"id": "ab", "author": filler, "email": filler, "date": "", "subject": filler},
        });
        let mut finding: Finding = restored(&finding.to_string()).unwrap();
        let line = ExcerptLine { number: 1, text: finding.title.clone(), mark: None };
        finding.excerpt = Some(Excerpt { lines: vec![line; 100] });
        finding.related = vec![finding.location.clone(); 1000];
        finding.references = vec![Reference::Cwe("CWE-1".into()), Reference::Url(masked!["https://", finding.title])];
        finding
    }

    /// A finding is small after its texts were cut, whatever characters are in them.
    #[test]
    fn a_finding_is_small() {
        for letter in ["x", "é", "€", "\u{1F600}", "\0", "\u{202e}"] {
            let mut large = finding(&letter.repeat(100_000));
            cut_finding(&mut large);
            let bytes = serde_json::to_vec(&large).unwrap().len();
            assert!(bytes < 400_000, "{letter:?}: {bytes}");
            assert_eq!((large.related.len(), large.references.len()), (RELATED_MAX, 1));
        }
        let mut usual = finding("usual");
        usual.related.truncate(3);
        usual.excerpt.as_mut().unwrap().lines.truncate(3);
        let before = usual.clone();
        cut_finding(&mut usual);
        assert_eq!(usual, before);
    }
}
