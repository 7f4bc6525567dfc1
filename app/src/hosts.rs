//! Whom the app asks.
//!
//! Owns the addresses of Atlassian's hosts, in one place. In production they are constants; for development they may be others, on this machine
//! only. Nothing that comes in from outside ever becomes part of them, and nothing is read from the environment here.

use penstock_common::bitbucket::client::{ApiUrl, BadAddress, SiteUrl};

/// Where Atlassian publishes the keys that it signs some callbacks with.
const INSTALL_KEYS: &str = "https://connect-install-keys.atlassian.com";

/// All hosts that the app asks, or lets a browser ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    api: ApiUrl,
    site: SiteUrl,
    install_keys: ApiUrl,
}

/// Why an address cannot be one of a development host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    /// No address that anything could be sent to.
    #[error("the address of {which} cannot be used: {why}")]
    Address {
        /// Of which host.
        which: &'static str,
        /// What is wrong with it.
        why: BadAddress,
    },
    /// Somebody else's machine.
    #[error(
        "the address of {which} must be on loopback: another Bitbucket than the real one is for development on one machine"
    )]
    NotLoopback {
        /// Of which host.
        which: &'static str,
    },
}

impl Hosts {
    /// Bitbucket Cloud.
    pub fn bitbucket() -> Self {
        Self { api: ApiUrl::default(), site: SiteUrl::default(), install_keys: install_keys() }
    }

    /// A Bitbucket on this machine: its REST API (with `/2.0`), its site, and its host of installation keys.
    ///
    /// # Errors
    /// When one of them is no address, or not on loopback.
    pub fn development(api: &str, site: &str, install_keys: &str) -> Result<Self, BadHost> {
        let parsed = |text: &str, which| {
            let url = ApiUrl::parse(text).map_err(|why| BadHost::Address { which, why })?;
            if url.is_loopback() { Ok(url) } else { Err(BadHost::NotLoopback { which }) }
        };
        let (api, install_keys) = (parsed(api, "the API")?, parsed(install_keys, "the installation keys")?);
        parsed(site, "the site")?;
        let site = SiteUrl::parse(site).map_err(|why| BadHost::Address { which: "the site", why })?;
        Ok(Self { api, site, install_keys })
    }

    /// The REST API, with `/2.0`. The issuer of step tokens is named by it too.
    pub fn api(&self) -> &ApiUrl {
        &self.api
    }

    /// What people see of Bitbucket. It also gives tokens.
    pub fn site(&self) -> &SiteUrl {
        &self.site
    }

    /// Where Atlassian's keys lie, one file for each.
    pub fn install_keys(&self) -> &ApiUrl {
        &self.install_keys
    }

    /// Whose pages may hold the app's frames, and where the script of those comes from: scheme, host and port.
    pub fn script_and_frame_origin(&self) -> String {
        self.site.origin()
    }
}

#[expect(clippy::expect_used, reason = "only called with the constant above, which a test reads")]
fn install_keys() -> ApiUrl {
    ApiUrl::parse(INSTALL_KEYS).expect("a constant")
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = "http://127.0.0.1:1/2.0";
    const SITE: &str = "http://localhost:2";
    const KEYS: &str = "http://[::1]:3/keys";

    #[test]
    fn constants() {
        let hosts = Hosts::bitbucket();
        assert_eq!(hosts.api().to_string(), "https://api.bitbucket.org/2.0");
        assert_eq!(hosts.site().to_string(), "https://bitbucket.org");
        assert_eq!(hosts.install_keys().to_string(), "https://connect-install-keys.atlassian.com");
        assert_eq!(hosts.script_and_frame_origin(), "https://bitbucket.org");
    }

    #[test]
    fn others_are_on_this_machine() {
        let hosts = Hosts::development(API, SITE, KEYS).unwrap();
        assert_eq!(hosts.api().to_string(), API);
        assert_eq!(hosts.install_keys().to_string(), KEYS);
        assert_eq!(hosts.script_and_frame_origin(), SITE);
        for bad in ["https://example.com", "https://127.0.0.1.example.com", "https://10.0.0.1", "https://bitbucket.org"]
        {
            for hosts in [
                Hosts::development(bad, SITE, KEYS),
                Hosts::development(API, bad, KEYS),
                Hosts::development(API, SITE, bad),
            ] {
                assert!(matches!(hosts, Err(BadHost::NotLoopback { .. })), "{bad}");
            }
        }
        for bad in ["http://example.com", "", "file:///etc", "http://me@127.0.0.1"] {
            assert!(matches!(Hosts::development(API, bad, KEYS), Err(BadHost::Address { .. })), "{bad}");
        }
    }
}
