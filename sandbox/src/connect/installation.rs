//! Which apps are installed where.
//!
//! Owns installations and their secrets. One that ended stays: its secret signs the next one (documented).

use serde::{Deserialize, Serialize};

use super::descriptor::Descriptor;

/// What an installation works by.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) descriptor: Descriptor,
    pub(crate) secret: String,
}

/// An app in a workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Installation {
    /// The app's key.
    pub(crate) app: String,
    /// What the installation is called.
    pub(crate) client_key: String,
    /// UUID of the workspace.
    pub(crate) workspace: String,
    /// None: not installed yet, or no more. It is not kept: whoever starts a sandbox again installs the app again.
    #[serde(skip)]
    pub(crate) active: Option<Terms>,
    /// Of an installation that the app is being told about, if Bitbucket knows them already.
    #[serde(skip)]
    pub(crate) candidate: Option<Terms>,
    /// The secret of the preceding installation that succeeded.
    pub(crate) last_secret: Option<String>,
}

impl Installation {
    /// The terms that hold, and those that will.
    pub(crate) fn terms(&self) -> impl Iterator<Item = &Terms> {
        self.active.iter().chain(&self.candidate)
    }
}

/// All installations of all apps.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Directory {
    all: Vec<Installation>,
    /// How many installations were made by an address.
    connections: u64,
}

impl Directory {
    /// The installation of an app in a workspace, also one that ended.
    pub(crate) fn get(&self, app: &str, workspace: &str) -> Option<&Installation> {
        self.all.iter().find(|known| known.app == app && known.workspace == workspace)
    }

    /// The same, to be changed.
    pub(crate) fn get_mut(&mut self, app: &str, workspace: &str) -> Option<&mut Installation> {
        self.all.iter_mut().find(|known| known.app == app && known.workspace == workspace)
    }

    /// The installation with this key.
    pub(crate) fn by_client_key(&self, client_key: &str) -> Option<&Installation> {
        self.all.iter().find(|known| known.client_key == client_key)
    }

    /// All that hold.
    pub(crate) fn active(&self) -> impl Iterator<Item = (&Installation, &Terms)> {
        self.all.iter().filter_map(|known| Some((known, known.active.as_ref()?)))
    }

    /// The installation of an app in a workspace, made if there is none. A registered app's is called after the two, another one's is numbered.
    pub(crate) fn entry(&mut self, app: &str, workspace: &str, is_registered: bool) -> &mut Installation {
        let place = self.all.iter().position(|known| known.app == app && known.workspace == workspace);
        let place = place.unwrap_or_else(|| {
            let client_key = if is_registered {
                format!("ari:cloud:bitbucket::app/{workspace}/{app}")
            } else {
                self.connections += 1;
                format!("connection:{}", self.connections)
            };
            self.all.push(Installation {
                app: app.to_owned(),
                client_key,
                workspace: workspace.to_owned(),
                active: None,
                candidate: None,
                last_secret: None,
            });
            self.all.len() - 1
        });
        &mut self.all[place]
    }
}
