//! How values of the model stand in columns.
//!
//! Owns the forms: names where people may look at them, numbers where they are sorted, bytes for what is only compared.

use penstock_common::{Category, Masked, Severity, SuppressionKind, masked};

use crate::store::error::{Error, Result};
use crate::track::{Commit, Gap, How, RunId, Stamp, Status};

const SEVERITIES: [Severity; 5] = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
const KINDS: [(SuppressionKind, &str); 4] = [
    (SuppressionKind::Inline, "inline"),
    (SuppressionKind::GitleaksAllowlist, "gitleaks_allowlist"),
    (SuppressionKind::GitleaksIgnore, "gitleaks_ignore"),
    (SuppressionKind::Configuration, "configuration"),
];
const STATUSES: [Status; 6] = [
    Status::NeedsTriage,
    Status::Confirmed,
    Status::FalsePositive,
    Status::AcceptedRisk,
    Status::WontFix,
    Status::UsedInTests,
];

pub(super) const fn severity_code(severity: Severity) -> i64 {
    severity as i64
}

pub(super) fn severity(code: i64) -> Result<Severity> {
    usize::try_from(code).ok().and_then(|at| SEVERITIES.get(at)).copied().ok_or(Error::Corrupt("occurrences.severity"))
}

pub(super) fn category(name: &str) -> Result<Category> {
    name.parse().map_err(|_| Error::Corrupt("findings.category"))
}

pub(super) fn allowed_name(kind: SuppressionKind) -> &'static str {
    KINDS.iter().find(|(one, _)| *one == kind).map_or("configuration", |(_, name)| name)
}

pub(super) fn allowed(name: &str) -> Result<SuppressionKind> {
    KINDS.iter().find(|(_, one)| *one == name).map(|(kind, _)| *kind).ok_or(Error::Corrupt("occurrences.allowed"))
}

pub(super) fn status(name: &str) -> Result<Status> {
    STATUSES.into_iter().find(|one| one.name() == name).ok_or(Error::Corrupt("findings.status"))
}

/// 0 while it is open.
pub(super) const fn state_code(gone: Option<How>) -> i64 {
    match gone {
        None => 0,
        Some(How::Fixed) => 1,
        Some(How::Removed) => 2,
    }
}

pub(super) const fn how_name(how: How) -> &'static str {
    match how {
        How::Fixed => "fixed",
        How::Removed => "removed",
    }
}

pub(super) fn how(name: &str) -> Result<How> {
    match name {
        "fixed" => Ok(How::Fixed),
        "removed" => Ok(How::Removed),
        _ => Err(Error::Corrupt("occurrences.gone_how")),
    }
}

pub(super) fn stamp_bytes(stamp: &Stamp) -> Vec<u8> {
    let commit: [u8; 20] = stamp.commit.into();
    [&commit[..], &stamp.at.to_be_bytes(), &stamp.run.0.to_be_bytes()].concat()
}

pub(super) fn stamp(bytes: &[u8]) -> Result<Stamp> {
    let corrupt = || Error::Corrupt("occurrences.seen");
    let (commit, rest) = bytes.split_first_chunk::<20>().ok_or_else(corrupt)?;
    let (at, rest) = rest.split_first_chunk::<8>().ok_or_else(corrupt)?;
    let run: [u8; 16] = rest.try_into().map_err(|_| corrupt())?;
    Ok(Stamp { commit: Commit::from(*commit), at: i64::from_be_bytes(*at), run: RunId(u128::from_be_bytes(run)) })
}

pub(super) fn gap_bytes(gap: &Gap) -> Vec<u8> {
    [stamp_bytes(&gap.gone), stamp_bytes(&gap.back)].concat()
}

pub(super) fn gap(bytes: &[u8]) -> Result<Gap> {
    let (gone, back) = bytes.split_at_checked(44).ok_or(Error::Corrupt("occurrences.gap"))?;
    Ok(Gap { gone: stamp(gone)?, back: stamp(back)? })
}

pub(super) fn commit_bytes(commit: Commit) -> Vec<u8> {
    <[u8; 20]>::from(commit).to_vec()
}

pub(super) fn commit(bytes: &[u8]) -> Result<Commit> {
    <[u8; 20]>::try_from(bytes).map(Commit::from).map_err(|_| Error::Corrupt("a commit"))
}

pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|_| Error::Corrupt("a value that has no JSON form"))
}

pub(super) fn from_json<T: serde::de::DeserializeOwned>(text: &str, column: &'static str) -> Result<T> {
    restored(text).ok_or(Error::Corrupt(column))
}

/// A document as it was stored; nothing if it is none of this type. What is stored was masked
/// before.
#[expect(clippy::disallowed_methods, reason = "storage is where masked text is read back")]
pub fn restored<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    masked::read_back(text.as_bytes()).ok()
}

/// A text as it was stored, masked.
#[expect(clippy::disallowed_methods, reason = "storage is where masked text is read back")]
pub(super) fn text(stored: String) -> Masked {
    Masked::from_store(stored)
}
