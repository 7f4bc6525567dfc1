//! Somebody sends far more than anybody may: he is refused with words, memory stays bounded, and others are served.

use std::io::Write as _;

use penstock_common::Severity;
use penstock_sandbox::Sandbox;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::crash::Program;
use super::world::{REPOSITORY, finding, upload, verbatim};

const FINDINGS: usize = 1_000_000;
/// Far above what the program needs for the largest body that it takes, and far below what a million findings would.
const MEMORY_MAX_KB: u64 = 400_000;

/// Findings of the run of which each has a rule of its own, and parts of the tool that found them.
const RULES: usize = 45_000;
const PARTS: usize = 64;
/// What three of these runs may take beyond what the program has when it is idle: far above what a
/// build without optimisation needs, and far below what it takes when something grows with the
/// square of them.
const RULES_MEMORY_MAX_KB: u64 = 700_000;

/// A run, cut in the middle of its list of findings, and one finding as it stands there.
fn parts(run: &[u8]) -> (String, String, String) {
    let text = String::from_utf8(run.to_vec()).unwrap();
    let list = "\"findings\":[";
    let begin = text.find(list).unwrap() + list.len();
    // The list has one finding, and what follows it is no object: its end is found by reading it.
    let mut values = serde_json::Deserializer::from_str(&text[begin..]).into_iter::<Value>();
    values.next().unwrap().unwrap();
    let end = begin + values.byte_offset();
    (text[..begin].to_owned(), text[begin..end].to_owned(), text[end..].to_owned())
}

/// Sends a request piece by piece until it is answered, whether or not all of it was taken.
async fn post(base: &str, head: &str, pieces: impl Iterator<Item = Vec<u8>> + Send + 'static) -> (u16, String) {
    let address = base.trim_start_matches("http://").to_owned();
    let (mut reader, mut writer) = TcpStream::connect(&address).await.unwrap().into_split();
    let head = format!("POST /api/v1/runs HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{head}\r\n\r\n");
    let writing = tokio::spawn(async move {
        if writer.write_all(head.as_bytes()).await.is_err() {
            return;
        }
        for piece in pieces {
            if writer.write_all(&piece).await.is_err() {
                return;
            }
        }
        // Held open until the answer was read.
        std::future::pending::<()>().await;
    });
    let mut answer = Vec::new();
    // Whoever is still sending when the other side closes may be told so instead of the end.
    let _ = reader.read_to_end(&mut answer).await;
    writing.abort();
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer: {text}")), text)
}

/// The most memory that a process had at a time, in KB.
fn most_memory(process: u32) -> u64 {
    memory_line(process, "VmHWM:")
}

/// The memory that a process has now, in KB.
fn memory(process: u32) -> u64 {
    memory_line(process, "VmRSS:")
}

