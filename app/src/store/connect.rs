//! The first connection to a server of PostgreSQL.
//!
//! Owns the message if there is none: which variable names the server, its host, and why it cannot
//! be used. The address itself is never shown, because it may contain a password.

use std::io::ErrorKind;
use std::time::Duration;

use penstock_common::Secret;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection};
use tokio::time::{Instant, sleep, timeout_at};

use super::error::{Error, Result};
use super::transaction::WAIT;

/// Time between two attempts while the server starts, or has no session left.
const PAUSE: Duration = Duration::from_millis(200);

/// A server, as a variable names it.
#[derive(Clone)]
pub(super) struct Server {
    variable: &'static str,
    pub(super) options: PgConnectOptions,
}

impl Server {
    pub(super) fn new(variable: &'static str, url: &Secret) -> Result<Self> {
        // What the library says of a wrong address may quote its password.
        let options = url.expose().parse();
        let options =
            options.map_err(|_| Error::Setup(format!("{variable} is not an address of PostgreSQL: `postgres://…`")))?;
        Ok(Self { variable, options })
    }

    /// Connects once, and begins a session if there is anything to be set in it.
    ///
    /// # Errors
    /// Why it cannot, after a few seconds at most.
    pub(super) async fn try_out(&self, session: Option<&'static str>) -> Result<()> {
        let end = Instant::now() + WAIT;
        loop {
            let attempt = timeout_at(end, PgConnection::connect_with(&self.options)).await;
            let mut connection = match attempt {
                Ok(Ok(connection)) => connection,
                Ok(Err(error)) if may_pass(&error) && Instant::now() + PAUSE < end => {
                    sleep(PAUSE).await;
                    continue;
                }
                Ok(Err(error)) => return Err(self.wrong(&self.cause(&error))),
                Err(_) => return Err(self.silent()),
            };
            if let Some(session) = session {
                let begun = timeout_at(end, connection.execute(session)).await.map_err(|_| self.silent())?;
                begun.map_err(|error| self.wrong(&self.cause_of_session(&error)))?;
            }
            // It was only tried out; a server that does not hear the parting word closes the
            // session when the socket is.
            let _ = timeout_at(end, connection.close()).await;
            return Ok(());
        }
    }

    /// An error that begins with the variable and the place.
    pub(super) fn wrong(&self, why: &str) -> Error {
        let place = match self.options.get_socket() {
            Some(folder) => folder.display().to_string(),
            None => format!("{}:{}", self.options.get_host(), self.options.get_port()),
        };
        Error::Setup(format!("{}: PostgreSQL at `{place}` {why}", self.variable))
    }

    fn silent(&self) -> Error {
        self.wrong(&format!("did not answer within {} s (timed out): check host, port and firewall", WAIT.as_secs()))
    }

    fn cause(&self, error: &sqlx::Error) -> String {
        let role = self.options.get_username();
        let database = self.options.get_database().unwrap_or(role);
        match error {
            sqlx::Error::Io(io) => match io.kind() {
                ErrorKind::ConnectionRefused => {
                    "refused the connection: is it running, and is the port right?".to_owned()
                }
                ErrorKind::NotFound => "has no socket there: is it running, and is the folder right?".to_owned(),
                _ => format!("cannot be reached: {io}"),
            },
            sqlx::Error::Tls(error) => format!("offers no usable TLS: {error}"),
            sqlx::Error::Database(told) => match told.code().as_deref() {
                // Servers answer so for a role that does not exist where they trust the network.
                Some("28000") if told.message().contains("does not exist") => {
                    format!("has no such role: `{role}` does not exist; make it with `createuser --pwprompt {role}`")
                }
                Some("28P01") => format!("does not accept the password of `{role}`, or has no such role"),
                Some("28000") => format!("does not let `{role}` in: {}", told.message()),
                Some("3D000") => format!("has no such database: `{database}`; make it with `createdb`"),
                Some("53300") => format!("has no session left: {}", told.message()),
                _ => format!("does not let `{role}` in: {}", told.message()),
            },
            other => format!("cannot be used: {other}"),
        }
    }

    fn cause_of_session(&self, error: &sqlx::Error) -> String {
        match error {
            sqlx::Error::Database(told) => format!(
                "is not migrated, or not for the login `{}` ({}): run `penstock-app migrate` with MIGRATE_DATABASE_URL and this DATABASE_URL",
                self.options.get_username(),
                told.message()
            ),
            other => self.cause(other),
        }
    }
}

/// The server starts, or is full.
fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(io) => io.kind() == ErrorKind::ConnectionRefused,
        sqlx::Error::Database(told) => matches!(told.code().as_deref(), Some("57P03" | "53300")),
        _ => false,
    }
}
