//! Paths as they may be shown.
//!
//! Owns the one way in which raw path bytes become text. The text is for people and reports, never for opening files.

use penstock_common::redact::escape_control;

/// The path as text: valid UTF-8 stays, other bytes and control characters appear as `\xNN`.
pub fn display(raw: &[u8]) -> String {
    let mut out = String::with_capacity(raw.len());
    for chunk in raw.utf8_chunks() {
        out.push_str(&escape_control(chunk.valid()));
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}
