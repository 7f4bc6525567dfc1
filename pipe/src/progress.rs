//! A line on the terminal that shows how far a long scan has come.
//!
//! Owns drawing on standard error. Shows nothing for work that is done at once, and nothing at all where standard error is no terminal, so that
//! logs of CI stay quiet.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::checkout::Progress;

/// Work shorter than this shows nothing.
const QUIET_FOR: Duration = Duration::from_millis(400);
/// Between two drawings.
const EVERY_MILLIS: u64 = 100;

/// The line.
pub(crate) struct ProgressLine {
    started: Instant,
    files: AtomicU64,
    bytes: AtomicU64,
    next: AtomicU64,
    shown: AtomicBool,
}

impl ProgressLine {
    /// A line, if somebody looks.
    pub(crate) fn start(quiet: bool) -> Option<Self> {
        (!quiet && io::stderr().is_terminal()).then(|| Self {
            started: Instant::now(),
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            next: AtomicU64::new(QUIET_FOR.as_millis() as u64),
            shown: AtomicBool::new(false),
        })
    }

    fn draw(&self) {
        let (files, bytes) = (self.files.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        let line = format!("\r\x1b[2K{files} files, {} MB", bytes / 1_000_000);
        // A terminal that cannot be written to is no reason to stop.
        let _ = io::stderr().lock().write_all(line.as_bytes());
        self.shown.store(true, Ordering::Relaxed);
    }
}

impl Progress for ProgressLine {
    fn advance(&self, files: u64, bytes: u64) {
        self.files.fetch_add(files, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let elapsed = self.started.elapsed().as_millis() as u64;
        let next = self.next.load(Ordering::Relaxed);
        let mine = elapsed >= next
            && self.next.compare_exchange(next, elapsed + EVERY_MILLIS, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if mine {
            self.draw();
        }
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if self.shown.load(Ordering::Relaxed) {
            let _ = io::stderr().lock().write_all(b"\r\x1b[2K");
        }
    }
}
