//! What people may do.

use penstock_common::Uuid;
use penstock_common::bitbucket::workspaces::Permission;

use super::{Error, InRepository};

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
