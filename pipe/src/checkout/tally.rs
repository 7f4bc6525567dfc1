//! Telling the progress bar, seldom.
//!
//! Owns the count that a worker keeps to itself until it is worth a word; what is left is told when the worker is done.

use super::Progress;

/// Files between two words.
const FILES_PER_WORD: u64 = 64;

/// What one worker has looked at since it last said so.
pub(super) struct Tally<'a> {
    progress: Option<&'a dyn Progress>,
    files: u64,
    bytes: u64,
}

impl<'a> Tally<'a> {
    pub(super) fn new(progress: Option<&'a dyn Progress>) -> Self {
        Self { progress, files: 0, bytes: 0 }
    }

    /// One more file.
    pub(super) fn add(&mut self, bytes: usize) {
        self.files += 1;
        self.bytes += bytes as u64;
        if self.files >= FILES_PER_WORD {
            self.tell();
        }
    }

    fn tell(&mut self) {
        if let Some(progress) = self.progress.filter(|_| self.files > 0) {
            progress.advance(self.files, self.bytes);
        }
        (self.files, self.bytes) = (0, 0);
    }
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        self.tell();
    }
}
