//! One finding as an annotation of a Code Insights report.
//!
//! Owns the words and the order of annotations. Which report they go to, and how many, is decided in `report`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::Context;
use super::identity::hex;
use crate::bitbucket::reports::{
    Annotation, AnnotationResult, AnnotationSeverity, AnnotationType, DETAILS_MAX, SUMMARY_MAX,
};
use crate::measure::{Blocking, Place};
use crate::plain::{self, cut};
use crate::{Category, Change, Finding, Fingerprint, Reference, Severity, SuppressionKind};

/// Longest path that is told as one, in characters: a shortened path would name another file.
const PATH_MAX: usize = 1000;
/// Most characters of one part of the details.
const PART_MAX: usize = 600;

/// A finding on its way to an annotation.
pub(super) struct Noted<'r> {
    pub(super) finding: &'r Finding,
    pub(super) place: Place,
    pub(super) blocks: bool,
}

impl<'r> Noted<'r> {
    pub(super) fn new(finding: &'r Finding, place: Place, blocking: &Blocking) -> Self {
        Self { finding, place, blocks: blocking.counts(finding, place) }
    }

    /// What blocks comes first, then the worst, then the newest; what does not count comes last.
    pub(super) fn order(&self) -> impl Ord + use<> {
        let finding = self.finding;
        let is_new = self.place == Place::Left || finding.change == Some(Change::New);
        (!self.blocks, !finding.is_active(), Reverse(finding.severity), !is_new, Reverse(finding.confidence))
    }

    /// With `external_id` as its id.
    pub(super) fn annotation(&self, context: &Context<'_>, external_id: String) -> Annotation {
        let finding = self.finding;
        let path = &finding.location.path;
        let line = finding.location.start_line.max(1);
        // What is gone again stands in no file of this commit.
        let is_here = self.place == Place::Head;
        let told =
            is_here && !path.is_empty() && path.encode_utf16().count() <= PATH_MAX && !path.contains(plain::is_hazard);
        let links = context.links();
        Annotation {
            external_id,
            annotation_type: match finding.category {
                Category::Secret | Category::Vulnerability | Category::Misconfiguration => {
                    AnnotationType::Vulnerability
                }
                Category::CodeQuality => AnnotationType::CodeSmell,
                Category::TestFailure => AnnotationType::Bug,
            },
            path: told.then(|| path.to_string()),
            line: told.then_some(line),
            summary: self.summary(),
            details: Some(cut(&self.details(told), DETAILS_MAX)),
            result: if self.blocks {
                AnnotationResult::Failed
            } else if finding.is_active() {
                AnnotationResult::Passed
            } else {
                AnnotationResult::Ignored
            },
            severity: match finding.severity {
                Severity::Critical => AnnotationSeverity::Critical,
                Severity::High => AnnotationSeverity::High,
                Severity::Medium => AnnotationSeverity::Medium,
                Severity::Low | Severity::Info => AnnotationSeverity::Low,
            },
            link: match (&finding.commit, is_here) {
                (_, true) => links.source(path, line),
                (Some(commit), false) => links.source_at(&commit.id, path, line),
                (None, false) => None,
            },
        }
    }

    fn summary(&self) -> String {
        cut(text_of(self.finding), SUMMARY_MAX)
    }

    /// Sentences. `has_path` says whether the place is told beside them.
    fn details(&self, has_path: bool) -> String {
        let finding = self.finding;
        let mut parts = vec![cut(&format!("{} ({})", finding.title, finding.rule), PART_MAX)];
        if let Some(masked) = &finding.masked {
            parts.push(cut(masked, PART_MAX));
        }
        if let Some(validity) = finding.validity {
            parts.push(validity.label().to_owned());
        }
        if !has_path {
            parts.push(cut(&place(finding), PART_MAX));
        }
        match finding.change {
            Some(Change::New) if self.place == Place::Head => parts.push("new in this change".to_owned()),
            Some(Change::Existing) => parts.push("stood in the base already".to_owned()),
            _ => {}
        }
        parts.extend(allowed(finding).map(|allowed| cut(&allowed, PART_MAX)));
        parts.extend(finding.remediation.as_ref().map(|remediation| cut(remediation, PART_MAX)));
        parts.extend(finding.references.iter().take(5).map(|reference| match reference {
            Reference::Cwe(text) | Reference::Cve(text) | Reference::Url(text) => cut(text, PART_MAX),
        }));
        let parts: Vec<&str> =
            parts.iter().map(|part| part.trim().trim_end_matches('.')).filter(|part| !part.is_empty()).collect();
        parts.join(". ")
    }
}

/// What is said of a finding before all else.
pub(super) fn text_of(finding: &Finding) -> &str {
    let texts = [&finding.message, &finding.title, &finding.rule];
    texts.into_iter().find(|text| !text.trim().is_empty()).map_or("finding", |text| text.as_str())
}

/// Whether a path can be told as one.
pub(super) fn is_file(path: &str) -> bool {
    !path.is_empty() && path.encode_utf16().count() <= PATH_MAX && !path.contains(plain::is_hazard)
}

/// `src/main.rs, line 3`.
pub(super) fn place(finding: &Finding) -> String {
    format!("{}, line {}", cut(&finding.location.path, 160), finding.location.start_line.max(1))
}

/// Why a finding does not count.
pub(super) fn allowed(finding: &Finding) -> Option<String> {
    let suppression = finding.suppression.as_ref()?;
    let means = match suppression.kind {
        SuppressionKind::Inline => "a comment",
        SuppressionKind::GitleaksAllowlist => "an allowlist of gitleaks",
        SuppressionKind::GitleaksIgnore => ".gitleaksignore",
        SuppressionKind::Configuration => "penstock.toml",
        SuppressionKind::Triage => "somebody's judgement",
    };
    Some(if suppression.reason.trim().is_empty() {
        format!("allowed by {means}")
    } else {
        format!("allowed by {means}: {}", suppression.reason)
    })
}

/// Ids that are made from fingerprints, each once: a duplicate is refused.
#[derive(Default)]
pub(super) struct Ids(BTreeMap<String, u32>);

impl Ids {
    pub(super) fn next(&mut self, fingerprint: &Fingerprint) -> String {
        let id = match fingerprint.as_str().strip_prefix("pf1:") {
            Some(digits)
                if digits.len() == 32 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) =>
            {
                format!("pf1-{digits}")
            }
            _ => format!("other-{}", hex(&Sha256::digest(fingerprint.as_str()), 32)),
        };
        let seen = self.0.entry(id.clone()).or_default();
        *seen += 1;
        if *seen == 1 { id } else { format!("{id}-{seen}") }
    }
}
