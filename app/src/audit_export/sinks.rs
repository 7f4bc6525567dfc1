//! Where the operator wants the audit log.
//!
//! Owns the addresses and their form. Sending is known to `webhook` and `syslog`; this imports
//! neither, so that the configuration can use it.

use std::fmt;
use std::str::FromStr;

use penstock_common::Secret;

/// Where the operator wants the audit log.
#[derive(Clone, Debug, Default)]
pub struct AuditSinks {
    /// An address that takes JSON lines.
    pub webhook: Option<AuditWebhook>,
    /// A syslog server.
    pub syslog: Option<SyslogAddress>,
}

/// An address that takes JSON lines.
#[derive(Clone)]
pub struct AuditWebhook {
    /// https; http on loopback for development.
    pub url: url::Url,
    /// What requests are signed with.
    pub secret: Option<Secret>,
}

/// The host only: path and query may be credentials.
impl fmt::Debug for AuditWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditWebhook({})", self.url.host_str().unwrap_or_default())
    }
}

/// How messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyslogTransport {
    /// One message in each datagram.
    Udp,
    /// Octet counting.
    Tcp,
}

/// A syslog server: `tcp://HOST:PORT` or `udp://HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyslogAddress {
    /// How.
    pub transport: SyslogTransport,
    /// Host and port.
    pub authority: String,
}

/// A text that is no address of a syslog server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `tcp://HOST:PORT` or `udp://HOST:PORT`")]
pub struct BadSyslogAddress;

impl FromStr for SyslogAddress {
    type Err = BadSyslogAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, authority) = text.split_once("://").ok_or(BadSyslogAddress)?;
        let transport = match scheme {
            "tcp" => SyslogTransport::Tcp,
            "udp" => SyslogTransport::Udp,
            _ => return Err(BadSyslogAddress),
        };
        let (host, port) = authority.rsplit_once(':').ok_or(BadSyslogAddress)?;
        let is_host = !host.is_empty() && !host.contains(['/', '@', '?', '#', ' ']);
        if !is_host || port.parse::<u16>().is_err() {
            return Err(BadSyslogAddress);
        }
        Ok(Self { transport, authority: authority.to_owned() })
    }
}

impl fmt::Display for SyslogAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.transport == SyslogTransport::Tcp { "tcp" } else { "udp" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_transport_a_host_and_a_port() {
        for good in ["tcp://127.0.0.1:601", "udp://logs.example.com:514", "tcp://[::1]:601"] {
            assert_eq!(good.parse::<SyslogAddress>().unwrap().to_string(), good);
        }
        for bad in
            ["", "logs:514", "tls://logs:6514", "tcp://logs", "tcp://:1", "tcp://a:99999", "tcp://u@h:1", "udp://h:1/x"]
        {
            assert_eq!(bad.parse::<SyslogAddress>(), Err(BadSyslogAddress), "{bad}");
        }
    }
}
