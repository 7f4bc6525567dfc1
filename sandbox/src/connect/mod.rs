//! Connect: apps inside Bitbucket.
//!
//! Owns what Bitbucket does with an app: reads its descriptor, installs it, shows its pages, tells it events, and takes its tokens. Written from
//! Atlassian's documentation and from recordings; shares nothing with the app, which it knows by its addresses alone.

pub(crate) mod delivery;
pub(crate) mod descriptor;
pub(crate) mod events;
pub(crate) mod exchange;
pub(crate) mod frames;
pub(crate) mod host_page;
pub(crate) mod install;
pub(crate) mod installation;
pub(crate) mod mishap;
pub(crate) mod outgoing;
pub(crate) mod signer;
pub(crate) mod token;
pub(crate) mod webhooks;

use crate::sandbox::Bitbucket;

use delivery::Delivery;
use frames::{Frame, Scene};
use install::{ConnectError, Install, Installed};
use mishap::Mishap;
use webhooks::Hook;

use crate::random;
use crate::state::Error;

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

    /// All places that show an app in a workspace (slug or UUID), as a scene has them, with signed addresses.
    ///
    /// # Errors
    /// When the app is not installed there, or when there is no such repository, pull request or person.
    pub fn frames(&self, app_key: &str, workspace: &str, scene: &Scene) -> Result<Vec<Frame>, ConnectError> {
        frames::frames(&mut self.app.world(), app_key, workspace, scene)
    }

    /// The address of one of them, by the key of its module.
    ///
    /// # Errors
    /// As [`Bitbucket::frames`], and when the scene does not show this module.
    pub fn frame(&self, app_key: &str, workspace: &str, module: &str, scene: &Scene) -> Result<String, ConnectError> {
        let all = self.frames(app_key, workspace, scene)?;
        let found = all.into_iter().find(|frame| frame.key == module);
        found.map(|frame| frame.url).ok_or_else(|| ConnectError::NoModule(module.to_owned()))
    }

    /// Sets up a webhook by hand, for a repository (`workspace/slug`) or a whole workspace: plain bodies, signed with the secret if there is one.
    /// `*` among the events stands for all. Answers with its UUID.
    ///
    /// # Errors
    /// When there is no such repository or workspace, or when the URL is none.
    pub fn hook(&self, subject: &str, url: &str, secret: Option<&str>, events: &[&str]) -> Result<String, Error> {
        let mut world = self.app.world();
        let subject = if subject.contains('/') {
            world.named(subject)?.uuid.clone()
        } else {
            world.workspace(subject)?.uuid.clone()
        };
        let hook = Hook {
            uuid: random::uuid(),
            subject,
            url: url.parse().map_err(|_| Error::Url(url.to_owned()))?,
            secret: secret.map(str::to_owned),
            events: events.iter().map(|&event| event.to_owned()).collect(),
        };
        let uuid = hook.uuid.clone();
        world.hooks.push(hook);
        Ok(uuid)
    }

    /// Lets the next `times` deliveries go wrong, after what was planned before. A shuffle counts as one, however many it mixes.
    pub fn mishap(&self, mishap: Mishap, times: usize) {
        self.app.webhooks.plan(mishap, times);
    }

    /// All deliveries go well again, also those that wait for others.
    pub fn clear_mishaps(&self) {
        self.app.webhooks.clear();
    }

    /// Waits until everything has been told, also what waits for others to be shuffled with.
    pub fn settle(&self) {
        let app = self.app.clone();
        self.app.wait_for(async move { app.webhooks.settle().await });
    }

    /// All that was told or should have been, in the order in which it happened. Copies stand behind what they are copies of.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.app.webhooks.log.all()
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
