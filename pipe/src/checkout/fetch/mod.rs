//! Fetching what a shallow clone lacks, into a folder of its own.
//!
//! Owns the order of a fetch: ask what the server can do, find the tip, fetch a little history, and more of it until it is enough. The clone is
//! read and never written: what comes lies in a temporary repository that borrows the clone's objects. Everything the server sends is bounded in
//! bytes and time and checked before it is believed. How it is asked (HTTP, credentials, proxies) is the caller's.

mod packet;
mod protocol;
mod store;
mod unpack;

use std::io::Read;
use std::time::{Duration, Instant};

use gix::ObjectId;

use super::repository::Repository;
use protocol::{Fetched, Haves};
use store::Store;

/// Commits below the tips that are asked for, one round after the other. One round of a clone that is not shallow needs no bound.
const DEPTHS: [u32; 4] = [48, 384, 3072, 24_576];

/// Time for all of it.
pub const TIME: Duration = Duration::from_secs(20);

/// Bytes that all answers may have together.
pub const BYTES: u64 = 160 << 20;

/// Asks the git server, in version 2 of its protocol: what it can do, or what a request says. The answer is read as it comes.
pub type Ask<'a> = &'a dyn Fn(Option<Vec<u8>>) -> Result<Box<dyn Read + Send + 'a>, String>;

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The full id of a commit, if it is known.
    pub commit: Option<ObjectId>,
    /// Else the tip of this branch.
    pub branch: Option<&'a str>,
    /// A commit of the clone whose history may be deepened too.
    pub head: Option<ObjectId>,
}

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The server was not reached, or refused.
    #[error("{0}")]
    Asking(String),
    /// The answer is not git's, or says that something is wrong.
    #[error("the git server's answer cannot be used: {0}")]
    Answer(String),
    /// A bound was reached.
    #[error("the fetch was given up: {0}")]
    Bound(&'static str),
    /// The temporary repository cannot be made.
    #[error("what was fetched cannot be kept")]
    Keeping(#[source] std::io::Error),
    /// The temporary repository cannot be read.
    #[error("what was fetched cannot be read: {0}")]
    Reading(String),
    /// There is nothing of that name.
    #[error("the repository has no branch `{0}`")]
    NoBranch(String),
    /// All rounds were made.
    #[error("the histories do not meet within {0} commits")]
    NotEnough(u32),
}

/// What bounds a fetch, as it goes on.
struct Bounds {
    end: Instant,
    bytes: u64,
}

impl Bounds {
    fn time_left(&self) -> Result<Duration, FetchError> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(FetchError::Bound("it took longer than 20 seconds")) } else { Ok(left) }
    }

    /// An answer that ends where the bounds are.
    fn reader<'r>(&'r mut self, inner: impl Read + 'r) -> impl Read + 'r {
        BoundedReader { inner, bounds: self }
    }
}

struct BoundedReader<'b, R> {
    inner: R,
    bounds: &'b mut Bounds,
}

impl<R: Read> Read for BoundedReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.bounds.time_left().map_err(|error| std::io::Error::new(std::io::ErrorKind::TimedOut, error))?;
        let got = self.inner.read(buffer)?;
        let too_much = || std::io::Error::other(FetchError::Bound("the server sends too much"));
        self.bounds.bytes = self.bounds.bytes.checked_sub(got as u64).ok_or_else(too_much)?;
        Ok(got)
    }
}

/// Fetches until `enough` says so of a repository that holds the clone's objects and the fetched ones, and of the tip. What is handed back lives
/// in a temporary folder that goes with it.
pub fn fetch(
    ask: Ask<'_>,
    clone: &Repository,
    wanted: Wanted<'_>,
    enough: &dyn Fn(&Repository, ObjectId) -> bool,
) -> Result<(Repository, ObjectId), FetchError> {
    let mut bounds = Bounds { end: Instant::now() + TIME, bytes: BYTES };
    let abilities = protocol::abilities(ask, &mut bounds)?;
    let tip = match (wanted.commit, wanted.branch) {
        (Some(commit), _) => commit,
        (None, Some(branch)) => protocol::branch_tip(ask, &mut bounds, branch)?,
        (None, None) => return Err(FetchError::Reading("nothing was asked for".to_owned())),
    };
    let mut store = Store::beside(clone)?;
    let deepens = clone.is_shallow();
    if deepens && !abilities.shallow {
        return Err(FetchError::Answer("it knows nothing of shallow clones".to_owned()));
    }
    let mut haves: Haves = wanted.head.into_iter().chain(clone.commit("HEAD").ok()).collect();
    for depth in DEPTHS {
        let wants: Vec<ObjectId> = if deepens { std::iter::once(tip).chain(wanted.head).collect() } else { vec![tip] };
        let shallow = store.shallow().clone();
        let request =
            protocol::Request { wants: &wants, haves: &haves, shallow: &shallow, depth: deepens.then_some(depth) };
        let Fetched { shallow, pack } = protocol::fetch(ask, &mut bounds, &request, store.folder())?;
        unpack::unpack(pack, &store.pack_folder(), &bounds)?;
        let repository = store.reopen(shallow)?;
        if enough(&repository, tip) {
            return Ok((store.keep(repository), tip));
        }
        if !repository.is_shallow() || !deepens {
            break;
        }
        haves.insert(tip);
    }
    Err(FetchError::NotEnough(DEPTHS[DEPTHS.len() - 1]))
}

#[cfg(test)]
mod tests;
