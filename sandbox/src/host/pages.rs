//! The pages, one function each.
//!
//! Owns what stands where: each of the app's places is shown where Bitbucket shows it. A page to which Bitbucket would not lead a visitor he can still
//! open here, so that it can be seen how the app refuses; the page says so. Only what Bitbucket shows to nobody, no app is shown in either.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use super::layout::{Link, Page, button, escaped, frames, hidden};
use super::visit::Visit;
use crate::connect::frames::{Frame, Scene};
use crate::connect::install::ConnectError;
use crate::sandbox::Bitbucket;
use crate::state::Error;
use crate::state::permission::Permission;
use crate::state::pull_request::State as Progress;

/// Most commits of a list.
const COMMITS: &str = "-n12";

/// Why a page is not shown.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Missing(String);

impl From<Error> for Missing {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

impl From<ConnectError> for Missing {
    fn from(error: ConnectError) -> Self {
        Self(error.to_string())
    }
}

impl IntoResponse for Missing {
    fn into_response(self) -> Response {
        let told = escaped(&self.0);
        (StatusCode::NOT_FOUND, Html(format!("<!doctype html><html lang=\"en\"><title>Not found</title><p>{told}")))
            .into_response()
    }
}

type Shown = Result<Html<String>, Missing>;

/// One request for a page.
struct View {
    bitbucket: Bitbucket,
    visit: Visit,
    workspace: String,
    repository: Option<String>,
    pull_request: Option<u64>,
}

impl View {
    fn new(bitbucket: Bitbucket, headers: &HeaderMap, workspace: &str) -> Result<Self, Missing> {
        bitbucket.app.world().workspace(workspace)?;
        let visit = Visit::of(&bitbucket, headers);
        Ok(Self { bitbucket, visit, workspace: workspace.to_owned(), repository: None, pull_request: None })
    }

    fn of(bitbucket: Bitbucket, headers: &HeaderMap, workspace: &str, slug: &str) -> Result<Self, Missing> {
        let full_name = format!("{workspace}/{slug}");
        bitbucket.app.world().named(&full_name)?;
        Ok(Self { repository: Some(full_name), ..Self::new(bitbucket, headers, workspace)? })
    }

    fn name(&self) -> &str {
        self.repository.as_deref().unwrap_or(&self.workspace)
    }

    fn may(&self) -> Permission {
        self.visit.may(&self.bitbucket.app.world(), self.name())
    }

    /// All places of all apps that are shown here, each with its app. Who may not see a private repository is shown none of it, and no app either:
    /// apps rely on that.
    fn frames(&self) -> Result<Vec<(String, Frame)>, Missing> {
        if let Some(full_name) = &self.repository {
            let world = self.bitbucket.app.world();
            if world.named(full_name)?.is_private && self.visit.may(&world, full_name) == Permission::None {
                return Ok(Vec::new());
            }
        }
        let mut scene = Scene::new().seen_by(&self.visit.viewer.uuid);
        if let Some(full_name) = &self.repository {
            scene = scene.in_repository(full_name);
        }
        if let Some(id) = self.pull_request {
            scene = scene.in_pull_request(id);
        }
        let mut all = Vec::new();
        for known in self.bitbucket.installed().into_iter().filter(|known| known.workspace == self.workspace) {
            let frames = self.bitbucket.frames(&known.app, &self.workspace, &scene)?;
            all.extend(frames.into_iter().map(|frame| (known.app.clone(), frame)));
        }
        Ok(all)
    }

    fn navigation(&self, all: &[(String, Frame)]) -> Vec<Link> {
        let workspace = &self.workspace;
        let mut links = vec![Link::new("Repositories", format!("/{workspace}/"))];
        let pages = |below: String, kinds: &'static [&'static str]| {
            let shown = all.iter().filter(move |(_, frame)| kinds.contains(&frame.kind.as_str()));
            shown.map(move |(app, frame)| Link::new(&frame.name, format!("/{below}/addon/{app}/{}", frame.key)))
        };
        match &self.repository {
            None => links.extend(pages(workspace.clone(), &["generalPages", "configurePage"])),
            Some(name) => {
                links.push(Link::new(name, format!("/{name}")));
                links.push(Link::new("Pull requests", format!("/{name}/pull-requests")));
                links.extend(pages(name.clone(), &["repoPages"]));
                links.extend(pages(name.clone(), &["adminPages"]));
            }
        }
        links
    }

    fn page(&self, title: &str, at: &str, all: &[(String, Frame)], body: &str) -> Html<String> {
        let navigation = self.navigation(all);
        let page = Page { visit: &self.visit, title, at, navigation: &navigation, body };
        Html(page.html(&self.bitbucket.app.world()))
    }

    /// What somebody is told who would not be led here.
    fn warning(&self, least: Permission) -> String {
        let may = self.may();
        if self.repository.is_none() || may >= least {
            return String::new();
        }
        let (who, may) = (escaped(&self.visit.viewer.name), may.name());
        format!("<p class=\"note\">{who} has the permission “{may}” here: Bitbucket would not lead to this page.</p>")
    }

