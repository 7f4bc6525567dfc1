//! Places inside Bitbucket that show the app: addresses with everything filled in, and signed.
//!
//! Owns what is put for a context parameter (<https://developer.atlassian.com/cloud/bitbucket/context-parameters/>) and for which a scope is needed.
//! One that the app may not have, or that the place does not know, stays as it stands in the descriptor: Bitbucket says nothing of it. Conditions
//! are not played: they only hide.

use serde::Serialize;
use serde_json::Value;

use super::descriptor::{Descriptor, Module};
use super::install::{ConnectError, token};
use super::signer::encoded;
use crate::state::account::User;
use crate::state::repository::Repository;
use crate::state::{Error, World};

/// Where somebody looks, and who.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    viewer: Option<String>,
    repository: Option<String>,
    pull_request: Option<u64>,
}

impl Scene {
    /// A page of the workspace, seen by nobody who is signed in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Seen by this person (UUID).
    #[must_use]
    pub fn seen_by(mut self, person: &str) -> Self {
        self.viewer = Some(person.to_owned());
        self
    }

    /// In this repository (`workspace/slug`).
    #[must_use]
    pub fn in_repository(mut self, full_name: &str) -> Self {
        self.repository = Some(full_name.to_owned());
        self
    }

    /// In this pull request of the repository.
    #[must_use]
    pub fn in_pull_request(mut self, id: u64) -> Self {
        self.pull_request = Some(id);
        self
    }
}

/// A place that shows the app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// Kind of the module, as in the descriptor: `webPanels`, ….
    pub kind: String,
    /// Its key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Where it is, if the module says so.
    pub location: Option<String>,
    /// The whole address, signed for an hour. It lets in whoever has it.
    pub url: String,
}

/// All places of an app that a scene shows, in the order of the descriptor's kinds.
pub(super) fn frames(world: &mut World, app: &str, workspace: &str, scene: &Scene) -> Result<Vec<Frame>, ConnectError> {
    let uuid = world.workspace(workspace)?.uuid.clone();
    let context = Context::of(world, &uuid, scene)?;
    let known = world.apps.get(app, &uuid);
    let found = known.and_then(|known| Some((known, known.active.as_ref()?)));
    let (known, terms) =
        found.ok_or_else(|| ConnectError::NotInstalled { app: app.to_owned(), workspace: workspace.to_owned() })?;
    let descriptor = &terms.descriptor;
    let shown = descriptor.modules.iter().filter(|module| is_shown(module, scene)).filter_map(|module| {
        let mut url = descriptor.at(&context.fill(descriptor, &module.url))?;
        let query = url.query().unwrap_or_default().to_owned();
        let jwt = token(&known.client_key, &terms.secret, "GET", descriptor.path_of(&url), &query);
        let separator = if query.is_empty() { "" } else { "&" };
        url.set_query(Some(&format!("{query}{separator}jwt={jwt}")));
        Some(Frame {
            kind: module.kind.to_owned(),
            key: module.key.clone(),
            name: module.name.clone(),
            location: module.location.clone(),
            url: url.into(),
        })
    });
    Ok(shown.collect())
}

/// Is a module shown there?
fn is_shown(module: &Module, scene: &Scene) -> bool {
    let place = module.location.as_deref().unwrap_or(module.kind);
    if place.contains(".pullrequest.") {
        scene.pull_request.is_some()
    } else if ["repository.", "branch.", "commit.", "source."].iter().any(|part| place.contains(&format!(".{part}")))
        || module.kind == "fileViews"
    {
        scene.repository.is_some()
    } else {
        true
    }
}

/// What is known where somebody looks.
struct Context {
    values: Vec<(&'static str, Value)>,
}

impl Context {
    fn of(world: &mut World, workspace: &str, scene: &Scene) -> Result<Self, Error> {
        let viewer = scene.viewer.as_deref().map(|uuid| world.person(uuid).cloned()).transpose()?;
        let principal = world.account(workspace)?.json(&world.urls);
        let mut values = vec![
            ("workspace", world.workspace(workspace)?.json(&world.urls)),
            ("principal", principal.clone()),
            ("target_user", principal),
            ("user", viewer.as_ref().map_or(Value::Null, |viewer: &User| viewer.json(&world.urls))),
        ];
        if let Some(full_name) = &scene.repository {
            let repository = world.named(full_name)?;
            let uuid = repository.uuid.clone();
            if repository.workspace_uuid != workspace {
                return Err(Error::NoRepository(full_name.clone()));
            }
            values.push(("repository", repository.json(&world.urls, None)));
            if let Some(id) = scene.pull_request {
                let mut shown = world.pull_request_json(&uuid, id).ok_or(Error::NoPullRequest(id))?;
                let full = world.repository(&uuid).map(|found| Repository::json(found, &world.urls, None));
                shown["to_repository"] = full.unwrap_or_default();
                values.push(("pullrequest", shown));
            }
        }
        Ok(Self { values })
    }

    /// An address with its parameters replaced, as far as they are known and the app may know them.
    fn fill(&self, descriptor: &Descriptor, template: &str) -> String {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let Some((name, behind)) = after.split_once('}') else {
                filled.push_str("%7B");
                rest = after;
                continue;
            };
            match self.value(descriptor, name) {
                Some(value) => filled.push_str(&encoded(value.as_bytes())),
                None => filled.push_str(&format!("%7B{name}%7D")),
            }
            rest = behind;
        }
        filled + rest
    }

    /// What stands for a parameter. Empty: nobody is signed in.
    fn value(&self, descriptor: &Descriptor, name: &str) -> Option<String> {
        let (object, path) = name.split_once('.')?;
        let scope = match object {
            "user" | "target_user" | "workspace" | "principal" => "account",
            "pullrequest" => "pullrequest",
            "repository" => "repository",
            _ => return None,
        };
        if !descriptor.may(scope) {
            return None;
        }
        let (_, value) = self.values.iter().find(|(known, _)| *known == object)?;
        if object == "user" && value.is_null() {
            return Some(String::new());
        }
        match path.split('.').fold(value, |value, name| &value[name]) {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }
}
