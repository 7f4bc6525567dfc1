//! Whether the maker of an API token still has the right to it.
//!
//! Owns how often this is checked with Bitbucket, and the consequence. A token is made by an admin
//! of its repository or workspace; once its maker is no longer an admin, it is revoked at its next
//! use. A token of the operator has no maker in Bitbucket.

use penstock_common::Uuid;
use penstock_common::bitbucket::workspaces::Permission;

use crate::bitbucket::{Error, Purpose, Submitter};
use crate::settings::tokens;
use crate::state::State;
use crate::store;
use crate::store::workspace::{Token, Workspace};

/// How long Bitbucket's confirmation is valid, in milliseconds.
const CONFIRMED: i64 = 60 * 60_000;
/// How long a token works after its last confirmation while Bitbucket does not answer, in
/// milliseconds.
const UNCONFIRMED: i64 = 24 * 60 * 60_000;

/// What the maker may do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MakerRight {
    /// The token is valid.
    Held,
    /// The right was lost, and the token was revoked.
    Lost,
    /// Bitbucket has not answered for too long.
    Unknown,
}

/// Why a token's maker is not confirmed.
#[derive(Debug, thiserror::Error)]
enum Unconfirmed {
    #[error(transparent)]
    Refused(#[from] Error),
    #[error("it was checked a moment ago, without an answer")]
    TooOften,
}

/// Checks whether a token's maker still has the right to it, from a recent confirmation or by
/// asking Bitbucket.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn check(state: &State, workspace: &Workspace, token: &Token) -> store::Result<MakerRight> {
    let Some(maker) = token.maker else { return Ok(MakerRight::Held) };
    let now = state.now();
    if now - token.confirmed_at < CONFIRMED {
        return Ok(MakerRight::Held);
    }
    match is_admin(state, workspace, token, maker).await {
        Ok(true) => {
            let mut write = workspace.write().await?;
            write.token_confirmed(token.token, now).await?;
            write.commit().await?;
            Ok(MakerRight::Held)
        }
        Ok(false) => {
            tokens::lapse(workspace, token, now).await?;
            tracing::info!(workspace = %workspace.id(), token = %Uuid::from(token.token), "an API token was revoked: its maker is no longer an admin");
            Ok(MakerRight::Lost)
        }
        Err(error) if now - token.confirmed_at < UNCONFIRMED => {
            tracing::debug!(workspace = %workspace.id(), %error, "the right of a token's maker is not confirmed");
            Ok(MakerRight::Held)
        }
        Err(error) => {
            tracing::warn!(workspace = %workspace.id(), %error, "the right of a token's maker has not been confirmed for a day");
            Ok(MakerRight::Unknown)
        }
    }
}

async fn is_admin(state: &State, workspace: &Workspace, token: &Token, maker: Uuid) -> Result<bool, Unconfirmed> {
    // While Bitbucket does not answer, every use of the token would ask again.
    state.makers.take_many(Uuid::from(token.token), 1, state.now()).map_err(|_| {
        state.metrics.limited("makers", "token");
        Unconfirmed::TooOften
    })?;
    // The token's own bucket, so that it uses up nothing that others need.
    let purpose = Purpose::Confirmation(Submitter::token(&token.name));
    let bitbucket = state.bitbucket.of(workspace.id()).await?.on_behalf_of(purpose);
    Ok(match token.repository {
        Some(repository) => bitbucket.in_repository(repository).right(maker).await?.permission >= Permission::Admin,
        None => bitbucket.owner(maker).await?.is_some(),
    })
}
