//! Colour, or none.
//!
//! Owns the only escape sequences that a report holds. Without colour nothing is lost: colour repeats what the words say.

use penstock_common::Severity;

/// Whether and how to colour.
pub(super) struct Style {
    /// Colour at all.
    pub color: bool,
}

const BOLD: &str = "1";
const ALARM: &str = "1;31";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const BLUE: &str = "34";
const CYAN: &str = "36";

impl Style {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(super) fn heading(&self, text: &str) -> String {
        self.paint(BOLD, text)
    }

    pub(super) fn section(&self, text: &str) -> String {
        self.paint(BOLD, &format!("== {text} =="))
    }

    /// What came of a condition, as `shown`.
    pub(super) fn outcome(&self, outcome: &str, shown: &str) -> String {
        let code = match outcome {
            "failed" => ALARM,
            "unknown" | "warning" => YELLOW,
            "passed" => GREEN,
            _ => return shown.to_owned(),
        };
        self.paint(code, shown)
    }

    pub(super) fn alarm(&self, text: &str) -> String {
        self.paint(ALARM, text)
    }

    /// Lines and numbers around code.
    pub(super) fn frame(&self, text: &str) -> String {
        self.paint(BLUE, text)
    }

    pub(super) fn mark(&self, text: &str) -> String {
        self.paint(ALARM, text)
    }

    pub(super) fn severity(&self, severity: Severity) -> String {
        let code = match severity {
            Severity::Critical => ALARM,
            Severity::High => RED,
            Severity::Medium => YELLOW,
            Severity::Low | Severity::Info => CYAN,
        };
        self.paint(code, severity.name())
    }

    pub(super) fn verdict(&self, text: &str, failed: bool, complete: bool) -> String {
        match (failed, complete) {
            (true, _) => self.paint(ALARM, text),
            (false, false) => self.paint(YELLOW, text),
            (false, true) => self.paint(GREEN, text),
        }
    }
}
