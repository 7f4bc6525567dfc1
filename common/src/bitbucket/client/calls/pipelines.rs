//! Pipelines.

use reqwest::Method;

use super::super::error::Error;
use super::InRepository;
use crate::bitbucket::pipelines::Pipeline;

impl InRepository {
    /// `GET /repositories/…/pipelines/{uuid}`, in braces; `None` if there is none in this repository, or no access.
    pub async fn pipeline(&self, uuid: &str) -> Result<Option<Pipeline>, Error> {
        self.read_if_found(&self.request(Method::GET, &["pipelines", uuid])?).await
    }
}
