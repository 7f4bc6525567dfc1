//! Workspaces, and who may do what in their repositories.

use reqwest::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::Client;
use super::super::error::Error;
use crate::bitbucket::workspaces::{Membership, RepositoryPermission, Workspace};

/// Most entries that are read where one is expected.
const PERMISSIONS_MAX: usize = 10;
/// Most owners of a workspace that are read.
const OWNERS_MAX: usize = 1_000;
/// Most repositories whose permissions are read.
const REPOSITORIES_MAX: usize = 2_000;

/// A list of anything.
#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "values")]
    _values: Vec<IgnoredAny>,
}

impl Client {
    /// `GET /workspaces/{workspace}`, by slug or by UUID in braces.
    pub async fn workspace(&self, workspace: &str) -> Result<Workspace, Error> {
        let answer = self.send(&self.request(Method::GET, ["workspaces", workspace])?).await?;
        self.read(&answer)
    }

    /// `GET /workspaces/{workspace}/permissions` for its owners, by UUID in braces; 1,000 at most.
    pub async fn owners(&self, workspace: &str) -> Result<Vec<Membership>, Error> {
        let request = self.request(Method::GET, ["workspaces", workspace, "permissions"])?;
        self.first(request.query("q", r#"permission="owner""#).query("pagelen", "100"), OWNERS_MAX).await
    }

    /// `GET /workspaces/{workspace}/permissions/repositories`, by UUID in braces: whether the
    /// credentials are those of an admin of the workspace. Others are refused.
    pub async fn may_list_permissions(&self, workspace: &str) -> Result<(), Error> {
        let request = self.request(Method::GET, ["workspaces", workspace, "permissions", "repositories"])?;
        let answer = self.send(&request.query("pagelen", "10")).await?;
        // Anything but a list is not an answer of Bitbucket: a proxy may have given it.
        self.read::<Listed>(&answer).map(drop)
    }

    /// `GET /workspaces/{workspace}/permissions/repositories` for one user, both by UUID in braces: what he may do in each repository of the
    /// workspace, 2,000 at most; 100 cost a request. For admins of the workspace.
    pub async fn permissions_of(&self, workspace: &str, user: &str) -> Result<Vec<RepositoryPermission>, Error> {
        let request = self.request(Method::GET, ["workspaces", workspace, "permissions", "repositories"])?;
        let quoted = user.replace('\\', "\\\\").replace('"', "\\\"");
        self.first(request.query("q", &format!(r#"user.uuid="{quoted}""#)).query("pagelen", "100"), REPOSITORIES_MAX)
            .await
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
