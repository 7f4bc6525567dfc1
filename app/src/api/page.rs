//! Pages of lists.
//!
//! Owns how many entries a page has, and the cursor at its end.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Entries of a page, unless the caller says otherwise, and the most that he may say.
pub(super) const USUAL: i64 = 50;
pub(super) const MOST: i64 = 500;
/// Most characters of a cursor.
const CURSOR_MAX: usize = 200;

/// How many entries the caller wants.
pub(super) fn limit(asked: Option<i64>) -> Result<i64, Problem> {
    let limit = asked.unwrap_or(USUAL);
    if (1..=MOST).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::bad_request(format!("`limit` must be a number from 1 to {MOST}")))
    }
}

/// Takes off the entry that was read only to see whether there are more; `true` if there are.
pub(super) fn cut<T>(entries: &mut Vec<T>, limit: i64) -> bool {
    let more = entries.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    if more {
        entries.pop();
    }
    more
}

/// A cursor as it is handed out.
pub(super) fn cursor<T: Serialize>(end: &T) -> Option<String> {
    serde_json::to_vec(end).ok().map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}

/// A cursor as it comes back.
pub(super) fn after<T: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let Some(text) = cursor else { return Ok(None) };
    let bytes = (text.len() <= CURSOR_MAX).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten();
    let end = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    end.map(Some).ok_or_else(|| Problem::bad_request("`cursor` must be one that the page before gave"))
}
