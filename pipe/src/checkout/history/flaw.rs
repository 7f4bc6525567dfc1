//! Why one object cannot be read.
//!
//! Owns the reasons. They never end a scan: the object is named and the rest is read.

/// Why an object cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub(super) enum Flaw {
    /// Over the limit; it was not inflated.
    #[error("it has {size} bytes, more than the limit")]
    TooLarge {
        /// Its inflated size as its header claims it.
        size: u64,
    },
    /// It is stored as a difference to an object that is too large to be inflated.
    #[error("it is stored as a difference to an object of {size} bytes, far over the limit")]
    BaseTooLarge {
        /// Claimed size of the other object.
        size: u64,
    },
    /// Git could not read it either.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    /// It is named by another object and is nowhere.
    #[error("it is missing from the repository")]
    Missing,
}

impl Flaw {
    /// Whether a stated limit is the cause, rather than something being broken.
    pub(super) fn is_limit(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::BaseTooLarge { .. })
    }
}
