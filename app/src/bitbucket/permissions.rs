//! What people may do.

use penstock_common::Uuid;
use penstock_common::bitbucket::workspaces::{Permission, RepositoryPermission};

use super::{Bitbucket, Error, InRepository};

impl Bitbucket {
    /// `GET /2.0/workspaces/{workspace}/permissions/repositories?q=user.uuid="{…}"`: the repositories that this user may read.
    ///
    /// # Errors
    /// [`Error::Denied`] if the installation may not ask, which is for admins of the workspace.
    pub async fn readable_by(&self, user: Uuid) -> Result<Vec<Uuid>, Error> {
        let told = self.client.permissions_of(&self.workspace.braced(), &user.braced()).await?;
        let theirs = told.into_iter().filter(|one| {
            let told = one.user.as_ref().and_then(|user| user.uuid.as_deref());
            one.permission > Permission::None && told.and_then(|uuid| uuid.parse::<Uuid>().ok()) == Some(user)
        });
        let uuid = |one: RepositoryPermission| one.repository?.uuid?.parse::<Uuid>().ok();
        Ok(theirs.filter_map(uuid).collect())
    }

    /// `GET /2.0/workspaces/{workspace}/permissions?q=permission="owner"`: whether this user decides about the workspace now.
    ///
    /// # Errors
    /// [`Error::Denied`] if the installation may not ask.
    pub async fn is_owned_by(&self, user: Uuid) -> Result<bool, Error> {
        let told = self.client.owners(&self.workspace.braced()).await?;
        // A server that does not understand the question tells about everybody.
        Ok(told.into_iter().filter(|one| one.permission == "owner").any(|one| {
            let told = one.user.as_ref().and_then(|user| user.uuid.as_deref());
            told.and_then(|uuid| uuid.parse::<Uuid>().ok()) == Some(user)
        }))
    }
}

impl InRepository {
    /// `GET /2.0/workspaces/{workspace}/permissions/repositories/{repository}?q=user.uuid="{…}"`: what this user may do here now, by whatever way.
    /// Whoever is not told may do nothing.
    ///
    /// # Errors
    /// [`Error::Denied`] if the installation may not ask, which is for admins of the repository. That says nothing about the user.
    pub async fn permission(&self, user: Uuid) -> Result<Permission, Error> {
        let (workspace, repository) = (self.workspace_id().braced(), self.repository.braced());
        let told = self.bitbucket.client.repository_permissions(&workspace, &repository, &user.braced()).await;
        let told = match told {
            Err(error) if error.is_not_found() => return Ok(Permission::None),
            told => told?,
        };
        // A server that does not understand the question tells about everybody.
        let theirs = told.into_iter().filter(|one| {
            let told = one.user.as_ref().and_then(|user| user.uuid.as_deref());
            told.and_then(|uuid| uuid.parse::<Uuid>().ok()) == Some(user)
        });
        Ok(theirs.map(|one| one.permission).max().unwrap_or_default())
    }
}
