//! An app's descriptor: reading it, and whether Bitbucket would take it.
//!
//! Owns the rules of <https://developer.atlassian.com/cloud/bitbucket/app-descriptor/> and of the pages about modules. Atlassian publishes no
//! schema; where nothing is known, this is stricter than Bitbucket is likely to be. `https` is asked of nobody on loopback.

use serde_json::{Map, Value};
use url::Url;

use super::outgoing::is_loopback;

/// All scopes; an app that names none asks for all of them.
const SCOPES: [&str; 19] = [
    "account",
    "account:write",
    "email",
    "repository",
    "repository:write",
    "repository:admin",
    "repository:delete",
    "pullrequest",
    "pullrequest:write",
    "project",
    "project:admin",
    "webhook",
    "pipeline",
    "pipeline:write",
    "pipeline:variable",
    "runner",
    "runner:write",
    "snippet",
    "snippet:write",
];

/// All events that a webhook can be about.
pub(crate) const EVENTS: [&str; 25] = [
    "repo:push",
    "repo:fork",
    "repo:updated",
    "repo:transfer",
    "repo:created",
    "repo:deleted",
    "repo:imported",
    "repo:commit_comment_created",
    "repo:commit_status_created",
    "repo:commit_status_updated",
    "project:updated",
    "pullrequest:created",
    "pullrequest:updated",
    "pullrequest:push",
    "pullrequest:approved",
    "pullrequest:unapproved",
    "pullrequest:changes_request_created",
    "pullrequest:changes_request_removed",
    "pullrequest:fulfilled",
    "pullrequest:rejected",
    "pullrequest:comment_created",
    "pullrequest:comment_updated",
    "pullrequest:comment_deleted",
    "pullrequest:comment_resolved",
    "pullrequest:comment_reopened",
];

const TOP_LEVEL: [&str; 15] = [
    "key",
    "name",
    "description",
    "vendor",
    "baseUrl",
    "authentication",
    "lifecycle",
    "modules",
    "scopes",
    "contexts",
    "forgeAppLink",
    "forgeAppId",
    "apiVersion",
    "links",
    "enableLicensing",
];

/// Modules that are shown, whether there may be several, and where.
const PLACES: [(&str, bool, &[&str]); 8] = [
    (
        "webPanels",
        true,
        &[
            "org.bitbucket.repository.overview.informationPanel",
            "org.bitbucket.pullrequest.overview.informationPanel",
            "org.bitbucket.account.admin.mirror.config",
        ],
    ),
    (
        "webItems",
        true,
        &[
            "org.bitbucket.account.admin.mirror.config.actions",
            "org.bitbucket.addon.management",
            "org.bitbucket.branch.list.actions",
            "org.bitbucket.branch.summary.actions",
            "org.bitbucket.branch.summary.info",
            "org.bitbucket.commit.summary.actions",
            "org.bitbucket.commit.summary.info",
            "org.bitbucket.pullrequest.summary.actions",
            "org.bitbucket.pullrequest.summary.info",
            "org.bitbucket.repository.actions",
            "org.bitbucket.repository.navigation",
            "org.bitbucket.source.file.actions",
        ],
    ),
    ("repoPages", true, &["org.bitbucket.repository.navigation", "org.bitbucket.repository.actions"]),
    ("adminPages", true, &["org.bitbucket.repository.admin", "org.bitbucket.account.admin"]),
    ("configurePage", false, &[]),
    ("generalPages", true, &[]),
    ("profileTabs", true, &[]),
    ("fileViews", true, &[]),
];

/// Modules that are not shown, and that the sandbox does nothing with.
const OTHERS: [&str; 4] = ["webCards", "oauthConsumer", "proxy", "linkers"];

/// A descriptor that Bitbucket would take.
#[derive(Clone, Debug)]
pub(crate) struct Descriptor {
    pub(crate) key: String,
    /// Without a slash at its end.
    pub(crate) base: Url,
    pub(crate) installed: Url,
    pub(crate) uninstalled: Url,
    pub(crate) scopes: Vec<String>,
    pub(crate) contexts: Vec<String>,
    pub(crate) modules: Vec<Module>,
    pub(crate) webhooks: Vec<Webhook>,
}

