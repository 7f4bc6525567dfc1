//! PKCS #12 key stores, told by their first bytes.
//!
//! Owns recognising the outermost structure (RFC 7292): a sequence that begins with version 3.

use penstock_common::Confidence;

use super::rank;
use crate::analyze::secrets::Pass;

impl Pass<'_, '_, '_> {
    pub(in super::super) fn key_store(&mut self) {
        let body = match self.text {
            [0x30, 0x82, _, _, rest @ ..] | [0x30, 0x83, _, _, _, rest @ ..] => rest,
            [0x30, 0x80 | 0x81, _, rest @ ..] => rest,
            _ => return,
        };
        // The version, then the sequence that says `data` or `signedData` (1.2.840.113549.1.7…).
        let is_store = body.starts_with(&[0x02, 0x01, 0x03, 0x30])
            && memchr::memmem::find(&body[..body.len().min(32)], &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07])
                .is_some();
        if is_store {
            let rule = self.scanner.engine.known.key_store;
            self.add(rule, 0..self.text.len(), Confidence::High, true, (rank::FORM, 0));
        }
    }
}
