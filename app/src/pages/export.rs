//! A list of findings as a file.
//!
//! Owns both forms: CSV for people with a spreadsheet, in which no cell is ever a formula, and SARIF for other tools. Both hold what the page of findings
//! would list, page after page.

use axum::extract::{RawQuery, State as Shared};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use penstock::analyze::secrets::mask;
use penstock::render::{Format, Report, write};
use penstock_common::{Finding, Run, ToolRun};

use super::findings::{Asked, branch, chosen};
use super::refusal::Refusal;
use super::visit::{InRepository, Query};
use crate::state::State;
use crate::store::workspace::Found;

/// Most findings of a file.
const MOST: usize = 10_000;
/// Findings that are read at once.
const CHUNK: i64 = 1_000;

pub(super) async fn show(
    Shared(state): Shared<State>,
    at: InRepository,
    RawQuery(query): RawQuery,
    Query(asked): Query<Asked>,
) -> Response {
    let is_sarif = query.is_some_and(|query| query.split('&').any(|one| one == "format=sarif"));
    make(&at, &asked, is_sarif).await.unwrap_or_else(|why| why.page(&state))
}

async fn make(at: &InRepository, asked: &Asked, is_sarif: bool) -> Result<Response, Refusal> {
    let (branch, _) = branch(at, &asked.branch).await?.ok_or(Refusal::NotFound("scanned branch"))?;
    let (filter, order, _) = chosen(at, &branch, asked).await?;
    let mut all: Vec<Found> = Vec::new();
    let mut after = None;
    while all.len() < MOST {
        let found = at.store().find(at.id(), branch.id, &filter, order, after.as_ref(), CHUNK).await?;
        let last = (found.len() as i64) < CHUNK;
        after = found.last().map(|found| order.after(found));
        all.extend(found);
        if last {
            break;
        }
    }
    all.truncate(MOST);
    let name = if is_sarif { "findings.sarif" } else { "findings.csv" };
    let kind = if is_sarif { "application/sarif+json" } else { "text/csv; charset=utf-8" };
    let now = at.moment(at.visit.now).iso;
    let body = tokio::task::spawn_blocking(move || if is_sarif { sarif(all, now) } else { Ok(csv(&all)) }).await;
    let senseless = || Refusal::Senseless("The list has no such form.".to_owned());
    let body = body.map_err(|_| senseless())?.map_err(|_| senseless())?;
    let disposition = format!("attachment; filename=\"{name}\"");
    Ok(([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], body).into_response())
}

