//! One visit: who looks, where, and in which colours.
//!
//! Owns the two cookies that remember it. They are the host's own; an app in a frame never sees them.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

use crate::sandbox::Bitbucket;
use crate::state::World;
use crate::state::account::User;
use crate::state::permission::Permission;

/// The cookie that says who looks: a UUID without braces.
pub(super) const VIEWER: &str = "viewer";
/// The cookie that says in which colours.
pub(super) const SCHEME: &str = "scheme";

/// In which colours a page is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// As the system has it.
    System,
    Light,
    Dark,
}

impl Scheme {
    pub(super) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// What CSS calls it.
    pub(super) fn css(self) -> &'static str {
        match self {
            Self::System => "light dark",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// Who looks, and how.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub(super) viewer: User,
    pub(super) scheme: Scheme,
}

impl Visit {
    /// What the cookies say; without them, the owner of everything, and the system's colours.
    pub(super) fn of(bitbucket: &Bitbucket, headers: &HeaderMap) -> Self {
        let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs: Vec<(&str, &str)> =
            all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('=')).collect();
        let get = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let viewer = get(VIEWER).and_then(|uuid| bitbucket.app.world().person(uuid).ok().cloned());
        let scheme = get(SCHEME).and_then(|name| Scheme::ALL.into_iter().find(|scheme| scheme.name() == name));
        Self { viewer: viewer.unwrap_or_else(User::somebody), scheme: scheme.unwrap_or(Scheme::System) }
    }

    /// What who looks may do in a repository.
    pub(super) fn may(&self, world: &World, full_name: &str) -> Permission {
        let Ok(repository) = world.named(full_name) else { return Permission::None };
        let all = world.permitted(repository);
        all.into_iter().find(|(person, _)| person.uuid == self.viewer.uuid).map_or(Permission::None, |(_, may)| may)
    }
}
