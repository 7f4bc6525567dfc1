//! What the app answers to an upload.
//!
//! Owns the document. The pipe prints and exits by the verdict in it; without one, by its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::gate::Evaluation;
use crate::{Base, Destination, Masked};

/// The answer to an upload, also to one that was sent before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// Always 1.
    pub version: u32,
    /// The app's id of the run.
    pub run: String,
    /// How far the run has come.
    pub state: State,
    /// Why it has not come further, in one sentence; empty when there is nothing to say.
    #[serde(default, skip_serializing_if = "Masked::is_empty")]
    pub note: Masked,
    /// With what it was compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
    /// The verdict, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Evaluation>,
    /// Findings in numbers, over all tools that ran on the branch.
    #[serde(default)]
    pub counts: Counts,
    /// What the change does to the policy it is judged by, one sentence each; effective after the merge only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_changes: Vec<Masked>,
    /// Where people see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Masked>,
    /// Who posts what. What is not named is the pipe's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub posts: Vec<Post>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It was applied: the branch is as it says.
    Applied,
    /// It was applied and tells of the branch's past, or of no branch.
    History,
    /// It is kept, and it was not confirmed yet what it is about.
    Waiting,
    /// It will not be used.
    Refused,
}

/// Findings in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// That count, and that the base has not.
    pub new: u64,
    /// That count, and that the base has too.
    pub existing: u64,
    /// That do not count, because somebody said so.
    pub dismissed: u64,
    /// That the base has and the branch has no more.
    pub fixed: u64,
}

/// Who posts something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Post {
    /// What.
    pub destination: Destination,
    /// Who.
    pub by: Sender,
    /// Why, in one sentence; empty when there is nothing to say.
    #[serde(default, skip_serializing_if = "Masked::is_empty")]
    pub reason: Masked,
}

/// One of the two programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// The pipe.
    Pipe,
    /// The app.
    App,
}

impl Answer {
    /// Whether the app posts to `destination`, and why.
    pub fn by_app(&self, destination: Destination) -> Option<&Masked> {
        let post = self.posts.iter().find(|post| post.destination == destination && post.by == Sender::App);
        post.map(|post| &post.reason)
    }
}
