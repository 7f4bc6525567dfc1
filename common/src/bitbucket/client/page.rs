//! Lists that come in pages.
//!
//! Owns following `next` links, at home only, and the bounds of a list: a server could go on for ever.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Client;
use super::error::Error;
use super::request::Request;

/// Most entries that are asked for in one request (the API's document).
pub(super) const PAGE: &str = "100";
/// The same as a number.
pub(super) const PAGE_ENTRIES: usize = 100;
/// Most pages of one list.
const PAGES_MAX: usize = 1000;

/// A page of a list. The same shape ends lists: then without `next`.
#[derive(Deserialize)]
struct Page<T> {
    #[serde(default = "Vec::new")]
    values: Vec<T>,
    #[serde(default)]
    next: Option<String>,
}

impl Client {
    /// All entries of a list, or the error [`Error::TooMany`] if there are more than `most`.
    pub async fn list<T: DeserializeOwned>(&self, request: Request, most: usize) -> Result<Vec<T>, Error> {
        let call = self.call(&request);
        let (all, more) = self.pages(request, most).await?;
        if more { Err(Error::TooMany { call, limit: most }) } else { Ok(all) }
    }

    /// The first entries of a list, at most `most`.
    pub async fn first<T: DeserializeOwned>(&self, request: Request, most: usize) -> Result<Vec<T>, Error> {
        Ok(self.pages(request, most).await?.0)
    }

    /// The entries of a list that `wanted` chooses, however many others there are, or the error
    /// [`Error::TooMany`] after 1,000 pages.
    pub(super) async fn choose<T: DeserializeOwned>(
        &self,
        mut request: Request,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>, Error> {
        let call = self.call(&request);
        let mut chosen = Vec::new();
        for _ in 0..PAGES_MAX {
            let answer = self.send(&request).await?;
            let page: Page<T> = self.read(&answer)?;
            chosen.extend(page.values.into_iter().filter(&wanted));
            let Some(next) = page.next else { return Ok(chosen) };
            request.url = self.shared.home.link(&answer.url, &next)?;
        }
        Err(Error::TooMany { call, limit: PAGES_MAX * PAGE_ENTRIES })
    }

    /// At most `most` entries, and whether there are more.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        mut request: Request,
        most: usize,
    ) -> Result<(Vec<T>, bool), Error> {
        let mut all = Vec::new();
        for _ in 0..PAGES_MAX {
            let answer = self.send(&request).await?;
            let page: Page<T> = self.read(&answer)?;
            all.extend(page.values);
            if all.len() > most {
                all.truncate(most);
                return Ok((all, true));
            }
            let Some(next) = page.next else { return Ok((all, false)) };
            if all.len() == most {
                return Ok((all, true));
            }
            request.url = self.shared.home.link(&answer.url, &next)?;
        }
        Ok((all, true))
    }
}
