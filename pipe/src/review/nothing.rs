//! A run that read nothing.
//!
//! Owns the difference between "there was nothing to read" and "nothing was read": the first passes
//! with a notice, the second is incomplete. Without this a gate would pass because nothing was
//! scanned.

use penstock_common::gate::{Measure, Measures};
use penstock_common::{Masked, Notice, Skipped};

use crate::scan::Scanned;

/// Marks `head` as incomplete if something should have been read and was not. A build always has
/// files: a commit without files, or an emptied clone, proves nothing. Otherwise returns the
/// notices.
pub(super) fn account(head: &mut Scanned, in_build: bool, mask: &dyn Fn(&str) -> Masked) -> Option<Notice> {
    if head.tool.files > 0 {
        return None;
    }
    let unread = head.unread.len() as u64;
    let expected = unread + head.left_out;
    if expected == 0 && head.tool.complete && !in_build {
        let text = "nothing to scan: there are no files in what was to be looked at".into();
        return Some(Notice { subject: "scan".into(), text });
    }
    let files = |number: u64| if number == 1 { "1 file".to_owned() } else { format!("{number} files") };
    let reason = match (head.left_out, unread) {
        (0, 0) if head.tool.complete => "nothing was read: there are no files in the commit".to_owned(),
        (0, 0) => "nothing was read".to_owned(),
        (0, 1) => "nothing was read: 1 path could not be read or is over a limit".to_owned(),
        (0, unread) => format!("nothing was read: {unread} paths could not be read or are over a limit"),
        (left_out, 0) => format!("nothing was read: {} left out by the configuration", files(left_out)),
        (left_out, unread) => {
            format!(
                "nothing was read: {} left out by the configuration, {} not readable or over a limit",
                files(left_out),
                files(unread)
            )
        }
    };
    head.tool.skipped.push(Skipped { subject: "scan".into(), reason: mask(&reason), by_limit: false });
    head.tool.skipped.sort();
    head.tool.complete = false;
    None
}

/// Clears the numbers of a run that read nothing: they are unknown or, if that `is_allowed`, not
/// evaluated.
pub(super) fn forget(measures: &mut Measures, is_allowed: bool) {
    let why = || "nothing was read".into();
    for measure in measures.values.values_mut().filter(|measure| matches!(measure, Measure::Known(_))) {
        *measure = if is_allowed { Measure::NotApplicable(why()) } else { Measure::Unknown(why()) };
    }
}
