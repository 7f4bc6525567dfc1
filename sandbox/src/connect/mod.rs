//! Connect: apps inside Bitbucket.
//!
//! Owns what Bitbucket does with an app: reads its descriptor, installs it, shows its pages, tells it events, and takes its tokens. Written from
//! Atlassian's documentation and from recordings; shares nothing with the app, which it knows by its addresses alone.

pub(crate) mod descriptor;
pub(crate) mod exchange;
pub(crate) mod install;
pub(crate) mod installation;
pub(crate) mod outgoing;
pub(crate) mod signer;
pub(crate) mod token;

use crate::sandbox::Bitbucket;

use install::{ConnectError, Install, Installed};

impl Bitbucket {
    /// Installs an app, or tells it a new secret if it is installed already. Waits for its answer: it must run on other threads than this one.
    ///
    /// # Errors
    /// When there is no descriptor, Bitbucket would not take it, or the app answers otherwise than 200 or 204.
    pub fn install(&self, wish: &Install) -> Result<Installed, ConnectError> {
        let (app, wish) = (self.app.clone(), wish.clone());
        self.app.wait_for(async move { install::install(&app, &wish).await })
    }

    /// Uninstalls an app from a workspace (slug or UUID) and waits for its answer.
    ///
    /// # Errors
    /// When it is not installed there. When the app answers otherwise than 200 or 204, but it is gone then, too.
    pub fn uninstall(&self, app_key: &str, workspace: &str) -> Result<(), ConnectError> {
        let (app, key, workspace) = (self.app.clone(), app_key.to_owned(), workspace.to_owned());
        self.app.wait_for(async move { install::uninstall(&app, &key, &workspace).await })
    }

    /// All apps that are installed.
    pub fn installed(&self) -> Vec<Installed> {
        let world = self.app.world();
        let shown = world.apps.active().filter_map(|(known, _)| {
            Some(Installed {
                app: known.app.clone(),
                client_key: known.client_key.clone(),
                workspace: world.workspace(&known.workspace).ok()?.slug.clone(),
                workspace_uuid: known.workspace.clone(),
            })
        });
        shown.collect()
    }

    /// The secret of an installation that holds: for tests that look for it where it must not be.
    pub fn shared_secret(&self, app_key: &str, workspace: &str) -> Option<String> {
        let world = self.app.world();
        let uuid = &world.workspace(workspace).ok()?.uuid;
        Some(world.apps.get(app_key, uuid)?.active.as_ref()?.secret.clone())
    }

    /// A token as Bitbucket would make it for a request to the app, at a path below its `baseUrl`: for tests that forge requests.
    pub fn sign(&self, app_key: &str, workspace: &str, method: &str, path_and_query: &str) -> Option<String> {
        let world = self.app.world();
        let known = world.apps.get(app_key, &world.workspace(workspace).ok()?.uuid)?;
        let secret = &known.active.as_ref()?.secret;
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        Some(install::token(&known.client_key, secret, method, path, query))
    }
}
