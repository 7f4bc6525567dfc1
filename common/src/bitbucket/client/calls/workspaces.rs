//! Workspaces, and who may do what in their repositories.

use reqwest::Method;

use super::super::Client;
use super::super::error::Error;
use crate::bitbucket::workspaces::{RepositoryPermission, Workspace};

/// Most entries that are read where one is expected.
const PERMISSIONS_MAX: usize = 10;

impl Client {
    /// `GET /workspaces/{workspace}`, by slug or by UUID in braces.
    pub async fn workspace(&self, workspace: &str) -> Result<Workspace, Error> {
        let answer = self.send(&self.request(Method::GET, ["workspaces", workspace])?).await?;
        self.read(&answer)
    }

    /// `GET /workspaces/{workspace}/permissions/repositories/{repository}` for one user, all by UUID in braces: what he may do there by whatever
    /// way. Nothing comes back if that is nothing.
    pub async fn repository_permissions(
        &self,
        workspace: &str,
        repository: &str,
        user: &str,
    ) -> Result<Vec<RepositoryPermission>, Error> {
        let request =
            self.request(Method::GET, ["workspaces", workspace, "permissions", "repositories", repository])?;
        let quoted = user.replace('\\', "\\\\").replace('"', "\\\"");
        self.first(request.query("q", &format!(r#"user.uuid="{quoted}""#)), PERMISSIONS_MAX).await
    }
}
