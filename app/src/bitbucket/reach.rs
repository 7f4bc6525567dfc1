//! The hosts as they can be asked.
//!
//! Owns one client for each host, without credentials: connections are shared, what is learned with a token never is. Which hosts there are is
//! said by [`Hosts`], which proxy leads to them by the configuration.

use std::sync::Arc;
use std::time::Duration;

use penstock_common::bitbucket::client::{
    Access, ApiUrl, Auth, Client, CorporateProxy, ExtraRoots, Options, Patience, SetupError,
};

use crate::hosts::Hosts;

/// What lies between the app and the hosts.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The proxy of the network.
    pub proxy: CorporateProxy,
    /// Certificates to believe beside the system's.
    pub roots: ExtraRoots,
}

/// The hosts, ready to be asked.
#[derive(Clone, Debug)]
pub struct Reach {
    /// The REST API.
    pub api: Client,
    /// The site, which gives tokens.
    pub site: Client,
    /// Where Atlassian's keys lie.
    pub install_keys: Client,
}

/// How long the app waits: not for long, because what fails is a job that comes again.
pub fn patience() -> Patience {
    Patience {
        attempts: 3,
        longest_wait: Duration::from_secs(10),
        attempt: Duration::from_secs(20),
        ..Patience::default()
    }
}

impl Reach {
    /// Makes the clients. Nothing is sent yet.
    ///
    /// # Errors
    /// When TLS or the proxy cannot be set up.
    pub fn new(hosts: &Hosts, network: &Network, patience: Patience) -> Result<Self, SetupError> {
        let client = |url: &ApiUrl| {
            let options = Options {
                patience,
                agent: concat!("penstock-app/", env!("CARGO_PKG_VERSION")).to_owned(),
                ..Options::new(Arc::new(jitter))
            };
            let (proxy, roots) = (network.proxy.clone(), network.roots.clone());
            Client::new(&Access::Direct { api: url.clone(), auth: Auth::Anonymous, proxy, roots }, options)
        };
        Ok(Self {
            api: client(hosts.api())?,
            site: client(&hosts.site().clone().into())?,
            install_keys: client(hosts.install_keys())?,
        })
    }
}

/// From 0 to 1. Without randomness waits are as long as they may be.
fn jitter() -> f64 {
    getrandom::u32().map_or(1.0, |drawn| f64::from(drawn) / (f64::from(u32::MAX) + 1.0))
}
