//! The end of what is kept.

use crate::state::State;
use crate::store::Result;
use crate::store::system::TenantState;

const DAY: i64 = 86_400_000;
/// How long webhooks are kept after they were handled.
const NEWS: i64 = 7 * DAY;
/// How long the delivery log is kept.
const DELIVERIES: i64 = 90 * DAY;
/// How long runs are kept.
const RUNS: i64 = 400 * DAY;
/// How long everything is kept after the app was uninstalled: installed again, it is there again.
const ENDING: i64 = 30 * DAY;
/// Webhooks that are forgotten at a time.
const BATCH: i64 = 500;

/// Forgets what is older than it is kept.
pub(super) async fn forget(state: &State) -> Result<()> {
    let (system, now) = (state.store.system(), state.now());
    loop {
        let old = system.old_news(now - NEWS, BATCH).await?;
        if old.is_empty() {
            break;
        }
        system.forget_news(&old).await?;
    }
    for tenant in system.tenants().await? {
        let workspace = state.store.for_workspace(tenant.workspace);
        if tenant.state == TenantState::Ending && tenant.since < now - ENDING {
            workspace.erase().await?;
            tracing::info!(workspace = %tenant.workspace, "everything of a workspace was deleted, 30 days after the app was uninstalled");
            continue;
        }
        workspace.forget_old(now - RUNS, now - DELIVERIES).await?;
    }
    Ok(())
}
