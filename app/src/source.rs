//! The address that a request comes from.
//!
//! Owns which address counts: that of the connection, or the one that a trusted proxy reports in
//! `X-Forwarded-For`. Limits are counted by source. It proves nothing and must never decide who the
//! caller is.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";
/// Maximum number of addresses that are read from the header, from the right.
const HOPS_MAX: usize = 16;

/// What limits are counted by: an IPv4 address, or the /64 network of an IPv6 address, because one
/// customer has at least that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source(IpAddr);

impl Source {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            address => Self(address),
        }
    }
}

/// The peer of a connection, as an extension of each of its requests.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The proxies whose `X-Forwarded-For` is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// A text that lists no addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("neither an address nor a network, such as `10.0.0.0/8`")]
pub struct NotANetwork;

impl FromStr for TrustedProxies {
    type Err = NotANetwork;

    /// Addresses and networks, separated by commas or spaces.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let parts = text.split([',', ' ', '\n', '\t']).filter(|part| !part.is_empty());
        let network = |part: &str| {
            let single = || part.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
            part.parse::<IpNet>().or_else(|_| single()).map_err(|_| NotANetwork)
        };
        Ok(Self(parts.map(network).collect::<Result<_, _>>()?))
    }
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&all.join(", "))
    }
}

impl TrustedProxies {
    fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The source of a connection, before anything of it was read. `None` for a trusted proxy, and
    /// for an address of a private network: that is a proxy which the operator did not name, and
    /// one limit for everyone behind it would let one client keep out all others.
    pub fn source_of_connection(&self, peer: IpAddr) -> Option<Source> {
        (!self.contains(peer) && !is_private(peer)).then(|| Source::of(peer))
    }

    /// The source of a request: the last address in the chain that is not a trusted proxy's. `None`
    /// if that is not known.
    pub fn source_of_request(&self, peer: IpAddr, headers: &HeaderMap) -> Option<Source> {
        if !self.contains(peer) {
            return self.source_of_connection(peer);
        }
        // Each address was written by the proxy to its right. So the first one from the right that
        // is not trusted is the last one that can be believed.
        let values: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
        let hops = values.iter().rev().flat_map(|value| value.rsplit(',')).take(HOPS_MAX);
        for hop in hops {
            match address(hop.trim()) {
                Some(address) if self.contains(address) => {}
                Some(address) => return Some(Source::of(address)),
                None => return None,
            }
        }
        None
    }
}

/// An address as proxies write it, with or without a port and brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// Whether an address is of this machine or of a private network.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            address.is_loopback() || address.is_private() || address.is_link_local() || is_shared
        }
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn source(trusted: &str, peer: &str, forwarded: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).unwrap());
        }
        let trusted: TrustedProxies = trusted.parse().unwrap();
        trusted.source_of_request(peer.parse().unwrap(), &headers).map(|source| source.0.to_string())
    }

    #[test]
    fn only_a_trusted_proxy_says_for_whom_it_asks() {
        let some = |text: &str| Some(text.to_owned());
        // (trusted, peer, headers, source)
        let cases: &[(&str, &str, &[&str], Option<String>)] = &[
            ("", "203.0.113.1", &["198.51.100.7"], some("203.0.113.1")),
            ("10.0.0.0/8", "203.0.113.1", &["198.51.100.7"], some("203.0.113.1")),
            ("10.0.0.0/8", "10.1.2.3", &["198.51.100.7"], some("198.51.100.7")),
            ("10.0.0.0/8", "::ffff:10.1.2.3", &["198.51.100.7"], some("198.51.100.7")),
            // The client wrote the first one itself.
            ("10.0.0.0/8", "10.1.2.3", &["192.0.2.66, 198.51.100.7"], some("198.51.100.7")),
            ("10.0.0.0/8", "10.1.2.3", &["192.0.2.66", "198.51.100.7"], some("198.51.100.7")),
            ("10.0.0.0/8", "10.1.2.3", &["198.51.100.7, 10.9.9.9"], some("198.51.100.7")),
            ("10.0.0.0/8 2001:db8::1", "2001:db8::1", &["198.51.100.7:4711"], some("198.51.100.7")),
            ("127.0.0.1", "127.0.0.1", &["[2001:db8:1:2:3:4:5:6]:443"], some("2001:db8:1:2::")),
            ("127.0.0.1", "127.0.0.1", &["2001:db8:1:2:ffff::9"], some("2001:db8:1:2::")),
            // It does not say, or nothing that is an address.
            ("127.0.0.1", "127.0.0.1", &[], None),
            ("127.0.0.1", "127.0.0.1", &["198.51.100.7, unknown"], None),
            ("127.0.0.1", "127.0.0.1", &["127.0.0.1"], None),
            // A proxy that the operator did not name.
            ("", "127.0.0.1", &["198.51.100.7"], None),
            ("", "10.0.0.1", &["198.51.100.7"], None),
            ("", "fd00::1", &[], None),
            ("", "100.64.1.1", &[], None),
        ];
        for (trusted, peer, forwarded, expected) in cases {
            assert_eq!(source(trusted, peer, forwarded), *expected, "{trusted} {peer} {forwarded:?}");
        }
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        for bad in ["proxy", "10.0.0.0/33", "10.0.0.1:80", "10.0.0.1;10.0.0.2"] {
            assert_eq!(bad.parse::<TrustedProxies>(), Err(NotANetwork), "{bad}");
        }
        assert_eq!("".parse::<TrustedProxies>().unwrap(), TrustedProxies::default());
        assert_eq!("10.0.0.1, fd00::/8".parse::<TrustedProxies>().unwrap().to_string(), "10.0.0.1/32, fd00::/8");
    }
}
