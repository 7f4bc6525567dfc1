//! The app's own API tokens.
//!
//! Owns their form, how they are made and compared, and what they may be allowed. A token is 256 random bits with a prefix, by which people and
//! scanners know it, and a checksum, so that a typing mistake is told from a wrong token without asking the store. Only a hash is kept: whoever reads
//! the database can call nobody.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use penstock_common::Secret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::hex;

/// How every token begins.
pub const PREFIX: &str = "penstock_";
/// Random bytes of a token.
const BYTES: usize = 32;
/// Characters of the checksum.
const CHECKSUM: usize = 8;
/// Characters of a token.
const LENGTH: usize = PREFIX.len() + 2 * BYTES + CHECKSUM;

/// A token. It is shown once, when it is made.
#[derive(Clone)]
pub struct ApiToken(Secret);

/// What is kept of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

/// A text that is no token of ours: another kind, cut, or mistyped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no API token of this app: such a token begins with `{PREFIX}` and has {LENGTH} characters, and its checksum must hold"
)]
pub struct NotAToken;

/// The system gives no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system has no randomness to make a secret of")]
pub struct NoRandomness;

impl ApiToken {
    /// Makes a new one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn issue() -> Result<Self, NoRandomness> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self::of(&bytes))
    }

    fn of(bytes: &[u8; BYTES]) -> Self {
        let mut text = String::with_capacity(LENGTH);
        text.push_str(PREFIX);
        text.push_str(&hex::encode(bytes));
        text.push_str(&checksum(&text));
        Self(Secret::new(text))
    }

    /// Reads a token as somebody sent it. That it has the right form does not make it one that was issued.
    ///
    /// # Errors
    /// When it has not.
    pub fn parse(text: &str) -> Result<Self, NotAToken> {
        let is_lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let digits = text.strip_prefix(PREFIX).filter(|_| text.len() == LENGTH).ok_or(NotAToken)?;
        if !digits.bytes().all(is_lower_hex) {
            return Err(NotAToken);
        }
        // All bytes are ASCII, so every index is a border.
        let (told, sum) = text.split_at(LENGTH - CHECKSUM);
        if checksum(told) == sum { Ok(Self(Secret::new(text))) } else { Err(NotAToken) }
    }

    /// What is kept of it, and by what it is looked up. There is nothing to slow a guess down for: 256 bits are not guessed.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.expose()).into())
    }

    /// The token, for whoever is shown it once.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl TokenHash {
    /// As it is stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether it is the one that is stored, in a time that tells nothing.
    pub fn is(&self, stored: &[u8]) -> bool {
        self.0.as_slice().ct_eq(stored).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a hash")
    }
}

/// CRC-32 of the characters: it tells every change of up to four neighbours.
fn checksum(text: &str) -> String {
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

/// What a token may be used for. None contains another, but [`Scope::UploadAnyRef`] contains [`Scope::Upload`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Send runs of commits and branches that a pipeline confirms.
    Upload,
    /// Send runs of any commit and branch: nobody else says that they are about what they name.
    UploadAnyRef,
    /// Read runs and findings.
    Read,
    /// Judge findings, in the name of the token and of who made it.
    Triage,
}

/// A name that is no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scope is one of `upload`, `upload:any-ref`, `read`, `triage`")]
pub struct NotAScope;

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Upload, Self::UploadAnyRef, Self::Read, Self::Triage];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::UploadAnyRef => "upload:any-ref",
            Self::Read => "read",
            Self::Triage => "triage",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = NotAScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|scope| scope.name() == text).ok_or(NotAScope)
    }
}

/// Some scopes. Stored and shown as their names with spaces between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Whether they allow what needs `scope`.
    pub fn allow(&self, scope: Scope) -> bool {
        self.0.contains(&scope) || (scope == Scope::Upload && self.0.contains(&Scope::UploadAnyRef))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(|scope| scope.name()).collect();
        f.write_str(&names.join(" "))
    }
}

impl FromStr for Scopes {
    type Err = NotAScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_ascii_whitespace().map(str::parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_made_is_read(bytes: [u8; BYTES]) {
            let token = ApiToken::of(&bytes);
            let read = ApiToken::parse(token.expose()).unwrap();
            prop_assert_eq!(read.expose(), token.expose());
            prop_assert!(read.hash().is(token.hash().as_bytes()));
        }

        #[test]
        fn one_changed_character_is_no_token(bytes: [u8; BYTES], at in 0..LENGTH, to in "[ -~é]") {
            let token = ApiToken::of(&bytes);
            let mut text: Vec<String> = token.expose().chars().map(String::from).collect();
            prop_assume!(text[at] != to);
            text[at] = to;
            prop_assert!(ApiToken::parse(&text.concat()).is_err());
        }

        #[test]
        fn neither_is_one_that_is_cut_longer_or_shuffled(bytes: [u8; BYTES], at in 0..LENGTH - 1) {
            let token = ApiToken::of(&bytes);
            let text = token.expose();
            prop_assert!(ApiToken::parse(&text[..at]).is_err());
            for longer in [format!("{text}0"), format!(" {text}"), format!("{text}\n")] {
                prop_assert!(ApiToken::parse(&longer).is_err());
            }
            let mut swapped = text.as_bytes().to_vec();
            swapped.swap(at, at + 1);
            let swapped = String::from_utf8(swapped).unwrap();
            prop_assert_eq!(ApiToken::parse(&swapped).is_err(), swapped != text);
        }

        #[test]
        fn anything_else_is_no_token(text in "\\PC{0,100}") {
            prop_assert!(ApiToken::parse(&text).is_err());
        }

        #[test]
        fn scopes_survive_being_written(bits in 0_usize..16) {
            let scopes: Scopes = Scope::ALL.into_iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, one)| one).collect();
            prop_assert_eq!(scopes.to_string().parse::<Scopes>().unwrap(), scopes);
        }
    }

    #[test]
    fn no_two_are_alike_and_none_is_shown() {
        let (one, other) = (ApiToken::issue().unwrap(), ApiToken::issue().unwrap());
        assert_ne!(one.expose(), other.expose());
        assert!(!one.hash().is(other.hash().as_bytes()) && !one.hash().is(&[]));
        let told = format!("{one:?} {:?}", one.hash());
        assert!(!told.contains(&one.expose()[PREFIX.len()..][..8]), "{told}");
        assert!(!told.contains(&hex::encode(one.hash().as_bytes())[..8]), "{told}");
    }

    #[test]
    fn what_a_token_may() {
        let scopes = |text: &str| text.parse::<Scopes>().unwrap();
        assert!(scopes("upload read").allow(Scope::Read) && !scopes("upload read").allow(Scope::Triage));
        assert!(!scopes("upload").allow(Scope::UploadAnyRef));
        assert!(scopes("upload:any-ref").allow(Scope::Upload) && !scopes("upload:any-ref").allow(Scope::Read));
        assert!(scopes("").is_empty());
        assert_eq!("upload admin".parse::<Scopes>(), Err(NotAScope));
    }
}
