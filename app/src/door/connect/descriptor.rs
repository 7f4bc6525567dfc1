//! What the app tells Bitbucket of itself: `GET /atlassian-connect.json`.
//!
//! Owns the descriptor: where the app appears, what it is told, and what it asks to be allowed. Frames are described in `frame`. Scopes
//! cannot grow after an installation, so everything that a later page needs is asked for at once, and nothing more: `docs/scopes.md` has the
//! reasons, and a test holds it against [`SCOPES`].

use serde::Serialize;

use super::app::App;
use super::frame::Frame;

/// Where Bitbucket fetches the descriptor, below the app's address.
pub const PATH: &str = "/atlassian-connect.json";
/// Where it tells that the app was installed, or got a new secret.
pub const INSTALLED_PATH: &str = "/connect/installed";
/// Where it tells that the app was uninstalled.
pub const UNINSTALLED_PATH: &str = "/connect/uninstalled";
/// Where it sends events.
pub const WEBHOOK_PATH: &str = "/connect/webhooks";

/// What the app asks to be allowed. Which events Bitbucket sends is decided by these too.
pub const SCOPES: [&str; 4] = ["account", "repository:write", "pullrequest:write", "pipeline"];

/// The descriptor.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    key: String,
    name: &'static str,
    description: &'static str,
    vendor: Vendor,
    base_url: String,
    authentication: Authentication,
    lifecycle: Lifecycle,
    contexts: [&'static str; 1],
    scopes: [&'static str; 4],
    modules: Modules,
    #[serde(skip_serializing_if = "Option::is_none")]
    forge_app_link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forge_app_id: Option<String>,
}

#[derive(Debug, Serialize)]
struct Vendor {
    name: &'static str,
    url: String,
}

#[derive(Debug, Serialize)]
struct Authentication {
    r#type: &'static str,
}

#[derive(Debug, Serialize)]
struct Lifecycle {
    installed: &'static str,
    uninstalled: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Modules {
    web_panels: [Module; 2],
    repo_pages: [Module; 1],
    general_pages: [Module; 1],
    admin_pages: [Module; 1],
    configure_page: Module,
    webhooks: [Webhook; 1],
}

#[derive(Debug, Serialize)]
struct Module {
    key: &'static str,
    name: Name,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Name {
    value: &'static str,
}

#[derive(Debug, Serialize)]
struct Webhook {
    event: &'static str,
    url: &'static str,
}

impl Descriptor {
    /// The descriptor of `app`.
    pub fn of(app: &App) -> Self {
        let module = |frame: Frame, location| Module {
            key: frame.key(),
            name: Name { value: name(frame) },
            url: frame.template(),
            location,
        };
        Self {
            key: app.key.as_str().to_owned(),
            name: "Penstock",
            description: "The gate for pull requests: what is new, what blocks, and whether it is getting better",
            vendor: Vendor { name: "Penstock", url: app.base.as_str().to_owned() },
            base_url: app.base.as_str().to_owned(),
            authentication: Authentication { r#type: "jwt" },
            lifecycle: Lifecycle { installed: INSTALLED_PATH, uninstalled: UNINSTALLED_PATH },
            contexts: ["account"],
            scopes: SCOPES,
            modules: Modules {
                web_panels: [
                    module(Frame::RepositoryPanel, Some("org.bitbucket.repository.overview.informationPanel")),
                    module(Frame::PullRequestPanel, Some("org.bitbucket.pullrequest.overview.informationPanel")),
                ],
                repo_pages: [module(Frame::RepositoryPage, Some("org.bitbucket.repository.navigation"))],
                general_pages: [module(Frame::WorkspacePage, None)],
                admin_pages: [module(Frame::RepositorySettings, Some("org.bitbucket.repository.admin"))],
                configure_page: module(Frame::WorkspaceSettings, None),
                webhooks: [Webhook { event: "*", url: WEBHOOK_PATH }],
            },
            forge_app_link: app.forge.as_ref().map(|forge| forge.link.clone()),
            forge_app_id: app.forge.as_ref().map(|forge| forge.id.clone()),
        }
    }
}

const fn name(frame: Frame) -> &'static str {
    match frame {
        Frame::RepositoryPanel | Frame::PullRequestPanel | Frame::RepositoryPage | Frame::WorkspacePage => "Penstock",
        Frame::RepositorySettings | Frame::WorkspaceSettings => "Penstock settings",
    }
}

#[cfg(test)]
mod tests;
