//! What outlives a sandbox.
//!
//! Owns the one file beside the repositories that holds what git does not know. Addresses are not kept, and neither is what an app told of itself:
//! whoever starts a sandbox again installs the app again, as Bitbucket does when an app moves. Requests, deliveries and keys of steps end with it.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use crate::sandbox::{Bitbucket, StartError};
use crate::state::{Urls, World};

const FILE: &str = "bitbucket.json";

/// The world that was kept in a folder; an empty one if there is none.
pub(crate) fn world(urls: Urls, folder: PathBuf) -> Result<World, StartError> {
    let file = folder.join(FILE);
    match fs::read_to_string(&file) {
        Ok(text) => World::kept(&text, urls, folder).map_err(|error| StartError::Kept { file, why: error.to_string() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(World::new(urls, folder)),
        Err(error) => Err(StartError::Kept { file, why: error.to_string() }),
    }
}

impl Bitbucket {
    /// Writes down what there is, so that a sandbox with the same folder begins with it. Without a folder nothing is done.
    pub fn keep(&self) -> io::Result<()> {
        let Some(folder) = &self.app.kept else { return Ok(()) };
        let text = serde_json::to_string(&*self.app.world())?;
        // Whole or not at all.
        let new = folder.join(format!("{FILE}.new"));
        fs::write(&new, text)?;
        fs::rename(new, folder.join(FILE))
    }

    /// Is there nothing yet?
    pub fn is_empty(&self) -> bool {
        self.app.world().workspaces.is_empty()
    }
}
