//! The packets of git's protocols.
//!
//! Owns cutting an answer into packets and writing those of a request (<https://git-scm.com/docs/gitprotocol-common>). Knows no command.

use std::io::{self, Read};

use super::FetchError;

/// Largest packet, its length included.
const LARGEST: usize = 65_520;

/// One packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet<'p> {
    /// With content; a line end at its end is part of it.
    Data(&'p [u8]),
    /// The end of a message.
    Flush,
    /// The end of a section.
    Delimiter,
    /// The end of an answer.
    End,
}

/// An answer, packet by packet.
pub(super) struct Packets<R> {
    reader: R,
    buffer: Vec<u8>,
}

impl<R: Read> Packets<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new() }
    }

    /// The next packet; [`Packet::End`] too where the answer ends. What the server says is wrong is an error.
    pub(super) fn next(&mut self) -> Result<Packet<'_>, FetchError> {
        let mut digits = [0; 4];
        match self.reader.read(&mut digits[..1]).map_err(reading)? {
            0 => return Ok(Packet::End),
            _ => self.reader.read_exact(&mut digits[1..]).map_err(reading)?,
        }
        let length = std::str::from_utf8(&digits).ok().filter(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()));
        let length = length.and_then(|digits| usize::from_str_radix(digits, 16).ok());
        let length = match length {
            Some(0) => return Ok(Packet::Flush),
            Some(1) => return Ok(Packet::Delimiter),
            Some(2) => return Ok(Packet::End),
            Some(length @ 4..=LARGEST) => length - 4,
            _ => return Err(FetchError::Answer("it is not made of packets".to_owned())),
        };
        self.buffer.resize(length, 0);
        self.reader.read_exact(&mut self.buffer).map_err(reading)?;
        match self.buffer.strip_prefix(b"ERR ") {
            Some(words) => Err(FetchError::Answer(shown(words))),
            None => Ok(Packet::Data(&self.buffer)),
        }
    }

    /// The next packet as a line without its end; `None` at the end of a section or message.
    pub(super) fn line(&mut self) -> Result<Option<&[u8]>, FetchError> {
        match self.next()? {
            Packet::Data(data) => Ok(Some(data.strip_suffix(b"\n").unwrap_or(data))),
            _ => Ok(None),
        }
    }
}

/// The server's words as one short line.
pub(super) fn shown(words: &[u8]) -> String {
    const MOST: usize = 300;
    let words = &words[..words.len().min(MOST)];
    super::super::path::display(words.trim_ascii())
}

/// Why an answer could not be read to its end.
pub(super) fn reading(error: io::Error) -> FetchError {
    let bound = error.get_ref().and_then(|inner| inner.downcast_ref::<FetchError>());
    match bound {
        Some(FetchError::Bound(what)) => FetchError::Bound(what),
        _ => FetchError::Answer(format!("it breaks off: {error}")),
    }
}

/// A request in the making.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn line(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(format!("{:04x}{text}\n", text.len() + 5).as_bytes());
        self
    }

    pub(super) fn delimiter(&mut self) -> &mut Self {
        self.0.extend_from_slice(b"0001");
        self
    }

    pub(super) fn flush(mut self) -> Vec<u8> {
        self.0.extend_from_slice(b"0000");
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packets_are_cut_as_they_were_written() {
        let mut writer = Writer::default();
        writer.line("command=fetch").delimiter().line("done");
        let bytes = writer.flush();
        let mut packets = Packets::new(&bytes[..]);
        assert_eq!(packets.next().unwrap(), Packet::Data(b"command=fetch\n"));
        assert_eq!(packets.next().unwrap(), Packet::Delimiter);
        assert_eq!(packets.line().unwrap(), Some(&b"done"[..]));
        assert_eq!(packets.next().unwrap(), Packet::Flush);
        assert_eq!(packets.next().unwrap(), Packet::End);
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        for bytes in [&b"<htm"[..], b"0003", b"fff1", b"00", b"0008ab", b"+004", b"0011ERR no access"] {
            assert!(Packets::new(bytes).next().is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut packets = Packets::new(&bytes[..]);
            for _ in 0..200 {
                match packets.next() {
                    Ok(Packet::End) | Err(_) => break,
                    Ok(_) => {}
                }
            }
        }
    }
}
