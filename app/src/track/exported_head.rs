//! The end of a log as text, outside of the database.
//!
//! Owns its form: `audit:WORKSPACE:NUMBER:HASH` and `findings:WORKSPACE:REPOSITORY:NUMBER:HASH`,
//! one word in a line of a log. A log that was truncated, or restored to an older state, no longer
//! has the entry that such a word names.

use std::fmt;

use penstock_common::Uuid;

use super::chain::{ChainId, Head};
use crate::hex;

/// The end that a log had once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportedHead {
    /// Which log.
    pub chain: ChainId,
    /// Its end.
    pub head: Head,
}

impl fmt::Display for ExportedHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.chain {
            ChainId::Audit { workspace } => write!(f, "audit:{workspace}")?,
            ChainId::Findings { workspace, repository } => write!(f, "findings:{workspace}:{repository}")?,
        }
        write!(f, ":{}:{}", self.head.number, hex::encode(&self.head.hash))
    }
}

impl ExportedHead {
    /// All that are in a text, among words of a line or values of JSON.
    pub fn find_all(text: &str) -> impl Iterator<Item = Self> {
        let is_around = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | '=' | ',');
        text.split(is_around).filter_map(Self::parse)
    }

    fn parse(word: &str) -> Option<Self> {
        let parts: Vec<&str> = word.split(':').collect();
        let uuid = |text: &str| text.parse::<Uuid>().ok();
        let (chain, number, hash) = match parts[..] {
            ["audit", workspace, number, hash] => (ChainId::Audit { workspace: uuid(workspace)? }, number, hash),
            ["findings", workspace, repository, number, hash] => {
                let chain = ChainId::Findings { workspace: uuid(workspace)?, repository: uuid(repository)? };
                (chain, number, hash)
            }
            _ => return None,
        };
        Some(Self { chain, head: Head { number: number.parse().ok()?, hash: hex::decode(hash)? } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_again_in_the_lines_of_a_log() {
        let (workspace, repository) = (Uuid::from([1; 16]), Uuid::from([2; 16]));
        let heads = [ChainId::Audit { workspace }, ChainId::Findings { workspace, repository }]
            .map(|chain| ExportedHead { chain, head: Head { number: 17, hash: [0xab; 32] } });
        for head in heads {
            for line in [
                format!("2026-11-30T00:00:00Z  INFO penstock: end of a log head={head}"),
                format!(r#"{{"level":"INFO","fields":{{"message":"end of a log","head":"{head}"}}}}"#),
                head.to_string(),
            ] {
                assert_eq!(ExportedHead::find_all(&line).collect::<Vec<_>>(), [head], "{line}");
            }
        }
        for other in ["", "audit:x:1:00", "audit:01010101-0101-0101-0101-010101010101:1:zz", "findings:1:2"] {
            assert_eq!(ExportedHead::find_all(other).count(), 0, "{other}");
        }
    }
}
