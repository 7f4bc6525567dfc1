//! What the operator sets.
//!
//! Owns the environment: it is read here and nowhere else, checked as a whole, and every mistake is told at once with what to do. A secret may stand
//! in a file instead (`…_FILE`), as container platforms give it. No value is ever told, only names of variables.

mod names;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use penstock_common::Secret;
use serde::Deserialize;

pub use names::VARIABLES;
use names::misspelled;

use crate::audit_export::sinks::{AuditSinks, AuditWebhook, SyslogAddress};
use crate::base_url::BaseUrl;
use crate::door::allowed::AllowedWorkspaces;
use crate::door::connect::app::{App, AppKey, ForgeApp};
use crate::hosts::Hosts;
use crate::source::TrustedProxies;

/// Most bytes of a file that holds a secret.
const SECRET_MAX: u64 = 16 * 1024;
const KEY_FILE: &str = "master.key";

/// All variables, as they may stand in the environment. `docs/operations.md` explains each; a test compares the two.
#[derive(Debug, Default, Deserialize)]
struct Variables {
    base_url: Option<String>,
    listen_addr: Option<String>,
    health_addr: Option<String>,
    data_dir: Option<String>,
    database_url: Option<Secret>,
    database_url_file: Option<String>,
    migrate_database_url: Option<Secret>,
    migrate_database_url_file: Option<String>,
    audit_webhook_url: Option<Secret>,
    audit_webhook_secret: Option<Secret>,
    audit_webhook_secret_file: Option<String>,
    audit_syslog: Option<String>,
    master_key_file: Option<String>,
    connect_app_key: Option<String>,
    connect_app_secret: Option<Secret>,
    connect_app_secret_file: Option<String>,
    forge_app_id: Option<String>,
    forge_app_link: Option<String>,
    accept_default_audience: Option<String>,
    workers: Option<String>,
    trusted_proxies: Option<String>,
    max_connections: Option<String>,
    allowed_workspaces: Option<String>,
    log_level: Option<String>,
    log_format: Option<String>,
    penstock_development: Option<String>,
    bitbucket_api_url: Option<String>,
    bitbucket_site_url: Option<String>,
    install_keys_url: Option<String>,
}

/// Everything that the program is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the app is reached.
    pub base: BaseUrl,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where it tells how it is.
    pub health: SocketAddr,
    /// Where it remembers.
    pub database: Database,
    /// The same database as its owner, for `migrate`.
    pub owner: Option<Secret>,
    /// Where the audit log is sent.
    pub audit_sinks: AuditSinks,
    /// The file with the master key.
    pub master_key: PathBuf,
    /// Who it is for Atlassian.
    pub app: App,
    /// Whom it asks.
    pub hosts: Hosts,
    /// Whether it takes step tokens that are meant for nobody in particular.
    pub accepts_default_audience: bool,
    /// How many jobs it does at a time.
    pub workers: usize,
    /// Whose word counts for where a request comes from.
    pub trusted_proxies: TrustedProxies,
    /// Maximum number of connections at a time.
    pub connections_max: usize,
    /// Which workspaces may install the app.
    pub allowed: AllowedWorkspaces,
    /// What it tells of itself.
    pub log: Log,
}

/// Where the app remembers.
#[derive(Clone, Debug)]
pub enum Database {
    /// In files of its own, in this folder.
    Embedded(PathBuf),
    /// In a PostgreSQL.
    Postgres(Secret),
}

/// What the program tells of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// From which level on.
    pub level: tracing::Level,
    /// One JSON object in each line, instead of text.
    pub json: bool,
}

/// Everything that is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError {
    mistakes: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        self.mistakes.iter().try_for_each(|mistake| write!(f, "\n  - {mistake}"))
    }
}

