//! The app beside a sandbox, for measurements.

#![allow(dead_code, reason = "each measurement uses a part of it")]

pub(crate) mod sender;

use penstock_app::commands::system_clock;
use penstock_app::config::{Config, Database};
use penstock_app::crypto::MasterKeys;
use penstock_app::serve::{Listeners, serve};
use penstock_app::state::State;
use penstock_app::store::{Store, migrate_postgres};
use penstock_sandbox::Sandbox;

/// Starts it in a folder, or on a PostgreSQL, and tells its address.
pub(crate) async fn start(sandbox: &Sandbox, folder: &std::path::Path, database: Option<String>) -> (State, String) {
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listen = free();
    let key = folder.join("master.key");
    MasterKeys::read_or_create(&key).unwrap();
    let mut environment = vec![
        ("BASE_URL", format!("http://{listen}")),
        ("LISTEN_ADDR", listen.to_string()),
        ("HEALTH_ADDR", free().to_string()),
        ("DATA_DIR", folder.display().to_string()),
        ("MASTER_KEY_FILE", key.display().to_string()),
        ("PENSTOCK_DEVELOPMENT", "1".to_owned()),
        ("BITBUCKET_API_URL", sandbox.api_url()),
        ("BITBUCKET_SITE_URL", sandbox.site_url()),
    ];
    // The login that owns nothing, which `scripts/with-postgres` makes.
    let login = database.as_ref().map(|url| {
        let mut login = url::Url::parse(url).unwrap();
        login.set_username("penstock_run").unwrap();
        login.to_string()
    });
    environment.extend(login.map(|url| ("DATABASE_URL", url)));
    environment.extend(database.map(|url| ("MIGRATE_DATABASE_URL", url)));
    let config = Config::new(&environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()).unwrap();
    let clock = system_clock();
    let keys = MasterKeys::read(&config.master_key).unwrap();
    let store = match &config.database {
        Database::Embedded(folder) => Store::open_sqlite(folder, keys, clock()).await.unwrap(),
        Database::Postgres(url) => {
            migrate_postgres(config.owner.as_ref().unwrap(), Some(url)).await.unwrap();
            Store::open_postgres(url, keys, clock()).await.unwrap()
        }
    };
    let state = State::new(config, store, clock).unwrap();
    let listeners = Listeners::bind(&state).await.unwrap();
    tokio::spawn(serve(state.clone(), listeners));
    (state, format!("http://{listen}"))
}
