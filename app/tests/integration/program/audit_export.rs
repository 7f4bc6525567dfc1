//! The audit log leaves for the places that the operator names: in order, at least once, each entry
//! whole.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use penstock_app::audit_export::export;
use penstock_app::audit_export::sinks::{AuditSinks, AuditWebhook};
use penstock_app::settings::{Key, Value, set};
use penstock_common::{Secret, Uuid};
use serde_json::Value as Json;
use sha2::Sha256;

use super::uploads::Scene;
use super::world::{App, new_repository};

/// A body with its signature.
type Sent = (Vec<u8>, String);

/// A place that takes one request and answers with each of these statuses in turn; the bodies that
/// it was sent, with their signatures.
fn receiver(statuses: &'static [u16]) -> (String, std::thread::JoinHandle<Vec<Sent>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/audit?key=canary", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let mut bodies = Vec::new();
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut length, mut signature) = (0, String::new());
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let Some((name, value)) = line.trim().split_once(": ") else {
                    if line.trim().is_empty() {
                        break;
                    }
                    continue;
                };
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.parse().unwrap(),
                    "x-penstock-signature-256" => signature = value.to_owned(),
                    _ => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            bodies.push((body, signature));
            write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        }
        bodies
    });
    (url, thread)
}

async fn entries(scene: &Scene, minutes: std::ops::Range<u32>) {
    let workspace = scene.app.state.store.for_workspace(scene.workspace());
    for number in minutes {
        let value = Value::Number(number);
        set(&workspace, None, &[(Key::WaitingMinutes, Some(value))], "a:1", 1).await.unwrap();
    }
}

fn numbers(body: &[u8], workspace: Uuid) -> Vec<u64> {
    let lines = std::str::from_utf8(body).unwrap().lines();
    let number = |line: &str| {
        let json: Json = serde_json::from_str(line).unwrap();
        assert_eq!((&json["workspace"], &json["act"]), (&workspace.to_string().into(), &"set".into()));
        json["number"].as_u64().unwrap()
    };
    lines.map(number).collect()
}

/// The same program with other places, without its rounds.
fn elsewhere(app: &App, sinks: AuditSinks) -> penstock_app::state::State {
    let mut config = app.state.config.clone();
    config.audit_sinks = sinks;
    penstock_app::state::State::new(config, app.state.store.clone(), app.state.clock.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_webhook_gets_every_entry_in_order_and_again_after_a_failure() {
    let scene = Scene::new().await;
    let (url, thread) = receiver(&[500, 302, 204, 200]);
    let webhook = AuditWebhook { url: url.parse().unwrap(), secret: Some(Secret::new("shared")) };
    let state = elsewhere(&scene.app, AuditSinks { webhook: Some(webhook), syslog: None });
    entries(&scene, 1..4).await;
    // Refused, sent elsewhere, accepted.
    for _ in 0..3 {
        export(&state).await.unwrap();
    }
    // Nothing is new: nothing is sent.
    export(&state).await.unwrap();
    entries(&scene, 4..5).await;
    export(&state).await.unwrap();
    let sent = tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap();
    let of = |at: usize| numbers(&sent[at].0, scene.workspace());
    assert_eq!((of(0), of(1), of(2), of(3)), (vec![1, 2, 3], vec![1, 2, 3], vec![1, 2, 3], vec![4]));
    for (body, signature) in &sent {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"shared").unwrap();
        mac.update(body);
        let digits: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(*signature, format!("sha256={digits}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn entries_that_are_refused_do_not_delay_those_of_other_workspaces() {
    let scene = Scene::new().await;
    new_repository(&scene.sandbox, "other/shop");
    scene.app.install(&scene.sandbox, "other").await;
    let (url, _thread) = receiver(&[413, 200]);
    let webhook = AuditWebhook { url: url.parse().unwrap(), secret: None };
    let state = elsewhere(&scene.app, AuditSinks { webhook: Some(webhook), syslog: None });
    let tenants = state.store.system().tenants().await.unwrap();
    for tenant in &tenants {
        let workspace = state.store.for_workspace(tenant.workspace);
        set(&workspace, None, &[(Key::WaitingMinutes, Some(Value::Number(1)))], "a:1", 1).await.unwrap();
    }
    export(&state).await.unwrap();
    let mut sent = Vec::new();
    for tenant in &tenants {
        sent.push(state.store.for_workspace(tenant.workspace).audit_exported("webhook").await.unwrap());
    }
    sent.sort_unstable();
    assert_eq!(sent, [0, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_syslog_server_gets_every_entry_by_tcp_and_udp() {
    let scene = Scene::new().await;
    entries(&scene, 1..3).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp = format!("tcp://{}", listener.local_addr().unwrap());
    let state = elsewhere(&scene.app, AuditSinks { webhook: None, syslog: Some(tcp.parse().unwrap()) });
    let thread = std::thread::spawn(move || {
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        text
    });
    export(&state).await.unwrap();
    let mut rest = tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap();
    let mut messages = Vec::new();
    while let Some((length, after)) = rest.split_once(' ') {
        let (message, others) = after.split_at(length.parse().unwrap());
        messages.push(message.to_owned());
        rest = others.to_owned();
    }
    assert_eq!(messages.len(), 2, "{messages:?}");
    let body = |message: &str| message.split_once(" audit - ").unwrap().1.to_owned();
    assert_eq!(numbers(body(&messages[0]).as_bytes(), scene.workspace()), [1]);
    assert!(messages.iter().all(|message| message.starts_with("<110>1 ")), "{messages:?}");

    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let udp = format!("udp://{}", socket.local_addr().unwrap());
    let state = elsewhere(&scene.app, AuditSinks { webhook: None, syslog: Some(udp.parse().unwrap()) });
    entries(&scene, 3..4).await;
    export(&state).await.unwrap();
    let mut datagram = [0; 4096];
    let length = socket.recv(&mut datagram).unwrap();
    let message = std::str::from_utf8(&datagram[..length]).unwrap();
    assert_eq!(numbers(body(message).as_bytes(), scene.workspace()), [3], "what was sent by TCP was sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_place_that_is_away_costs_nothing_and_no_entry() {
    let scene = Scene::new().await;
    entries(&scene, 1..3).await;
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let webhook = AuditWebhook { url: format!("http://{free}/canary").parse().unwrap(), secret: None };
    let state = elsewhere(&scene.app, AuditSinks { webhook: Some(webhook), syslog: None });
    export(&state).await.unwrap();
    let workspace = scene.app.state.store.for_workspace(scene.workspace());
    assert_eq!(workspace.audit_exported("webhook").await.unwrap(), 0);
    assert_eq!(workspace.audit_lines(None, 0, 9).await.unwrap().len(), 2);
}
