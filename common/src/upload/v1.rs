//! Version 1 of the wire format between pipe and app.
//!
//! Owns the document, its limits, and the key that makes sending it twice the same as sending it once. How it is sent and by whom it may be is told
//! in `docs/upload-api.md`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::masked::{self, Redact};
use crate::{Category, Change, Delivery, Masked, Run};

/// Path of the resource, below the app's address, by its parts.
pub const PATH: [&str; 3] = ["api", "v1", "runs"];
/// The header that holds the idempotency key.
pub const IDEMPOTENCY_HEADER: &str = "idempotency-key";
/// Media type of the body before it is compressed.
pub const MEDIA_TYPE: &str = "application/json";
/// Most bytes of the body before it is compressed.
pub const BODY_MAX: usize = 32 << 20;

/// One run as it is uploaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Upload {
    /// Always 1.
    pub version: u32,
    /// `NAME`: tells runs on one commit apart.
    pub name: Masked,
    /// How often the step was run again, from 1; 0 if that is not known.
    #[serde(default)]
    pub step_run_number: u64,
    /// The run. Its subject is what the pipe says; the app takes workspace and repository from the credentials.
    pub run: Run,
    /// Which of the run's findings, counted from 0, are secrets whose value also stands in the base. An equal fingerprint does not tell: the value
    /// could be another one, and the value itself is never sent. Empty without a comparison.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub value_in_base: Vec<u32>,
    /// What came of the destinations that were served before the app.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Delivery>,
}

/// A document that is no upload.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum Error {
    #[error("the body has {0} bytes, more than {BODY_MAX}")]
    TooLarge(usize),
    #[error("the body is not an upload of version 1")]
    Malformed(#[source] serde_json::Error),
    #[error("the version is {0}, not 1")]
    Version(u32),
    #[error("the run has no subject")]
    NoSubject,
    #[error("`value_in_base` names finding {0}, which is no secret of the run")]
    NoSuchSecret(u32),
}

impl Upload {
    /// The version.
    pub const VERSION: u32 = 1;

    /// Of a run that was compared with its base, with what was delivered until now.
    pub fn new(run: Run, name: Masked, step_run_number: u64, deliveries: Vec<Delivery>) -> Self {
        // The comparison calls a secret existing only if its value stands in the base.
        let existing = |(at, finding): (usize, &crate::Finding)| {
            (finding.category == Category::Secret && finding.change == Some(Change::Existing)).then_some(at as u32)
        };
        let value_in_base = run.findings.iter().enumerate().filter_map(existing).collect();
        Self { version: Self::VERSION, name, step_run_number, run, value_in_base, deliveries }
    }

