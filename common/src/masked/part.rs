//! What masked text may be put together from.
//!
//! Owns the list: the program's own words, masked text, numbers, and types whose values cannot
//! contain free text. Closed, because a type with free text would be a way around the engine.

use std::fmt::{Display, Write as _};

use super::Masked;
use crate::gate::{Bound, Metric};
use crate::redact::Mask;
use crate::{Category, Confidence, Destination, Severity, Uuid};

mod sealed {
    pub trait Sealed {}
}

/// A part of masked text.
pub trait Part: sealed::Sealed {
    /// Appends it.
    fn append(&self, text: &mut String);
}

macro_rules! parts {
    ($($type:ty),+) => {
        $(
            impl sealed::Sealed for $type {}
            impl Part for $type {
                fn append(&self, text: &mut String) {
                    shown(self, text);
                }
            }
        )+
    };
}

parts!(
    &'static str,
    Masked,
    u8,
    u16,
    u32,
    u64,
    usize,
    i32,
    i64,
    f64,
    Mask,
    Uuid,
    Severity,
    Confidence,
    Category,
    Destination,
    Metric,
    Bound
);

impl<P: Part> sealed::Sealed for &P {}

impl<P: Part> Part for &P {
    fn append(&self, text: &mut String) {
        (**self).append(text);
    }
}

fn shown(part: &impl Display, text: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(text, "{part}");
}

impl From<Mask> for Masked {
    fn from(mask: Mask) -> Self {
        Self::of(&[&mask])
    }
}

impl From<Uuid> for Masked {
    fn from(uuid: Uuid) -> Self {
        Self::of(&[&uuid])
    }
}

/// Masked text of parts: `masked!["merge base with `", branch, "`"]`. Literals must be the
/// program's own; a part with any other text does not compile.
#[macro_export]
macro_rules! masked {
    [$($part:expr),+ $(,)?] => {
        $crate::masked::Masked::of(&[$(&$part as &dyn $crate::masked::Part),+])
    };
}
