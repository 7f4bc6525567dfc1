//! How much an archive may cost.
//!
//! Owns the count of inflated bytes and of entries over one outer archive with everything nested in it, and the words for what was passed over.

use std::cell::Cell;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Bounds on what one outer archive may unfold to. Whatever a bound leaves out is named and leaves the run complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Archives within archives, counting the outer one.
    pub depth: u32,
    /// Bytes that may be inflated.
    pub inflated: u64,
    /// How many times the archive's own size may be inflated, once that is more than a megabyte.
    pub ratio: u64,
    /// Entries.
    pub entries: u64,
    /// Largest entry that is looked at.
    pub file: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self { depth: 3, inflated: 100_000_000, ratio: 200, entries: 100_000, file: 10_000_000 }
    }
}

/// Up to here no ratio is suspicious: an archive of little text may shrink a lot.
const RATIO_FLOOR: u64 = 1_000_000;

/// Why an archive or an entry was not looked at, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    #[error("it lies deeper than {0} archives within each other, which is the limit")]
    Depth(u32),
    #[error("it holds more than {0} entries, which is the limit; the others were not looked at")]
    Entries(u64),
    #[error("it inflates to more than {0} bytes, which is the limit; the rest was not looked at")]
    Inflated(u64),
    #[error("it inflates to more than {0} times its size, which is the limit; the rest was not looked at")]
    Ratio(u64),
    #[error("its content is over the limit of {0} bytes")]
    TooLarge(u64),
    #[error("it asks for more memory than the limit of {0} MiB")]
    Memory(u64),
    #[error("it shares its bytes with other entries")]
    Overlap,
    #[error("it is encrypted")]
    Encrypted,
    #[error("its compression ({0}) is not supported")]
    Method(String),
    #[error("{0} archives are not opened")]
    Foreign(&'static str),
    #[error("it is damaged: {0}")]
    Damaged(String),
}

impl Flaw {
    /// Whether a stated limit is the reason, rather than something that should have been read and could not.
    pub(super) fn is_limit(&self) -> bool {
        !matches!(self, Self::Damaged(_))
    }

    pub(super) fn damaged(what: &str) -> Self {
        Self::Damaged(what.to_owned())
    }
}

/// The running count. Shared by reference: the readers of all nested archives draw on the same one.
#[derive(Debug)]
pub(super) struct Meter {
    limits: ArchiveLimits,
    /// Size of the outer archive.
    size: u64,
    inflated: Cell<u64>,
    entries: Cell<u64>,
    exceeded: Cell<bool>,
}

impl Meter {
    pub(super) fn new(limits: ArchiveLimits, size: u64) -> Self {
        Self { limits, size: size.max(1), inflated: Cell::new(0), entries: Cell::new(0), exceeded: Cell::new(false) }
    }

    /// The limit that was run into; nothing more may be read then.
    pub(super) fn exceeded(&self) -> Option<Flaw> {
        let (limits, inflated) = (&self.limits, self.inflated.get());
        if inflated > limits.inflated {
            Some(Flaw::Inflated(limits.inflated))
        } else if inflated > RATIO_FLOOR && inflated / self.size >= limits.ratio {
            Some(Flaw::Ratio(limits.ratio))
        } else if self.entries.get() > limits.entries {
            Some(Flaw::Entries(limits.entries))
        } else {
            None
        }
    }

    /// The first to ask is told so, to name it once.
    pub(super) fn exceeded_first(&self) -> Option<Flaw> {
        self.exceeded().filter(|_| !self.exceeded.replace(true))
    }

    /// One more entry; whether it may be looked at.
    pub(super) fn entry(&self) -> bool {
        self.entries.set(self.entries.get().saturating_add(1));
        self.exceeded().is_none()
    }

    /// A reader whose bytes are counted.
    pub(super) fn read<R: Read>(&self, inner: R) -> Metered<'_, R> {
        Metered { inner, meter: self }
    }
}

/// Fails when a limit is reached.
pub(super) struct Metered<'m, R> {
    inner: R,
    meter: &'m Meter,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Decoders are other people's code on hostile input: should one panic, only its entry is lost.
        let read = catch_unwind(AssertUnwindSafe(|| self.inner.read(buffer)))
            .unwrap_or_else(|_| Err(io::Error::other(Flaw::damaged("it cannot be decoded"))))?;
        self.meter.inflated.set(self.meter.inflated.get().saturating_add(read as u64));
        match self.meter.exceeded() {
            Some(flaw) => Err(io::Error::other(flaw)),
            None => Ok(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_end_the_reading_and_are_told_once() {
        let limits = ArchiveLimits { inflated: 5_000_000, ratio: 10, ..ArchiveLimits::default() };
        let meter = Meter::new(limits, 400_000);
        assert!(io::copy(&mut meter.read(io::repeat(0).take(3_900_000)), &mut io::sink()).is_ok());
        assert!(meter.entry());
        assert!(io::copy(&mut meter.read(io::repeat(0).take(1_000_000)), &mut io::sink()).is_err());
        assert_eq!((meter.exceeded_first(), meter.exceeded_first()), (Some(Flaw::Ratio(10)), None));
        assert!(!meter.entry());
    }
}