fn memory_line(process: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_million_findings_are_refused_and_the_app_serves_on() {
    let (sandbox, folder) = (Sandbox::new().unwrap(), tempfile::tempdir().unwrap());
    let (program, running) = Program::installed(&sandbox, folder.path()).await;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let token = sandbox.oidc_token(&step, &[&program.base]);
    let run = upload(&sandbox, &step, &[finding("r", "a.rs", Severity::Low)]).to_bytes().unwrap();
    let (begin, one, end) = parts(&run);
    let head = |rest: &str| {
        format!(
            "authorization: Bearer {token}\r\nidempotency-key: a-million\r\ncontent-type: application/json\r\n{rest}"
        )
    };
    let told = |(status, text): (u16, String)| {
        assert_eq!(status, 413, "{text}");
        assert!(text.contains("application/problem+json"), "{text}");
        text
    };

    // All of them as they are.
    let length = begin.len() + FINDINGS * (one.len() + 1) - 1 + end.len();
    let thousand = format!("{one},").repeat(1000).into_bytes();
    let (first, last) = (begin.clone().into_bytes(), format!("{one}{end}").into_bytes());
    let pieces = {
        let (first, thousand) = (first.clone(), thousand.clone());
        move || std::iter::once(first.clone()).chain(std::iter::repeat_n(thousand.clone(), FINDINGS / 1000))
    };
    let text = told(post(&program.base, &head(&format!("content-length: {length}")), pieces()).await);
    assert!(text.contains("32 MiB"), "{text}");
    // The same without saying before how many.
    let chunked = pieces().map(|piece| {
        let mut framed = format!("{:x}\r\n", piece.len()).into_bytes();
        framed.extend(piece);
        framed.extend(b"\r\n");
        framed
    });
    let text = told(post(&program.base, &head("transfer-encoding: chunked"), chunked).await);
    assert!(text.contains("32 MiB"), "{text}");
    // Compressed they are small.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&first).unwrap();
    for _ in 0..FINDINGS / 1000 {
        encoder.write_all(&thousand).unwrap();
    }
    encoder.write_all(&last).unwrap();
    let small = encoder.finish().unwrap();
    assert!(small.len() < 8 << 20, "{}", small.len());
    let compressed = head(&format!("content-encoding: gzip\r\ncontent-length: {}", small.len()));
    let text = told(post(&program.base, &compressed, std::iter::once(small)).await);
    assert!(text.contains("32 MiB without compression"), "{text}");
    // As many as fit into the largest body.
    let fitting = ((32 << 20) - begin.len() - end.len()) / (one.len() + 1);
    let body = format!("{begin}{}{one}{end}", format!("{one},").repeat(fitting - 1)).into_bytes();
    let text =
        told(post(&program.base, &head(&format!("content-length: {}", body.len())), std::iter::once(body)).await);
    assert!(fitting > 50_000 && text.contains(&format!("the run has {fitting} findings, and at most 50000")), "{text}");

    let most = most_memory(running.0.id());
    assert!(most < MEMORY_MAX_KB, "{most} KB");
    let good = head(&format!("content-length: {}", run.len()));
    let (status, text) = post(&program.base, &good, std::iter::once(run)).await;
    assert_eq!(status, 201, "{text}");
}

/// Every part of a tool knows the rules of all, and every account of a branch those of its run:
/// they are in memory once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_run_of_many_rules_and_parts_takes_little_memory() {
    let (sandbox, folder) = (Sandbox::new().unwrap(), tempfile::tempdir().unwrap());
    let (program, running) = Program::installed(&sandbox, folder.path()).await;
    let step = sandbox.branch_step(REPOSITORY, "main").unwrap();
    let token = sandbox.oidc_token(&step, &[&program.base]);
    let one = finding("the-rule", "a.rs", Severity::Low);
    let mut run = upload(&sandbox, &step, &[]);
    run.run.tools = vec![run.run.tools[0].clone(); PARTS];
    run.run.findings =
        (0..RULES).map(|at| finding(&format!("rule-of-usual-length-{at:05}"), "a.rs", one.severity)).collect();
    let post_run = async |key: &str, run: &penstock_common::upload::v1::Upload| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&run.to_bytes().unwrap()).unwrap();
        let body = encoder.finish().unwrap();
        let head = format!(
            "authorization: Bearer {token}\r\nidempotency-key: {key}\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}",
            body.len()
        );
        post(&program.base, &head, std::iter::once(body)).await
    };
    let idle = memory(running.0.id());
    for number in 0..3 {
        run.run.started_at = format!("2026-11-25T10:00:0{number}Z");
        let (status, text) = post_run(&format!("many-rules-{number}"), &run).await;
        assert_eq!(status, 201, "{text}");
    }
    let most = most_memory(running.0.id());
    assert!(most < idle + RULES_MEMORY_MAX_KB, "{most} KB, idle {idle} KB");

    // There is a limit to the names, and the refusal says so.
    run.run
        .findings
        .iter_mut()
        .for_each(|finding| finding.rule = verbatim(&format!("{}{}", finding.rule, "x".repeat(40))));
    let (status, text) = post_run("long-names", &run).await;
    assert!(status == 413 && text.contains("the names of the run's rules have"), "{status} {text}");
}