    fn commits(&self, branch: &str) -> Result<String, Missing> {
        let git = self.bitbucket.app.world().named(self.name())?.git.clone();
        let format = "--format=%h%x09%cs%x09%an%x09%s";
        let listed = git.text(["log", COMMITS, format, &format!("refs/heads/{branch}")]).unwrap_or_default();
        let rows: String = listed
            .lines()
            .map(|line| {
                let cells: String = line.split('\t').map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
                format!("<tr>{cells}</tr>")
            })
            .collect();
        Ok(format!("<h2>Commits</h2><table><tbody>{rows}</tbody></table>"))
    }

    /// What stands on a commit: build statuses and reports.
    fn stands(&self, commit: &str) -> Result<String, Missing> {
        let mut items = String::new();
        for status in self.bitbucket.statuses(self.name(), commit)? {
            let text = |name: &str| escaped(status[name].as_str().unwrap_or_default());
            items += &format!(
                "<li>Build {}: <strong>{}</strong>, {}</li>",
                text("name"),
                text("state"),
                text("description")
            );
        }
        for report in self.bitbucket.reports(self.name(), commit)? {
            let text = |name: &str| escaped(report[name].as_str().unwrap_or_default());
            items +=
                &format!("<li>Report {}: <strong>{}</strong>, {}</li>", text("title"), text("result"), text("details"));
        }
        Ok(if items.is_empty() {
            "<p class=\"note\">No builds and no reports.</p>".to_owned()
        } else {
            format!("<ul>{items}</ul>")
        })
    }

    /// The form for a commit on a branch, and the button that runs its pipeline once more.
    fn acts(&self, branch: &str, at: &str) -> String {
        if self.bitbucket.pipe().is_none() {
            return "<p class=\"note\">Without a pipe no pipelines run: start the sandbox without <code>--bare</code>.</p>".to_owned();
        }
        let fields = [("repository", self.name()), ("branch", branch)];
        let push = |words: &str, change: &str| {
            let fields = [fields[0], fields[1], ("change", change)];
            button("push", words, at, &fields)
        };
        [
            push("Push a harmless commit", "harmless"),
            push("Push a secret", "secret"),
            push("Push a fix", "fix"),
            button("run", "Run the pipeline again", at, &fields),
        ]
        .concat()
    }
}

/// The repositories of a workspace.
pub(super) async fn workspace(
    State(bitbucket): State<Bitbucket>,
    Path(workspace): Path<String>,
    headers: HeaderMap,
) -> Shown {
    let view = View::new(bitbucket, &headers, &workspace)?;
    let rows: String = {
        let world = view.bitbucket.app.world();
        let uuid = world.workspace(&workspace)?.uuid.clone();
        let row = |name: &str, may: Permission, open: usize| {
            let name = escaped(name);
            format!("<tr><td><a href=\"/{name}\">{name}</a></td><td>{open}</td><td>{}</td></tr>", may.name())
        };
        let all = world.repositories_of(&uuid).into_iter().map(|known| {
            let open = known.pull_requests.values().filter(|one| one.state == Progress::Open).count();
            row(&known.full_name(), view.visit.may(&world, &known.full_name()), open)
        });
        all.collect()
    };
    let body = format!(
        "<table><thead><tr><th>Repository</th><th>Open pull requests</th><th>Your permission</th></tr></thead><tbody>{rows}</tbody></table>"
    );
    let all = view.frames()?;
    Ok(view.page(&workspace, &format!("/{workspace}/"), &all, &body))
}

