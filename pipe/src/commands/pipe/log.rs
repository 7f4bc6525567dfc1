//! Lines in the manner of Bitbucket's own pipes.
//!
//! Owns their form: `INFO:` and its kin on standard error, the closing `✔` or `✖` on standard output, coloured although a pipeline's log is
//! no terminal, unless `NO_COLOR` is set. What is written here is made fit for a log first.

use std::io::{self, Write};

use crate::analyze::secrets::mask;

/// Writes the lines of one run.
pub(super) struct Log {
    color: bool,
    debug: bool,
}

impl Log {
    pub(super) fn new(color: bool, debug: bool) -> Self {
        Self { color, debug }
    }

    /// Whether text may be coloured.
    pub(super) fn color(&self) -> bool {
        self.color
    }

    pub(super) fn info(&self, text: &str) {
        self.line("36", "INFO", text);
    }

    pub(super) fn warning(&self, text: &str) {
        self.line("33", "WARNING", text);
    }

    pub(super) fn debug(&self, text: &str) {
        if self.debug {
            self.line("90", "DEBUG", text);
        }
    }

    /// The last line of a run that passed.
    pub(super) fn success(&self, text: &str) {
        self.close("32", '✔', text);
    }

    /// The last line of a run that did not.
    pub(super) fn failure(&self, text: &str) {
        self.close("31", '✖', text);
    }

    fn line(&self, color: &str, level: &str, text: &str) {
        let level = self.colored(color, &format!("{level}:"));
        // A log that cannot be written is no reason to let anything pass or fail.
        let _ = writeln!(io::stderr(), "{level} {}", mask(text));
    }

    fn close(&self, color: &str, mark: char, text: &str) {
        let text = self.colored(color, &format!("{mark} {}", mask(text)));
        let _ = writeln!(io::stdout(), "{text}");
    }

    fn colored(&self, color: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{color}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
