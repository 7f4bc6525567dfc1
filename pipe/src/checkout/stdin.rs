//! Standard input, or any other stream, as one item.
//!
//! Owns reading it up to the limit. A stream cannot be looked at twice or skipped to its end, so what is over the limit is named
//! and what came before it is looked at.

use std::io::Read;

use crate::checkout::Skipped;

use super::{Coverage, Error, Item, Limits, Visitor};

/// Looks at everything that `input` gives, under the name `name`.
pub fn scan<V: Visitor>(
    input: impl Read,
    name: &[u8],
    limits: &Limits,
    mut visitor: V,
) -> Result<(Vec<V>, Coverage), Error> {
    let mut bytes = Vec::new();
    // One byte more tells whether there is more.
    input.take(limits.max_file_size.saturating_add(1)).read_to_end(&mut bytes).map_err(Error::Input)?;
    let mut coverage = Coverage::default();
    if bytes.is_empty() || !visitor.wants(name, None) {
        return Ok((vec![visitor], coverage));
    }
    coverage.files = 1;
    if bytes.len() as u64 > limits.max_file_size {
        bytes.pop();
        let reason = format!("only its first {} bytes were read, which is the limit", bytes.len());
        coverage.skipped.push(Skipped { subject: super::path::display(name), reason, by_limit: true });
    }
    coverage.bytes = bytes.len() as u64;
    visitor.visit(Item { path: name, bytes: &bytes, lines: None, commit: None });
    Ok((vec![visitor], coverage))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Recorder;
    use super::*;

    #[test]
    fn reads_up_to_the_limit() {
        let limits = Limits { max_file_size: 4, threads: 1 };
        let (visitors, coverage) = scan(&b"1234"[..], b"in", &limits, Recorder::default()).unwrap();
        assert_eq!((&*visitors[0].0[0].text, coverage.bytes, coverage.skipped.len()), ("1234", 4, 0));
        let (visitors, coverage) = scan(&b"12345"[..], b"in", &limits, Recorder::default()).unwrap();
        assert_eq!((&*visitors[0].0[0].text, coverage.bytes, coverage.skipped.len()), ("1234", 4, 1));
        assert!(coverage.complete());
    }
}