    /// The body, before it is compressed.
    ///
    /// # Errors
    ///
    /// If it is longer than [`BODY_MAX`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let bytes = serde_json::to_vec(self).map_err(Error::Malformed)?;
        if bytes.len() > BODY_MAX { Err(Error::TooLarge(bytes.len())) } else { Ok(bytes) }
    }

    /// Reads a body that was inflated already with every string in it masked, and checks what the
    /// schema cannot say. Also says whether there was anything to hide, in fields that are not
    /// known too.
    ///
    /// # Errors
    ///
    /// If it is no upload of this version.
    pub fn from_bytes(bytes: &[u8], redact: &mut (impl Redact + ?Sized)) -> Result<(Self, bool), Error> {
        if bytes.len() > BODY_MAX {
            return Err(Error::TooLarge(bytes.len()));
        }
        let (upload, hidden): (Self, bool) = masked::read(bytes, redact).map_err(Error::Malformed)?;
        if upload.version != Self::VERSION {
            return Err(Error::Version(upload.version));
        }
        if upload.run.subject.is_none() {
            return Err(Error::NoSubject);
        }
        let is_secret =
            |at: &u32| upload.run.findings.get(*at as usize).is_some_and(|one| one.category == Category::Secret);
        match upload.value_in_base.iter().find(|at| !is_secret(at)) {
            Some(at) => Err(Error::NoSuchSecret(*at)),
            None => Ok((upload, hidden)),
        }
    }

    /// The idempotency key of `body`, which [`Upload::to_bytes`] gave: 64 hex digits from the pipeline, the step, its run number, `NAME` and the
    /// content. A repeated request has the same one; a step that is run again has another.
    pub fn idempotency_key(&self, body: &[u8]) -> String {
        let subject = self.run.subject.as_ref();
        let uuid = |uuid: Option<&String>| uuid.cloned().unwrap_or_default();
        let mut hash = Sha256::new();
        for part in [
            uuid(subject.and_then(|subject| subject.pipeline_uuid.as_ref())).as_bytes(),
            uuid(subject.and_then(|subject| subject.step_uuid.as_ref())).as_bytes(),
            &self.step_run_number.to_le_bytes(),
            self.name.as_bytes(),
            body,
        ] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        crate::decorate::identity::hex(&hash.finalize(), 64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::masked::verbatim::Verbatim;
    use crate::{Confidence, Destination, Finding, FingerprintInput, Location, Severity, Subject, delivery};

    fn finding(category: Category, change: Change) -> Finding {
        let input =
            FingerprintInput { category: category.name(), tool: "t", rule: "r", path: "p", context: "", ordinal: 0 };
        Finding {
            category,
            rule: "r".into(),
            title: Masked::EMPTY,
            severity: Severity::High,
            confidence: Confidence::High,
            message: Masked::EMPTY,
            location: Location { path: "p".into(), start_line: 1, start_column: 1, end_line: 1, end_column: 2 },
            masked: None,
            validity: None,
            excerpt: None,
            related: Vec::new(),
            group: None,
            decoded_from: None,
            commit: None,
            references: Vec::new(),
            remediation: None,
            change: Some(change),
            fingerprints: input.fingerprints(),
            suppression: None,
            owners: Vec::new(),
        }
    }

    fn upload() -> Upload {
        let empty = serde_json::json!({"schema_version": 1, "started_at": "", "tools": [], "findings": []});
        let run = Run {
            subject: Some(Subject { step_uuid: Some("s".into()), ..Subject::default() }),
            findings: vec![
                finding(Category::Secret, Change::New),
                finding(Category::Secret, Change::Existing),
                finding(Category::Vulnerability, Change::Existing),
            ],
            ..masked::read(empty.to_string().as_bytes(), &mut Verbatim).unwrap().0
        };
        let outcome = delivery::Outcome::Skipped { reason: "no token".into(), remedy: "set one".into() };
        Upload::new(run, "penstock".into(), 1, vec![Delivery { destination: Destination::BuildStatus, outcome }])
    }

    #[test]
    fn what_is_written_is_read_back() {
        let upload = upload();
        assert_eq!(upload.value_in_base, [1], "of a secret only, and only if the comparison knows its value");
        assert_eq!(Upload::from_bytes(&upload.to_bytes().unwrap(), &mut Verbatim).unwrap(), (upload, false));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let read = |upload: &Upload| Upload::from_bytes(&upload.to_bytes().unwrap(), &mut Verbatim);
        assert!(matches!(read(&Upload { version: 2, ..upload() }), Err(Error::Version(2))));
        assert!(matches!(read(&Upload { value_in_base: vec![2], ..upload() }), Err(Error::NoSuchSecret(2))));
        assert!(matches!(read(&Upload { value_in_base: vec![3], ..upload() }), Err(Error::NoSuchSecret(3))));
        let run = Run { subject: None, ..upload().run };
        assert!(matches!(read(&Upload { run, ..upload() }), Err(Error::NoSubject)));
        assert!(matches!(Upload::from_bytes(b"{}", &mut Verbatim), Err(Error::Malformed(_))));
        assert!(matches!(Upload::from_bytes(&vec![b' '; BODY_MAX + 1], &mut Verbatim), Err(Error::TooLarge(_))));
    }

    #[test]
    fn the_key_is_that_of_the_same_step_run_and_content() {
        let key = |upload: &Upload| upload.idempotency_key(&upload.to_bytes().unwrap());
        let mut keys = vec![
            key(&upload()),
            key(&Upload { step_run_number: 2, ..upload() }),
            key(&Upload { name: "other".into(), ..upload() }),
            key(&Upload { run: Run { findings: Vec::new(), ..upload().run }, ..upload() }),
            key(&Upload { run: Run { subject: Some(Subject::default()), ..upload().run }, ..upload() }),
        ];
        assert_eq!(keys[0], key(&upload()));
        assert!(keys.iter().all(|key| key.len() == 64));
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 5);
    }
}