/// A place inside Bitbucket that shows the app.
#[derive(Clone, Debug)]
pub(crate) struct Module {
    /// `webPanels`, …
    pub(crate) kind: &'static str,
    pub(crate) key: String,
    pub(crate) name: String,
    /// With parameters in braces, as it stands in the descriptor.
    pub(crate) url: String,
    pub(crate) location: Option<String>,
}

/// What the app wants to be told.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    pub(crate) event: String,
    pub(crate) url: Url,
}

/// Collects what is wrong.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn check(&mut self, holds: bool, words: impl FnOnce() -> String) {
        if !holds {
            self.0.push(words());
        }
    }
}

impl Descriptor {
    /// Reads one. The error is all that is wrong with it.
    pub(crate) fn read(json: &Value) -> Result<Self, Vec<String>> {
        let mut faults = Faults::default();
        let empty = Map::new();
        let all = json.as_object().unwrap_or(&empty);
        for name in all.keys() {
            faults.check(TOP_LEVEL.contains(&name.as_str()), || format!("`{name}` is no key of a descriptor"));
        }
        let mut text = |name: &str| {
            let text = json[name].as_str().unwrap_or_default().to_owned();
            faults.check(!text.is_empty(), || format!("`{name}` is missing"));
            text
        };
        let (key, base_text) = (text("key"), text("baseUrl"));
        for name in ["name", "description"] {
            text(name);
        }
        let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) && key.len() <= 128;
        faults.check(plain, || "`key` may hold letters, digits, `-`, `.` and `_`".to_owned());
        let base = base(&base_text, &mut faults);
        let below = |place: &str| base.as_ref().and_then(|base| below(base, place));
        faults.check(json["authentication"]["type"] == "jwt", || {
            "`authentication.type` must be `jwt`: the sandbox knows nothing else".to_owned()
        });
        let callbacks = json["lifecycle"].as_object().unwrap_or(&empty);
        for name in callbacks.keys() {
            let known = ["installed", "uninstalled", "enabled", "disabled"].contains(&name.as_str());
            faults.check(known, || format!("`lifecycle.{name}` is no callback"));
        }
        let mut callback = |name: &str| {
            let found = callbacks.get(name).and_then(Value::as_str).and_then(below);
            faults.check(found.is_some(), || format!("`lifecycle.{name}` must be an address below `baseUrl`"));
            found
        };
        let (installed, uninstalled) = (callback("installed"), callback("uninstalled"));
        let scopes = words(json, "scopes", &SCOPES, &mut faults);
        let contexts = words(json, "contexts", &["account", "personal"], &mut faults);
        faults.check(contexts.as_ref().is_some_and(|contexts| !contexts.is_empty()), || {
            "`contexts` must name `account` or `personal`".to_owned()
        });
        let link = json.get("forgeAppLink").map(|link| link.as_str().unwrap_or_default());
        faults.check(link.is_none_or(|link| link.starts_with("https://")), || {
            "`forgeAppLink` must be an https address".to_owned()
        });
        let id = json.get("forgeAppId").map(|id| id.as_str().unwrap_or_default());
        faults.check(id.is_none_or(|id| id.starts_with("ari:cloud:ecosystem::app/")), || {
            "`forgeAppId` must be an ARI: `ari:cloud:ecosystem::app/…`".to_owned()
        });
        let modules = json["modules"].as_object().unwrap_or(&empty);
        let places = places(modules, &below, &mut faults);
        let webhooks = webhooks(modules, &below, &mut faults);
        match (base, installed, uninstalled, contexts) {
            (Some(base), Some(installed), Some(uninstalled), Some(contexts)) if faults.0.is_empty() => Ok(Self {
                key,
                base,
                installed,
                uninstalled,
                scopes: scopes.unwrap_or_else(|| SCOPES.map(str::to_owned).to_vec()),
                contexts,
                modules: places,
                webhooks,
            }),
            _ => Err(faults.0),
        }
    }

    /// May the app do what needs this scope?
    pub(crate) fn may(&self, scope: &str) -> bool {
        crate::state::token::suffices(&self.scopes, scope)
    }

    /// The path of one of its addresses as it is hashed: without that of `baseUrl`.
    pub(crate) fn path_of<'a>(&self, url: &'a Url) -> &'a str {
        let base = self.base.path().trim_end_matches('/');
        url.path().strip_prefix(base).unwrap_or(url.path())
    }

    /// An address of the app, which may be named from `baseUrl` on.
    pub(crate) fn at(&self, place: &str) -> Option<Url> {
        below(&self.base, place)
    }
}

