use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::base_url::BaseUrl;
use crate::door::connect::app::{AppKey, ForgeApp};

fn descriptor(base: &str, forge: Option<ForgeApp>) -> Value {
    let app = App { key: AppKey::new("penstock").unwrap(), base: BaseUrl::parse(base).unwrap(), secret: None, forge };
    serde_json::to_value(Descriptor::of(&app)).unwrap()
}

fn plain() -> Value {
    descriptor("https://app.example.com/bb/", None)
}

/// Every module that shows a frame, with the kind it stands under.
fn frames(descriptor: &Value) -> Vec<(String, Value)> {
    let mut frames = Vec::new();
    for (kind, modules) in descriptor["modules"].as_object().unwrap() {
        match modules {
            Value::Array(list) if kind != "webhooks" => {
                frames.extend(list.iter().map(|module| (kind.clone(), module.clone())))
            }
            Value::Object(_) => frames.push((kind.clone(), modules.clone())),
            _ => {}
        }
    }
    frames
}

#[test]
fn who_it_is() {
    let descriptor = plain();
    assert_eq!(descriptor["key"], "penstock");
    for required in ["name", "description", "baseUrl"] {
        assert!(descriptor[required].as_str().is_some_and(|text| !text.is_empty()), "{required}");
    }
    assert_eq!(descriptor["baseUrl"], "https://app.example.com/bb", "no slash at the end: Bitbucket joins paths to it");
    assert_eq!(descriptor["authentication"], json!({"type": "jwt"}));
    assert_eq!(descriptor["contexts"], json!(["account"]));
    assert_eq!(descriptor["vendor"].as_object().unwrap().keys().collect::<Vec<_>>(), ["name", "url"]);
}

#[test]
fn nothing_but_what_bitbucket_knows() {
    let known = [
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
    ];
    let forge =
        ForgeApp { id: "ari:cloud:ecosystem::app/x".to_owned(), link: "https://developer.atlassian.com/x".to_owned() };
    for descriptor in [plain(), descriptor("https://app.example.com", Some(forge))] {
        for name in descriptor.as_object().unwrap().keys() {
            assert!(known.contains(&name.as_str()), "{name}");
        }
        assert_eq!(
            descriptor["lifecycle"].as_object().unwrap().keys().collect::<Vec<_>>(),
            ["installed", "uninstalled"]
        );
    }
}

#[test]
fn forge_is_told_when_there_is_one() {
    assert!(plain().get("forgeAppId").is_none() && plain().get("forgeAppLink").is_none());
    let forge =
        ForgeApp { id: "ari:cloud:ecosystem::app/x".to_owned(), link: "https://developer.atlassian.com/x".to_owned() };
    let descriptor = descriptor("https://app.example.com", Some(forge));
    assert_eq!(descriptor["forgeAppId"], "ari:cloud:ecosystem::app/x");
    assert_eq!(descriptor["forgeAppLink"], "https://developer.atlassian.com/x");
}

#[test]
fn where_it_appears() {
    let places: BTreeSet<_> = frames(&plain())
        .into_iter()
        .map(|(kind, module)| (kind, module["location"].as_str().unwrap_or_default().to_owned()))
        .collect();
    let expected = [
        ("adminPages", "org.bitbucket.repository.admin"),
        ("configurePage", ""),
        ("generalPages", ""),
        ("repoPages", "org.bitbucket.repository.navigation"),
        ("webPanels", "org.bitbucket.pullrequest.overview.informationPanel"),
        ("webPanels", "org.bitbucket.repository.overview.informationPanel"),
    ];
    assert_eq!(places, expected.map(|(kind, place)| (kind.to_owned(), place.to_owned())).into());
    assert!(plain()["modules"]["configurePage"].is_object(), "there is one, and it is no list");
}

#[test]
fn modules_keep_the_limits() {
    let frames = frames(&plain());
    assert_eq!(frames.len(), Frame::ALL.len(), "every frame is told");
    let mut keys = BTreeSet::new();
    for (_, module) in &frames {
        let key = module["key"].as_str().unwrap();
        assert!(
            (1..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
            "{key}"
        );
        assert!(keys.insert(key), "{key} is there twice");
        assert!(module["name"]["value"].as_str().is_some_and(|name| !name.is_empty()));
        let url = module["url"].as_str().unwrap();
        assert!(url.starts_with('/') && url.len() <= 2048, "{url}");
    }
}

/// A parameter whose scope is missing is silently left unreplaced.
#[test]
fn parameters_are_known_and_have_their_scopes() {
    let has = |scope: &str| SCOPES.iter().any(|given| *given == scope || given.strip_suffix(":write") == Some(scope));
    for (_, module) in frames(&plain()) {
        let url = module["url"].as_str().unwrap();
        let mut rest = url;
        while let Some((_, after)) = rest.split_once('{') {
            let (parameter, after) = after.split_once('}').unwrap();
            let scope = match parameter {
                "user.uuid" | "user.account_id" => "account",
                "repository.uuid" | "repository.owner.uuid" => "repository",
                "pullrequest.id" => "pullrequest",
                other => panic!("{other} is no documented parameter that identifies"),
            };
            assert!(has(scope), "{parameter} needs {scope}");
            rest = after;
        }
        let in_pull_request = module["location"].as_str().is_some_and(|place| place.contains("pullrequest"));
        assert_eq!(url.contains("{pullrequest.id}"), in_pull_request, "{url}");
    }
}

#[test]
fn every_event_comes_to_one_address() {
    assert_eq!(plain()["modules"]["webhooks"], json!([{"event": "*", "url": "/connect/webhooks"}]));
}

#[test]
fn no_two_things_share_a_path() {
    let mut paths = BTreeSet::from([PATH, INSTALLED_PATH, UNINSTALLED_PATH, WEBHOOK_PATH]);
    assert_eq!(paths.len(), 4);
    for frame in Frame::ALL {
        assert!(paths.insert(frame.path()), "{frame:?}");
        assert!(frame.template().starts_with(&format!("{}?", frame.path())));
    }
}

/// Without the element, Bitbucket asks for everything; with an unknown scope, it refuses the app.
#[test]
fn scopes_are_known_and_few() {
    let known = [
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
    assert_eq!(plain()["scopes"], json!(SCOPES));
    for scope in SCOPES {
        assert!(known.contains(&scope), "{scope}");
        let implied = format!("{scope}:write");
        assert!(!SCOPES.contains(&implied.as_str()), "{scope} is in {implied}");
    }
    assert!(!SCOPES.iter().any(|scope| scope.ends_with(":admin") || scope.ends_with(":delete")));
}

/// The document tells a reason for each scope, and for no other.
#[test]
fn every_scope_has_its_reason() {
    let document = include_str!("../../../../../docs/scopes.md");
    let told: Vec<_> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .filter(|(_, reason)| reason.len() > 20)
        .map(|(scope, _)| scope)
        .collect();
    assert_eq!(told, SCOPES);
}
