//! How commits are related.
//!
//! Owns asking for it with few requests: what was answered once is remembered, and many candidates are asked about at once.

use std::collections::HashSet;

use penstock_common::bitbucket::client;

use super::repositories::commit;
use super::{Error, InRepository};
use crate::track::Commit;

/// Fewest digits of a shortened id that is believed to stand for one commit. Bitbucket's have 12.
const DIGITS_MIN: usize = 12;
/// Most commits that are listed to see which candidates are among them; 100 cost a request.
const LISTED_MAX: usize = 300;

impl InRepository {
    /// `GET …/commit/{hash}`: whether the repository has this commit.
    pub async fn has_commit(&self, commit: Commit) -> Result<bool, Error> {
        Ok(self.full_asked(&commit.to_string()).await?.is_some())
    }

    /// The commit that a hash stands for as Bitbucket tells it, which may be shortened: of pull requests it tells 12 digits. Asks
    /// `GET …/commit/{hash}` if need be; `None` if the repository has no such commit.
    pub(super) async fn full(&self, hash: &str) -> Result<Option<Commit>, Error> {
        if let Ok(commit) = hash.parse() {
            return Ok(Some(commit));
        }
        let is_short = hash.len() >= DIGITS_MIN && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_short {
            return Err(Error::unreadable("a commit's id is none"));
        }
        self.full_asked(hash).await
    }

    async fn full_asked(&self, hash: &str) -> Result<Option<Commit>, Error> {
        let question = (self.repository, hash.to_ascii_lowercase());
        if let Some(known) = self.memory().full.get(&question) {
            return Ok(Some(known));
        }
        let Some(told) = self.calls.commit(&question.1).await? else { return Ok(None) };
        let full = commit(&told.hash)?;
        if !full.to_string().starts_with(&question.1) {
            return Err(Error::unreadable("another commit was told than was asked for"));
        }
        self.memory().full.keep(question, full);
        Ok(Some(full))
    }

    /// `GET …/merge-base/{one}..{other}`: the best commit that both reach; `None` if there is none, or one of them is not known. If there are
    /// several, Bitbucket chooses.
    pub async fn merge_base(&self, one: Commit, other: Commit) -> Result<Option<Commit>, Error> {
        if one == other {
            return Ok(Some(one));
        }
        let question = (self.repository, one.min(other), one.max(other));
        if let Some(known) = self.memory().merge_bases.get(&question) {
            return Ok(Some(known));
        }
        let Some(told) = self.calls.merge_base(&one.to_string(), &other.to_string()).await? else { return Ok(None) };
        let base = commit(&told.hash)?;
        self.memory().merge_bases.keep(question, base);
        Ok(Some(base))
    }

    /// Whether `one` is an ancestor of `other`, or the same. Commits that are not known have none and are none.
    pub async fn is_ancestor(&self, one: Commit, other: Commit) -> Result<bool, Error> {
        Ok(self.newest_ancestor(&[one], other).await?.is_some())
    }

    /// The newest of `candidates`, which are in the order of [`crate::track::Timeline::commits`], that is an ancestor of `of`, or the same; `None` if
    /// none is, or `of` is not known.
    ///
    /// One list tells it for all of them in the usual case: what the candidates reach and `of` does not
    /// (`GET …/commits?include=…&exclude=…`). A candidate that is in it is no ancestor; every other one is.
    pub async fn newest_ancestor(&self, candidates: &[Commit], of: Commit) -> Result<Option<Commit>, Error> {
        let (mut open, mut known) = (Vec::new(), None);
        for candidate in candidates.iter().rev().copied() {
            match self.recall(candidate, of) {
                Some(true) => {
                    known = Some(candidate);
                    break;
                }
                Some(false) => {}
                None => open.push(candidate),
            }
        }
        if open.is_empty() {
            return Ok(known);
        }
        if !self.has_commit(of).await? {
            return Ok(None);
        }
        Ok(self.newest_of(open, of).await?.or(known))
    }

    fn recall(&self, one: Commit, other: Commit) -> Option<bool> {
        if one == other { Some(true) } else { self.memory().ancestors.get(&(self.repository, one, other)) }
    }

    fn remember(&self, one: Commit, other: Commit, is_ancestor: bool) {
        self.memory().ancestors.keep((self.repository, one, other), is_ancestor);
    }

    /// The first of `open`, the newest of which come first, that is an ancestor of `of`, which is known.
    async fn newest_of(&self, open: Vec<Commit>, of: Commit) -> Result<Option<Commit>, Error> {
        let mut parts = vec![open];
        while let Some(part) = parts.pop() {
            let Some((beyond, more)) = self.beyond(&part, of, LISTED_MAX).await? else {
                // One of them is gone, and the answer does not say which. The newer half is looked at first.
                if part.len() > 1 {
                    let (newer, older) = part.split_at(part.len() / 2);
                    parts.extend([older.to_vec(), newer.to_vec()]);
                }
                continue;
            };
            for candidate in part {
                let is_ancestor = match (beyond.contains(&candidate), more) {
                    (true, _) => false,
                    (false, false) => true,
                    (false, true) => self.beyond(&[candidate], of, 1).await?.is_some_and(|(rest, _)| rest.is_empty()),
                };
                self.remember(candidate, of, is_ancestor);
                if is_ancestor {
                    return Ok(Some(candidate));
                }
            }
        }
        Ok(None)
    }

    /// What `candidates` reach and `of` does not, `most` at most, and whether that is not all; `None` if one of them is not known.
    async fn beyond(
        &self,
        candidates: &[Commit],
        of: Commit,
        most: usize,
    ) -> Result<Option<(HashSet<Commit>, bool)>, Error> {
        let include: Vec<String> = candidates.iter().map(ToString::to_string).collect();
        match self.calls.commits_beyond(&include, &of.to_string(), most).await {
            Ok((told, more)) => {
                let told = told.iter().map(|one| commit(&one.hash)).collect::<Result<_, _>>()?;
                Ok(Some((told, more)))
            }
            Err(error) if is_about_commits(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a list is refused because of what it was asked for. Which status it has is not documented.
fn is_about_commits(error: &client::Error) -> bool {
    matches!(error.status(), Some(400 | 404))
}
