//! The findings of a branch: filtered, in an order, page by page.
//!
//! Owns the filter as it stands in the address, so that a page can be sent to somebody who may see it too. Nothing is counted beyond what is shown: whole
//! numbers come from what is kept for them.

use askama::Template;
use axum::extract::State as Shared;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use penstock_common::Severity;
use serde::{Deserialize, Serialize};

use super::gate::FindingView;
use super::overview::{SeverityCount, counts, snippet};
use super::refusal::Refusal;
use super::shell::{Shell, page, whole};
use super::visit::{InRepository, Query};
use super::words::{self, CATEGORIES, SEVERITIES, STATUSES, thousands};
use crate::state::State;
use crate::store::workspace::{ApprovalState, Cursor, Filter, Found, Order};
use crate::track::{Branch, FindingId, How, Print};

/// Findings on a page.
const PAGE: i64 = 25;
/// In sets that are larger, no words are looked for: each row would have to be read.
const SEARCHED: i64 = 10_000;
/// Beyond so many a filtered set is not counted.
const COUNTED: i64 = 1_000;
const DAY: i64 = 86_400_000;
/// Most characters of a word that is looked for.
const WORDS_MAX: usize = 200;

/// What stands in the address.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Asked {
    pub(super) branch: String,
    pub(super) state: String,
    pub(super) severity: String,
    pub(super) category: String,
    pub(super) status: String,
    pub(super) tool: String,
    pub(super) rule: String,
    pub(super) owner: String,
    pub(super) path: String,
    pub(super) age: String,
    pub(super) sort: String,
    pub(super) q: String,
    #[serde(skip_serializing)]
    pub(super) after: String,
    #[serde(skip_serializing)]
    pub(super) done: String,
    #[serde(skip_serializing)]
    pub(super) waits: String,
}

impl Asked {
    /// As a query, without what is not said.
    pub(super) fn query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("branch", &self.branch),
            ("state", &self.state),
            ("severity", &self.severity),
            ("category", &self.category),
            ("status", &self.status),
            ("tool", &self.tool),
            ("rule", &self.rule),
            ("owner", &self.owner),
            ("path", &self.path),
            ("age", &self.age),
            ("sort", &self.sort),
            ("q", &self.q),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }

    fn is_narrowed(&self) -> bool {
        let narrows = [
            &self.severity,
            &self.category,
            &self.status,
            &self.tool,
            &self.rule,
            &self.owner,
            &self.path,
            &self.age,
            &self.q,
        ];
        narrows.iter().any(|value| !value.is_empty())
    }

    /// What it means.
    pub(super) fn filter(&self, branch: &Branch, now: i64) -> Result<(Filter, Order), Refusal> {
        let wrong = |what: &str, value: &str| Refusal::Senseless(format!("There is no {what} “{value}”."));
        let one = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut filter = Filter {
            gone: Some(match self.state.as_str() {
                "" | "open" => None,
                "fixed" => Some(How::Fixed),
                "removed" => Some(How::Removed),
                other => return Err(wrong("state", other)),
            }),
            tool: one(&self.tool),
            rule: one(&self.rule),
            owner: one(&self.owner),
            path: one(&self.path),
            ..Filter::default()
        };
        if !self.severity.is_empty() {
            let found = SEVERITIES.into_iter().find(|severity| severity.name() == self.severity);
            filter.severity = Some(found.ok_or_else(|| wrong("severity", &self.severity))?);
        }
        if !self.category.is_empty() {
            let found = CATEGORIES.into_iter().find(|category| category.name() == self.category);
            filter.category = Some(found.ok_or_else(|| wrong("category", &self.category))?);
        }
        if !self.status.is_empty() {
            let found = STATUSES.into_iter().find(|status| status.name() == self.status);
            filter.status = Some(found.ok_or_else(|| wrong("judgement", &self.status))?);
        }
        let mut order = match self.sort.as_str() {
            "" | "worst" if self.path.is_empty() => Order::Worst,
            "" | "path" => Order::Path,
            "worst" => Order::Worst,
            "newest" => Order::Newest,
            other => return Err(wrong("order", other)),
        };
        match self.age.as_str() {
            "" => {}
            "7" | "30" => {
                filter.since = Some(now - self.age.parse::<i64>().unwrap_or(7) * DAY);
                order = if self.sort.is_empty() { Order::Newest } else { order };
            }
            "90" => {
                filter.before = Some(now - 90 * DAY);
                order = if self.sort.is_empty() { Order::Newest } else { order };
            }
            "stale" => {
                let stale = branch.stale.keys();
                filter.series = Some(stale.map(|one| (one.tool.to_string(), one.name.to_string())).collect());
            }
            other => return Err(wrong("age", other)),
        }
        Ok((filter, order))
    }
}

