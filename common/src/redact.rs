//! How a secret is shown without being told.
//!
//! Owns the mask: a vendor's public prefix of at most eight characters and a fixed run of dots. The mask never depends on the
//! secret's value or length, so it may enter fingerprints, reports and databases.

use std::fmt;

use crate::limits::MASK_PREFIX_MAX;

/// What stands in place of every hidden value, whatever its length.
pub const DOTS: &str = "••••••••";

/// A secret as it may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mask {
    prefix: &'static str,
}

impl Mask {
    /// Nothing but dots: for passwords and generic values.
    pub const HIDDEN: Self = Self { prefix: "" };

    /// The vendor's public prefix, cut to eight characters, and dots. The prefix comes from the rule, never from the value,
    /// which is why it is `'static`.
    pub fn with_prefix(prefix: &'static str) -> Self {
        let end = prefix.char_indices().nth(MASK_PREFIX_MAX).map_or(prefix.len(), |(at, _)| at);
        Self { prefix: &prefix[..end] }
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix)?;
        f.write_str(DOTS)
    }
}

/// Text made safe for one line of a terminal or log: control characters, line ends and bidirectional overrides appear as escapes.
pub fn escape_control(text: &str) -> String {
    // Nearly every text, and every line of source passes here.
    if text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push('\t'),
            c if c.is_control() => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    out.push_str(&format!("\\x{byte:02x}"));
                }
            }
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
                out.push_str(&format!("\\u{{{:x}}}", c as u32));
            }
            c => out.push(c),
        }
    }
    out
}
