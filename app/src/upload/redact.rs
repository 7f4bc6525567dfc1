//! Secrets are hidden once more.
//!
//! Owns that no text of an upload is kept that the engine takes for a secret: an old pipe, another tool or somebody who means harm may have sent one.
//! Usually there is none, and one look over everything tells so.

use penstock::analyze::secrets::{Engine, redact_text};
use penstock_common::{CommitInfo, Excerpt, Finding};

/// Hides what looks like a secret in all texts of the findings. Returns in how many something was hidden.
pub(super) fn redact(findings: &mut [Finding], engine: &Engine) -> usize {
    let mut scanner = engine.scanner();
    let mut all = String::new();
    findings.iter_mut().for_each(|finding| {
        texts(finding, &mut |text| {
            all.push_str(text);
            all.push('\n');
        });
    });
    if redact_text(&mut scanner, &all) == all {
        return 0;
    }
    let mut hidden = 0;
    for finding in findings {
        let mut changed = false;
        texts(finding, &mut |text| {
            let clean = redact_text(&mut scanner, text);
            if clean != *text {
                *text = clean;
                changed = true;
            }
        });
        hidden += usize::from(changed);
    }
    hidden
}

/// Every text that comes from what was scanned.
fn texts(finding: &mut Finding, each: &mut impl FnMut(&mut String)) {
    each(&mut finding.title);
    each(&mut finding.message);
    each(&mut finding.location.path);
    finding.related.iter_mut().for_each(|location| each(&mut location.path));
    finding.masked.iter_mut().for_each(&mut *each);
    if let Some(Excerpt { lines }) = &mut finding.excerpt {
        lines.iter_mut().for_each(|line| each(&mut line.text));
    }
    if let Some(CommitInfo { author, email, subject, .. }) = &mut finding.commit {
        [author, email, subject].into_iter().for_each(&mut *each);
    }
    finding.remediation.iter_mut().for_each(&mut *each);
    finding.suppression.iter_mut().for_each(|one| each(&mut one.reason));
    finding.owners.iter_mut().for_each(&mut *each);
}