/// A page of the app in a workspace.
pub(super) async fn workspace_module(
    State(bitbucket): State<Bitbucket>,
    Path((workspace, app, module)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Shown {
    let view = View::new(bitbucket, &headers, &workspace)?;
    module_page(&view, &app, &module, &["generalPages", "configurePage"])
}

/// A page of the app in a repository.
pub(super) async fn repository_module(
    State(bitbucket): State<Bitbucket>,
    Path((workspace, slug, app, module)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Shown {
    let view = View::of(bitbucket, &headers, &workspace, &slug)?;
    module_page(&view, &app, &module, &["repoPages", "adminPages"])
}

fn module_page(view: &View, app: &str, module: &str, kinds: &[&str]) -> Shown {
    let all = view.frames()?;
    let is_meant =
        |(known, frame): &&(String, Frame)| known == app && frame.key == module && kinds.contains(&frame.kind.as_str());
    let (_, frame) = all.iter().find(is_meant).ok_or_else(|| Missing(format!("no app shows `{module}` here")))?;
    let least = if frame.kind == "adminPages" { Permission::Admin } else { Permission::Read };
    let body = view.warning(least) + &frames([frame], "page");
    Ok(view.page(view.name(), &format!("/{}/addon/{app}/{module}", view.name()), &all, &body))
}

/// The overview of a repository.
pub(super) async fn overview(
    State(bitbucket): State<Bitbucket>,
    Path((workspace, slug)): Path<(String, String)>,
    headers: HeaderMap,
) -> Shown {
    let view = View::of(bitbucket, &headers, &workspace, &slug)?;
    let at = format!("/{}", view.name());
    let all = view.frames()?;
    let branch = view.bitbucket.app.world().named(view.name())?.main_branch.clone();
    let stands = match view.bitbucket.tip(view.name(), &branch) {
        Ok(tip) => view.stands(&tip)?,
        Err(_) => "<p class=\"note\">Nothing was pushed yet.</p>".to_owned(),
    };
    let panels =
        frames(all.iter().map(|(_, frame)| frame).filter(|frame| is_in(frame, ".repository.overview.")), "panel");
    let body = format!(
        "{warning}<div class=\"beside\"><div><div class=\"acts\">{acts}</div>{stands}{commits}</div><div>{panels}</div></div>",
        warning = view.warning(Permission::Read),
        acts = view.acts(&branch, &at),
        commits = view.commits(&branch)?,
    );
    Ok(view.page(view.name(), &at, &all, &body))
}

/// The pull requests of a repository.
pub(super) async fn pull_requests(
    State(bitbucket): State<Bitbucket>,
    Path((workspace, slug)): Path<(String, String)>,
    headers: HeaderMap,
) -> Shown {
    let view = View::of(bitbucket, &headers, &workspace, &slug)?;
    let at = format!("/{}/pull-requests", view.name());
    let rows: String = {
        let world = view.bitbucket.app.world();
        let all = world.named(view.name())?.pull_requests.values().rev();
        all.map(|one| {
            format!(
                "<tr><td>#{id}</td><td><a href=\"{at}/{id}\">{}</a></td><td>{}</td><td>{}</td></tr>",
                escaped(&one.title),
                escaped(&one.author.name),
                one.state.name(),
                id = one.id,
            )
        })
        .collect()
    };
    let open = if view.bitbucket.pipe().is_some() {
        let title = "<input name=\"title\" value=\"A change\" aria-label=\"Title\">";
        let choice = "<select name=\"change\" aria-label=\"What it changes\"><option value=\"secret\">with a secret</option>\
                      <option value=\"harmless\">harmless</option></select>";
        let fields = hidden("repository", view.name()) + &hidden("back", &at);
        format!(
            "<form class=\"acts\" method=\"post\" action=\"/_host/open\">{fields}{title}{choice}<button>Open a pull request</button></form>"
        )
    } else {
        String::new()
    };
    let body = format!(
        "{open}<table><thead><tr><th>No.</th><th>Title</th><th>Author</th><th>State</th></tr></thead><tbody>{rows}</tbody></table>"
    );
    Ok(view.page("Pull requests", &at, &view.frames()?, &body))
}

/// A pull request.
pub(super) async fn pull_request(
    State(bitbucket): State<Bitbucket>,
    Path((workspace, slug, id)): Path<(String, String, u64)>,
    headers: HeaderMap,
) -> Shown {
    let view = View { pull_request: Some(id), ..View::of(bitbucket, &headers, &workspace, &slug)? };
    let at = format!("/{}/pull-requests/{id}", view.name());
    let found = view.bitbucket.app.world().current(view.name(), id)?.clone();
    let all = view.frames()?;
    let (source, destination) = (escaped(&found.source.branch), escaped(&found.destination.branch));
    let acts = if found.state == Progress::Open {
        let number = id.to_string();
        let merge = button("merge", "Merge", &at, &[("repository", view.name()), ("pull_request", &number)]);
        merge + &view.acts(&found.source.branch, &at)
    } else {
        String::new()
    };
    let comments: String = {
        let seen = found.comments.iter().filter(|comment| !comment.deleted);
        seen.map(|comment| format!("<h3>{}</h3><pre>{}</pre>", escaped(&comment.author.name), escaped(&comment.raw)))
            .collect()
    };
    let fields = hidden("repository", view.name()) + &hidden("pull_request", &id.to_string()) + &hidden("back", &at);
    let comment = format!(
        "<form method=\"post\" action=\"/_host/comment\">{fields}<textarea name=\"text\" aria-label=\"Comment\"></textarea><button>Comment</button></form>"
    );
    let panels =
        frames(all.iter().map(|(_, frame)| frame).filter(|frame| is_in(frame, ".pullrequest.overview.")), "panel");
    let body = format!(
        "<p><strong>{state}</strong> {source} → {destination}, by {author}</p>{warning}\
         <div class=\"beside\"><div><div class=\"acts\">{acts}</div>{stands}<h2>Comments</h2>{comments}{comment}</div><div>{panels}</div></div>",
        state = found.state.name(),
        author = escaped(&found.author.name),
        warning = view.warning(Permission::Read),
        stands = view.stands(&found.source.commit)?,
    );
    Ok(view.page(&found.title, &at, &all, &body))
}

/// Is a frame shown in such a place?
fn is_in(frame: &Frame, part: &str) -> bool {
    frame.location.as_deref().is_some_and(|location| location.contains(part))
}
