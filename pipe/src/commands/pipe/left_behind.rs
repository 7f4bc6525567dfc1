//! What a run in a pipeline leaves behind for later steps, other pipes and the Tests tab.
//!
//! Owns the paths and the content of these files. They contain no secrets: reports are already
//! masked, and variables for other steps are numbers, fixed words and hex only, since Pipelines
//! does not mask output variables. The shared folders are below the clone, so every write goes
//! through `no_follow`.

use std::path::{Path, PathBuf};

use penstock_common::gate::Verdict;
use penstock_common::{Change, Run, Severity};
use serde::Serialize;

use crate::no_follow::{NoFollowError, NoFollowFile};
use crate::render::{Format, OutputFile};

/// The reports, under the clone: where Pipelines looks for test results, and a folder to name as artifact.
pub(super) fn reports(clone: &Path, name: &str) -> Vec<OutputFile> {
    let report = |format, folder: &str, ending: &str| OutputFile {
        format,
        path: clone.join(folder).join(format!("{name}.{ending}")),
    };
    vec![
        report(Format::Junit, "test-results", "xml"),
        report(Format::Sarif, "penstock-report", "sarif"),
        report(Format::Json, "penstock-report", "json"),
    ]
}

/// What other pipes and later steps may know, in few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Digest {
    /// `passed`, `failed` or `unknown`.
    verdict: Verdict,
    /// Whether everything was looked at.
    complete: bool,
    /// Active findings in the head.
    total: usize,
    /// Of these the base has not; absent if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<usize>,
    /// Of the new ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_critical: Option<usize>,
    /// Of the new ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_high: Option<usize>,
    /// Findings of the base that are gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed: Option<usize>,
    /// Secrets that were added and removed again.
    #[serde(skip_serializing_if = "Option::is_none")]
    leaked: Option<usize>,
    /// The commit that was looked at, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    /// The commit it was compared with, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<String>,
}

impl Digest {
    pub(super) fn of(run: &Run) -> Self {
        let known = run.comparison.as_ref().filter(|comparison| comparison.base.kind.is_known());
        let active = || run.findings.iter().filter(|finding| finding.is_active());
        let new = |severity: Option<Severity>| {
            known?;
            let new = active().filter(|finding| finding.change == Some(Change::New));
            Some(new.filter(|finding| severity.is_none_or(|severity| finding.severity == severity)).count())
        };
        // Somebody may name anything a commit in a variable of the build.
        let hex = |id: &String| id.len() <= 64 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
        Self {
            verdict: run.gate.as_ref().map_or(Verdict::Unknown, |gate| gate.verdict()),
            complete: run.complete(),
            total: active().count(),
            new: new(None),
            new_critical: new(Some(Severity::Critical)),
            new_high: new(Some(Severity::High)),
            fixed: known.map(|comparison| comparison.fixed.len()),
            leaked: known.map(|comparison| comparison.leaked.len()),
            commit: run.subject.as_ref().map(|subject| subject.commit.clone()).filter(hex),
            base: known.and_then(|comparison| comparison.base.commit.clone()).filter(hex),
        }
    }

    /// `PENSTOCK_NEW=3` …, a line each.
    fn variables(&self) -> String {
        let serde_json::Value::Object(fields) = serde_json::json!(self) else { return String::new() };
        let line = |(name, value): (&String, &serde_json::Value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("PENSTOCK_{}={value}\n", name.to_ascii_uppercase())
        };
        fields.iter().map(line).collect()
    }
}

/// Appends output variables to the file that Pipelines reads them from.
pub(super) fn append_variables(path: &Path, digest: &Digest) -> Result<(), NoFollowError> {
    NoFollowFile::open(path)?.append(digest.variables().as_bytes())
}

/// Writes `<folder>/<owner>/<pipe>/<name>.json` for the other pipes of the step.
pub(super) fn share(folder: &Path, name: &str, digest: &Digest) -> Result<PathBuf, NoFollowError> {
    let path = folder.join(pipe_name()).join(format!("{name}.json"));
    NoFollowFile::open(&path)?.replace(|out| Ok(serde_json::to_writer(out, digest)?))?;
    Ok(path)
}

/// `owner/pipe`, as `pipe.yml` names the image: the one place where it stands.
fn pipe_name() -> &'static str {
    let image = include_str!("../../../../pipe.yml").lines().find_map(|line| line.strip_prefix("image: "));
    image.and_then(|image| image.rsplit_once(':')).map_or("penstock/penstock", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn digest() -> Digest {
        Digest {
            verdict: Verdict::Failed,
            complete: true,
            total: 5,
            new: Some(2),
            new_critical: Some(1),
            new_high: Some(1),
            fixed: Some(0),
            leaked: Some(0),
            commit: Some("0a".to_owned()),
            base: None,
        }
    }

    #[test]
    fn variables_are_appended_and_hold_numbers_words_and_hex_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("variables");
        fs::write(&path, "OTHER=1\n").expect("written");
        append_variables(&path, &digest()).expect("appended");
        let text = fs::read_to_string(&path).expect("readable");
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines.contains(&"OTHER=1")
                && lines.contains(&"PENSTOCK_NEW=2")
                && lines.contains(&"PENSTOCK_VERDICT=failed")
        );
        assert!(
            lines.iter().all(|line| line.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'='))),
            "{text}"
        );
    }

    #[test]
    fn other_pipes_find_it_under_the_name_of_the_image() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = share(folder.path(), "penstock", &digest()).expect("written");
        assert!(path.ends_with("penstock/penstock.json"), "{}", path.display());
        let json: serde_json::Value = serde_json::from_slice(&fs::read(path).expect("readable")).expect("JSON");
        assert_eq!(json["verdict"], "failed");
    }

    /// The shared folders are below the clone: a pull request may commit links there.
    #[cfg(unix)]
    #[test]
    fn a_committed_link_leads_nothing_elsewhere() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("a path");
        let (clone, outside) = (root.join("clone"), root.join("outside"));
        fs::create_dir(&clone).expect("a folder");
        fs::create_dir(&outside).expect("a folder");
        fs::write(outside.join("victim"), "victim").expect("written");
        symlink(&outside, clone.join("shared")).expect("a link");
        symlink(outside.join("victim"), clone.join("variables")).expect("a link");
        let shared = share(&clone.join("shared"), "penstock", &digest()).expect_err("a link");
        assert!(matches!(shared, NoFollowError::Symlink { .. }), "{shared:?}");
        let variables = append_variables(&clone.join("variables"), &digest()).expect_err("a link");
        assert!(matches!(variables, NoFollowError::Symlink { .. }), "{variables:?}");
        let through = append_variables(&clone.join("shared/variables"), &digest()).expect_err("a link");
        assert!(matches!(through, NoFollowError::Symlink { .. }), "{through:?}");
        assert_eq!(fs::read_to_string(outside.join("victim")).expect("readable"), "victim");
        assert_eq!(fs::read_dir(&outside).expect("readable").count(), 1);
    }
}
