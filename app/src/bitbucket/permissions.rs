//! What people may do.

use penstock_common::Uuid;
use penstock_common::bitbucket::workspaces::{Permission, RepositoryPermission};

use super::{Author, Bitbucket, Error, InRepository};

/// What somebody may do in a repository, and who Bitbucket says he is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Right {
    /// What.
    pub permission: Permission,
    /// Who; nothing of whoever may do nothing.
    pub user: Author,
}

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

    /// `GET /2.0/workspaces/{workspace}/permissions?q=permission="owner"`: this user, if he decides about the workspace now.
    ///
    /// # Errors
    /// [`Error::Denied`] if the installation may not ask.
    pub async fn owner(&self, user: Uuid) -> Result<Option<Author>, Error> {
        let told = self.client.owners(&self.workspace.braced()).await?;
        // A server that does not understand the question tells about everybody.
        let owners = told.into_iter().filter(|one| one.permission == "owner").filter_map(|one| one.user);
        Ok(owners.map(Author::from).find(|one| one.uuid == Some(user)))
    }
}

impl InRepository {
    /// `GET /2.0/workspaces/{workspace}/permissions/repositories/{repository}?q=user.uuid="{…}"`: what this user may do here now, by whatever way.
    /// Whoever is not told may do nothing.
    ///
    /// # Errors
    /// [`Error::Denied`] if the installation may not ask, which is for admins of the repository. That says nothing about the user.
    pub async fn right(&self, user: Uuid) -> Result<Right, Error> {
        let (workspace, repository) = (self.workspace_id().braced(), self.repository.braced());
        let told = self.bitbucket.client.repository_permissions(&workspace, &repository, &user.braced()).await;
        let told = match told {
            Err(error) if error.is_not_found() => return Ok(Right::default()),
            told => told?,
        };
        // A server that does not understand the question tells about everybody.
        let all = told.into_iter().filter_map(|one| Some((one.permission, Author::from(one.user?))));
        let theirs = all.filter(|(_, told)| told.uuid == Some(user));
        let most = theirs.max_by_key(|(permission, _)| *permission);
        Ok(most.map(|(permission, user)| Right { permission, user }).unwrap_or_default())
    }
}
