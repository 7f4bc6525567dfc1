//! The end of what is kept.

use crate::settings::Settings;
use crate::store::system::TenantState;
use crate::store::{Result, Store};

/// How long everything is kept after the app was uninstalled, in milliseconds: installed again, it is there again.
const ENDING: i64 = 30 * 86_400_000;
/// Webhooks that are forgotten at a time.
const BATCH: i64 = 500;

/// Forgets what is older at `now` (unix milliseconds) than its workspace keeps it.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(store: &Store, now: i64) -> Result<()> {
    let system = store.system();
    for tenant in system.tenants().await? {
        let workspace = store.for_workspace(tenant.workspace);
        if tenant.state == TenantState::Ending && tenant.since < now - ENDING {
            workspace.erase().await?;
            tracing::info!(workspace = %tenant.workspace, "everything of a workspace was deleted, 30 days after the app was uninstalled");
            continue;
        }
        let keep = Settings::of(&workspace, None).await?.retention();
        loop {
            let old = system.old_news(tenant.workspace, now - keep.webhooks, BATCH).await?;
            if old.is_empty() {
                break;
            }
            system.forget_news(&old).await?;
        }
        workspace.forget_old(now - keep.runs, now - keep.deliveries).await?;
    }
    Ok(())
}
