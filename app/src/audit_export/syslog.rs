//! Syslog.
//!
//! Owns the form of a message (RFC 5424) and its transports: UDP, one message in each datagram (RFC
//! 5426), and TCP with octet counting (RFC 6587, 3.4.1). Neither encrypts nor acknowledges:
//! messages that a failing server received but did not store are lost. For TLS, send to a relay on
//! the same machine.

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket};

use super::AuditExportError;
use super::sinks::{SyslogAddress, SyslogTransport};
use crate::store::workspace::AuditLine;

/// Facility 13, log audit; severity 6, informational.
const PRIORITY: u8 = 13 * 8 + 6;

pub(super) async fn send(to: &SyslogAddress, lines: &[AuditLine]) -> Result<(), AuditExportError> {
    let messages: Vec<String> = lines.iter().map(message).collect::<Result<_, _>>()?;
    match to.transport {
        SyslogTransport::Udp => {
            let address = tokio::net::lookup_host(&to.authority).await?.next();
            let address = address.ok_or_else(|| std::io::Error::other("the host has no address"))?;
            let local = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(local).await?;
            for message in &messages {
                socket.send_to(message.as_bytes(), address).await?;
            }
        }
        SyslogTransport::Tcp => {
            let mut stream = TcpStream::connect(&to.authority).await?;
            for message in &messages {
                stream.write_all(format!("{} {message}", message.len()).as_bytes()).await?;
            }
            stream.shutdown().await?;
        }
    }
    Ok(())
}

/// `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG`. The message is the entry
/// as one line of JSON, which is UTF-8 and has no line breaks.
fn message(line: &AuditLine) -> Result<String, serde_json::Error> {
    let at = jiff::Timestamp::from_millisecond(line.entry.at).map_or_else(|_| "-".to_owned(), |at| format!("{at:.3}"));
    Ok(format!("<{PRIORITY}>1 {at} - penstock-app - audit - {}", serde_json::to_string(line)?))
}

#[cfg(test)]
mod tests {
    use penstock_common::Uuid;

    use super::*;
    use crate::audit::{Act, Entry};

    #[test]
    fn a_message_is_that_of_rfc_5424() {
        let act = Act::TokenRevoked { token: Uuid::from([1; 16]), name: "a\nb \u{e9}".to_owned() };
        let entry = Entry { at: 1_800_000_000_123, by: "a:1".to_owned(), through: None, repository: None, act };
        let line = AuditLine { workspace: Uuid::from([2; 16]), number: 7, entry, hash: "00".to_owned() };
        let text = message(&line).unwrap();
        let (header, json) = text.split_once(" {").unwrap();
        assert_eq!(header, "<110>1 2027-01-15T08:00:00.123Z - penstock-app - audit -");
        assert!(!text.contains('\n'), "{text}");
        let read: serde_json::Value = serde_json::from_str(&format!("{{{json}")).unwrap();
        assert_eq!(
            (&read["number"], &read["name"], &read["act"]),
            (&7.into(), &"a\nb \u{e9}".into(), &"token_revoked".into())
        );
    }
}
