//! What a press of a button changes in a repository.
//!
//! Owns a few commits that a scanner sees differently. Secrets are random: none stands in this program.

use crate::git::{Commit, Git};
use crate::random;

/// Files with secrets that buttons make begin like this.
const SECRETS: &str = "config/added_";

/// What a commit is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing to be found in it.
    Harmless,
    /// It adds a password.
    Secret,
    /// It takes all passwords away that buttons added.
    Fix,
}

impl Change {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "harmless" => Some(Self::Harmless),
            "secret" => Some(Self::Secret),
            "fix" => Some(Self::Fix),
            _ => None,
        }
    }

    /// The commit, for what stands on a branch now.
    pub(super) fn commit(self, git: &Git, branch: &str) -> Commit {
        let listed = git.text(["ls-tree", "-r", "--name-only", &format!("refs/heads/{branch}")]).unwrap_or_default();
        let number = random::token("").split_off(42);
        match self {
            Self::Harmless => Commit::new("Write down what was decided\n")
                .write(format!("notes/{number}.md"), "# Decided\n\nWe keep it as it is.\n"),
            Self::Secret => {
                let password = random::token("").split_off(20);
                Commit::new("Add the settings of another service\n").write(
                    format!("{SECRETS}{number}.py"),
                    format!("HOST = \"db.internal\"\npassword = \"{password}\"\n"),
                )
            }
            Self::Fix => {
                let added = listed.lines().filter(|path| path.starts_with(SECRETS));
                let read = "import os\nHOST = \"db.internal\"\npassword = os.environ[\"DB_PASSWORD\"]\n";
                let fix = Commit::new("Read passwords from the environment\n");
                let fix = added.fold(fix, |commit, path| commit.write(path, read));
                // So that it is a commit also where there is nothing to be fixed.
                fix.write(format!("notes/{number}.md"), "# Passwords\n\nThey come from the environment.\n")
            }
        }
    }
}
