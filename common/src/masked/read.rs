//! Documents that are read with every string masked.
//!
//! Owns that no field can be forgotten: masking does not follow a list of fields but the strings
//! that the document has, those of unknown fields included. Nothing that holds
//! [`Masked`](super::Masked) can be read in another way.

mod through;

use std::cell::Cell;

use serde::de::DeserializeOwned;

use super::Redact;
use through::{Through, Touch};

/// A document that cannot be read.
pub type ReadError = serde_json::Error;

/// Bytes of text that are looked at together.
const CHUNK_BYTES: usize = 256 * 1024;

/// Reads a JSON document with every string in it masked. Also says whether there was anything to
/// hide, in unknown fields too.
///
/// # Errors
///
/// If it is no JSON, or not of this type.
pub fn read<T: DeserializeOwned>(json: &[u8], redact: &mut (impl Redact + ?Sized)) -> Result<(T, bool), ReadError> {
    // Usually there is nothing to hide, and one look over everything tells so.
    let mut collected = Collected::default();
    let value = pass(json, &mut collected)?;
    if !redact.finds_any(&collected.chunks) {
        return Ok((value, false));
    }
    let mut masking = Masking { redact, hidden: false };
    let value = pass(json, &mut masking)?;
    Ok((value, masking.hidden))
}

/// Reads a JSON document that was written from masked text. Only the rooms that read storage may
/// call this.
///
/// # Errors
///
/// If it is no JSON, or not of this type.
pub fn read_back<T: DeserializeOwned>(json: &[u8]) -> Result<T, ReadError> {
    let _certificate = Certificate::hold();
    serde_json::from_slice(json)
}

fn pass<T: DeserializeOwned>(json: &[u8], touch: &mut impl Touch) -> Result<T, ReadError> {
    let _certificate = Certificate::hold();
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = T::deserialize(Through::new(&mut deserializer, touch))?;
    deserializer.end()?;
    Ok(value)
}

/// Takes every string up, in chunks that end with a string.
#[derive(Default)]
struct Collected {
    chunks: Vec<String>,
}

impl Touch for Collected {
    fn touch(&mut self, text: &str) -> Option<String> {
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK_BYTES => {
                chunk.push('\n');
                chunk.push_str(text);
            }
            _ => {
                let mut chunk = String::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 4);
                chunk.push_str(text);
                self.chunks.push(chunk);
            }
        }
        None
    }
}

/// Masks every string.
struct Masking<'r, R: ?Sized> {
    redact: &'r mut R,
    hidden: bool,
}

impl<R: Redact + ?Sized> Touch for Masking<'_, R> {
    fn touch(&mut self, text: &str) -> Option<String> {
        if text.is_empty() {
            return None;
        }
        let masked = self.redact.redact(text);
        (masked != text).then(|| {
            self.hidden = true;
            masked
        })
    }
}

thread_local! {
    /// Whether the document that this thread reads now is masked on its way.
    static CERTIFIED: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, [`Masked`](super::Masked) can be deserialised on this thread.
struct Certificate {
    before: bool,
}

impl Certificate {
    fn hold() -> Self {
        Self { before: CERTIFIED.replace(true) }
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        CERTIFIED.set(self.before);
    }
}

/// Refuses masked text from a document that nobody masked.
pub(super) fn certified<E: serde::de::Error>() -> Result<(), E> {
    if CERTIFIED.get() { Ok(()) } else { Err(E::custom("masked text is read by `masked::read` only")) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use super::super::Masked;
    use super::*;

    /// Hides one word.
    struct Hides;

    impl Redact for Hides {
        fn redact(&mut self, text: &str) -> String {
            text.replace("hunter2", "•")
        }
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Document {
        text: Masked,
        plain: String,
        #[serde(default)]
        names: BTreeMap<String, Vec<Option<Masked>>>,
        #[serde(flatten)]
        ended: Ended,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "outcome", rename_all = "snake_case")]
    enum Ended {
        Done,
        Failed { reason: Masked },
    }

    #[test]
    fn every_string_is_masked_wherever_it_is() {
        let json = r#"{"reason": "hunter2", "text": "a hunter\u0032", "plain": "hunter2", "names": {"hunter2": [null, "hunter2"]}, "outcome": "failed"}"#;
        let (document, hidden) = read::<Document>(json.as_bytes(), &mut Hides).unwrap();
        assert!(hidden);
        let shown = serde_json::to_string(&document).unwrap();
        assert_eq!(shown, r#"{"text":"a •","plain":"•","names":{"•":[null,"•"]},"outcome":"failed","reason":"•"}"#);
    }

    #[test]
    fn unknown_fields_are_looked_at() {
        #[derive(Deserialize)]
        struct Text {
            text: Masked,
        }
        for (json, expected) in [
            (r#"{"text": "a"}"#, false),
            (r#"{"text": "a", "more": {"deep": [1, {"x": "hunter2"}]}}"#, true),
            (r#"{"text": "a", "hunter2": 1}"#, true),
            (r#"{"text": "a", "more": {"hunter2": 1}}"#, true),
        ] {
            let (document, hidden) = read::<Text>(json.as_bytes(), &mut Hides).unwrap();
            assert_eq!((document.text.as_str(), hidden), ("a", expected), "{json}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "it is what is tested")]
    fn nothing_else_reads_masked_text() {
        let json = r#"{"text": "a", "plain": "b", "outcome": "done"}"#;
        assert!(serde_json::from_str::<Document>(json).is_err());
        assert!(serde_json::from_str::<Masked>("\"a\"").is_err());
        let document: Document = read_back(json.as_bytes()).unwrap();
        assert_eq!(read::<Document>(json.as_bytes(), &mut Hides).unwrap(), (document, false));
        assert!(serde_json::from_str::<Masked>("\"a\"").is_err(), "the certificate ends with the reading");
        for broken in ["", "{", r#"{"text": 1}"#, r#"{"text": "a", "plain": "b", "outcome": "done"} x"#] {
            assert!(read::<Document>(broken.as_bytes(), &mut Hides).is_err(), "{broken}");
            assert!(serde_json::from_str::<Masked>("\"a\"").is_err());
        }
    }
}
