//! What the program is told to do.
//!
//! Owns the way from a command to its end. What is printed is for people; what is wrong is told in one place, with what to do.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use penstock_common::Uuid;
use tokio::signal::unix::{SignalKind, signal};

use crate::audit::OPERATOR;
use crate::cli::{Audit, Cli, Command, Keys, Queue, Tenants, Tokens};
use crate::clock::Clock;
use crate::config::{Config, ConfigError, Database, environment};
use crate::crypto::{CryptoError, MasterKeys};
use crate::data_folder::{self, DataFolderError, FolderLock};
use crate::door;
use crate::door::token::{Scope, Scopes};
use crate::private_files;
use crate::serve::{Listeners, ServeError, serve};
use crate::settings::tokens;
use crate::state::State;
use crate::store::system::TenantState;
use crate::store::{self, Store, migrate_postgres};
use crate::{repair, telemetry, verify};

/// Maximum dead jobs that are listed, and entries that are read at once.
const LISTED: i64 = 1000;

/// Why a command did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The key file.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The folder of the embedded database.
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    /// A listener.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The network cannot be set up.
    #[error("no HTTPS client can be made: {0}")]
    Client(#[from] penstock_common::bitbucket::client::SetupError),
    /// A file, or the terminal.
    #[error("{what}: {source}")]
    Io {
        /// What could not be done.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// What was asked for makes no sense here.
    #[error("{0}")]
    Usage(String),
}

impl Error {
    /// 2 for wrong usage and configuration, 3 for what could not be done.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Config(_) | Self::Usage(_) => 2,
            _ => 3,
        })
    }
}

/// Does what the command line says.
///
/// # Errors
/// When it does not come to its end.
pub async fn run(cli: Cli, clock: Clock) -> Result<ExitCode, Error> {
    let config = Config::new(&environment())?;
    telemetry::start(config.log);
    match cli.command {
        Command::Serve => serve_until_signal(config, clock).await,
        Command::Check { repair } => check(config, clock, repair).await,
        Command::Migrate => migrate(&config, &clock).await,
        Command::Backup { folder } => {
            let store = open(&config, &clock).await?;
            store.backup(&folder).await?;
            say(&format!(
                "the database was copied to `{}`; keep the key file `{}` apart from it: without the key the copy's secrets are lost, with it they are open",
                folder.display(),
                config.master_key.display()
            ))
        }
        Command::Keys(Keys::Rotate) => {
            let store = open(&config, &clock).await?;
            let keys = MasterKeys::read(&config.master_key)?;
            let id = keys.add()?;
            drop(store);
            let store = open(&config, &clock).await?;
            let count = store.system().reseal(clock()).await?;
            say(&format!(
                "the new master key is {id}; the keys of {count} workspaces are sealed with it. Once every copy has the new key file, older lines may be removed from it"
            ))
        }
        Command::Verify { workspace, against, seal } => {
            let store = open(&config, &clock).await?;
            let only = match workspace {
                Some(text) => Some(known(&store, &text).await?),
                None => None,
            };
            check_logs(&store, only, against.as_deref(), seal).await
        }
        Command::Audit(Audit::Export { workspace, after }) => {
            let store = open(&config, &clock).await?;
            export_audit(&store, known(&store, &workspace).await?, after).await
        }
        Command::Queue(command) => queue(&open(&config, &clock).await?, command, &clock).await,
        Command::Tokens(command) => of_tokens(&open(&config, &clock).await?, command, &clock).await,
        Command::Tenants(command) => tenants(&open(&config, &clock).await?, command).await,
    }
}

fn say(text: &impl fmt::Display) -> Result<ExitCode, Error> {
    writeln!(io::stdout().lock(), "{text}")
        .map(|()| ExitCode::SUCCESS)
        .map_err(|source| Error::Io { what: "standard output cannot be written".to_owned(), source })
}

/// Opens the database as it is.
async fn open(config: &Config, clock: &Clock) -> Result<Store, Error> {
    Ok(match &config.database {
        Database::Embedded(folder) => {
            data_folder::require_database(folder)?;
            data_folder::require_key(folder, &config.master_key)?;
            Store::open_existing_sqlite(folder, MasterKeys::read(&config.master_key)?, clock()).await?
        }
        Database::Postgres(url) => Store::open_postgres(url, MasterKeys::read(&config.master_key)?, clock()).await?,
    })
}

/// Opens the database, and makes or upgrades an embedded one, which no other program may do or
/// serve from while the lock is held.
async fn open_or_create(config: &Config, clock: &Clock) -> Result<(Store, Option<FolderLock>), Error> {
    let Database::Embedded(folder) = &config.database else { return Ok((open(config, clock).await?, None)) };
    // Before the key is written into it.
    private_files::secure_folder(folder).map_err(store::Error::from)?;
    let lock = FolderLock::take(folder)?;
    data_folder::require_key(folder, &config.master_key)?;
    let store = Store::open_sqlite(folder, MasterKeys::read_or_create(&config.master_key)?, clock()).await?;
    Ok((store, Some(lock)))
}

