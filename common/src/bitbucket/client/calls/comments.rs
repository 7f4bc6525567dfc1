//! Comments of a pull request.

use reqwest::Method;

use super::super::error::Error;
use super::InRepository;
use crate::bitbucket::comments::{Comment, NewComment};

impl InRepository {
    /// One comment; `None` if there is none, or no access. One that was deleted is there, and says so.
    pub async fn comment(&self, pull_request: u64, id: u64) -> Result<Option<Comment>, Error> {
        let (number, id) = (pull_request.to_string(), id.to_string());
        self.read_if_found(&self.request(Method::GET, &["pullrequests", &number, "comments", &id])?).await
    }

    /// Makes a comment. It is not repeated when its answer is lost ([`Error::is_uncertain`]): look
    /// for it among [`Self::comments_where`] first.
    pub async fn create_comment(&self, pull_request: u64, comment: &NewComment) -> Result<Comment, Error> {
        let request = self.request(Method::POST, &["pullrequests", &pull_request.to_string(), "comments"])?;
        self.read(&request.json(comment)).await
    }

    /// Replaces the text of a comment. Only its author may.
    pub async fn update_comment(&self, pull_request: u64, id: u64, comment: &NewComment) -> Result<Comment, Error> {
        let (number, id) = (pull_request.to_string(), id.to_string());
        let request = self.request(Method::PUT, &["pullrequests", &number, "comments", &id])?;
        self.read(&request.json(comment)).await
    }

    /// Deletes a comment, if it is there.
    pub async fn delete_comment(&self, pull_request: u64, id: u64) -> Result<(), Error> {
        self.delete(&["pullrequests", &pull_request.to_string(), "comments", &id.to_string()]).await
    }
}
