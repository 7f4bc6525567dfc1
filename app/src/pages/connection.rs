//! Why something would not be posted, asked of Bitbucket when an admin looks.
//!
//! Owns the words. What is asked, and what follows from the answers, is known to `settings::connection`.

use askama::Template;
use axum::extract::State as Shared;
use axum::response::Response;
use penstock_common::Destination;

use super::level::{Level, Way};
use super::moment::Moment;
use super::refusal::{Refusal, sentence};
use super::shell::{Shell, page, whole};
use super::words::{Lozenge, thousands};
use crate::bitbucket::Permission;
use crate::settings::connection::{Obstacle, check};
use crate::state::State;

/// Something that was asked.
#[derive(Clone, Debug)]
struct Line {
    name: &'static str,
    state: Lozenge,
    text: String,
    last: Option<Moment>,
}

#[derive(Template)]
#[template(path = "connection.html", blocks = ["content"])]
struct ConnectionPage {
    shell: Shell,
    ways: Vec<Way>,
    lines: Vec<Line>,
    left: Option<String>,
}
page!(ConnectionPage);

pub(super) async fn show(Shared(state): Shared<State>, at: Level) -> Response {
    make(&at).await.map_or_else(|why| why.page(&state), |page| whole(&page))
}

async fn make(at: &Level) -> Result<ConnectionPage, Refusal> {
    let repository = at.id().ok_or(Refusal::NotFound("page for a whole workspace"))?;
    // Where Bitbucket does not say who is an admin, that is what this page is for. It tells nothing but how things stand.
    match at.admit().await {
        Err(Refusal::Closed(crate::door::viewer::Closed::NotTold(_))) => {}
        admitted => admitted?,
    }
    let told = check(&at.visit.state, at.store(), repository, at.visit.viewer.person).await?;
    let line = |name, outcome: Result<String, &Obstacle>| {
        let (state, text) = match outcome {
            Ok(text) => (Lozenge { word: "Works", look: "success" }, text),
            Err(obstacle) => (look(obstacle), sentence(&obstacle.to_string())),
        };
        Line { name, state, text, last: None }
    };
    let rights = match &told.rights {
        Ok(Permission::Admin) => Ok("Bitbucket tells that you are an admin.".to_owned()),
        Ok(Permission::Write) => Ok("Bitbucket tells that you may write here.".to_owned()),
        Ok(Permission::Read) => Ok("Bitbucket tells that you may read here.".to_owned()),
        Ok(Permission::None) => Ok("Bitbucket tells that you may do nothing here.".to_owned()),
        Err(obstacle) => Err(obstacle),
    };
    let mut lines = vec![
        line("Installation", told.access.as_ref().map(|()| "The app gets tokens.".to_owned())),
        line("Repository", told.repository.as_ref().map(|()| "The app can read it.".to_owned())),
        line("What people may do", rights),
    ];
    for posting in &told.destinations {
        let name = match posting.destination {
            Destination::BuildStatus => "Build status",
            Destination::PrComment => "Comment",
            Destination::CodeInsights => "Reports",
            Destination::Companion => "Companion app",
        };
        let text = match &posting.last {
            Some(last) => sentence(&last.detail),
            None => "Nothing was posted by the app yet, and nothing is known against it.".to_owned(),
        };
        let last = posting.last.as_ref().map(|last| at.visit.moment(last.at));
        lines.push(Line { last, ..line(name, posting.obstacle.as_ref().map_or(Ok(text), Err)) });
    }
    Ok(ConnectionPage {
        shell: at.shell("Penstock: connection"),
        ways: at.ways("connection"),
        lines,
        left: told.requests_left.map(|left| thousands(u64::from(left))),
    })
}

const fn look(obstacle: &Obstacle) -> Lozenge {
    match obstacle {
        Obstacle::SwitchedOff(_) => Lozenge { word: "Switched off", look: "" },
        Obstacle::NotAsked => Lozenge { word: "Not asked", look: "" },
        Obstacle::TooMany(_) | Obstacle::Unavailable(_) => Lozenge { word: "Not now", look: "warning" },
        Obstacle::NotInstalled
        | Obstacle::Rejected(_)
        | Obstacle::NotFound
        | Obstacle::Denied(_)
        | Obstacle::MissingScope(_)
        | Obstacle::Refused { .. } => Lozenge { word: "Does not work", look: "danger" },
    }
}