/// A choice in a list.
#[derive(Clone, Debug)]
struct Choice {
    value: String,
    word: String,
    chosen: bool,
}

fn choices(first: &str, all: impl IntoIterator<Item = (String, String)>, chosen: &str) -> Vec<Choice> {
    let none = (String::new(), first.to_owned());
    let all = std::iter::once(none).chain(all);
    all.map(|(value, word)| Choice { chosen: value == chosen, value, word }).collect()
}

#[derive(Template)]
#[template(path = "findings.html", blocks = ["content"])]
struct Findings {
    shell: Shell,
    branch: String,
    main: bool,
    asked: Asked,
    query: String,
    severities: Vec<Choice>,
    categories: Vec<Choice>,
    statuses: Vec<Choice>,
    states: Vec<Choice>,
    tools: Vec<Choice>,
    branches: Vec<Choice>,
    ages: Vec<Choice>,
    sorts: Vec<Choice>,
    counts: Vec<SeverityCount>,
    total: String,
    note: String,
    findings: Vec<FindingView>,
    next: Option<String>,
    narrowed: bool,
    /// Whether any of them has an owner.
    owned: bool,
    first_page: bool,
    token: String,
    judgements: Vec<(String, &'static str)>,
    done: String,
    waits: String,
    /// Whether a judgement waits for a second person.
    approvals: bool,
    snippet: Option<String>,
}
page!(Findings);

pub(super) async fn show(Shared(state): Shared<State>, at: InRepository, Query(asked): Query<Asked>) -> Response {
    make(&at, asked).await.map_or_else(|why| why.page(&state), |page| whole(&page))
}

/// The branch that is asked for, or the main one, with all that live.
pub(super) async fn branch(at: &InRepository, name: &str) -> Result<Option<(Branch, Vec<Branch>)>, Refusal> {
    let main = at.store().branch(at.id(), None).await?.map(|(id, _)| id);
    let all = at.store().branches(at.id()).await?;
    let found = all.iter().find(|one| if name.is_empty() { Some(one.id) == main } else { one.name == name });
    match found.cloned() {
        Some(found) => Ok(Some((found, all))),
        None if name.is_empty() => Ok(None),
        None => Err(Refusal::NotFound("branch, or nothing was scanned of it")),
    }
}

/// The findings that are asked for, and what there is to say of how they were looked for.
pub(super) async fn chosen(
    at: &InRepository,
    branch: &Branch,
    asked: &Asked,
) -> Result<(Filter, Order, String), Refusal> {
    let (mut filter, order) = asked.filter(branch, at.visit.now)?;
    let words = asked.q.trim();
    let mut note = String::new();
    if words.chars().count() > WORDS_MAX {
        return Err(Refusal::Senseless(format!("Words to look for have at most {WORDS_MAX} characters.")));
    }
    if let Some(print) = fingerprint(words) {
        filter.fingerprint = Some(print);
    } else if !words.is_empty() {
        if at.store().count(at.id(), branch.id, &filter, SEARCHED + 1).await? > SEARCHED {
            note = format!(
                "There are more than {} findings, so “{words}” was only looked for at the beginning of paths. Narrow the list to search in all that \
                 is told.",
                thousands(SEARCHED.unsigned_abs())
            );
            filter.path = Some(words.to_owned());
            return Ok((filter, Order::Path, note));
        }
        filter.text = Some(words.to_owned());
    }
    Ok((filter, order, note))
}

async fn make(at: &InRepository, asked: Asked) -> Result<Findings, Refusal> {
    let (store, repository) = (at.store(), at.id());
    let shell = Shell::tabbed(&at.visit, "Penstock: findings", "findings");
    let known = branch(at, &asked.branch).await?;
    // A branch that was pushed is known, and says nothing as long as nothing ran: an empty list would read as if all were well.
    let Some((branch, all)) = known.filter(|_| at.row.trusted_run_at.is_some()) else {
        return Ok(empty(shell, snippet(at)));
    };
    let (filter, order, note) = chosen(at, &branch, &asked).await?;
    let after = cursor(&asked.after, order)?;
    let mut found = store.find(repository, branch.id, &filter, order, after.as_ref(), PAGE + 1).await?;
    let more = found.len() as i64 > PAGE;
    found.truncate(PAGE as usize);
    let next = found.last().filter(|_| more).map(|last| encoded(&order.after(last)));
    let open = store.open_on(repository, branch.id).await?;
    let waiting = store.approvals(Some(repository), Some(ApprovalState::Waiting), u128::MAX, 1).await?;
    let narrowed = asked.is_narrowed() || !matches!(asked.state.as_str(), "" | "open");
    let total = if narrowed {
        let number = store.count(repository, branch.id, &filter, COUNTED + 1).await?;
        if number > COUNTED {
            format!("more than {}", thousands(COUNTED.unsigned_abs()))
        } else {
            thousands(number.unsigned_abs())
        }
    } else {
        thousands((open.total() + open.dismissed).unsigned_abs())
    };
    let commit = branch.timeline.last().map(|commit| commit.to_string());
    let stale = |found: &Found| branch.stale.keys().any(|one| *one.tool == *found.tool && *one.name == *found.name);
    let findings: Vec<FindingView> = found
        .into_iter()
        .map(|found| {
            let stale = stale(&found);
            FindingView { stale, ..FindingView::new(at, commit.as_deref(), found) }
        })
        .collect();
    let mut tools: Vec<String> = branch.timeline.accounts().iter().map(|one| one.series.tool.to_string()).collect();
    tools.sort();
    tools.dedup();
    let same = |name: String| (name.clone(), name);
    let word = |value: &str, word: &str| (value.to_owned(), word.to_owned());
    let query = asked.query();
    Ok(Findings {
        shell,
        main: asked.branch.is_empty(),
        severities: choices(
            "Any severity",
            SEVERITIES.map(|one| word(one.name(), words::severity_word(one))),
            &asked.severity,
        ),
        categories: choices(
            "Any category",
            CATEGORIES.map(|one| word(one.name(), words::category(one))),
            &asked.category,
        ),
        statuses: choices(
            "Any judgement",
            STATUSES.map(|one| word(one.name(), words::status_word(one))),
            &asked.status,
        ),
        states: choices("Open", [word("fixed", "Fixed"), word("removed", "Removed")], &asked.state),
        tools: choices("Any tool", tools.into_iter().map(same), &asked.tool),
        branches: choices("Main branch", all.into_iter().map(|one| same(one.name.into())), &asked.branch),
        ages: choices(
            "Any age",
            [
                word("7", "New in 7 days"),
                word("30", "New in 30 days"),
                word("90", "Older than 90 days"),
                word("stale", "Tool has not run for long"),
            ],
            &asked.age,
        ),
        sorts: choices(
            "Usual order",
            [word("worst", "Worst first"), word("newest", "Newest first"), word("path", "By path")],
            &asked.sort,
        ),
        counts: counts(&open),
        total,
        note,
        owned: findings.iter().any(|one| !one.owner.is_empty()),
        findings,
        next: next
            .map(|after| if query.is_empty() { format!("after={after}") } else { format!("{query}&after={after}") }),
        narrowed,
        first_page: asked.after.is_empty(),
        token: at.visit.viewer.form_token("triage"),
        judgements: STATUSES.map(|one| (one.name().to_owned(), words::status_word(one))).to_vec(),
        done: worth_telling(&asked.done),
        waits: worth_telling(&asked.waits),
        approvals: !waiting.is_empty(),
        snippet: None,
        branch: branch.name.into(),
        query,
        asked,
    })
}

fn empty(shell: Shell, snippet: String) -> Findings {
    Findings {
        shell,
        branch: String::new(),
        main: true,
        asked: Asked::default(),
        query: String::new(),
        severities: Vec::new(),
        categories: Vec::new(),
        statuses: Vec::new(),
        states: Vec::new(),
        tools: Vec::new(),
        branches: Vec::new(),
        ages: Vec::new(),
        sorts: Vec::new(),
        counts: Vec::new(),
        total: String::new(),
        note: String::new(),
        findings: Vec::new(),
        next: None,
        narrowed: false,
        owned: false,
        first_page: true,
        token: String::new(),
        judgements: Vec::new(),
        done: String::new(),
        waits: String::new(),
        approvals: false,
        snippet: Some(snippet),
    }
}

/// A number that is worth a word.
pub(super) fn worth_telling(number: &str) -> String {
    number.parse::<u64>().ok().filter(|number| *number > 0).map(|number| number.to_string()).unwrap_or_default()
}

fn fingerprint(text: &str) -> Option<Print> {
    let digits = text.strip_prefix("pf1:").filter(|digits| digits.len() == 32)?;
    u128::from_str_radix(digits, 16).ok().map(Print)
}

/// The end of a page in an address. Whoever changes it sees another part of what he may see.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum End {
    Worst(Severity, FindingId),
    Newest(i64, FindingId),
    Path(String, FindingId),
}

