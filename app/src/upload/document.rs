//! The body of an upload.
//!
//! Owns its bounds: how much it may inflate to, how many findings it may hold, and which paths and links are taken.

use std::collections::HashSet;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use penstock::analyze::secrets::BuiltIn;
use penstock_common::upload::v1::{BODY_MAX, Error, Upload};
use penstock_common::{Finding, Masked};

use super::work::declared;
use crate::problem::Problem;

/// Most findings of a run.
pub const FINDINGS_MAX: usize = 50_000;
/// Most tools of a run.
const TOOLS_MAX: usize = 64;
/// Most owners of a file.
const OWNERS_MAX: usize = 20;
/// Maximum bytes of a path, of a name, and of what a tool says that it looked at.
const PATH_MAX: usize = 4096;
const NAME_MAX: usize = 256;
const SCOPE_MAX: usize = 4096;
/// Maximum bytes of the names of all rules that found something in a run, each name once.
const RULE_NAMES_MAX: usize = 2 << 20;
/// Maximum bytes of a branch or tag. Bitbucket takes 255.
const REF_MAX: usize = 1024;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Encoding {
    /// From the header `Content-Encoding`; absent means not at all.
    ///
    /// # Errors
    /// For any other.
    pub fn of(header: Option<&str>) -> Result<Self, Problem> {
        match header.map(|name| name.trim().to_ascii_lowercase()).as_deref() {
            None | Some("" | "identity") => Ok(Self::Identity),
            Some("gzip" | "x-gzip") => Ok(Self::Gzip),
            Some("zstd") => Ok(Self::Zstd),
            Some(_) => Err(Problem::new(
                axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The body is compressed in an unknown way",
                "`Content-Encoding` must be `gzip`, `zstd` or absent",
            )),
        }
    }
}

/// An upload in which every text is masked.
pub struct Received {
    /// It.
    pub upload: Upload,
    /// What may be kept of its body.
    keep: Keep,
}

/// What may be kept of a body.
enum Keep {
    /// The body as it came: nothing was to be hidden in it, and nothing is beside it.
    Body,
    /// Its content.
    Content(Vec<u8>),
    /// Only what was read of it.
    Upload,
}

impl Received {
    /// The masked document, compressed, as it may be kept. `body` is what it was read from.
    ///
    /// # Errors
    /// When it has no JSON form.
    pub fn document(&self, body: &[u8]) -> std::io::Result<Vec<u8>> {
        match &self.keep {
            Keep::Body => Ok(body.to_vec()),
            Keep::Content(content) => gzip(content),
            Keep::Upload => gzip(&serde_json::to_vec(&self.upload)?),
        }
    }
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Reads a body. Every text in it is masked before anything else is done with it.
///
/// # Errors
/// When it is too large, no upload, or holds what no honest pipe sends.
pub fn read(body: &[u8], encoding: Encoding) -> Result<Received, Problem> {
    let (bytes, is_all) = inflated(body, encoding, declared(body, encoding))?;
    let (upload, hidden) = Upload::from_bytes(&bytes, &mut BuiltIn::default()).map_err(|error| match error {
        Error::TooLarge(_) => too_large(),
        Error::Malformed(source) => Problem::bad_request(format!(
            "the body is not an upload of version 1: line {}, column {}: {}",
            source.line(),
            source.column(),
            kind(&source)
        )),
        other => Problem::unprocessable(other.to_string()),
    })?;
    check(&upload)?;
    let keep = match (hidden, is_all && encoding == Encoding::Gzip) {
        (true, _) => Keep::Upload,
        (false, true) => Keep::Body,
        (false, false) => Keep::Content(bytes),
    };
    Ok(Received { upload, keep })
}

/// What the library says of a wrong value may quote it.
fn kind(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Syntax => "this is no JSON",
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "a field is missing, or holds something else than it should",
        serde_json::error::Category::Io => "it cannot be read",
    }
}

fn too_large() -> Problem {
    Problem::too_large(format!("the body has more than {} MiB without compression", BODY_MAX >> 20))
}

/// The content of a body, and whether the body holds nothing else: a name, a comment, or what
/// follows the end. `room` is how much a body says that it inflates to: memory was taken for so
/// much, and for no byte more.
fn inflated(body: &[u8], encoding: Encoding, room: usize) -> Result<(Vec<u8>, bool), Problem> {
    let mut bytes = Vec::with_capacity(room.min(body.len().saturating_mul(8)));
    let mut is_all = true;
    let most = room as u64 + 1;
    let broken = |_| Problem::bad_request("the body cannot be decompressed");
    match encoding {
        Encoding::Identity => bytes.extend_from_slice(body),
        Encoding::Gzip => {
            let mut decoder = flate2::bufread::GzDecoder::new(body);
            (&mut decoder).take(most).read_to_end(&mut bytes).map_err(broken)?;
            // The fourth byte says which further fields the header has (RFC 1952, 2.3.1).
            is_all = decoder.into_inner().is_empty() && body.get(3) == Some(&0);
        }
        Encoding::Zstd => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(body)
                .map_err(|_| Problem::bad_request("the body cannot be decompressed"))?;
            decoder.take(most).read_to_end(&mut bytes).map_err(broken)?;
        }
    }
    match bytes.len() {
        length if length > BODY_MAX => Err(too_large()),
        length if length > room => Err(Problem::bad_request("the body has more bytes than its compressed form says")),
        _ => Ok((bytes, is_all)),
    }
}

