//! Every page, in every theme, narrow and wide.

use crate::program::world::verbatim;
use penstock_app::door::token::Scope;
use penstock_app::judgement::{Judge, Judged, judge};
use penstock_app::settings::{Key, Value, hooks, set, tokens};
use penstock_app::track::{Actor, Decision, Status};
use penstock_common::Severity;
use penstock_sandbox::{Permission, Scene};
use serde_json::json;

use super::look;
use super::world::{HOSTILE, Stage, hostile, many};
use crate::program::world::{REPOSITORY, finding};

/// Each page by the place that leads to it and what follows the handle in its address; what is not named is where the place itself leads.
const PAGES: [(&str, &str); 15] = [
    ("repository-panel", ""),
    ("pull-request-panel", ""),
    ("repository-page", "findings"),
    ("repository-page", "findings?severity=low&q=nothing"),
    ("repository-page", "trends"),
    ("repository-page", "runs"),
    ("repository-page", "deliveries"),
    ("repository-page", "finding"),
    ("repository-settings", ""),
    ("repository-settings", "approvals"),
    ("repository-settings", "tokens"),
    ("repository-settings", "hook"),
    ("repository-settings", "connection"),
    ("repository-settings", "audit"),
    ("workspace-page", ""),
];
/// Colours, and whether more contrast is asked for.
const THEMES: [(&str, bool); 4] = [("light", false), ("dark", false), ("light", true), ("dark", true)];
const WIDTHS: [u32; 2] = [280, 1200];

/// Everything that a page can show.
async fn full() -> Option<(Stage, Scene)> {
    let stage = Stage::new().await?;
    let ada = stage.person("Ada Admin", Permission::Admin);
    let mallory = stage.person(HOSTILE, Permission::Write);
    let mut found = many();
    stage.scan_main(&found).await;
    let by = stage.sandbox.acting_as(&mallory).unwrap();
    let number = stage.open(&by, "feature/<b>x</b>", HOSTILE).await;
    found.pop();
    found.push(hostile("new", &format!("new/{HOSTILE}.rs")));
    found.push(finding("new-2", "new/plain.rs", Severity::Critical));
    stage.scan(number, &found).await;
    stage.app.settle(&stage.sandbox).await;
    let scene = Scene::new().in_repository(REPOSITORY).in_pull_request(number).seen_by(&ada);
    set_up(&stage).await;
    Some((stage, scene))
}

/// Everything that an admin can set or make, and a judgement that waits.
async fn set_up(stage: &Stage) {
    let state = &stage.app.state;
    let (tenant, now) = (state.store.system().tenants().await.unwrap()[0].workspace, state.now());
    let workspace = state.store.for_workspace(tenant);
    let repository = workspace.repositories().await.unwrap()[0].repository;
    let gate = Value::of_form(Key::Gate, "new.high <= 0\nany.critical <= 9 warn").unwrap();
    let above = [(Key::Gate, gate), (Key::WaitingMinutes, Some(Value::Number(5)))];
    set(&workspace, None, &above, "557058:admin", now).await.unwrap();
    let on = [(Key::SecondPerson, Some(Value::Switch(true)))];
    set(&workspace, Some(repository), &on, "557058:admin", now).await.unwrap();
    let wanted = tokens::Wanted {
        name: "continuous integration".to_owned(),
        scopes: Scope::ALL.into_iter().collect(),
        repository: Some(repository),
        days: 90,
        maker: None,
    };
    tokens::make(&workspace, &wanted, "557058:admin", now).await.unwrap();
    hooks::make(&workspace, repository, &state.config.base, "557058:admin", now).await.unwrap();
    let mut write = workspace.write().await.unwrap();
    write.person("557058:admin", &"Ada Admin".into(), now).await.unwrap();
    write.person("557058:other", &verbatim(&format!("O{} <b>ther</b>", "o".repeat(80))), now).await.unwrap();
    write.commit().await.unwrap();
    let critical = {
        let mut lane = workspace.lane(repository).await;
        let tracked = lane.state(&[]).await.unwrap();
        let main = tracked.repository.main().unwrap();
        tracked.repository.open(main).find(|row| row.severity == Severity::Critical).unwrap().finding
    };
    let author = Actor::Account("557058:other".to_owned());
    let (reason, account) = (verbatim(HOSTILE), "557058:other".to_owned());
    let decision = Decision { status: Status::WontFix, reason, author, account, expires: None, now };
    let wish = Judge { finding: critical, pull_request: None, decision };
    assert!(matches!(judge(state, &workspace, repository, &wish).await.unwrap(), Judged::Waits(_)));
}

