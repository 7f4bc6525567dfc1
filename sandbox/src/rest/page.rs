//! Lists, page by page.

use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::Asked;
use super::query::{Query, sort};
use super::refusal::{Answer, Refusal};

/// How a list is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// How many items a page has, if the caller does not say.
    pub(crate) pagelen: usize,
    /// Is the number of all items told? Of commits it is not: nobody counts them.
    pub(crate) is_counted: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { pagelen: 10, is_counted: true }
    }
}

/// The page that was asked for, filtered and sorted as was asked.
pub(crate) fn page(asked: &Asked, mut items: Vec<Value>, style: Style) -> Answer {
    let pairs: Vec<(String, String)> = asked.query().collect();
    let value = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    if let Some(text) = value("q") {
        let query =
            Query::parse(text).ok_or_else(|| Refusal::wrong(&format!("Invalid query: {} characters", text.len())))?;
        items.retain(|item| query.fits(item));
    }
    if let Some(by) = value("sort") {
        sort(&mut items, by);
    }
    let number =
        |name: &str, default: usize| value(name).and_then(|value| value.parse().ok()).unwrap_or(default).max(1);
    let (page, pagelen) = (number("page", 1), number("pagelen", style.pagelen));
    let start = (page - 1).saturating_mul(pagelen);
    if start > 0 && start >= items.len() {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "Invalid page"));
    }
    let size = items.len();
    let shown: Vec<Value> = items.into_iter().skip(start).take(pagelen).collect();
    let mut answer = json!({"pagelen": pagelen, "page": page, "values": shown});
    if style.is_counted {
        answer["size"] = size.into();
    }
    if start + pagelen < size {
        answer["next"] = asked.link(page + 1, !style.is_counted).into();
    }
    if page > 1 {
        answer["previous"] = asked.link(page - 1, !style.is_counted).into();
    }
    Ok(Json(answer).into_response())
}