/// The variables of the process. An empty one counts as not set. What is no text is none of ours.
pub fn environment() -> BTreeMap<String, String> {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let all = std::env::vars_os();
    all.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

impl Config {
    /// Reads and checks all variables.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn new(environment: &BTreeMap<String, String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::default();
        for name in environment.keys() {
            if let Some(mistake) = misspelled(name, environment) {
                reader.mistakes.push(mistake);
            }
        }
        let ours = environment.iter().filter(|(name, _)| VARIABLES.contains(&name.as_str()));
        // All fields are optional texts, so nothing of it can fail.
        let variables: Variables =
            envy::from_iter(ours.map(|(name, value)| (name.clone(), value.clone()))).unwrap_or_default();
        let config = reader.config(variables);
        match config {
            Some(config) if reader.mistakes.is_empty() => Ok(config),
            _ => Err(ConfigError { mistakes: reader.mistakes }),
        }
    }

    /// What the operator may want to set, and did not.
    pub fn wishes(&self) -> Vec<&'static str> {
        let mut wishes = Vec::new();
        if self.app.secret.is_none() {
            wishes.push(
                "without CONNECT_APP_SECRET the first installation of a registered app is proven by asking Bitbucket only",
            );
        }
        if matches!(self.database, Database::Embedded(_)) {
            wishes.push("the embedded database serves one copy of the program; set DATABASE_URL to run several");
        }
        wishes
    }
}

#[derive(Default)]
struct Reader {
    mistakes: Vec<String>,
}

impl Reader {
    fn config(&mut self, variables: Variables) -> Option<Config> {
        let base = match variables.base_url.as_deref() {
            None => self.wrong("BASE_URL is not set: give the address under which Bitbucket reaches this program, such as `https://penstock.example.com`"),
            Some(text) => BaseUrl::parse(text).map_err(|error| self.mistakes.push(error.to_string())).ok(),
        };
        let listen = self.address("LISTEN_ADDR", variables.listen_addr.as_deref(), "127.0.0.1:8080");
        let health = self.address("HEALTH_ADDR", variables.health_addr.as_deref(), "127.0.0.1:8081");
        let folder = PathBuf::from(variables.data_dir.as_deref().unwrap_or("penstock-data"));
        let url = self.secret("DATABASE_URL", variables.database_url, variables.database_url_file);
        let postgres = url
            .as_ref()
            .map(|url| url.expose().starts_with("postgres://") || url.expose().starts_with("postgresql://"));
        if postgres == Some(false) {
            self.note("DATABASE_URL must begin with `postgres://`; without it the program keeps its data in DATA_DIR");
        }
        let owner =
            self.secret("MIGRATE_DATABASE_URL", variables.migrate_database_url, variables.migrate_database_url_file);
        if owner.is_some() && url.is_none() {
            self.note("MIGRATE_DATABASE_URL is for a database that DATABASE_URL names: set both, or leave both out");
        }
        let master_key = match (&variables.master_key_file, &url) {
            (Some(file), _) => Some(PathBuf::from(file)),
            (None, None) => Some(folder.join(KEY_FILE)),
            (None, Some(_)) => self.wrong(
                "MASTER_KEY_FILE is not set: with DATABASE_URL every copy needs the same key file; make one with `openssl rand -hex 32`",
            ),
        };
        let database = match url {
            Some(url) => Database::Postgres(url),
            None => Database::Embedded(folder),
        };
        let accepts_default_audience =
            self.switch("ACCEPT_DEFAULT_AUDIENCE", variables.accept_default_audience.as_deref());
        let workers = self.number("WORKERS", variables.workers.as_deref(), 4, 1..=64);
        let trusted_proxies = variables.trusted_proxies.as_deref().unwrap_or_default().parse();
        let trusted_proxies = trusted_proxies.map_err(|_| {
            self.note("TRUSTED_PROXIES must list addresses or networks of proxies, such as `127.0.0.1, 10.0.0.0/8`");
        });
        let connections_max = self.number("MAX_CONNECTIONS", variables.max_connections.as_deref(), 2000, 16..=100_000);
        let allowed = variables.allowed_workspaces.as_deref().unwrap_or_default().parse();
        let allowed = allowed.map_err(|_| {
            self.note(
                "ALLOWED_WORKSPACES must list UUIDs or names of workspaces, as they are in Bitbucket's addresses",
            );
        });
        let log = self.log(variables.log_level.as_deref(), variables.log_format.as_deref());
        let development = self.switch("PENSTOCK_DEVELOPMENT", variables.penstock_development.as_deref());
        let overrides = [&variables.bitbucket_api_url, &variables.bitbucket_site_url, &variables.install_keys_url]
            .map(Option::as_deref);
        let webhook_secret =
            self.secret("AUDIT_WEBHOOK_SECRET", variables.audit_webhook_secret, variables.audit_webhook_secret_file);
        let audit_sinks = AuditSinks {
            webhook: self.audit_webhook(variables.audit_webhook_url, webhook_secret, development),
            syslog: variables.audit_syslog.and_then(|text| {
                text.parse::<SyslogAddress>().map_err(|error| self.note(&format!("AUDIT_SYSLOG {error}"))).ok()
            }),
        };
        let hosts = self.hosts(development, base.as_ref(), overrides);
        let key = variables.connect_app_key.as_deref().unwrap_or("penstock");
        let key = AppKey::new(key).map_err(|error| self.mistakes.push(format!("CONNECT_APP_KEY: {error}"))).ok();
        let secret = self.secret("CONNECT_APP_SECRET", variables.connect_app_secret, variables.connect_app_secret_file);
        let forge = match (variables.forge_app_id, variables.forge_app_link) {
            (Some(id), Some(link)) if id.starts_with("ari:cloud:ecosystem::app/") && link.starts_with("https://") => {
                Some(ForgeApp { id, link })
            }
            (None, None) => None,
            _ => self.wrong(
                "FORGE_APP_ID (`ari:cloud:ecosystem::app/UUID`) and FORGE_APP_LINK (`https://…`) are set together or not at all",
            ),
        };
        let base = base?;
        let app = App { key: key?, base: base.clone(), secret, forge };
        Some(Config {
            base,
            listen: listen?,
            health: health?,
            database,
            owner,
            audit_sinks,
            master_key: master_key?,
            app,
            hosts: hosts?,
            accepts_default_audience,
            workers: workers?,
            trusted_proxies: trusted_proxies.ok()?,
            connections_max: connections_max?,
            allowed: allowed.ok()?,
            log: log?,
        })
    }

