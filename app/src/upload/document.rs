//! The body of an upload.
//!
//! Owns its bounds: how much it may inflate to, how many findings it may hold, and which paths and links are taken.

use std::io::Read;

use penstock_common::Finding;
use penstock_common::upload::v1::{BODY_MAX, Error, Upload};

use crate::problem::Problem;

/// Most findings of a run.
pub const FINDINGS_MAX: usize = 50_000;
/// Most tools of a run.
const TOOLS_MAX: usize = 64;
/// Most owners of a file.
const OWNERS_MAX: usize = 20;
/// Most bytes of a path, and of a name.
const PATH_MAX: usize = 4096;
const NAME_MAX: usize = 256;

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

/// Reads a body.
///
/// # Errors
/// When it is too large, no upload, or holds what no honest pipe sends.
pub fn read(body: &[u8], encoding: Encoding) -> Result<(Upload, Vec<u8>), Problem> {
    let bytes = inflated(body, encoding)?;
    let upload = Upload::from_bytes(&bytes).map_err(|error| match error {
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
    Ok((upload, bytes))
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

fn inflated(body: &[u8], encoding: Encoding) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let most = BODY_MAX as u64 + 1;
    let broken = |_| Problem::bad_request("the body cannot be decompressed");
    match encoding {
        Encoding::Identity => bytes.extend_from_slice(body),
        Encoding::Gzip => {
            flate2::read::GzDecoder::new(body).take(most).read_to_end(&mut bytes).map_err(broken)?;
        }
        Encoding::Zstd => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(body)
                .map_err(|_| Problem::bad_request("the body cannot be decompressed"))?;
            decoder.take(most).read_to_end(&mut bytes).map_err(broken)?;
        }
    }
    if bytes.len() > BODY_MAX { Err(too_large()) } else { Ok(bytes) }
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
    if run.tools.is_empty() && !run.findings.is_empty() {
        return Err(Problem::unprocessable("the run has findings and no tool that found them"));
    }
    if let Some(unsound) = run.metrics.and_then(|metrics| metrics.check().err()) {
        return Err(Problem::unprocessable(format!("`run.metrics` cannot be: {unsound}")));
    }
    let is_owner = |owner: &String| is_name(owner) && !owner.contains(char::is_whitespace);
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
    use std::io::Write;

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
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&bomb).unwrap();
        let problem = read(&encoder.finish().unwrap(), Encoding::Gzip).unwrap_err();
        assert_eq!(problem.status().as_u16(), 413);
        for encoding in [Encoding::Gzip, Encoding::Zstd] {
            assert_eq!(read(b"no such thing", encoding).unwrap_err().status().as_u16(), 400);
        }
        let deep = "[".repeat(100_000);
        assert_eq!(read(deep.as_bytes(), Encoding::Identity).unwrap_err().status().as_u16(), 400);
        assert!(Encoding::of(Some("br")).is_err());
        assert_eq!(Encoding::of(Some("GZIP")).unwrap(), Encoding::Gzip);
    }
}
