//! What is shown instead of a page.
//!
//! Owns the words for every reason, and what to do about it. It tells nothing of what the visitor may not see.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::shell::{self, Shell, page};
use crate::door::viewer::Closed;
use crate::state::State;
use crate::store;

/// When a page may be asked for again that the database could not give, in seconds.
const AWAY: u64 = 5;

/// Why there is no page.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The visitor may not, or is not known any more.
    Closed(Closed),
    /// There is no such thing, or not for him.
    NotFound(&'static str),
    /// The address says nothing that makes sense.
    Senseless(String),
    /// What he wants is against a rule.
    Rule(String),
    /// The database.
    Store(store::Error),
}

impl From<Closed> for Refusal {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::Store(error) => Self::Store(error),
            closed => Self::Closed(closed),
        }
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound(what) => Self::NotFound(what),
            error => Self::Store(error),
        }
    }
}

#[derive(Template)]
#[template(path = "refusal.html", blocks = ["content"])]
struct RefusalPage {
    shell: Shell,
    title: &'static str,
    text: String,
    remedy: &'static str,
}
page!(RefusalPage);

/// Status, heading, what happened, what to do.
type Words = (StatusCode, &'static str, String, &'static str);

impl Refusal {
    /// As a page.
    pub(super) fn page(self, state: &State) -> Response {
        let wait = match &self {
            Self::Closed(Closed::TooMany(seconds)) => Some(*seconds),
            Self::Store(error) if error.is_temporary() => Some(AWAY),
            _ => None,
        };
        let (status, title, text, remedy) = self.words();
        let page = RefusalPage { shell: Shell::plain(state, title), title, text, remedy };
        let mut response = shell::with_status(&page, status);
        if let Some(seconds) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }

    fn words(self) -> Words {
        match self {
            Self::Closed(closed) => of_closed(closed),
            Self::NotFound(what) => {
                (StatusCode::NOT_FOUND, "There is nothing here", format!("There is no such {what}."), "")
            }
            Self::Senseless(why) => {
                (StatusCode::BAD_REQUEST, "The address makes no sense", why, "Go back, and choose again.")
            }
            Self::Rule(why) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "This is against a rule",
                sentence(&why),
                "Go back, and change what you sent.",
            ),
            Self::Store(error) => {
                let temporary = error.is_temporary();
                tracing::error!(%error, "a page cannot be shown");
                let status =
                    if temporary { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::INTERNAL_SERVER_ERROR };
                let text = "Penstock cannot read its database now.".to_owned();
                (status, "This cannot be shown now", text, "Reload the page in a moment. Nothing was changed.")
            }
        }
    }
}

fn of_closed(closed: Closed) -> Words {
    match closed {
        Closed::Unsigned(detail) => (
            StatusCode::UNAUTHORIZED,
            "Open this in Bitbucket",
            if detail.is_empty() {
                "This page is part of Bitbucket and shows nothing by itself.".to_owned()
            } else {
                format!("This page is part of Bitbucket and shows nothing by itself: {detail}.")
            },
            "Go to the repository or the pull request in Bitbucket. If you are there already, reload it.",
        ),
        Closed::Over => (
            StatusCode::UNAUTHORIZED,
            "This view is over",
            "For your safety a view ends after 15 minutes without use, and an hour after Bitbucket made its address."
                .to_owned(),
            "Reload the page in Bitbucket to go on.",
        ),
        Closed::Used => (
            StatusCode::UNAUTHORIZED,
            "This address was used before",
            "An address that Bitbucket signs works for a minute after it is first opened.".to_owned(),
            "Reload the page in Bitbucket.",
        ),
        Closed::Nobody => (
            StatusCode::FORBIDDEN,
            "Sign in to see this",
            "Findings are shown to members of the repository, and nobody is signed in.".to_owned(),
            "Sign in to Bitbucket, and reload the page.",
        ),
        Closed::NoPermission => (
            StatusCode::FORBIDDEN,
            "You may not see this",
            "Everybody may see this repository, but its findings are shown to its members only.".to_owned(),
            "Ask an admin of the repository to give you access.",
        ),
        Closed::NoRepository => (
            StatusCode::NOT_FOUND,
            "There is nothing here",
            "The workspace has no such repository.".to_owned(),
            "It may have been deleted, or moved to another workspace.",
        ),
        Closed::Unclear(why) => (
            StatusCode::BAD_REQUEST,
            "Bitbucket says too little",
            sentence(&why.to_string()),
            "Ask an admin to install the app again.",
        ),
        Closed::TooMany(seconds) => (
            StatusCode::TOO_MANY_REQUESTS,
            "Too many pages",
            format!(
                "You have opened more pages than one person may in a while, or the requests to Bitbucket that they need are used up. Verdicts and runs are not affected. There is room again in {} min.",
                seconds.div_ceil(60)
            ),
            "Wait, and reload the page in Bitbucket.",
        ),
        Closed::Lacks(what) => {
            (StatusCode::FORBIDDEN, "You may not do this", sentence(what), "Ask an admin of the repository.")
        }
        Closed::NotTold(why) => (
            StatusCode::FORBIDDEN,
            "You may not do this now",
            format!("What you may do is asked of Bitbucket each time, and it does not say: {why}."),
            "Nothing was changed. Try again; the settings page has a check of the connection.",
        ),
        Closed::Form => (
            StatusCode::FORBIDDEN,
            "The form is over",
            "It was not sent from this view, or the view has ended.".to_owned(),
            "Nothing was changed. Reload the page in Bitbucket, and do it again.",
        ),
        closed @ (Closed::Store(_) | Closed::NoRandomness(_)) => {
            tracing::error!(error = %closed, "nobody can be let in");
            let text = "Penstock cannot let anybody in now.".to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, "This cannot be shown now", text, "Reload the page in a moment.")
        }
    }
}

/// With a capital at its beginning and a full stop at its end.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