async fn serve_until_signal(config: Config, clock: Clock) -> Result<ExitCode, Error> {
    for wish in config.wishes() {
        tracing::info!("{wish}");
    }
    let (store, _lock) = open_or_create(&config, &clock).await?;
    let state = State::new(config, store, clock)?;
    let listeners = Listeners::bind(&state).await?;
    let signals = |source| Error::Io { what: "signals cannot be heard".to_owned(), source };
    let mut terminate = signal(SignalKind::terminate()).map_err(signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(signals)?;
    let stopper = state.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stopper.stop();
    });
    tracing::info!(base = %state.config.base, listen = %state.config.listen, health = %state.config.health, "serving");
    serve(state, listeners).await?;
    Ok(ExitCode::SUCCESS)
}

async fn check(config: Config, clock: Clock, repair: bool) -> Result<ExitCode, Error> {
    say(&"configuration: usable")?;
    for wish in config.wishes() {
        say(&format!("note: {wish}"))?;
    }
    let store = open(&config, &clock).await?;
    say(&"master key and database: usable")?;
    let queue = store.system().queue_state(clock()).await?;
    say(&format!("queue: {} waiting, {} taken, {} dead", queue.waiting, queue.taken, queue.dead))?;
    for waiting in store.system().waiting_candidates(LISTED).await? {
        say(&door::waiting_line(&waiting, clock()))?;
    }
    if repair {
        for line in repair::repair(&store, clock()).await? {
            say(&line)?;
        }
    }
    let damage = repair::check(&store).await?;
    for line in &damage {
        say(line)?;
    }
    say(&match (damage.is_empty(), repair) {
        (true, _) => "findings: sound",
        (false, false) => {
            "findings: damaged; `penstock-app check --repair` rebuilds them from the runs that reported them, or drops them"
        }
        (false, true) => "findings: still damaged; please report this",
    })?;
    let state = State::new(config, store, clock)?;
    // Any answer shows that it is reached.
    let asked = state.bitbucket.reaches_api().await;
    match asked {
        Ok(()) => {
            say(&format!("Bitbucket: {} answers", state.config.hosts.api()))?;
            Ok(if damage.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
        Err(error) => {
            say(&format!("Bitbucket: {} cannot be reached: {error}", state.config.hosts.api()))?;
            Ok(ExitCode::from(3))
        }
    }
}

async fn migrate(config: &Config, clock: &Clock) -> Result<ExitCode, Error> {
    let mut is_first = false;
    if let Database::Postgres(url) = &config.database {
        let Some(owner) = &config.owner else {
            migrate_postgres(url, None).await?;
            return say(
                &"the tables are those of this version; `serve` needs a login that does not own them: set MIGRATE_DATABASE_URL to the owner's address and DATABASE_URL to that of the login, and run this again",
            );
        };
        is_first = migrate_postgres(owner, Some(url)).await?;
    }
    let (store, _lock) = open_or_create(config, clock).await?;
    if is_first {
        store.seal_logs().await?;
    }
    store.close().await;
    say(&"the tables are those of this version")
}

async fn check_logs(store: &Store, only: Option<Uuid>, against: Option<&Path>, seal: bool) -> Result<ExitCode, Error> {
    if seal {
        let count = match only {
            Some(workspace) => store.for_workspace(workspace).seal_logs().await?,
            None => store.seal_logs().await?,
        };
        say(&format!("{count} logs were sealed"))?;
    }
    let mut report = verify::verify(store, only).await?;
    if let Some(path) = against {
        let what = format!("`{}` cannot be read", path.display());
        let exported = verify::read_exported(path).map_err(|source| Error::Io { what, source })?;
        let earlier = verify::verify_against(store, &exported, only).await?;
        report.lines.push(format!("earlier ends: {} still there, {} not", earlier.whole, earlier.broken));
        report.lines.extend(earlier.lines);
        report.broken += earlier.broken;
    }
    for line in &report.lines {
        say(line)?;
    }
    say(&format!("{} logs are whole, {} are not", report.whole, report.broken))?;
    Ok(if report.broken == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn export_audit(store: &Store, workspace: Uuid, mut after: u64) -> Result<ExitCode, Error> {
    let workspace = store.for_workspace(workspace);
    loop {
        let lines = workspace.audit_lines(None, after, LISTED).await?;
        let Some(last) = lines.last().map(|line| line.number) else { return Ok(ExitCode::SUCCESS) };
        for line in &lines {
            let text = serde_json::to_string(line);
            say(&text.map_err(|_| store::Error::Corrupt("audit.body"))?)?;
        }
        after = last;
    }
}

async fn queue(store: &Store, command: Queue, clock: &Clock) -> Result<ExitCode, Error> {
    let system = store.system();
    let id = |text: &str| {
        let parsed = text.parse::<Uuid>().map(Uuid::number);
        parsed.map_err(|_| Error::Usage("a job is named by its id, as `queue list` shows it".to_owned()))
    };
    match command {
        Queue::List => {
            for dead in system.dead_jobs(LISTED).await? {
                let job = &dead.job;
                let why = store.for_workspace(job.workspace).job_failure(job.id).await?.unwrap_or_default();
                let id = Uuid::from(job.id);
                say(&format!(
                    "{id}  workspace {}  {} {}  tried {} times: {why}",
                    job.workspace, job.kind, job.subject, job.attempts
                ))?;
            }
            let state = system.queue_state(clock()).await?;
            say(&format!("{} dead, {} waiting, {} being done", state.dead, state.waiting, state.taken))
        }
        Queue::Retry { job } if job == "all" => {
            let mut count = 0;
            for dead in system.dead_jobs(LISTED).await? {
                count += u32::from(system.replay_job(dead.job.id, clock()).await?);
            }
            say(&format!("{count} jobs are tried again"))
        }
        Queue::Retry { job } => match system.replay_job(id(&job)?, clock()).await? {
            true => say(&"the job is tried again"),
            false => Err(Error::Usage("there is no such dead job, or the same one waits already".to_owned())),
        },
        Queue::Drop { job } => match system.drop_job(id(&job)?).await? {
            true => say(&"the job is forgotten"),
            false => Err(Error::Usage("there is no such dead job".to_owned())),
        },
    }
}

async fn known(store: &Store, text: &str) -> Result<Uuid, Error> {
    let id: Uuid = text.parse().map_err(|_| Error::Usage("a workspace is named by its UUID".to_owned()))?;
    let found = store.system().tenant(id).await?;
    found.map(|_| id).ok_or_else(|| Error::Usage("there is no such workspace".to_owned()))
}

async fn of_tokens(store: &Store, command: Tokens, clock: &Clock) -> Result<ExitCode, Error> {
    let now = clock();
    match command {
        Tokens::Create { workspace, scopes, name, repository, days } => {
            let workspace = store.for_workspace(known(store, &workspace).await?);
            let parsed: Result<Scopes, _> = scopes.iter().map(|name| name.parse::<Scope>()).collect();
            let scopes = parsed.map_err(|error| Error::Usage(error.to_string()))?;
            let repository = repository.map(|text| text.parse::<Uuid>()).transpose();
            let repository = repository.map_err(|_| Error::Usage("a repository is named by its UUID".to_owned()))?;
            let wanted = tokens::Wanted { name, scopes, repository, days, maker: None };
            let made = tokens::make(&workspace, &wanted, OPERATOR, now).await;
            let (_, token) = made.map_err(|error| match error {
                tokens::Refused::Store(error) => Error::Store(error),
                other => Error::Usage(other.to_string()),
            })?;
            say(&token.expose())
        }
        Tokens::List { workspace } => {
            for token in store.for_workspace(known(store, &workspace).await?).tokens().await? {
                let state = match (token.revoked_at, token.expires_at) {
                    (Some(_), _) => "revoked",
                    (None, Some(at)) if at <= now => "expired",
                    _ => "holds",
                };
                let id = Uuid::from(token.token);
                say(&format!("{id}  {}  {}  {state}", token.name, token.scopes))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Tokens::Revoke { workspace, token } => {
            let workspace = store.for_workspace(known(store, &workspace).await?);
            let id = token.parse::<Uuid>().map_err(|_| Error::Usage("a token is named by its id".to_owned()))?;
            if tokens::revoke(&workspace, id.number(), OPERATOR, now).await? {
                say(&"the token holds no more")
            } else {
                Err(Error::Usage("there is no such token, or it holds no more already".to_owned()))
            }
        }
    }
}

async fn tenants(store: &Store, command: Tenants) -> Result<ExitCode, Error> {
    match command {
        Tenants::List => {
            for tenant in store.system().tenants().await? {
                let workspace = store.for_workspace(tenant.workspace);
                let slug = workspace.row().await?.and_then(|row| row.slug).unwrap_or_default();
                let count = workspace.repositories().await?.len();
                let state = match tenant.state {
                    TenantState::Active => "installed",
                    TenantState::Ending => "uninstalled",
                };
                say(&format!("{}  {slug}  {state}  {count} repositories", tenant.workspace))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Tenants::Export { workspace } => {
            let id = known(store, &workspace).await?;
            for line in store.for_workspace(id).export().await? {
                say(&line)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Tenants::Forget { workspace, account } => {
            let workspace = store.for_workspace(known(store, &workspace).await?);
            if workspace.name_of(&account).await?.is_none() {
                return Err(Error::Usage("no name is kept for this account".to_owned()));
            }
            let mut write = workspace.write().await?;
            write.erase_person(&account).await?;
            write.commit().await?;
            say(&"the name was forgotten")
        }
        Tenants::Delete { workspace, yes } => {
            let id = known(store, &workspace).await?;
            if !yes {
                return Err(Error::Usage(format!(
                    "everything of workspace {id} would be deleted; add `--yes` to do it"
                )));
            }
            store.for_workspace(id).erase().await?;
            say(&format!("everything of workspace {id} was deleted"))
        }
    }
}

/// The system's clock.
pub fn system_clock() -> Clock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the app reads the clock")]
    let now = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.ok().and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0)
    };
    Arc::new(now)
}