fn check(upload: &Upload) -> Result<(), Problem> {
    let run = &upload.run;
    if run.findings.len() > FINDINGS_MAX {
        return Err(Problem::too_large(format!(
            "the run has {} findings, and at most {FINDINGS_MAX} are taken: narrow what is scanned, or send it in parts under different names",
            run.findings.len()
        )));
    }
    if run.tools.len() > TOOLS_MAX {
        return Err(Problem::unprocessable(format!("the run has more than {TOOLS_MAX} tools")));
    }
    let is_name = |name: &str| !name.is_empty() && name.len() <= NAME_MAX && !name.contains(char::is_control);
    if !is_name(&upload.name) || !run.tools.iter().all(|tool| is_name(&tool.name)) {
        return Err(Problem::unprocessable(
            "the name of the run or of a tool is empty, too long, or holds control characters",
        ));
    }
    if run.tools.iter().any(|tool| tool.scope.len() > SCOPE_MAX || tool.configuration.len() > SCOPE_MAX) {
        return Err(Problem::unprocessable(format!(
            "the scope or configuration of a tool has more than {SCOPE_MAX} bytes: name the folder that it looked at"
        )));
    }
    let compared = run.comparison.as_ref().map_or(0, |comparison| comparison.fixed.len() + comparison.leaked.len());
    if compared > FINDINGS_MAX {
        return Err(Problem::too_large(format!(
            "the comparison has {compared} findings that are fixed or leaked, and at most {FINDINGS_MAX} are taken"
        )));
    }
    let names: HashSet<&str> = run.findings.iter().map(|finding| finding.rule.as_str()).collect();
    let bytes: usize = names.iter().map(|name| name.len()).sum();
    if bytes > RULE_NAMES_MAX {
        return Err(Problem::too_large(format!(
            "the names of the run's rules have {bytes} bytes, and at most {RULE_NAMES_MAX} are taken: a rule's name says what kind of finding it is, and is the same for all of them; send what differs in the message"
        )));
    }
    if let Some(subject) = &run.subject {
        let destination = subject.pull_request.as_ref().map(|pull_request| &pull_request.destination_branch);
        let refs = [subject.branch.as_ref(), subject.tag.as_ref(), destination].into_iter().flatten();
        if refs.chain([&subject.workspace, &subject.repository]).any(|name| name.len() > REF_MAX) {
            return Err(Problem::unprocessable(format!(
                "a name in `run.subject` has more than {REF_MAX} bytes, and Bitbucket has none that is as long"
            )));
        }
    }
    if run.tools.is_empty() && !run.findings.is_empty() {
        return Err(Problem::unprocessable("the run has findings and no tool that found them"));
    }
    if let Some(unsound) = run.metrics.and_then(|metrics| metrics.check().err()) {
        return Err(Problem::unprocessable(format!("`run.metrics` cannot be: {unsound}")));
    }
    let is_owner = |owner: &Masked| is_name(owner) && !owner.contains(char::is_whitespace);
    let are_owners = |finding: &Finding| finding.owners.len() <= OWNERS_MAX && finding.owners.iter().all(is_owner);
    if let Some(at) = run.findings.iter().position(|finding| !are_owners(finding)) {
        return Err(Problem::unprocessable(format!(
            "finding {at} has owners that are none: at most {OWNERS_MAX}, each a word"
        )));
    }
    match run.findings.iter().position(|finding| !is_sound(finding)) {
        Some(at) => Err(Problem::unprocessable(format!(
            "finding {at} stands at a path that is none: it must lead down from the root of the repository, without `..`, empty parts or control characters"
        ))),
        None => Ok(()),
    }
}

fn is_sound(finding: &Finding) -> bool {
    std::iter::once(&finding.location).chain(&finding.related).all(|location| is_path(&location.path))
        && is_name(&finding.rule)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_MAX && !name.contains(char::is_control)
}

fn is_path(path: &str) -> bool {
    path.len() <= PATH_MAX
        && !path.starts_with('/')
        && !path.contains(char::is_control)
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for path in ["a", "a/b.rs", "a b/ü", "archive.zip!/inner", "a..b/c"] {
            assert!(is_path(path), "{path}");
        }
        for path in ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a\n", "a\0", &"x".repeat(PATH_MAX + 1)] {
            assert!(!is_path(path), "{path}");
        }
    }

    #[test]
    fn a_body_inflates_to_so_much_and_no_more() {
        let bomb = vec![b' '; BODY_MAX + 2];
        let refused = |body: &[u8], encoding| read(body, encoding).err().expect("it is refused").status().as_u16();
        assert_eq!(refused(&gzip(&bomb).unwrap(), Encoding::Gzip), 413);
        for encoding in [Encoding::Gzip, Encoding::Zstd] {
            assert_eq!(refused(b"no such thing", encoding), 400);
        }
        let deep = "[".repeat(100_000);
        assert_eq!(refused(deep.as_bytes(), Encoding::Identity), 400);
        assert!(Encoding::of(Some("br")).is_err());
        assert_eq!(Encoding::of(Some("GZIP")).unwrap(), Encoding::Gzip);
    }
}
