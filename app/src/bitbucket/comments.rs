//! Comments as people wrote them.

use super::{Author, Error, InRepository};

/// A comment on a pull request as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its number.
    pub id: u64,
    /// Who wrote it.
    pub author: Author,
    /// Markdown as it was written; hostile text.
    pub text: String,
    /// Whether it was deleted.
    pub deleted: bool,
}

impl InRepository {
    /// `GET …/pullrequests/{number}/comments/{id}`; `None` if there is none. One that was deleted may still be told.
    pub async fn comment(&self, pull_request: u64, id: u64) -> Result<Option<Comment>, Error> {
        match self.calls.comment(pull_request, id).await? {
            Some(told) if told.id == id => Ok(Some(Comment {
                id,
                text: told.text().to_owned(),
                author: told.user.map(Author::from).unwrap_or_default(),
                deleted: told.deleted,
            })),
            Some(_) => Err(Error::unreadable("another comment was told than was asked for")),
            None => Ok(None),
        }
    }
}