    fn note(&mut self, mistake: &str) {
        self.mistakes.push(mistake.to_owned());
    }

    fn wrong<T>(&mut self, mistake: &str) -> Option<T> {
        self.note(mistake);
        None
    }

    fn address(&mut self, name: &str, text: Option<&str>, usual: &str) -> Option<SocketAddr> {
        text.unwrap_or(usual)
            .parse()
            .map_err(|_| self.note(&format!("{name} must be an address and a port, such as `{usual}`")))
            .ok()
    }

    fn switch(&mut self, name: &str, text: Option<&str>) -> bool {
        match text {
            None | Some("0" | "false") => false,
            Some("1" | "true") => true,
            Some(_) => self.wrong::<bool>(&format!("{name} must be `true` or `false`")).unwrap_or_default(),
        }
    }

    fn number(
        &mut self,
        name: &str,
        text: Option<&str>,
        usual: usize,
        range: std::ops::RangeInclusive<usize>,
    ) -> Option<usize> {
        let Some(text) = text else { return Some(usual) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.or_else(|| self.wrong(&format!("{name} must be a number from {} to {}", range.start(), range.end())))
    }

    fn log(&mut self, level: Option<&str>, format: Option<&str>) -> Option<Log> {
        let level = match level {
            None => Some(tracing::Level::INFO),
            Some(text) => text
                .parse()
                .ok()
                .or_else(|| self.wrong("LOG_LEVEL must be `error`, `warn`, `info`, `debug` or `trace`")),
        };
        let json = match format {
            None | Some("text") => Some(false),
            Some("json") => Some(true),
            Some(_) => self.wrong("LOG_FORMAT must be `text` or `json`"),
        };
        Some(Log { level: level?, json: json? })
    }

    /// Its address may contain a secret, so it is treated as one.
    fn audit_webhook(
        &mut self,
        url: Option<Secret>,
        secret: Option<Secret>,
        development: bool,
    ) -> Option<AuditWebhook> {
        let Some(text) = url else {
            if secret.is_some() {
                self.note("AUDIT_WEBHOOK_SECRET is set and AUDIT_WEBHOOK_URL is not");
            }
            return None;
        };
        let url = url::Url::parse(text.expose()).ok().filter(url::Url::has_host);
        let is_allowed = |url: &url::Url| match url.scheme() {
            "https" => true,
            "http" => development && is_on_loopback(url),
            _ => false,
        };
        match url.filter(is_allowed) {
            Some(url) => Some(AuditWebhook { url, secret }),
            None => self.wrong("AUDIT_WEBHOOK_URL must begin with `https://` and name a host"),
        }
    }

    fn hosts(&mut self, development: bool, base: Option<&BaseUrl>, overrides: [Option<&str>; 3]) -> Option<Hosts> {
        if overrides.iter().all(Option::is_none) {
            return Some(Hosts::bitbucket());
        }
        if !development {
            return self.wrong(
                "BITBUCKET_API_URL, BITBUCKET_SITE_URL and INSTALL_KEYS_URL are for development only: set PENSTOCK_DEVELOPMENT=1, or leave them out",
            );
        }
        if base.is_some_and(|base| !is_loopback(base)) {
            return self.wrong("another Bitbucket than the real one is for development on one machine: BASE_URL must be on loopback, too");
        }
        let [Some(api), Some(site), keys] = overrides else {
            return self.wrong("BITBUCKET_API_URL and BITBUCKET_SITE_URL are set together");
        };
        Hosts::development(api, site, keys.unwrap_or(site)).map_err(|error| self.mistakes.push(error.to_string())).ok()
    }

    /// A secret that stands in the variable itself, or in a file.
    fn secret(&mut self, name: &str, value: Option<Secret>, file: Option<String>) -> Option<Secret> {
        let Some(path) = file else { return value };
        if value.is_some() {
            return self.wrong(&format!("{name} and {name}_FILE are both set: leave one out"));
        }
        let fits = std::fs::metadata(&path).is_ok_and(|told| told.is_file() && told.len() <= SECRET_MAX);
        let text = if fits { std::fs::read_to_string(&path).ok() } else { None };
        match text.map(|text| Secret::new(text.trim_end_matches(['\r', '\n']))) {
            Some(secret) if !secret.expose().is_empty() => Some(secret),
            _ => self.wrong(&format!("{name}_FILE: `{path}` cannot be read, or holds nothing")),
        }
    }
}

fn is_loopback(base: &BaseUrl) -> bool {
    url::Url::parse(base.as_str()).is_ok_and(|url| is_on_loopback(&url))
}

fn is_on_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(url::Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn config(pairs: &[(&str, &str)]) -> Result<Config, String> {
        let all = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::new(&all).map_err(|error| error.to_string())
    }

    pub(super) const BASE: (&str, &str) = ("BASE_URL", "https://penstock.example.com");
    const LOCAL: (&str, &str) = ("BASE_URL", "http://127.0.0.1:8080");

    #[test]
    fn an_address_is_enough() {
        let config = config(&[BASE]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.master_key, PathBuf::from("penstock-data/master.key"));
        assert_eq!(config.hosts, Hosts::bitbucket());
        assert_eq!(config.wishes().len(), 2);
    }

    #[test]
    fn every_mistake_is_told_at_once_and_no_value() {
        let told = config(&[
            ("LISTEN_ADDR", "canary"),
            ("DATABASE_URL", "mysql://u:canary@h"),
            ("WORKERS", "0"),
            ("LOG_LEVEL", "canary"),
            ("FORGE_APP_ID", "canary"),
            ("CONNECT_APP_KEY", "not a canary"),
            ("TRUSTED_PROXIES", "canary"),
            ("MAX_CONNECTIONS", "1"),
            ("ALLOWED_WORKSPACES", "not/a/canary"),
        ])
        .unwrap_err();
        for name in [
            "BASE_URL",
            "LISTEN_ADDR",
            "DATABASE_URL",
            "MASTER_KEY_FILE",
            "WORKERS",
            "LOG_LEVEL",
            "FORGE_APP_ID",
            "CONNECT_APP_KEY",
            "TRUSTED_PROXIES",
            "MAX_CONNECTIONS",
            "ALLOWED_WORKSPACES",
        ] {
            assert!(told.contains(name), "{name}: {told}");
        }
        assert!(!told.contains("canary"), "{told}");
    }

    #[test]
    fn another_bitbucket_is_for_development_on_one_machine() {
        let api = ("BITBUCKET_API_URL", "http://127.0.0.1:1/2.0");
        let site = ("BITBUCKET_SITE_URL", "http://127.0.0.1:2");
        let development = ("PENSTOCK_DEVELOPMENT", "1");
        assert!(config(&[LOCAL, api, site, development]).is_ok());
        assert!(config(&[LOCAL, api, site]).unwrap_err().contains("PENSTOCK_DEVELOPMENT"));
        assert!(config(&[BASE, api, site, development]).unwrap_err().contains("BASE_URL must be on loopback"));
        assert!(config(&[LOCAL, api, development]).unwrap_err().contains("set together"));
        let elsewhere = ("BITBUCKET_API_URL", "https://evil.example.com/2.0");
        assert!(config(&[LOCAL, elsewhere, site, development]).unwrap_err().contains("loopback"));
    }

    #[test]
    fn secrets_may_stand_in_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "canary\n").unwrap();
        let file = ("CONNECT_APP_SECRET_FILE", path.to_str().unwrap());
        let config_with = config(&[BASE, file]).unwrap();
        assert_eq!(config_with.app.secret.as_ref().unwrap().expose(), "canary");
        assert!(!format!("{config_with:?}").contains("canary"));
        assert!(config(&[BASE, file, ("CONNECT_APP_SECRET", "x")]).unwrap_err().contains("both set"));
        assert!(config(&[BASE, ("DATABASE_URL_FILE", "/nowhere/at/all")]).unwrap_err().contains("cannot be read"));
    }

    #[test]
    fn the_audit_log_goes_where_the_operator_says_and_encrypted_over_http() {
        let secret = ("AUDIT_WEBHOOK_SECRET", "canary");
        let sinks = config(&[BASE, ("AUDIT_WEBHOOK_URL", "https://logs.example.com/canary"), secret]).unwrap();
        assert!(sinks.audit_sinks.webhook.as_ref().unwrap().secret.is_some());
        let syslog = config(&[BASE, ("AUDIT_SYSLOG", "tcp://127.0.0.1:601")]).unwrap().audit_sinks.syslog.unwrap();
        assert_eq!(syslog.to_string(), "tcp://127.0.0.1:601");
        for bad in ["http://logs.example.com/canary", "http://127.0.0.1/canary", "canary", "file:///canary"] {
            let error = config(&[BASE, ("AUDIT_WEBHOOK_URL", bad)]).unwrap_err();
            assert!(error.contains("AUDIT_WEBHOOK_URL") && !error.contains("canary"), "{error}");
        }
        let development = ("PENSTOCK_DEVELOPMENT", "1");
        assert!(config(&[BASE, ("AUDIT_WEBHOOK_URL", "http://127.0.0.1:1/x"), development]).is_ok());
        assert!(config(&[BASE, ("AUDIT_WEBHOOK_URL", "http://10.0.0.1/x"), development]).is_err());
        assert!(config(&[BASE, secret]).unwrap_err().contains("AUDIT_WEBHOOK_URL"));
        assert!(config(&[BASE, ("AUDIT_SYSLOG", "logs:514")]).unwrap_err().contains("AUDIT_SYSLOG"));
        assert!(config(&[BASE, ("MIGRATE_DATABASE_URL", "postgres://h/d")]).unwrap_err().contains("DATABASE_URL"));
    }

    #[test]
    fn the_list_of_names_is_that_of_the_fields() {
        let told = format!("{:?}", Variables::default());
        for name in VARIABLES {
            assert!(told.contains(&name.to_lowercase()), "{name}");
        }
        assert_eq!(told.matches(": None").count(), VARIABLES.len());
    }
}
