//! Export of the audit log to the operator's log collectors.
//!
//! Owns order and retries: entries are sent in the order of their numbers, each at least once, and
//! an entry that could not be sent is retried together with all that follow it. Only the operator
//! chooses the destinations ([`sinks`]); `webhook` and `syslog` are the transports.

pub mod sinks;
mod syslog;
mod webhook;

use std::time::Duration;

use sinks::{AuditWebhook, SyslogAddress};

use crate::state::State;
use crate::store;
use crate::store::workspace::{AuditLine, Workspace};

/// Entries that are sent at once.
const BATCH: i64 = 200;
/// How long a sink may take to accept a batch.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a batch was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AuditExportError {
    /// The network.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It took too long.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    TimedOut,
    /// The HTTPS client cannot be made.
    #[error("{0}")]
    Client(#[from] penstock_common::bitbucket::client::SetupError),
    /// The request was not sent, or not answered. Without its address, which may contain a secret.
    #[error("{0}")]
    Request(String),
    /// Another answer than success.
    #[error("the answer was {0}")]
    Status(u16),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// An entry that cannot be written as JSON, which none of ours is.
    #[error("an entry cannot be written")]
    Unwritable(#[from] serde_json::Error),
}

/// A configured sink.
#[derive(Clone, Copy)]
enum Sink<'a> {
    Webhook(&'a AuditWebhook),
    Syslog(&'a SyslogAddress),
}

impl Sink<'_> {
    const fn name(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Syslog(_) => "syslog",
        }
    }

    async fn send(&self, lines: &[AuditLine]) -> Result<(), AuditExportError> {
        let sending = async {
            match self {
                Self::Webhook(webhook) => webhook::send(webhook, lines).await,
                Self::Syslog(address) => syslog::send(address, lines).await,
            }
        };
        tokio::time::timeout(PATIENCE, sending).await.map_err(|_| AuditExportError::TimedOut)?
    }
}

/// Sends the new entries of all workspaces. A workspace whose batch is refused, and a sink that
/// does not answer, is skipped until the next round.
///
/// # Errors
/// When the database does not answer.
pub async fn export(state: &State) -> store::Result<()> {
    let sinks = &state.config.audit_sinks;
    let webhook = sinks.webhook.as_ref().map(Sink::Webhook);
    for sink in webhook.into_iter().chain(sinks.syslog.as_ref().map(Sink::Syslog)) {
        for tenant in state.store.system().tenants().await? {
            match workspace(&state.store.for_workspace(tenant.workspace), sink).await {
                Ok(()) => {}
                Err(AuditExportError::Store(error)) => return Err(error),
                Err(error) => {
                    let name = sink.name();
                    tracing::warn!(sink = name, workspace = %tenant.workspace, %error, "the audit log could not be sent: the next attempt is in half a minute");
                    // A sink that answers may refuse the entries of one workspace only.
                    if !matches!(error, AuditExportError::Status(_)) {
                        break;
                    }
                }
            }
        }
    }
    Ok(())
}

async fn workspace(workspace: &Workspace, sink: Sink<'_>) -> Result<(), AuditExportError> {
    let mut after = workspace.audit_exported(sink.name()).await?;
    loop {
        let lines = workspace.audit_lines(None, after, BATCH).await?;
        let Some(last) = lines.last().map(|line| line.number) else { return Ok(()) };
        sink.send(&lines).await?;
        let mut write = workspace.write().await?;
        write.audit_sent(sink.name(), last).await?;
        write.commit().await?;
        after = last;
    }
}
