//! A finding: one thing that somebody should look at.
//!
//! Owns the shape that every analyzer and importer produces and every renderer and destination consumes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Category, Change, CommitInfo, Confidence, Excerpt, Fingerprints, Location, Masked, Severity};

/// One thing that somebody should look at. No field holds a secret's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What kind of thing it is.
    pub category: Category,
    /// The rule's id, stable across versions.
    pub rule: Masked,
    /// The rule's title, for people.
    pub title: Masked,
    /// How bad it is.
    pub severity: Severity,
    /// How sure we are.
    pub confidence: Confidence,
    /// One sentence for this very finding.
    pub message: Masked,
    /// Where it stands.
    pub location: Location,
    /// The secret as it may be shown: the vendor's public prefix and dots. Absent for other categories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub masked: Option<Masked>,
    /// What offline validation says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// The lines around it, masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Excerpt>,
    /// Further places that belong to it, such as the second half of a key pair.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Location>,
    /// Findings with the same number hold the same secret. Numbers say nothing about the value and mean nothing in another run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u32>,
    /// How the text was encoded in which it was found (`base64`, `hex` …); absent if it stood there plainly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decoded_from: Option<Masked>,
    /// The commit that brought it, when history was scanned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitInfo>,
    /// Where to read more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// What to do about it, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation: Option<Masked>,
    /// Where it stands in comparison with the base, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Its identity over time.
    pub fingerprints: Fingerprints,
    /// Why it does not count, if somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppression: Option<Suppression>,
    /// Who owns the file by `.bitbucket/CODEOWNERS`: mail addresses, `@name`, `@workspace/group`. No part of its identity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<Masked>,
}

impl Finding {
    /// Whether it counts: not suppressed.
    pub fn is_active(&self) -> bool {
        self.suppression.is_none()
    }
}

/// What the form of a secret tells without asking anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// The checksum or structure holds.
    ValidForm,
    /// The checksum does not hold: mistyped, shortened or made up.
    InvalidChecksum,
    /// It says itself that it is over.
    Expired,
    /// A private key that is itself encrypted.
    Encrypted,
}

impl Validity {
    /// As shown to people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::ValidForm => "valid form",
            Self::InvalidChecksum => "invalid checksum",
            Self::Expired => "expired",
            Self::Encrypted => "encrypted",
        }
    }
}

/// Where to read more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum Reference {
    /// A weakness class, such as `CWE-798`.
    Cwe(Masked),
    /// A vulnerability, such as `CVE-2024-3094`.
    Cve(Masked),
    /// A page, https only.
    Url(Masked),
}

/// Why a finding does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suppression {
    /// By which means.
    pub kind: SuppressionKind,
    /// In whose words, masked; empty if none were given.
    #[serde(default, skip_serializing_if = "Masked::is_empty")]
    pub reason: Masked,
}

/// By which means a finding was suppressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionKind {
    /// A comment beside it.
    Inline,
    /// An allowlist of a gitleaks configuration.
    GitleaksAllowlist,
    /// An entry of `.gitleaksignore`.
    GitleaksIgnore,
    /// A `[[suppress]]` entry of `penstock.toml`.
    Configuration,
    /// Somebody judged it in the companion app, which alone says so: no run comes with it.
    #[serde(skip_deserializing)]
    #[schemars(skip)]
    Triage,
}