fn base(text: &str, faults: &mut Faults) -> Option<Url> {
    let url = Url::parse(text).ok();
    let good = url.as_ref().is_some_and(|url| {
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none()
    });
    faults.check(good, || "`baseUrl` must be an address without user, query and fragment".to_owned());
    faults.check(!text.ends_with('/'), || "`baseUrl` must not end with a slash".to_owned());
    faults.check(url.as_ref().is_some_and(is_loopback), || {
        "`baseUrl` must be http on loopback: the sandbox calls nothing else".to_owned()
    });
    url
}

/// An address from `base` on, or one that stands below it.
fn below(base: &Url, place: &str) -> Option<Url> {
    let start = base.as_str().trim_end_matches('/');
    let rest = match place.strip_prefix(start) {
        Some(rest) => rest,
        None if place.contains("://") => return None,
        None => place,
    };
    let good = rest.starts_with('/') && !rest.starts_with("//") && !rest.contains("..");
    if good { Url::parse(&format!("{start}{rest}")).ok() } else { None }
}

fn words(json: &Value, name: &str, known: &[&str], faults: &mut Faults) -> Option<Vec<String>> {
    let list = json.get(name)?;
    let texts: Option<Vec<String>> =
        list.as_array().and_then(|all| all.iter().map(|one| one.as_str().map(str::to_owned)).collect());
    faults.check(texts.is_some(), || format!("`{name}` must be a list of texts"));
    let texts = texts?;
    for text in &texts {
        faults.check(known.contains(&text.as_str()), || format!("`{name}`: there is no `{text}`"));
    }
    Some(texts)
}

fn places(modules: &Map<String, Value>, below: &dyn Fn(&str) -> Option<Url>, faults: &mut Faults) -> Vec<Module> {
    for name in modules.keys() {
        let known = PLACES.iter().any(|(kind, ..)| kind == name);
        let known = known || OTHERS.contains(&name.as_str()) || name == "webhooks";
        faults.check(known, || format!("`modules.{name}`: there is no such module"));
    }
    let mut found: Vec<Module> = Vec::new();
    for (kind, are_several, locations) in PLACES {
        let Some(value) = modules.get(kind) else { continue };
        faults.check(value.is_array() == are_several, || {
            format!("`modules.{kind}` must be {}", if are_several { "a list" } else { "one object" })
        });
        let all = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for module in all {
            let text = |name: &str| module[name].as_str().unwrap_or_default().to_owned();
            let (key, url) = (text("key"), text("url"));
            let name = module["name"]["value"].as_str().unwrap_or_default().to_owned();
            let mut check = |holds: bool, words: &str| {
                faults.check(holds, || format!("`modules.{kind}`, `{key}`: {words}"));
            };
            let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            check(!key.is_empty() && key.len() <= 128 && plain, "the key must be 1 to 128 letters, digits and `-`");
            check(found.iter().all(|other| other.key != key), "the key is used twice");
            check(!name.is_empty(), "`name.value` is missing");
            check(url.len() <= 2048, "the address has more than 2048 characters");
            check(below(&url).is_some(), "`url` must be an address below `baseUrl`");
            let location = module["location"].as_str().map(str::to_owned);
            let somewhere = location.as_deref().is_some_and(|location| locations.contains(&location));
            check(locations.is_empty() || somewhere, "`location` must be one of those that this module has");
            let conditions = module.get("conditions");
            let fit = conditions.is_none_or(|all| all.as_array().is_some_and(|all| all.iter().all(is_condition)));
            check(fit, "`conditions` must be a list of conditions");
            found.push(Module { kind, key, name, url, location });
        }
    }
    found
}

fn is_condition(value: &Value) -> bool {
    let kind = value["type"].as_str().unwrap_or_default().to_lowercase();
    let joined = matches!(kind.as_str(), "and" | "or")
        && value["conditions"].as_array().is_some_and(|all| all.iter().all(is_condition));
    joined || value["condition"].is_string()
}

