//! Workspaces, repositories, branches, files.

use penstock::analyze::secrets::mask;
use penstock_common::bitbucket::client;
use penstock_common::{Masked, Uuid};

use super::{Bitbucket, Error, InRepository};
use crate::track::Commit;

/// Most bytes of a policy file, `penstock.toml`, that is read.
pub const POLICY_MAX: usize = 256 << 10;

/// A workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Identifies it.
    pub id: Uuid,
    /// Its name in addresses. It may change.
    pub slug: Masked,
}

/// A repository as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Identifies it.
    pub id: Uuid,
    /// Whose it is. Not the tenant's any more after a transfer.
    pub workspace: Uuid,
    /// Its name in addresses.
    pub slug: Masked,
    /// `WORKSPACE/SLUG`.
    pub full_name: Masked,
    /// The branch that counts; none while it is empty.
    pub main_branch: Option<Masked>,
    /// Only members see it. What Bitbucket does not say counts as private.
    pub is_private: bool,
    /// What it is a fork of, if the app may know.
    pub parent: Option<Uuid>,
}

/// A branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Its name.
    pub name: Masked,
    /// Its tip.
    pub head: Commit,
}

impl Bitbucket {
    /// `GET /2.0/workspaces/{uuid}`: what the tenant is called now.
    pub async fn workspace(&self) -> Result<Workspace, Error> {
        let told = self.client.workspace(&self.workspace.braced()).await?;
        match told.uuid.as_deref().map(str::parse) {
            Some(Ok(id)) if id == self.workspace => Ok(Workspace { id, slug: mask(&told.slug) }),
            _ => Err(Error::unreadable("another workspace was told than was asked for")),
        }
    }
}

impl InRepository {
    /// `GET /2.0/repositories/{workspace}/{repository}`; `None` if there is none, or the app may not see it.
    pub async fn get(&self) -> Result<Option<Repository>, Error> {
        let told = match self.calls.get().await {
            Err(error) if error.is_not_found() => return Ok(None),
            told => told?,
        };
        let parsed = |uuid: Option<&str>| uuid.and_then(|uuid| uuid.parse::<Uuid>().ok());
        let id = parsed(told.uuid.as_deref()).filter(|id| *id == self.repository);
        let workspace = parsed(told.workspace.as_ref().and_then(|workspace| workspace.uuid.as_deref()));
        let slug = told.names().map(|(_, slug)| mask(slug));
        let (Some(id), Some(workspace), Some(slug)) = (id, workspace, slug) else {
            return Err(Error::unreadable("another repository was told than was asked for, or not whose it is"));
        };
        Ok(Some(Repository {
            id,
            workspace,
            slug,
            main_branch: told.mainbranch.map(|branch| mask(&branch.name)),
            is_private: told.is_private.unwrap_or(true),
            parent: parsed(told.parent.as_ref().and_then(|parent| parent.uuid.as_deref())),
            full_name: mask(&told.full_name),
        }))
    }

    /// `GET …/refs/branches/{name}`: the branch's tip; `None` if there is no such branch, or no such repository (any more), which
    /// [`Self::get`] tells.
    pub async fn branch(&self, name: &str) -> Result<Option<Commit>, Error> {
        // What cannot be part of an address is no branch's name either.
        match self.calls.branch(name).await {
            Err(client::Error::Segment(_)) => Ok(None),
            told => told?.map(|branch| commit(&branch.target.hash)).transpose(),
        }
    }

    /// `GET …/refs/branches`: all of them, 10,000 at most; 100 cost a request.
    pub async fn branches(&self) -> Result<Vec<Branch>, Error> {
        let told = self.calls.branches().await?;
        told.into_iter().map(|one| Ok(Branch { head: commit(&one.target.hash)?, name: mask(&one.name) })).collect()
    }

    /// `GET …/src/{commit}/{path}`: a file of at most `limit` bytes; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if it is larger.
    pub async fn file(&self, at: Commit, path: &str, limit: usize) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.calls.file(&at.to_string(), path, limit).await?)
    }
}

/// A full commit id as Bitbucket tells it.
pub(super) fn commit(hash: &str) -> Result<Commit, Error> {
    hash.parse().map_err(|_| Error::unreadable("a commit's id is none"))
}
