//! Installing, again, and uninstalling.

use penstock_sandbox::{ConnectError, Install};
use serde_json::{Value, json};

use super::double::{AppDouble, hash};
use crate::client::{Client, shop};

const INSTALLED: &str = "POST&/installed&";

#[test]
fn the_first_installation_is_not_signed() {
    let (sandbox, app) = (shop(), AppDouble::start());
    let installed = app.install(&sandbox);
    let got = app.got("/installed").pop().unwrap();
    assert_eq!(got.header("authorization"), None);
    assert_eq!(got.header("content-type"), Some("application/json"));
    assert!(got.header("user-agent").unwrap().starts_with("python-requests"));
    let body = got.json();
    let told = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (told("key"), told("eventType"), told("productType"), told("baseUrl"), told("baseApiUrl")),
        (
            "an-app".to_owned(),
            "installed".to_owned(),
            "bitbucket".to_owned(),
            "https://bitbucket.org".to_owned(),
            "https://api.bitbucket.org".to_owned()
        )
    );
    assert_eq!((told("clientKey"), installed.client_key.as_str()), ("connection:1".to_owned(), "connection:1"));
    assert_eq!(body["principal"], body["user"]);
    let principal = &body["principal"];
    assert_eq!((&principal["type"], &principal["username"]), (&json!("team"), &json!("acme")));
    assert_eq!(principal["uuid"], installed.workspace_uuid);
    assert!(installed.workspace_uuid.starts_with('{'));
    assert!(!body["actor"]["uuid"].as_str().unwrap().contains('{') && body["actor"]["account_id"].is_string());
    assert_eq!(sandbox.shared_secret("an-app", "acme"), Some(app.secret()));
    assert_eq!(sandbox.installed(), [installed]);
}

#[test]
fn every_later_callback_is_signed_with_the_preceding_secret() {
    let (sandbox, app) = (shop(), AppDouble::start());
    let first = app.install(&sandbox);
    let one = app.secret();
    assert_eq!(app.install(&sandbox), first);
    let two = app.secret();
    assert_ne!(one, two);
    let claims = app.got("/installed")[1].claims(&one).unwrap();
    // The trailing slash of the callback and the path of the base are not hashed.
    assert_eq!(claims["qsh"], hash(INSTALLED));
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("connection:1"), &json!("connection:1")));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert_eq!(claims.len(), 5);

    sandbox.uninstall("an-app", "acme").unwrap();
    let got = app.got("/uninstalled").pop().unwrap();
    assert_eq!(got.claims(&two).unwrap()["qsh"], hash("POST&/uninstalled&"));
    let body = got.json();
    assert_eq!((&body["eventType"], &body["clientKey"]), (&json!("uninstalled"), &json!("connection:1")));
    assert!(body.get("sharedSecret").is_none() && body.get("actor").is_none());
    assert!(sandbox.installed().is_empty());
    assert!(matches!(sandbox.uninstall("an-app", "acme"), Err(ConnectError::NotInstalled { .. })));

    assert_eq!(app.install(&sandbox), first);
    assert!(app.got("/installed")[2].claims(&two).is_some());
}

#[test]
fn a_registered_app_has_an_ari_and_may_sign_with_its_own_secret() {
    let (sandbox, app) = (shop(), AppDouble::start());
    let own = app.base.repeat(2);
    let install = Install::new("acme", &app.descriptor_url()).with_app_secret(&own);
    let installed = sandbox.install(&install).unwrap();
    assert_eq!(installed.client_key, format!("ari:cloud:bitbucket::app/{}/an-app", installed.workspace_uuid));
    let first = app.got("/installed").pop().unwrap();
    assert_eq!(first.claims(&own).unwrap()["iss"], installed.client_key);
    let told = app.secret();
    sandbox.install(&install.sharing_secret()).unwrap();
    let second = app.got("/installed").pop().unwrap();
    assert!(second.claims(&told).is_some() && second.json().get("sharedSecret").is_none());
    assert_eq!(sandbox.shared_secret("an-app", "acme"), Some(own));
}

