//! Every page, in every theme, narrow and wide.

use penstock_common::Severity;
use penstock_sandbox::{Permission, Scene};
use serde_json::json;

use super::look;
use super::world::{HOSTILE, Stage, hostile, many};
use crate::program::world::{REPOSITORY, finding};

/// Each page by the place that leads to it and what follows the handle in its address; what is not named is where the place itself leads.
const PAGES: [(&str, &str); 9] = [
    ("repository-panel", ""),
    ("pull-request-panel", ""),
    ("repository-page", "findings"),
    ("repository-page", "findings?severity=low&q=nothing"),
    ("repository-page", "trends"),
    ("repository-page", "runs"),
    ("repository-page", "deliveries"),
    ("repository-page", "finding"),
    ("workspace-page", ""),
];
/// Colours, and whether more contrast is asked for.
const THEMES: [(&str, bool); 4] = [("light", false), ("dark", false), ("light", true), ("dark", true)];
const WIDTHS: [u32; 2] = [280, 1200];

/// Everything that a page can show.
async fn full() -> Option<(Stage, Scene)> {
    let stage = Stage::new().await?;
    let walt = stage.person("Walt Writer", Permission::Write);
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
    let scene = Scene::new().in_repository(REPOSITORY).in_pull_request(number).seen_by(&walt);
    Some((stage, scene))
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
