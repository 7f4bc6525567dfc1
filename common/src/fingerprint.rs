//! The identity of a finding over time.
//!
//! Owns the versioned digest `pf1`. It is made from what stays when code moves (category, tool family, rule, path, the masked and
//! whitespace-folded line, and the ordinal among equals in the file) and never from the line number or from a secret's value, so an
//! equal fingerprint does not prove an equal secret.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// `pf1:` and 32 lower-case hex digits: the first half of a SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The identities of one finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Fingerprints {
    /// With the path: the identity.
    pub primary: Fingerprint,
    /// Without the path: follows a renamed file.
    pub path_free: Fingerprint,
}

/// What a fingerprint is made from.
#[derive(Clone, Copy, Debug)]
pub struct FingerprintInput<'a> {
    /// Category's stable name.
    pub category: &'a str,
    /// Tool family, such as `penstock` or `eslint`; not its version.
    pub tool: &'a str,
    /// Rule id.
    pub rule: &'a str,
    /// Path from the root, with `/`.
    pub path: &'a str,
    /// The line (or lines) the finding stands on, masked. White space is folded here.
    pub context: &'a str,
    /// 0 for the first finding in the file with the same rule and folded context, 1 for the next …
    pub ordinal: u32,
}

impl FingerprintInput<'_> {
    /// Both identities.
    pub fn fingerprints(&self) -> Fingerprints {
        Fingerprints { primary: self.digest(Some(self.path)), path_free: self.digest(None) }
    }

    fn digest(&self, path: Option<&str>) -> Fingerprint {
        let mut hash = Sha256::new();
        // Each part is preceded by its length, so that no two different inputs run together.
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(b"pf1");
        part(self.category.as_bytes());
        part(self.tool.as_bytes());
        part(self.rule.as_bytes());
        part(path.unwrap_or("").as_bytes());
        part(fold_whitespace(self.context).as_bytes());
        part(&self.ordinal.to_le_bytes());
        let digest = hash.finalize();
        let mut text = String::with_capacity(4 + 32);
        text.push_str("pf1:");
        for byte in &digest[..16] {
            text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        }
        Fingerprint(text)
    }
}

/// Runs of white space become one space; none at the ends. Indentation, CRLF and alignment leave no trace.
pub fn fold_whitespace(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}
