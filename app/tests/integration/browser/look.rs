//! What is looked at on each page.
//!
//! Owns the questions: one function each, with the reason beside what it does not ask.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::tab::Tab;

/// What axe-core is asked (<https://github.com/dequelabs/axe-core/blob/develop/doc/API.md>).
const RULES: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/// Where `scripts/axe` puts it.
const AXE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/axe-4.14.1.js");
/// Most bytes of a page with all that it needs, as they go over the wire.
const WIRE_MAX: f64 = 15.0 * 1024.0;
/// Most requests for it.
const REQUESTS_MAX: usize = 3;

/// axe-core, if it was fetched.
pub(super) fn axe() -> Option<String> {
    let text = std::fs::read_to_string(AXE).ok();
    #[expect(clippy::disallowed_methods, reason = "tests have no settings")]
    let complete = std::env::var("TESTS_MUST_BE_COMPLETE").is_ok();
    assert!(text.is_some() || !complete, "there is no {AXE}: scripts/axe fetches it");
    text
}

/// What axe-core finds wrong, a line each.
pub(super) async fn accessible(tab: &Tab, axe: &str) -> Vec<String> {
    let run = "const done = arguments[arguments.length - 1];
        axe.run(document, {runOnly: arguments[0], resultTypes: ['violations']}).then(
            result => done(result.violations.map(one => one.id + ': ' + one.help + ': ' +
                one.nodes.slice(0, 3).map(node => node.html.slice(0, 160) + ' [' + (node.any[0] || node.all[0] || node.none[0] || {}).message + ']').join(' | '))),
            error => done(['axe: ' + error]))";
    tab.run(&format!("{axe}; window.axe = axe"), json!([])).await;
    texts(&tab.run_until(run, json!([RULES])).await)
}

/// Whether it has to be moved sideways.
pub(super) async fn fits(tab: &Tab) -> Vec<String> {
    let script = "const wide = document.documentElement;
        if (wide.scrollWidth <= innerWidth) return [];
        return [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > innerWidth + 1)
            .slice(0, 3).map(one => 'too wide (' + wide.scrollWidth + '): ' + one.outerHTML.slice(0, 160))";
    texts(&tab.run(script, json!([])).await)
}

/// What is too small to be hit: below 24 by 24 CSS pixels (WCAG 2.5.8). Links within a sentence are excepted there.
pub(super) async fn large_enough(tab: &Tab) -> Vec<String> {
    let script = "const shown = one => one.getClientRects().length > 0 && getComputedStyle(one).visibility === 'visible';
        const inSentence = one => one.tagName === 'A' && getComputedStyle(one).display === 'inline' &&
            [...one.parentElement.childNodes].some(node => node.nodeType === 3 && node.textContent.trim().length > 1);
        const box = one => (one.closest('label') || one).getBoundingClientRect();
        const offScreen = one => { const r = one.getBoundingClientRect(); return r.right < 0 || r.bottom < 0; };
        return [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
            .filter(one => shown(one) && !inSentence(one) && !offScreen(one))
            .filter(one => box(one).width < 23.5 || box(one).height < 23.5)
            .slice(0, 5).map(one => 'too small (' + box(one).width + 'x' + box(one).height + '): ' + one.outerHTML.slice(0, 160))";
    texts(&tab.run(script, json!([])).await)
}

/// Goes through the page with the tab key: in the order of the document, and everything that has the focus shows it.
pub(super) async fn reachable(tab: &Tab) -> Vec<String> {
    let look = "const one = document.activeElement, last = window.lastFocus;
        if (!one || one === document.body) return {end: true};
        const style = getComputedStyle(one), wrong = [];
        // A field may have several places for the focus.
        if (one === last) return {wrong: []};
        if (last && !(last.compareDocumentPosition(one) & 4)) {
            if (window.firstFocus === one) return {end: true};
            wrong.push('out of order: ' + one.outerHTML.slice(0, 120));
        }
        const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
        if (!outlined && style.boxShadow === 'none') wrong.push('focus is not to be seen: ' + one.outerHTML.slice(0, 120));
        window.firstFocus = window.firstFocus || one; window.lastFocus = one;
        return {wrong: wrong}";
    tab.run("window.lastFocus = null; window.firstFocus = null; document.activeElement.blur()", json!([])).await;
    let mut wrong = Vec::new();
    for _ in 0..40 {
        tab.key('\u{e004}').await;
        let seen = tab.run(look, json!([])).await;
        if seen["end"] == true {
            break;
        }
        wrong.extend(texts(&seen["wrong"]));
    }
    wrong
}

/// What the browser complained about since it was last asked.
pub(super) async fn complaints(tab: &Tab) -> Vec<String> {
    let log = tab.log("browser").await;
    log.iter().filter_map(|entry| entry["message"].as_str()).map(|message| format!("complaint: {message}")).collect()
}

/// What went over the wire for the last page since it was last asked, without the host's script: that is the host's.
pub(super) async fn small(tab: &Tab, host: &str) -> Vec<String> {
    let mut addresses: HashMap<String, String> = HashMap::new();
    let mut bytes = 0.0;
    let mut requests = Vec::new();
    for entry in tab.log("performance").await {
        let message: Value = serde_json::from_str(entry["message"].as_str().unwrap_or("{}")).unwrap_or_default();
        let (method, told) = (message["message"]["method"].as_str().unwrap_or_default(), &message["message"]["params"]);
        let id = told["requestId"].as_str().unwrap_or_default().to_owned();
        match method {
            "Network.requestWillBeSent" => {
                let url = told["request"]["url"].as_str().unwrap_or_default().to_owned();
                if url.starts_with("http") && !url.starts_with(host) {
                    requests.push(url.clone());
                    addresses.insert(id, url);
                }
            }
            "Network.loadingFinished" if addresses.contains_key(&id) => {
                bytes += told["encodedDataLength"].as_f64().unwrap_or_default();
            }
            _ => {}
        }
    }
    let mut wrong = Vec::new();
    if bytes > WIRE_MAX {
        wrong.push(format!("{bytes} bytes on the wire"));
    }
    if requests.len() > REQUESTS_MAX {
        wrong.push(format!("{} requests: {requests:?}", requests.len()));
    }
    assert!(!requests.is_empty(), "nothing was seen on the wire");
    wrong
}

/// What moved on the page after it was first shown.
pub(super) async fn steady(tab: &Tab) -> Vec<String> {
    let script = "const done = arguments[arguments.length - 1]; let moved = 0;
        new PerformanceObserver(list => list.getEntries().forEach(one => moved += one.value)).observe({type: 'layout-shift', buffered: true});
        setTimeout(() => done(moved > 0 ? ['moved by ' + moved] : []), 150)";
    texts(&tab.run_until(script, json!([])).await)
}

fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .map(|all| all.iter().filter_map(|one| one.as_str().map(str::to_owned)).collect())
        .unwrap_or_default()
}
