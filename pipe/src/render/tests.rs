//! Every format over the same run: what it looks like, that it is well formed, and that hostile text stays text.

use super::*;
use penstock_common::masked;

use crate::analyze::secrets::{BuiltIn, verbatim};

fn rendered(format: Format, run: &Run) -> String {
    let mut out = Vec::new();
    write(format, &sample::report(run), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

macro_rules! snapshots {
    ($($name:ident = $format:ident),+) => { $(
        #[test]
        fn $name() {
            insta::assert_snapshot!(rendered(Format::$format, &sample::run()));
        }
    )+ };
}
snapshots!(text = Text, json = Json, jsonl = Jsonl, sarif = Sarif, junit = Junit, markdown = Markdown);

#[test]
fn a_change_beside_its_base() {
    for format in [Format::Text, Format::Markdown, Format::Junit] {
        insta::assert_snapshot!(format!("compared_{format}"), rendered(format, &sample::compared()));
    }
}

/// What a terminal, an eye, a parser or a renderer of markdown could be led astray by.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]8;;https://evil.example\u{7}\u{9b}31m\u{0}\u{8}\u{7f}\r\n\u{202e}\u{2066}\u{200b}\u{61c}\u{e0041}\u{fffe}\
    </failure>]]>&lt;\"'<script> @all #1 `code` **b** [x](https://evil.example) | www.evil.example ![i](j)";

/// The characters of a report that could act. Line ends are ours.
fn acting(report: &str) -> Vec<char> {
    report.chars().filter(|c| clean::is_hazard(*c) && !matches!(c, '\n' | '\t')).collect()
}

#[test]
fn hostile_text_never_acts_in_any_format() {
    let run = sample::with_text_everywhere(HOSTILE);
    for format in Format::ALL {
        assert_eq!(acting(&rendered(format, &run)), Vec::<char>::new(), "{format}");
    }
}

#[test]
fn hostile_text_adds_no_lines() {
    let (plain, hostile) = (sample::with_text_everywhere("x"), sample::with_text_everywhere(HOSTILE));
    for format in [Format::Text, Format::Json, Format::Jsonl, Format::Sarif, Format::Markdown] {
        assert_eq!(rendered(format, &hostile).lines().count(), rendered(format, &plain).lines().count(), "{format}");
    }
}

/// The description of a third-party rule may be a page long.
#[test]
fn long_words_are_cut_in_text_and_nowhere_else() {
    let long = "word ".repeat(2000);
    let mut run = sample::run();
    for finding in &mut run.findings {
        (finding.title, finding.message) = (verbatim(&long), verbatim(&format!("Because {long}")));
        finding.remediation = Some(verbatim(&long));
    }
    let text = rendered(Format::Text, &run);
    let longest = text.lines().map(|line| line.chars().count()).max();
    assert!(longest < Some(700) && text.contains('…'), "{longest:?}");
    let json: serde_json::Value = serde_json::from_str(&rendered(Format::Json, &run)).unwrap();
    assert_eq!(json["findings"][0]["title"], long);
}

#[test]
fn json_stays_well_formed_and_keeps_the_text() {
    let run = sample::with_text_everywhere(HOSTILE);
    let json: serde_json::Value = serde_json::from_str(&rendered(Format::Json, &run)).unwrap();
    assert_eq!(json["findings"][0]["location"]["path"], HOSTILE);
    assert_eq!(json["findings"][0]["rule"], HOSTILE);
    let sarif: serde_json::Value = serde_json::from_str(&rendered(Format::Sarif, &run)).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], HOSTILE);
    let lines: Vec<serde_json::Value> =
        rendered(Format::Jsonl, &run).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), run.findings.len() + 1);
    assert!(lines[..run.findings.len()].iter().all(|line| line["type"] == "finding"));
    assert_eq!(lines[run.findings.len()]["type"], "summary");
}

#[test]
fn the_document_can_be_read_as_a_run_again() {
    let run = sample::run();
    let read = masked::read::<Run>(rendered(Format::Json, &run).as_bytes(), &mut BuiltIn::default());
    assert_eq!(read.unwrap(), (run, false));
}

#[test]
fn xml_stays_well_formed() {
    let xml = rendered(Format::Junit, &sample::with_text_everywhere(HOSTILE));
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap();
    while let Some((text, after)) = rest.split_once('<') {
        assert!(!text.contains('>'), "{text}");
        let (tag, after) = after.split_once('>').unwrap();
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(tag.split(' ').next().unwrap()),
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        rest = after;
    }
    assert!(open.is_empty());
    assert!(!xml.contains(['\u{fffe}', '\u{ffff}']));
    let references = xml.split('&').skip(1).map(|after| after.split_once(';').unwrap().0);
    assert!(references.into_iter().all(|name| ["amp", "lt", "gt", "quot"].contains(&name) || name.starts_with("#x")));
}

#[test]
fn markdown_holds_no_markup_but_ours() {
    let markdown = rendered(Format::Markdown, &sample::with_text_everywhere(HOSTILE));
    let ours = markdown.replace("**critical**", "").replace("**high**", "").replace("**low**", "");
    let ours = ours.replace("**Penstock: failed**", "").replace("**failed**", "").replace("**warning**", "");
    let ours = ours.replace("**passed**", "");
    assert!(!ours.contains(['`', '*', '[', ']', '<', '>', '|', '@', '!', '\\']), "{ours}");
    assert!(!ours.contains("://") && !ours.contains("www."));
}

#[test]
fn colour_only_when_asked_and_only_ours() {
    let run = sample::with_text_everywhere(HOSTILE);
    let mut out = Vec::new();
    write(Format::Text, &Report { color: true, ..sample::report(&run) }, &mut out).unwrap();
    let mut text = String::from_utf8(out).unwrap();
    for code in ["0", "1", "1;31", "31", "32", "33", "34", "36"] {
        text = text.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(text, rendered(Format::Text, &run));
}

#[test]
fn a_run_without_findings() {
    let run = Run { findings: Vec::new(), tools: Vec::new(), ..sample::run() };
    let run = Run { notices: Vec::new(), gate: Some(penstock_common::gate::Evaluation::default()), ..run };
    let report = Report { below_minimum: 0, ..sample::report(&run) };
    let mut text = Vec::new();
    write(Format::Text, &report, &mut text).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), "nothing to scan; 0 files, 0 bytes read\n");
    let mut junit = Vec::new();
    write(Format::Junit, &report, &mut junit).unwrap();
    insta::assert_snapshot!("junit_without_findings", String::from_utf8(junit).unwrap());
}

#[test]
fn many_of_everything_are_cut_in_text() {
    let mut run = sample::run();
    let group = run.findings[1].clone();
    run.findings.extend((100..130).map(|line| {
        let location = sample::location("deploy/values.yaml", line, 1, 8);
        penstock_common::Finding { location, ..group.clone() }
    }));
    let skipped = run.tools[0].skipped.clone();
    for number in 0..30 {
        run.tools[0].skipped.extend(skipped.iter().cloned().map(|mut one| {
            one.subject = verbatim(&format!("{number}-{}", one.subject));
            one
        }));
    }
    let text = rendered(Format::Text, &run);
    assert!(text.contains("        and 21 more\n"));
    assert!(text.contains("  and 21 more\n"));
    assert_eq!(text.matches("locked: permission denied").count(), 31);
    assert_eq!(text.matches("big.sql: ").count(), 10);
    let last = text.lines().last().unwrap();
    assert!(last.contains("62 skipped (31 × permission denied, 31 × its 20000000 bytes"), "{last}");
}