/// The address of a page below a visit's own.
async fn address(stage: &Stage, first: &str, page: &str) -> String {
    let below = first.rsplit_once('/').unwrap().0;
    if page != "finding" {
        return if page.is_empty() { first.to_owned() } else { format!("{below}/{page}") };
    }
    stage.tab.go(&format!("{below}/findings")).await;
    let link = stage.tab.run("return document.querySelector('th a.row-link').href", json!([])).await;
    link.as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_page_can_be_read_and_used_by_everybody() {
    let Some((stage, scene)) = full().await else { return };
    let axe = look::axe();
    let tab = &stage.tab;
    let mut wrong = Vec::new();
    for (module, page) in PAGES {
        let first = stage.alone(module, &scene).await;
        let url = address(&stage, &first, page).await;
        for width in WIDTHS {
            tab.resize(width, 800).await;
            for (scheme, more) in THEMES {
                tab.prefer(scheme, more).await;
                tab.go(&url).await;
                let mut here = Vec::new();
                if let Some(axe) = &axe {
                    here.extend(look::accessible(tab, axe).await);
                }
                if (scheme, more) == ("light", false) {
                    here.extend(look::fits(tab).await);
                    here.extend(look::large_enough(tab).await);
                }
                // Forty keys take their time: each theme once, and each width.
                if [(280, "light", false), (1200, "dark", false)].contains(&(width, scheme, more)) {
                    here.extend(look::reachable(tab).await);
                }
                here.extend(look::complaints(tab).await);
                let at = format!("{module} {page}, {width} px, {scheme}{}", if more { ", more contrast" } else { "" });
                wrong.extend(here.into_iter().map(|one| format!("{at}: {one}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
    stage.tab.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_page_is_small_and_does_not_move() {
    let Some((stage, scene)) = full().await else { return };
    let tab = &stage.tab;
    tab.command("Network.enable", json!({})).await;
    tab.command("Network.setCacheDisabled", json!({"cacheDisabled": true})).await;
    let mut wrong = Vec::new();
    for (module, page) in PAGES {
        let first = stage.alone(module, &scene).await;
        let url = address(&stage, &first, page).await;
        tab.go("about:blank").await;
        tab.log("performance").await;
        tab.go(&url).await;
        let mut here = look::steady(tab).await;
        here.extend(look::small(tab, &stage.sandbox.page_url()).await);
        wrong.extend(here.into_iter().map(|one| format!("{module} {page}: {one}")));
    }
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
    stage.tab.close().await;
}

/// For people to look at: `scripts/screenshots`.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "it takes pictures and asks nothing"]
async fn every_page_as_a_picture() {
    let (stage, scene) = full().await.unwrap();
    let tab = &stage.tab;
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    for (number, (module, page)) in PAGES.into_iter().enumerate() {
        let first = stage.alone(module, &scene).await;
        let url = address(&stage, &first, page).await;
        for width in WIDTHS {
            for scheme in ["light", "dark"] {
                tab.prefer(scheme, false).await;
                tab.resize(width, 800).await;
                tab.go(&url).await;
                let page = page.split('?').next().unwrap_or_default();
                let name = format!("{number}-{module}-{page}-{width}-{scheme}.png");
                std::fs::write(folder.join(name), tab.picture().await).unwrap();
            }
        }
    }
    stage.tab.close().await;
}
