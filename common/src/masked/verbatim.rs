//! Masks nothing: for tests of what is done with masked text, where no text is a secret.

use super::{Masked, Redact};

/// Leaves every text as it is.
pub(crate) struct Verbatim;

impl Redact for Verbatim {
    fn redact(&mut self, text: &str) -> String {
        text.to_owned()
    }
}

/// Any text, as it is.
pub(crate) fn verbatim(text: &str) -> Masked {
    Masked::new(&mut Verbatim, text)
}
