//! What the program tells when it cannot do what it was asked for.
//!
//! Owns the one error type of the commands and its only rendering: what happened, why, and what to do.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use penstock_common::Redact;
use penstock_common::bitbucket::client::{self, SetupError};
use penstock_common::redact::escape_control;

use crate::analyze::secrets::BuiltIn;
use crate::checkout::history::HistoryError;
use crate::commands::api::Mistake;
use crate::commands::exit;
use crate::no_follow::NoFollowError;
use crate::{render, scan, settings};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum Error {
    #[error(transparent)]
    Environment(#[from] settings::Unreadable),
    #[error(transparent)]
    Settings(#[from] settings::Error),
    #[error(transparent)]
    Pipe(#[from] settings::pipe::Error),
    #[error(transparent)]
    Gitleaks(#[from] settings::gitleaks::Error),
    #[error(transparent)]
    Scan(#[from] scan::Error),
    #[error(transparent)]
    OutputFile(#[from] render::OutputError),
    #[error(transparent)]
    Connection(#[from] settings::connection::Error),
    #[error(transparent)]
    Client(#[from] SetupError),
    #[error("{error}")]
    Bitbucket { error: Box<client::Error>, hint: Option<String> },
    #[error(transparent)]
    Api(#[from] Mistake),
    #[error("the runtime for connections cannot be made")]
    Runtime(#[source] io::Error),
    #[error("the system gives no random bytes")]
    Randomness(#[source] getrandom::Error),
    #[error("standard output cannot be written")]
    Output(#[source] io::Error),
    #[error(transparent)]
    Write(#[from] NoFollowError),
    #[error("`{}` is not in a git repository", .0.display())]
    NoRepository(PathBuf),
    #[error("there is no clone at `{}`", .0.display())]
    NoClone(PathBuf),
}

impl Error {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Environment(_)
            | Self::Settings(_)
            | Self::Gitleaks(_)
            | Self::NoRepository(_)
            | Self::NoClone(_)
            | Self::Pipe(_)
            | Self::Connection(_)
            | Self::Client(SetupError::Certificates(_) | SetupError::Proxy | SetupError::Credentials) => exit::USAGE,
            Self::Api(mistake) => mistake.code(),
            Self::OutputFile(error) if error.is_usage() => exit::USAGE,
            Self::Write(NoFollowError::Symlink { .. } | NoFollowError::NotAFile { .. }) => exit::USAGE,
            Self::Scan(scan::Error::Checkout(error) | scan::Error::History(HistoryError::Repository(error)))
                if error.is_usage() =>
            {
                exit::USAGE
            }
            Self::Scan(_)
            | Self::OutputFile(_)
            | Self::Client(_)
            | Self::Bitbucket { .. }
            | Self::Runtime(_)
            | Self::Randomness(_)
            | Self::Output(_)
            | Self::Write(_) => exit::INCOMPLETE,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Settings(settings::Error::NoSuchRule { near, .. }) => Some(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`penstock rules` lists them".to_owned(),
            }),
            Self::Scan(scan::Error::Checkout(error) | scan::Error::History(HistoryError::Repository(error))) => {
                error.remedy().map(str::to_owned)
            }
            Self::Gitleaks(settings::gitleaks::Error::File(settings::FileError::Unreadable { .. })) => None,
            Self::Gitleaks(_) => {
                Some("a gitleaks configuration is a text file of at most 1 MB inside of the repository".to_owned())
            }
            Self::OutputFile(error) => error.remedy().map(str::to_owned),
            Self::Write(error) => error.remedy().map(str::to_owned),
            Self::Connection(error) => error.remedy().map(str::to_owned),
            Self::Client(SetupError::Tls(_)) => {
                Some("without root certificates of the system, set `CA_BUNDLE` to a file that holds some".to_owned())
            }
            Self::Bitbucket { hint, .. } => hint.clone(),
            Self::Api(mistake) => mistake.remedy(),
            Self::NoClone(_) => {
                Some("the step needs a clone to look at: take `clone: enabled: false` away from it".to_owned())
            }
            Self::Settings(settings::Error::NoBase(_)) => {
                Some("`--base REVISION` names what to compare with, such as `--base origin/main`".to_owned())
            }
            Self::NoRepository(_) => Some("run `git init` there first, or leave out `--hook`".to_owned()),
            _ => None,
        }
    }

    /// The lines for standard error. A configuration and an argument may hold a secret where they should hold something else.
    pub fn render(&self) -> String {
        masked(&self.lines())
    }

    fn lines(&self) -> String {
        if let Self::Settings(settings::Error::File(mistakes))
        | Self::Gitleaks(settings::gitleaks::Error::Mistakes(mistakes)) = self
        {
            let mut text = String::new();
            for mistake in mistakes {
                let _ = writeln!(text, "error: {}", escape_control(&mistake.to_string()));
                if let Some(hint) = &mistake.hint {
                    let _ = writeln!(text, "hint: {}", escape_control(hint));
                }
            }
            return text;
        }
        if let Self::Pipe(settings::pipe::Error::Invalid(invalid)) = self {
            return invalid.0.iter().map(|one| format!("error: {one}\n")).collect();
        }
        let mut text = format!("error: {}\n", escape_control(&self.to_string()));
        let mut cause = self.source();
        while let Some(error) = cause {
            let _ = writeln!(text, "cause: {}", escape_control(&error.to_string()));
            cause = error.source();
        }
        if let Some(hint) = self.hint() {
            let _ = writeln!(text, "hint: {}", escape_control(&hint));
        }
        text
    }
}

/// `text`, line by line, with everything hidden that the engine takes for a secret.
pub fn masked(text: &str) -> String {
    let mut built_in = BuiltIn::default();
    text.lines().map(|line| built_in.redact(line) + "\n").collect()
}
