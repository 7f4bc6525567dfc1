//! Git's protocol, version 2, as far as it is spoken here.
//!
//! Owns the three requests (what the server can do, the tip of a branch, a fetch) and reading their answers
//! (<https://git-scm.com/docs/protocol-v2>). A pack is handed on as a file, unread.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use gix::ObjectId;

use super::packet::{Packet, Packets, Writer, shown};
use super::{Ask, Bounds, FetchError};

/// Commits that the clone has.
pub(super) type Haves = BTreeSet<ObjectId>;

/// Lines of a message that are read.
const LINES: usize = 200_000;

/// What the server can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Abilities {
    /// Histories that are cut off.
    pub(super) shallow: bool,
}

/// Asks what the server can do.
pub(super) fn abilities(ask: Ask<'_>, bounds: &mut Bounds) -> Result<Abilities, FetchError> {
    bounds.time_left()?;
    let answer = ask(None).map_err(FetchError::Asking)?;
    let mut packets = Packets::new(bounds.reader(answer));
    let mut lines = 0;
    let mut version = false;
    let mut abilities = Abilities::default();
    loop {
        match packets.next()? {
            // A preface, as the older protocol has it, ends with one too.
            Packet::Flush if version => return Ok(abilities),
            Packet::Flush | Packet::Delimiter => {}
            Packet::End => break,
            Packet::Data(data) => {
                let line = data.trim_ascii_end();
                version |= line == b"version 2";
                if let Some(words) = line.strip_prefix(b"fetch=") {
                    abilities.shallow = words.split(|byte| *byte == b' ').any(|word| word == b"shallow");
                }
                if line.starts_with(b"object-format=") && line != b"object-format=sha1" {
                    return Err(FetchError::Answer("its objects have another format".to_owned()));
                }
            }
        }
        lines += 1;
        if lines > LINES {
            break;
        }
    }
    Err(FetchError::Answer("it does not speak version 2 of git's protocol".to_owned()))
}

/// Asks for the commit at the tip of a branch.
pub(super) fn branch_tip(ask: Ask<'_>, bounds: &mut Bounds, branch: &str) -> Result<ObjectId, FetchError> {
    let no_branch = || FetchError::NoBranch(branch.to_owned());
    if branch.is_empty() || branch.len() > 1000 || branch.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(no_branch());
    }
    let reference = format!("refs/heads/{branch}");
    let mut request = Writer::default();
    request.line("command=ls-refs").delimiter().line(&format!("ref-prefix {reference}"));
    bounds.time_left()?;
    let answer = ask(Some(request.flush())).map_err(FetchError::Asking)?;
    let mut packets = Packets::new(bounds.reader(answer));
    for _ in 0..LINES {
        let Some(line) = packets.line()? else { break };
        let mut words = line.split(|byte| *byte == b' ');
        let (Some(id), Some(name)) = (words.next(), words.next()) else { continue };
        if name == reference.as_bytes() {
            return ObjectId::from_hex(id).map_err(|_| FetchError::Answer("a line of it is no reference".to_owned()));
        }
    }
    Err(no_branch())
}

/// A fetch.
pub(super) struct Request<'r> {
    pub(super) wants: &'r [ObjectId],
    pub(super) haves: &'r Haves,
    /// Commits of the clone whose parents it has not.
    pub(super) shallow: &'r BTreeSet<ObjectId>,
    /// Commits below those that are wanted; all of them if none.
    pub(super) depth: Option<u32>,
}

/// What came.
pub(super) struct Fetched {
    /// Commits whose parents were not sent.
    pub(super) shallow: BTreeSet<ObjectId>,
    /// The pack, which may hold nothing.
    pub(super) pack: File,
}

/// Fetches; the pack is kept in `folder` until it is read.
pub(super) fn fetch(
    ask: Ask<'_>,
    bounds: &mut Bounds,
    request: &Request<'_>,
    folder: &Path,
) -> Result<Fetched, FetchError> {
    let mut writer = Writer::default();
    // No thin packs: a delta's base is in the pack itself.
    writer.line("command=fetch").delimiter().line("no-progress").line("ofs-delta");
    for id in request.shallow {
        writer.line(&format!("shallow {id}"));
    }
    if let Some(depth) = request.depth {
        writer.line(&format!("deepen {depth}"));
    }
    for id in request.wants {
        writer.line(&format!("want {id}"));
    }
    for id in request.haves {
        writer.line(&format!("have {id}"));
    }
    writer.line("done");
    bounds.time_left()?;
    let answer = ask(Some(writer.flush())).map_err(FetchError::Asking)?;
    let mut packets = Packets::new(bounds.reader(answer));
    let mut shallow = BTreeSet::new();
    for _ in 0..LINES {
        let section = match packets.next()? {
            Packet::Data(data) => data.trim_ascii_end().to_vec(),
            Packet::Delimiter => continue,
            // Who says that they are done is always sent a pack (<https://git-scm.com/docs/protocol-v2>, `packfile`).
            Packet::Flush | Packet::End => return Err(FetchError::Answer("it ends without a pack".to_owned())),
        };
        match section.as_slice() {
            b"packfile" => return Ok(Fetched { shallow, pack: pack(&mut packets, folder)? }),
            b"shallow-info" => {
                for _ in 0..LINES {
                    let Some(line) = packets.line()? else { break };
                    if let Some(id) = line.strip_prefix(b"shallow ") {
                        let id = ObjectId::from_hex(id);
                        shallow.insert(id.map_err(|_| strange(line))?);
                    }
                }
            }
            b"acknowledgments" | b"wanted-refs" | b"packfile-uris" => while packets.line()?.is_some() {},
            other => return Err(strange(other)),
        }
    }
    Err(FetchError::Bound("the server sends too many lines"))
}

fn strange(line: &[u8]) -> FetchError {
    FetchError::Answer(format!("`{}` was not expected", shown(line)))
}

/// Takes the pack out of the bands it comes in.
fn pack<R: std::io::Read>(packets: &mut Packets<R>, folder: &Path) -> Result<File, FetchError> {
    let mut file = tempfile::tempfile_in(folder).map_err(FetchError::Keeping)?;
    while let Packet::Data(data) = packets.next()? {
        match data.split_first() {
            Some((1, pack)) => file.write_all(pack).map_err(FetchError::Keeping)?,
            Some((2, _)) => {}
            Some((3, words)) => return Err(FetchError::Answer(shown(words))),
            _ => return Err(strange(data)),
        }
    }
    file.seek(SeekFrom::Start(0)).map_err(FetchError::Keeping)?;
    Ok(file)
}