fn csv(all: &[Found]) -> Vec<u8> {
    let mut text = String::from(
        "severity,category,rule,title,path,line,state,judgement,tool,since,introduced_by,fingerprint,owner\r\n",
    );
    for found in all {
        let (title, line) = match &found.shown {
            Some(shown) => (shown.title.as_str(), shown.location.start_line.to_string()),
            None => ("", String::new()),
        };
        let since = super::moment::Moment::new(found.since, found.since).iso;
        let fingerprint = format!("pf1:{}", found.ours);
        let introduced_by = found.introduced_by.map(|number| number.to_string()).unwrap_or_default();
        let state = super::words::state(found.gone).word.to_lowercase();
        let cells = [
            found.severity.name(),
            found.category.name(),
            &found.rule,
            title,
            &found.path,
            &line,
            &state,
            found.status.name(),
            &found.tool,
            &since,
            &introduced_by,
            &fingerprint,
            &found.owner,
        ];
        let cells: Vec<String> = cells.into_iter().map(cell).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text.into_bytes()
}

/// What begins a formula in a spreadsheet, the full-width forms too (OWASP on CSV injection).
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
/// Characters that start another cell for some reader: spreadsheets split on `;` where `,` is the
/// decimal mark, and may be set to split on tabs or bars. A quoted cell is then not quoted for
/// them, and its line breaks start a row.
const SEPARATORS: [char; 6] = [',', ';', '\t', '|', '\n', '\r'];

/// A cell that no spreadsheet takes for a formula, or for several cells of which one is (RFC 4180;
/// OWASP on CSV injection).
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 2);
    // Quotes and blanks at the beginning of a cell are dropped by some readers.
    let mut begins = true;
    for letter in text.chars() {
        if begins && FORMULA.contains(&letter) {
            safe.push('\'');
        }
        begins = SEPARATORS.contains(&letter) || (begins && (letter == '"' || letter.is_whitespace()));
        safe.push(letter);
    }
    if text.starts_with(['\t', '\r', '\n']) {
        safe.insert(0, '\'');
    }
    let is_special = safe.contains(SEPARATORS) || safe.contains('"');
    if is_special { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

fn sarif(all: Vec<Found>, now: String) -> std::io::Result<Vec<u8>> {
    let owned = |found: Found| {
        let owners = found.owner.split_whitespace().map(mask).collect();
        found.shown.map(|shown| Finding { owners, ..shown })
    };
    let findings: Vec<Finding> = all.into_iter().filter_map(owned).collect();
    let tool = ToolRun {
        name: "penstock".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        configuration: String::new(),
        scope: penstock_common::Masked::EMPTY,
        complete: true,
        files: 0,
        bytes: 0,
        skipped: Vec::new(),
    };
    let run = Run {
        schema_version: Run::SCHEMA_VERSION,
        started_at: now,
        finished_at: None,
        tools: vec![tool],
        subject: None,
        findings,
        comparison: None,
        gate: None,
        notices: Vec::new(),
        metrics: None,
    };
    let mut bytes = Vec::new();
    write(Format::Sarif, &Report { run: &run, below_minimum: 0, color: false }, &mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_cell_acts() {
        for (text, written) in [
            ("plain", "plain"),
            ("a-b=c", "a-b=c"),
            ("=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            (" =1", " '=1"),
            ("\"=1", "\"\"\"'=1\""),
            ("a,b", "\"a,b\""),
            ("a\nb", "\"a\nb\""),
            ("\ta", "\"'\ta\""),
            ("a;=1", "\"a;'=1\""),
            ("a; +1", "\"a; '+1\""),
            ("a;\"=1;\"", "\"a;\"\"'=1;\"\"\""),
            ("a\t@x", "\"a\t'@x\""),
            ("a\r-1", "\"a\r'-1\""),
            ("a|=1", "\"a|'=1\""),
        ] {
            assert_eq!(cell(text), written);
        }
    }

    /// The cells of a line for a reader that splits on one character and knows quotes, as RFC 4180
    /// says.
    fn quoted(line: &str, separator: char) -> Vec<String> {
        let (mut cells, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
        let mut letters = line.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '"' if is_quoted && letters.peek() == Some(&'"') => {
                    letters.next();
                    cell.push('"');
                }
                '"' if is_quoted || cell.is_empty() => is_quoted = !is_quoted,
                letter if !is_quoted && (letter == separator || letter == '\n' || letter == '\r') => {
                    cells.push(std::mem::take(&mut cell));
                }
                letter => cell.push(letter),
            }
        }
        cells.push(cell);
        cells
    }

    proptest! {
        /// Whatever a reader splits on, and whether or not it knows quotes.
        #[test]
        fn no_cell_acts_in_any_locale(texts in prop::collection::vec("[a=+@,;|\t\r\n\" '\\-\u{ff1d}]{0,8}", 1..4)) {
            let line = texts.iter().map(|text| cell(text)).collect::<Vec<_>>().join(",");
            let ends = |letter: char| SEPARATORS.contains(&letter);
            let plain = line.split(ends).map(str::to_owned).collect();
            for cells in [plain, quoted(&line, ','), quoted(&line, ';'), quoted(&line, '\t'), quoted(&line, '|')] {
                for one in cells {
                    let start = one.trim_start_matches(|letter: char| letter == '"' || letter.is_whitespace());
                    prop_assert!(!start.starts_with(FORMULA), "{one:?} of {line:?}");
                }
            }
        }

        /// A reader of what we write gets every cell back, but for the marks in front of what would
        /// act.
        #[test]
        fn cells_are_read_back(texts in prop::collection::vec("[a=,;\t\n\" ]{0,8}", 1..4)) {
            let line = texts.iter().map(|text| cell(text)).collect::<Vec<_>>().join(",");
            let read: Vec<String> = quoted(&line, ',').into_iter().map(|one| one.replace('\'', "")).collect();
            prop_assert_eq!(read, texts);
        }
    }
}
