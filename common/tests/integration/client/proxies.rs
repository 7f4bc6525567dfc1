//! The authentication proxy of Pipelines, and the proxies of networks.

use penstock_common::Secret;
use penstock_common::bitbucket::client::{
    Access, ApiUrl, Auth, AuthProxy, Client, CorporateProxy, Error, ExtraRoots, SetupError,
};
use penstock_sandbox::Door;

use super::raw::{Raw, json};
use super::world::{World, annotations, quick, report};

#[tokio::test]
async fn reports_go_through_the_authentication_proxy_without_credentials() {
    let world = World::new();
    let repository = world.proxied();
    repository.put_report(&world.head, &report()).await.unwrap();
    repository.post_annotations(&world.head, "penstock-secrets", &annotations(150)).await.unwrap();
    // The second page is named by https.
    assert_eq!(repository.annotation_ids(&world.head, "penstock-secrets").await.unwrap().len(), 150);
    repository.delete_report(&world.head, "penstock-secrets").await.unwrap();
    assert!(repository.statuses(&world.head).await.unwrap_err().is_denied());
    let journal = world.sandbox.journal();
    let proxied: Vec<_> =
        journal.iter().filter(|entry| entry.target.starts_with("http://api.bitbucket.org/2.0/")).collect();
    assert_eq!(proxied.len(), journal.len());
    for entry in proxied {
        assert_eq!((entry.door, &entry.authorization), (Door::Proxy, &None));
    }
}

#[test]
fn the_address_of_the_authentication_proxy_is_plain() {
    for good in ["localhost:29418", "http://host.docker.internal:29418", "http://host:1/", "[::1]:29418"] {
        assert!(AuthProxy::parse(good).is_some(), "{good}");
    }
    for bad in ["https://host:1", "http://name:word@host:1", "http://host:1/path", "", "http://", "socks5://host:1"] {
        assert!(AuthProxy::parse(bad).is_none(), "{bad}");
    }
}

/// A client for an address, with a proxy of the network.
fn client(api: &str, proxy: &Raw, except: Option<&str>) -> Client {
    let access = Access::Direct {
        api: ApiUrl::parse(api).unwrap(),
        auth: Auth::AccessToken(Secret::new(["canary", "token"].join("-"))),
        proxy: CorporateProxy {
            url: Some(Secret::new(format!("http://me:word@{}", proxy.address()))),
            except: except.map(str::to_owned),
        },
        roots: ExtraRoots::default(),
    };
    let mut options = quick();
    options.patience.attempts = 1;
    Client::new(&access, options).unwrap()
}

#[tokio::test]
async fn the_proxy_of_the_network_makes_tunnels_and_sees_no_token() {
    let proxy = Raw::new(|_| json("403 Forbidden", "", "no")).await;
    let error = client("https://bitbucket.example/2.0", &proxy, None).user().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(!error.to_string().contains("word"), "{error}");
    let requests = proxy.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].starts_with("CONNECT bitbucket.example:443 "), "{requests:?}");
    let head = requests[0].to_ascii_lowercase();
    assert!(head.contains("proxy-authorization: basic ") && !head.contains("\nauthorization:"), "{requests:?}");
}

#[tokio::test]
async fn hosts_may_be_left_out_and_loopback_always_is() {
    let proxy = Raw::new(|_| json("403 Forbidden", "", "no")).await;
    let direct = Raw::new(|_| json("200 OK", "", "{}")).await;
    let port = direct.address().rsplit_once(':').unwrap().1.to_owned();
    for except in ["localhost", "example.org,localhost", "*", ".localhost"] {
        let secure = format!("https://localhost:{port}/2.0");
        client(&secure, &proxy, Some(except)).user().await.unwrap_err();
    }
    client(&format!("https://127.0.0.1:{port}/2.0"), &proxy, Some("127.0.0.0/8")).user().await.unwrap_err();
    let hellos = direct.requests();
    client(&format!("https://127.0.0.1:{port}/2.0"), &proxy, Some("a, *")).user().await.unwrap_err();
    assert_eq!(direct.requests().len(), 6);
    assert!(hellos.len() == 5 && hellos.iter().all(|hello| hello.starts_with('\u{16}')), "TLS begins with 22");
    client(&direct.api(), &proxy, None).user().await.unwrap();
    assert_eq!(proxy.requests(), Vec::<String>::new());
    client(&format!("https://localhost:{port}/2.0"), &proxy, Some("calhost")).user().await.unwrap_err();
    assert_eq!(proxy.requests().len(), 1);
}

#[tokio::test]
async fn who_cannot_be_trusted_is_told_apart_and_not_asked_again() {
    // A fatal alert: the handshake failed.
    let server = Raw::new(|_| "\u{15}\u{3}\u{3}\u{0}\u{2}\u{2}\u{28}".to_owned()).await;
    let proxy = Raw::new(|_| String::new()).await;
    let api = format!("https://{}/2.0", server.address());
    let error = client(&api, &proxy, Some("*")).user().await.unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }) && !error.is_uncertain(), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn certificates_are_read_or_refused() {
    let broken = ["-----BEGIN CERTIFICATE-----\nAAAA\n", "-----END CERTIFICATE-----\n"].concat();
    for bad in ["", "no certificate", &broken] {
        assert!(matches!(ExtraRoots::from_pem(bad.as_bytes(), "ca.pem"), Err(SetupError::Certificates(_))), "{bad}");
    }
}
