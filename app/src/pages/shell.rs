//! What holds for every page.
//!
//! Owns the frame around a page's content (style, script, tabs), the headers, and the two forms of a page: whole, as a browser loads it, and as a
//! fragment (`Accept: application/json`), for a host that puts it into a page of its own. It knows no page.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::assets::{SCRIPT, STYLE};
use super::visit::Visit;
use crate::state::State;

/// A page of which each form can be made.
pub(super) trait Page: Template {
    /// What stands around it.
    fn shell(&self) -> &Shell;

    /// Only its content.
    fn fragment(&self) -> askama::Result<String>;
}

/// Makes a template with a block `content` a [`Page`].
macro_rules! page {
    ($($page:ty),* $(,)?) => {$(
        impl $crate::pages::shell::Page for $page {
            fn shell(&self) -> &$crate::pages::shell::Shell {
                &self.shell
            }

            fn fragment(&self) -> askama::Result<String> {
                use askama::Template as _;
                self.as_content().render()
            }
        }
    )*};
}
pub(super) use page;

/// What stands around a page's content.
#[derive(Clone, Debug)]
pub(super) struct Shell {
    /// What the page is called.
    pub(super) title: String,
    /// Whether it is a small part of another page.
    pub(super) panel: bool,
    /// The pages beside it; empty for a panel.
    pub(super) tabs: Vec<Tab>,
    /// Name of the style sheet.
    pub(super) style: &'static str,
    /// Name of the script.
    pub(super) script: &'static str,
    /// Address of the host's script.
    pub(super) host_script: String,
    /// Whether only the content is asked for.
    pub(super) fragment: bool,
}

/// A page beside this one.
#[derive(Clone, Debug)]
pub(super) struct Tab {
    /// Its address.
    pub(super) href: &'static str,
    /// Its name.
    pub(super) name: &'static str,
    /// Whether it is this one.
    pub(super) current: bool,
}

/// The pages of a repository.
const TABS: [(&str, &str); 5] = [
    ("findings", "Findings"),
    ("trends", "Trends"),
    ("runs", "Runs"),
    ("deliveries", "Delivery"),
    ("settings", "Settings"),
];

impl Shell {
    /// Around what is shown instead of a page.
    pub(super) fn plain(state: &State, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            panel: true,
            fragment: false,
            tabs: Vec::new(),
            style: STYLE.name,
            script: SCRIPT.name,
            host_script: format!("{}/atlassian-connect/all.js", state.config.hosts.script_and_frame_origin()),
        }
    }

    /// Around a part of another page.
    pub(super) fn panel(visit: &Visit, title: impl Into<String>) -> Self {
        Self { fragment: visit.fragment, ..Self::plain(&visit.state, title) }
    }

    /// Around a page without others beside it.
    pub(super) fn untabbed(visit: &Visit, title: impl Into<String>) -> Self {
        Self { panel: false, ..Self::panel(visit, title) }
    }

    /// Around a page of a repository, which `current` is the address of.
    pub(super) fn tabbed(visit: &Visit, title: impl Into<String>, current: &str) -> Self {
        let tabs = TABS.into_iter().map(|(href, name)| Tab { href, name, current: href == current }).collect();
        Self { tabs, ..Self::untabbed(visit, title) }
    }
}

/// A page without its shell, for a host that has one of its own.
#[derive(Serialize)]
struct Fragment<'a> {
    title: &'a str,
    html: &'a str,
}

/// A page as it is sent.
pub(super) fn whole(page: &impl Page) -> Response {
    with_status(page, StatusCode::OK)
}

/// A page as it is sent, with a status.
pub(super) fn with_status(page: &impl Page, status: StatusCode) -> Response {
    let fragment = page.shell().fragment;
    let text = if fragment { page.fragment() } else { page.render() };
    match text {
        Ok(html) if fragment => {
            (status, axum::Json(Fragment { title: &page.shell().title, html: &html })).into_response()
        }
        Ok(text) => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The headers of every page. Only Bitbucket may hold it in a frame; nothing is loaded but our own style and script and the host's script.
pub(super) fn headers(host: &str, mut response: Response) -> Response {
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page {
        let policy = format!(
            "default-src 'none'; style-src 'self'; script-src 'self' {host}; img-src data:; form-action 'self'; base-uri 'none'; \
             frame-ancestors {host}"
        );
        if let Ok(value) = HeaderValue::from_str(&policy) {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, value);
        }
        // With `no-referrer` a browser also hides where a form comes from (`Origin: null`), and nobody could send one.
        response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    }
    response
}
