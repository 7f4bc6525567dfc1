//! What a pipeline really ran on.

use penstock::analyze::secrets::mask;
use penstock_common::{Masked, Uuid};

use super::{Error, InRepository};
use crate::track::Commit;

/// A pipeline of the repository that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Identifies it.
    pub id: Uuid,
    /// The commit that started it; of a pull request that of its source.
    pub commit: Commit,
    /// What it was started for.
    pub on: Ref,
    /// The pull request that it was started for.
    pub pull_request: Option<u64>,
}

/// What a pipeline was started for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ref {
    /// A branch; of a pull request its source.
    Branch(Masked),
    /// A tag.
    Tag(Masked),
    /// A commit alone, or something that this version does not know.
    Commit,
}

impl InRepository {
    /// `GET …/pipelines/{uuid}`; `None` if this repository has no such pipeline.
    pub async fn pipeline(&self, pipeline: Uuid) -> Result<Option<Pipeline>, Error> {
        let Some(told) = self.calls.pipeline(&pipeline.braced()).await? else { return Ok(None) };
        let id = told.uuid.parse::<Uuid>().ok().filter(|id| *id == pipeline);
        let elsewhere = told.repository.and_then(|repository| repository.uuid).is_some_and(|uuid| {
            // One that it does not name is the one that was asked.
            uuid.parse::<Uuid>() != Ok(self.repository)
        });
        let (Some(id), false) = (id, elsewhere) else {
            return Err(Error::unreadable("another pipeline was told than was asked for"));
        };
        let target = told.target;
        let hash = target.commit.ok_or_else(|| Error::unreadable("the pipeline names no commit"))?.hash;
        let commit = self.full(&hash).await?.ok_or_else(|| Error::unreadable("the pipeline's commit is not known"))?;
        let on = match (target.ref_type.as_deref(), target.ref_name, target.source) {
            (Some("branch" | "named_branch"), Some(name), _) | (None, None, Some(name)) => Ref::Branch(mask(&name)),
            (Some("tag"), Some(name), _) => Ref::Tag(mask(&name)),
            _ => Ref::Commit,
        };
        Ok(Some(Pipeline { id, commit, on, pull_request: target.pullrequest.map(|pull_request| pull_request.id) }))
    }
}