fn webhooks(modules: &Map<String, Value>, below: &dyn Fn(&str) -> Option<Url>, faults: &mut Faults) -> Vec<Webhook> {
    let Some(value) = modules.get("webhooks") else { return Vec::new() };
    faults.check(value.is_array(), || "`modules.webhooks` must be a list".to_owned());
    let mut found = Vec::new();
    for webhook in value.as_array().map(Vec::as_slice).unwrap_or_default() {
        let event = webhook["event"].as_str().unwrap_or_default().to_owned();
        faults.check(event == "*" || EVENTS.contains(&event.as_str()), || {
            format!("`modules.webhooks`: there is no event `{event}`")
        });
        match webhook["url"].as_str().and_then(below) {
            Some(url) => found.push(Webhook { event, url }),
            None => faults.0.push("`modules.webhooks`: `url` must be an address below `baseUrl`".to_owned()),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "key": "an-app", "name": "An app", "description": "Does something",
            "baseUrl": "http://127.0.0.1:8080/base", "authentication": {"type": "jwt"},
            "lifecycle": {"installed": "/installed", "uninstalled": "http://127.0.0.1:8080/base/uninstalled"},
            "contexts": ["account"], "scopes": ["account", "repository:write"],
            "modules": {
                "webPanels": [{
                    "key": "panel", "name": {"value": "Panel"}, "url": "/panel?r={repository.uuid}",
                    "location": "org.bitbucket.repository.overview.informationPanel",
                    "conditions": [{"condition": "has_permission", "params": {"permission": "write"}}],
                }],
                "configurePage": {"key": "configure", "name": {"value": "Configure"}, "url": "/configure"},
                "webhooks": [{"event": "*", "url": "/hooks"}],
            },
        })
    }

    #[test]
    fn a_good_one_is_read() {
        let read = Descriptor::read(&good()).unwrap();
        assert_eq!(read.installed.as_str(), "http://127.0.0.1:8080/base/installed");
        assert_eq!(read.path_of(&read.uninstalled), "/uninstalled");
        assert_eq!((read.modules.len(), read.webhooks.len()), (2, 1));
        assert!(read.may("repository") && !read.may("pullrequest"));
        let mut all = good();
        all.as_object_mut().unwrap().remove("scopes");
        assert!(Descriptor::read(&all).unwrap().may("repository:delete"));
    }

    #[test]
    fn a_bad_one_is_not() {
        for (at, value) in [
            ("/key", json!("")),
            ("/key", json!("a b")),
            ("/description", Value::Null),
            ("/baseUrl", json!("http://127.0.0.1:8080/base/")),
            ("/baseUrl", json!("https://app.example.com")),
            ("/baseUrl", json!("http://127.0.0.1/?x")),
            ("/authentication", json!({"type": "none"})),
            ("/lifecycle/installed", json!("installed")),
            ("/lifecycle/uninstalled", json!("http://127.0.0.1:8081/base/uninstalled")),
            ("/scopes", json!(["account", "issue"])),
            ("/scopes", json!("account")),
            ("/contexts", json!([])),
            ("/contexts", json!(["team"])),
            ("/modules/webPanels/0/key", json!("configure")),
            ("/modules/webPanels/0/key", json!("a_b")),
            ("/modules/webPanels/0/name", json!("Panel")),
            ("/modules/webPanels/0/url", json!("panel")),
            ("/modules/webPanels/0/url", json!(format!("/{}", "x".repeat(2048)))),
            ("/modules/webPanels/0/location", json!("org.bitbucket.repository.navigation")),
            ("/modules/webPanels/0/conditions", json!([{"type": "and"}])),
            ("/modules/webPanels", json!({})),
            ("/modules/configurePage", json!([])),
            ("/modules/webhooks/0/event", json!("issue:created")),
            ("/modules/webhooks/0/url", json!("https://elsewhere.example.com/hooks")),
        ] {
            let mut bad = good();
            *bad.pointer_mut(at).unwrap() = value.clone();
            assert!(Descriptor::read(&bad).is_err(), "{at}: {value}");
        }
        for (at, name) in [("", "colour"), ("/modules", "webPanel"), ("/lifecycle", "upgraded")] {
            let mut bad = good();
            bad.pointer_mut(at).unwrap()[name] = json!({});
            assert!(Descriptor::read(&bad).is_err(), "{at}/{name}");
        }
        assert!(Descriptor::read(&json!([])).is_err());
    }
}
