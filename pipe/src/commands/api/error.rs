//! What can be wrong with a call before it is made, and with an answer that says yes.

use std::io;
use std::path::PathBuf;

use penstock_common::bitbucket::client;

use crate::commands::exit;

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum Mistake {
    #[error("`--field` must be `NAME=TEXT` or `NAME:=JSON`")]
    Field,
    #[error("`--field {0}:=` must be followed by JSON")]
    FieldJson(String),
    #[error("`--select` must be a JSON pointer: empty, or beginning with `/`")]
    Pointer,
    #[error("the path cannot be used")]
    Path(#[source] client::Error),
    #[error("the path holds `{{{placeholder}}}`, but `{variable}` is not set")]
    Placeholder { placeholder: &'static str, variable: &'static str },
    #[error("`{0}` is for GET only")]
    OnlyGet(&'static str),
    #[error("`{0}` is not for GET")]
    NotGet(&'static str),
    #[error("`{}` cannot be read", .path.display())]
    Input {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("what `--input` names is larger than {} MiB", client::JSON_MAX >> 20)]
    LargeInput,
    #[error("what `--input` names is not JSON")]
    NotJson,
    #[error("the answer has nothing at `{0}`")]
    NothingThere(String),
    #[error("the answer is not JSON, so `--select` cannot look into it")]
    NothingToSelect,
}

impl Mistake {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::NothingThere(_) | Self::NothingToSelect => exit::INCOMPLETE,
            _ => exit::USAGE,
        }
    }

    pub(crate) fn remedy(&self) -> Option<String> {
        match self {
            Self::Path(error) => error.remedy(),
            Self::Field => Some("--field name=text, --field 'content:={\"raw\": \"text\"}'".to_owned()),
            _ => None,
        }
    }
}