fn encoded(cursor: &Cursor) -> String {
    let end = match cursor {
        Cursor::Worst(severity, finding) => End::Worst(*severity, *finding),
        Cursor::Newest(since, finding) => End::Newest(*since, *finding),
        Cursor::Path(path, finding) => End::Path(path.clone(), *finding),
    };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&end).unwrap_or_default())
}

fn cursor(text: &str, order: Order) -> Result<Option<Cursor>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    let senseless = || Refusal::Senseless("The page does not go on there. Begin at the first page.".to_owned());
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| senseless())?;
    let cursor = match (order, serde_json::from_slice(&bytes).map_err(|_| senseless())?) {
        (Order::Worst, End::Worst(severity, finding)) => Cursor::Worst(severity, finding),
        (Order::Newest, End::Newest(since, finding)) => Cursor::Newest(since, finding),
        // A path that is called like a severity is read as one.
        (Order::Path, End::Worst(severity, finding)) => Cursor::Path(severity.name().to_owned(), finding),
        (Order::Path, End::Path(path, finding)) => Cursor::Path(path, finding),
        _ => return Err(senseless()),
    };
    Ok(Some(cursor))
}

#[cfg(test)]
mod tests {
    use penstock_common::Category;

    use super::*;
    use crate::track::Status;

    #[test]
    fn a_page_goes_on_where_it_ended() {
        let id = FindingId(7);
        for (order, cursor_of) in [
            (Order::Worst, Cursor::Worst(Severity::High, id)),
            (Order::Newest, Cursor::Newest(-5, id)),
            (Order::Path, Cursor::Path("high".to_owned(), id)),
            (Order::Path, Cursor::Path("src/ä \"x\".rs".to_owned(), id)),
        ] {
            assert_eq!(cursor(&encoded(&cursor_of), order).unwrap(), Some(cursor_of));
        }
        for bad in ["x", "e30", "WzEsMl0"] {
            assert!(cursor(bad, Order::Worst).is_err(), "{bad}");
        }
        assert!(cursor(&encoded(&Cursor::Newest(1, id)), Order::Path).is_err());
    }

    #[test]
    fn an_address_holds_its_filter() {
        let asked =
            Asked { rule: "a&b=c".to_owned(), state: "fixed".to_owned(), after: "x".to_owned(), ..Asked::default() };
        assert_eq!(asked.query(), "state=fixed&rule=a%26b%3Dc");
        let branch = Branch::new(crate::track::BranchId(1), "main".into());
        let (filter, order) = asked.filter(&branch, 0).unwrap();
        assert_eq!((filter.gone, order), (Some(Some(How::Fixed)), Order::Worst));
        for bad in [
            Asked { severity: "bad".to_owned(), ..Asked::default() },
            Asked { state: "<b>".to_owned(), ..Asked::default() },
            Asked { age: "1".to_owned(), ..Asked::default() },
            Asked { sort: "x".to_owned(), ..Asked::default() },
        ] {
            assert!(bad.filter(&branch, 0).is_err(), "{bad:?}");
        }
        let dismissed = Asked { status: "wont_fix".to_owned(), path: "src/".to_owned(), ..Asked::default() };
        let (filter, order) = dismissed.filter(&branch, 0).unwrap();
        assert_eq!((filter.status, order), (Some(Status::WontFix), Order::Path));
        assert_eq!(filter.category, None::<Category>);
    }
}
