//! What `cargo run -p penstock-sandbox` starts: Bitbucket, the real app installed in it, and sixty days of history.
//!
//! Owns the order: programs, Bitbucket, app, history if there is none yet, and the end, at which all is kept. Everything lies in one folder.

mod api;
mod player;
mod programs;
mod stories;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use penstock_sandbox::{Install, Options, Pipe, Sandbox};
use tokio::signal::unix::{SignalKind, signal};

use crate::Failure;
use crate::copies::Copies;
use programs::Programs;

/// The workspace that there is.
const WORKSPACE: &str = "acme";
/// Beside the site's port are three more of the sandbox's; then come the two of the app.
const APP_PORT: u16 = 4;
/// A file that says that the history is whole.
const SEEDED: &str = "seeded";
/// A file that says that the folder is ours.
const OURS: &str = "penstock-sandbox";
/// Nobody waits for hours here.
const RATE_LIMIT: u32 = 1_000_000;

/// Where the sandbox keeps what there is, and where it listens.
pub(crate) struct Place {
    pub(crate) folder: Option<PathBuf>,
    pub(crate) port: u16,
}

/// Starts everything and serves until somebody says stop.
pub(crate) fn run(place: &Place) -> Result<(), Failure> {
    let programs = Programs::beside_this_one()?;
    let folder = place.folder.clone().unwrap_or_else(|| programs.folder.join("sandbox-data"));
    let is_seeded = prepare(&folder)?;
    let options = Options {
        rate_limit: RATE_LIMIT,
        port: Some(place.port),
        folder: Some(folder.join("bitbucket")),
        ..Options::from_environment()
    };
    let sandbox = Sandbox::start(options)?;
    if sandbox.is_empty() {
        stories::people_and_places(&sandbox, WORKSPACE)?;
    }
    let mut app = Copies::one(&programs.app, &sandbox, &folder.join("app"), place.port.saturating_add(APP_PORT))?;
    sandbox.install(&Install::new(WORKSPACE, &format!("{}/atlassian-connect.json", app.base())))?;
    sandbox.set_pipe(Pipe { program: programs.pipe.clone(), companion: app.base().to_owned() });
    if !is_seeded {
        let begin = Instant::now();
        say("Sixty days of history are made, once: the real pipe runs on every commit …")?;
        let runs = player::play(&sandbox, &mut app, WORKSPACE)?;
        sandbox.keep()?;
        fs::write(folder.join(SEEDED), "")?;
        say(&format!("{runs} runs in {} s\n", begin.elapsed().as_secs()))?;
    }
    sandbox.keep()?;
    say(&introduction(&sandbox, &app, &folder))?;
    wait()?;
    app.stop()?;
    sandbox.keep()?;
    let violations = sandbox.take_violations();
    violations.iter().try_for_each(|violation| say(&format!("does not fit: {violation}")))?;
    Ok(())
}

/// Makes sure that the folder is ours and holds a whole history or nothing. Whether there is a history.
fn prepare(folder: &Path) -> Result<bool, Failure> {
    fs::create_dir_all(folder)?;
    let is_empty = fs::read_dir(folder)?.next().is_none();
    if !is_empty && !folder.join(OURS).exists() {
        return Err(format!("{} holds something else: name an empty folder with `--data`", folder.display()).into());
    }
    fs::write(folder.join(OURS), "What the sandbox keeps. It makes all of it anew if this folder is deleted.\n")?;
    let is_seeded = folder.join(SEEDED).exists();
    if !is_seeded {
        // Somebody stopped it half way.
        for part in ["bitbucket", "app"] {
            let part = folder.join(part);
            if part.exists() {
                fs::remove_dir_all(part)?;
            }
        }
    }
    Ok(is_seeded)
}

fn introduction(sandbox: &Sandbox, app: &Copies, folder: &Path) -> String {
    format!(
        "Penstock's sandbox: a Bitbucket on loopback with the companion app in it. Ctrl-C stops it.

  open      {page}/{WORKSPACE}/

  the app   {app}
  REST API  {api}
  scripts   {site}/_sandbox/  (sandbox/README.md says what there is)
  data      {folder}  (delete it to begin anew)

On every page it can be chosen who looks, and in which colours.
",
        page = sandbox.page_url(),
        app = app.base(),
        api = sandbox.api_url(),
        site = sandbox.site_url(),
        folder = folder.display(),
    )
}

/// Until Ctrl-C, or until the system says so.
fn wait() -> io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => pressed,
            _ = terminate.recv() => Ok(()),
        }
    })
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{text}")?;
    out.flush()
}
