//! Every blob of a repository's history once, with the commit that brought it.
//!
//! Owns reading whole histories fast and in little memory. Blobs are read in the order in which packs hold them, each as the
//! difference to the one before, and shown without a path to a filter; only for those that pass it are folders and commits
//! searched for the first commit that has them. Objects that cannot be read are named, and the rest is read.

mod bits;
mod blobs;
mod commits;
mod delta;
mod descent;
mod flaw;
mod hand;
mod inflate;
mod layout;
mod locate;
mod look;
mod loose;
mod names;
mod numbers;
mod objects;
mod offsets;
mod outline;
mod pack;
mod queue;
mod read;
mod report;
mod search;
mod sweep;
#[cfg(test)]
mod tests;
mod trees;
mod walk;

use std::collections::BTreeMap;

use gix::objs::Kind;

use self::bits::Bits;
use self::blobs::sift;
use self::commits::Commits;
use self::flaw::Flaw;
use self::hand::{Parcel, hand_over};
use self::locate::{Located, Search};
use self::numbers::Numbers;
use self::objects::Objects;
use self::outline::Outline;
use self::report::{Passed, report};
use super::{Coverage, Limits, Progress, Repository, Unread, Visitor};

/// Why a history cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The references cannot be read.
    #[error(transparent)]
    Repository(#[from] super::Error),
    /// No number is left for an object.
    #[error("the repository has more objects than penstock can number")]
    TooManyObjects,
}

/// Hands every blob that any reference reaches and that passes `interesting` to a visitor, once, with the path and the commit
/// that first brought it.
///
/// Each thread has its own filter and its own visitor. The filter sees every blob and no path; it must pass whatever a visitor
/// could be interested in under any path. Coverage counts what the filter saw.
pub fn history<V: Visitor, I: FnMut(&[u8]) -> bool + Send>(
    repository: &Repository,
    limits: &Limits,
    progress: Option<&dyn Progress>,
    interesting: impl Fn() -> I + Sync,
    visitor: impl Fn() -> V + Sync,
) -> Result<(Vec<V>, Coverage), HistoryError> {
    let tips = repository.all_tips()?;
    let mut skipped = tips.skipped;
    let has_lost_tips = !skipped.is_empty();
    let hash = repository.gix().to_thread_local().object_hash();
    let objects = Objects::open(repository.object_dirs(), hash, &mut skipped)?;
    let numbers = Numbers::new(&objects, repository.is_partial());

    let sifted = sift(&objects, limits, progress, interesting);
    let commits = Commits::read(&numbers, limits.threads, repository.shallow());
    let order = commits.order(&numbers, tips.commits.iter().map(|tip| numbers.number(tip, Kind::Commit)));
    let mut targets = sifted.interesting.clone();
    targets.extend(sifted.flaws.keys());
    let bits = Bits::of(objects.len(), targets.iter().copied());
    let mut outline = Outline::read(&numbers, limits.threads, &bits, &sifted.seen);
    outline.find_changelings(&numbers, &bits, order.commits.iter().map(|(_, folder)| *folder));
    targets.extend(numbers.all_missing());

    let mut located = Vec::new();
    if !targets.is_empty() {
        let mut starts: Vec<_> = order.commits.iter().map(|(commit, folder)| (Some(*commit), *folder)).collect();
        starts.extend(tips.others.iter().filter_map(|tip| Some((None, objects.find(tip)?))));
        let search = Search { numbers: &numbers, outline: &outline, threads: limits.threads, starts: &starts };
        located = search.locate(&targets);
        located.sort_unstable_by_key(|located| located.number);
    }

    // Where the way to a blob is broken, nobody can tell whether it is reachable: then none is held back.
    let is_broken = has_lost_tips
        || !order.lost.is_empty()
        || !outline.flaws.is_empty()
        || located.iter().any(|located| numbers.missing_kind(located.number) == Some(Kind::Tree));
    let mut parcels = Vec::new();
    for number in &sifted.interesting {
        match located.binary_search_by_key(number, |located| located.number) {
            Ok(at) => parcels.push(parcel(&numbers, located[at].clone())),
            Err(_) if is_broken => {
                parcels.push(parcel(&numbers, Located { number: *number, path: Vec::new(), commit: None }));
            }
            Err(_) => {}
        }
    }
    let visitors = hand_over(&numbers, limits, &parcels, visitor);

    let mut flaws = sifted.flaws;
    flaws.extend(commits.flaws);
    flaws.extend(outline.flaws);
    flaws.extend(located.iter().filter(|at| numbers.is_missing(at.number)).map(|at| (at.number, Flaw::Missing)));
    for number in order.lost {
        flaws.entry(number).or_insert(Flaw::Missing);
    }
    let passed = passed(&numbers, &located, flaws, is_broken);
    let path = |passed: &Passed| passed.path.clone().unwrap_or_else(|| passed.id.clone().into_bytes());
    let unread = passed.iter().map(|one| Unread { path: path(one), by_limit: one.flaw.is_limit() }).collect();
    skipped.extend(report(passed));
    skipped.extend(repository.is_shallow().then(super::range::cut_off));
    super::objects::sum_up(&mut skipped, numbers.left_out());
    skipped.sort();
    skipped.dedup();
    Ok((visitors, Coverage { files: sifted.blobs, bytes: sifted.bytes, skipped, unread }))
}

/// A blob that a tag names directly goes by its id.
fn parcel(numbers: &Numbers<'_>, Located { number, mut path, commit }: Located) -> Parcel {
    if path.is_empty() {
        path = numbers.id(number).to_string().into_bytes();
    }
    Parcel { number, path, commit }
}

/// What was passed over: whatever is damaged, and of what a limit left out, that which is reachable or may be.
fn passed(numbers: &Numbers<'_>, located: &[Located], flaws: BTreeMap<u32, Flaw>, is_broken: bool) -> Vec<Passed> {
    let path = |number| {
        let at = located.binary_search_by_key(&number, |located| located.number).ok()?;
        Some(located[at].path.clone())
    };
    flaws
        .into_iter()
        .map(|(number, flaw)| (number, flaw, path(number)))
        .filter(|(_, flaw, path)| is_broken || path.is_some() || !flaw.is_limit())
        .map(|(number, flaw, path)| {
            let path = path.filter(|path| !path.is_empty());
            Passed { id: numbers.id(number).to_string(), path, flaw }
        })
        .collect()
}