#[test]
fn a_personal_workspace_is_somebody() {
    let (sandbox, app) = (shop(), AppDouble::start());
    let grace = sandbox.person("Grace");
    sandbox.personal_workspace("grace", &grace.uuid).unwrap();
    let install = Install::new("grace", &app.descriptor_url()).registered();
    let installed = sandbox.install(&install).unwrap();
    assert_eq!(installed.workspace_uuid, grace.uuid);
    let principal = app.got("/installed").pop().unwrap().json()["principal"].clone();
    assert_eq!((&principal["type"], &principal["account_id"]), (&json!("user"), &json!(grace.account_id)));
    assert!(principal.get("username").is_none());
    app.describe("/contexts", json!(["account"]));
    assert!(matches!(sandbox.install(&install), Err(ConnectError::Context(_))));
}

#[test]
fn an_app_that_does_not_agree_is_not_installed() {
    let (sandbox, app) = (shop(), AppDouble::start());
    app.answer("/installed", &[(401, "who are you?"), (302, ""), (204, ""), (500, "not now")]);
    let install = Install::new("acme", &app.descriptor_url());
    let refusal = sandbox.install(&install).unwrap_err().to_string();
    assert_eq!(refusal, "the app answered `installed` with 401: who are you?");
    assert!(sandbox.install(&install).is_err());
    assert!(sandbox.installed().is_empty());
    sandbox.install(&install).unwrap();
    // What failed before signs nothing.
    assert_eq!(app.got("/installed")[2].header("authorization"), None);
    let secret = app.secret();
    // What holds is left alone by one that fails.
    assert!(sandbox.install(&install).is_err());
    assert_eq!(sandbox.shared_secret("an-app", "acme"), Some(secret.clone()));
    app.answer("/uninstalled", &[(500, "no")]);
    assert!(sandbox.uninstall("an-app", "acme").is_err());
    assert!(sandbox.installed().is_empty());
    sandbox.install(&install).unwrap();
    assert!(app.got("/installed")[4].claims(&secret).is_some());
}

#[test]
fn a_descriptor_that_breaks_a_rule_is_refused() {
    let (sandbox, app) = (shop(), AppDouble::start());
    let install = Install::new("acme", &app.descriptor_url());
    app.describe("/scopes", json!(["issue"]));
    app.describe("/baseUrl", json!(format!("{}/", app.base)));
    let ConnectError::Descriptor(faults) = sandbox.install(&install).unwrap_err() else { panic!("not refused") };
    assert_eq!(faults.len(), 2, "{faults:?}");
    for url in ["nonsense", "https://app.example.com/descriptor.json", &app.base] {
        let refused = sandbox.install(&Install::new("acme", url));
        assert!(matches!(refused, Err(ConnectError::Fetch { .. })), "{url}");
    }
    assert!(matches!(sandbox.install(&Install::new("none", &app.descriptor_url())), Err(ConnectError::Descriptor(_))));
    assert!(app.got("/installed").is_empty());
}

/// Whether Bitbucket takes the new secret while the app answers the callback is not known: both are played.
#[test]
fn a_secret_is_known_before_the_answer_or_only_after_it() {
    for (is_late, during) in [(false, 200), (true, 401)] {
        let (sandbox, app) = (shop(), AppDouble::start());
        let statuses = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let client = Client::new(&sandbox);
        let seen = std::sync::Arc::clone(&statuses);
        app.meanwhile(move |got| {
            let body: Value = got.json();
            let installed = penstock_sandbox::Installed {
                app: "an-app".to_owned(),
                client_key: body["clientKey"].as_str().unwrap().to_owned(),
                workspace: String::new(),
                workspace_uuid: String::new(),
            };
            let claims = super::double::outbound(&installed, "GET&/2.0/user&");
            let token = super::double::token(&claims, body["sharedSecret"].as_str().unwrap());
            let reply = client.clone().authorized(&format!("JWT {token}")).get("/user");
            seen.lock().unwrap().push(reply.status);
        });
        let install = Install::new("acme", &app.descriptor_url());
        let installed = sandbox.install(&if is_late { install.known_late() } else { install }).unwrap();
        assert_eq!(*statuses.lock().unwrap(), [during]);
        let after = Client::new(&sandbox).authorized(&app.authorization(&installed, "GET&/2.0/user&"));
        assert_eq!(after.get("/user").status, 200);
    }
}
