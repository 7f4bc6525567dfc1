//! How much of uploads is in memory at a time.
//!
//! Owns two budgets in bytes: of bodies as they are received, and of what they inflate to. Room is
//! taken before anything is read, and one tenant may take only a share of all, so that the others
//! find some. A body takes as long to be received as its sender likes, so of that share one sender
//! may take only a half. What the bytes mean is not known here.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use penstock_common::Uuid;
use penstock_common::upload::v1::BODY_MAX;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::Encoding;
use crate::problem::Problem;
use crate::telemetry::Metrics;

/// Bodies of the largest size for which there is room in one of the budgets.
const BODIES: usize = 4;
/// Bytes of one body of the largest size, or of several smaller ones. One tenant may have so many
/// inflated, and one sender may send so many.
const SHARE_BYTES: usize = BODY_MAX + UNIT;
/// Bytes that one tenant may send at a time.
const RECEIVED_BYTES: usize = 2 * SHARE_BYTES;
/// Room is counted in units of so many bytes.
const UNIT: usize = 1024;
/// How long an upload waits.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds after which one that found none may come again.
const AGAIN: u64 = 5;

/// The budgets of all tenants.
#[derive(Debug)]
pub struct UploadMemory {
    /// Of each sender of a tenant.
    senders: Shares<(Uuid, Uuid)>,
    received: Budget,
    inflated: Budget,
}

impl Default for UploadMemory {
    fn default() -> Self {
        Self::with_patience(PATIENCE)
    }
}

/// Room that was taken. It is free again when this is dropped.
#[derive(Debug)]
#[must_use]
pub struct Room {
    _of_sender: Option<OwnedSemaphorePermit>,
    _of_share: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl UploadMemory {
    fn with_patience(patience: Duration) -> Self {
        let budget = |name, share| Budget::new(name, patience, share);
        Self {
            senders: Shares::new(SHARE_BYTES),
            received: budget("upload_received", RECEIVED_BYTES),
            inflated: budget("upload_inflated", SHARE_BYTES),
        }
    }

    /// Takes room for a body, before it is read; `length` is what its header says. One that does
    /// not say takes the most.
    ///
    /// # Errors
    /// When there is none for too long.
    pub async fn receive(
        &self,
        tenant: Uuid,
        sender: Uuid,
        length: Option<usize>,
        metrics: &Metrics,
    ) -> Result<Room, Problem> {
        let bytes = length.unwrap_or(BODY_MAX);
        let share = self.senders.of((tenant, sender)).acquire_many_owned(units(bytes));
        let Ok(Ok(of_sender)) = timeout(self.received.patience, share).await else {
            metrics.limited(self.received.name, "sender");
            let words = "this repository or token is sending as much as it may at a time: send fewer runs at a time";
            return Err(Problem::too_many(words, AGAIN));
        };
        let room = self.received.take(tenant, bytes, metrics).await?;
        Ok(Room { _of_sender: Some(of_sender), ..room })
    }

    /// Takes room for so many bytes that a body inflates to, before it is inflated.
    ///
    /// # Errors
    /// When there is none for too long.
    pub async fn inflate(&self, tenant: Uuid, bytes: usize, metrics: &Metrics) -> Result<Room, Problem> {
        self.inflated.take(tenant, bytes, metrics).await
    }

    /// Bytes that are taken: received, inflated.
    pub fn in_use(&self) -> [usize; 2] {
        [self.received.in_use(), self.inflated.in_use()]
    }
}

#[derive(Debug)]
struct Budget {
    name: &'static str,
    /// How long an upload waits for room.
    patience: Duration,
    all: Arc<Semaphore>,
    shares: Shares<Uuid>,
}

/// So much for each.
#[derive(Debug)]
struct Shares<K> {
    bytes: usize,
    known: Mutex<HashMap<K, Arc<Semaphore>>>,
}

impl<K: Eq + Hash> Shares<K> {
    fn new(bytes: usize) -> Self {
        Self { bytes, known: Mutex::default() }
    }

    fn of(&self, whose: K) -> Arc<Semaphore> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // A share that nobody has or waits for is made anew when it is needed.
        known.retain(|_, share| Arc::strong_count(share) > 1);
        let new = || Arc::new(Semaphore::new(self.bytes.div_ceil(UNIT)));
        Arc::clone(known.entry(whose).or_insert_with(new))
    }
}

/// How many units so many bytes take; never more than one share.
fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.min(SHARE_BYTES).div_ceil(UNIT)).unwrap_or(u32::MAX)
}

impl Budget {
    const UNITS: usize = BODIES * SHARE_BYTES.div_ceil(UNIT);

    fn new(name: &'static str, patience: Duration, share: usize) -> Self {
        Self { name, patience, all: Arc::new(Semaphore::new(Self::UNITS)), shares: Shares::new(share) }
    }

    /// First of the tenant's share, then of all: one that waits for its own tenant stands in no one
    /// else's way.
    async fn take(&self, tenant: Uuid, bytes: usize, metrics: &Metrics) -> Result<Room, Problem> {
        let units = units(bytes);
        let refused = |limit| metrics.limited(self.name, limit);
        let Ok(Ok(of_share)) = timeout(self.patience, self.shares.of(tenant).acquire_many_owned(units)).await else {
            refused("tenant");
            return Err(Problem::too_many(
                format!(
                    "this workspace has {} MiB of uploads in work, which is its share: send fewer runs at a time, or smaller ones",
                    self.shares.bytes >> 20
                ),
                AGAIN,
            ));
        };
        let Ok(Ok(of_all)) = timeout(self.patience, Arc::clone(&self.all).acquire_many_owned(units)).await else {
            refused("total");
            return Err(Problem::unavailable("too many runs are being received: send this one again", AGAIN));
        };
        Ok(Room { _of_sender: None, _of_share: of_share, _of_all: of_all })
    }

    fn in_use(&self) -> usize {
        Self::UNITS.saturating_sub(self.all.available_permits()) * UNIT
    }
}

/// How many bytes a body says that it inflates to. It may lie: reading stops there. One
/// that does not say gets the most.
pub(super) fn declared(body: &[u8], encoding: Encoding) -> usize {
    let said = match encoding {
        Encoding::Identity => Some(body.len()),
        // RFC 1952, 2.3.1: the last four bytes are the size, modulo 2^32.
        Encoding::Gzip => body.last_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes) as usize),
        Encoding::Zstd => content_size(body),
    };
    said.filter(|size| *size <= BODY_MAX).unwrap_or(BODY_MAX)
}

/// The size in the header of a zstd frame (RFC 8878, 3.1.1), if there is one.
fn content_size(body: &[u8]) -> Option<usize> {
    let (descriptor, rest) = body.strip_prefix(&[0x28, 0xb5, 0x2f, 0xfd])?.split_first()?;
    let is_single = descriptor & 0x20 != 0;
    let window = usize::from(!is_single);
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let rest = rest.get(window + dictionary..)?;
    let number = |count: usize| {
        let bytes = rest.get(..count)?;
        Some(bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
    };
    let size = match (descriptor >> 6, is_single) {
        (0, false) => None,
        (0, true) => number(1),
        (1, _) => number(2).map(|number| number + 256),
        (2, _) => number(4),
        (_, _) => number(8),
    };
    size.and_then(|size| usize::try_from(size).ok())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::task::Poll;

    use super::*;

    /// What a future says when it is asked once.
    fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
    }

    fn tenant(number: u8) -> Uuid {
        Uuid::from([number; 16])
    }

    #[tokio::test]
    async fn one_tenant_takes_its_share_and_leaves_the_rest() {
        let (budget, metrics) = (UploadMemory::with_patience(Duration::ZERO), Metrics::default());
        let half = BODY_MAX / 2;
        let mut held = Vec::new();
        for _ in 0..2 {
            held.push(budget.inflate(tenant(1), half, &metrics).await.unwrap());
        }
        let refused = budget.inflate(tenant(1), half, &metrics).await.unwrap_err();
        assert_eq!(refused.status().as_u16(), 429);
        assert!(refused.detail().contains("32 MiB"), "{}", refused.detail());
        for other in 2..=4 {
            held.push(budget.inflate(tenant(other), BODY_MAX, &metrics).await.unwrap());
        }
        assert_eq!(budget.inflate(tenant(9), BODY_MAX, &metrics).await.unwrap_err().status().as_u16(), 503);
        // What is received is counted apart, so that nobody waits for somebody who waits for him.
        held.push(budget.receive(tenant(9), tenant(1), None, &metrics).await.unwrap());
        assert!(metrics.text().contains("limit=\"tenant\""), "{}", metrics.text());
        drop(held);
        assert_eq!(budget.in_use(), [0, 0]);
        assert!(budget.inflate(tenant(1), BODY_MAX, &metrics).await.is_ok());
        assert_eq!(budget.inflated.shares.known.lock().unwrap().len(), 1, "what nobody uses is forgotten");
    }

    #[tokio::test]
    async fn one_sender_takes_no_more_than_half_of_what_its_tenant_may_send() {
        let (budget, metrics) = (UploadMemory::with_patience(Duration::ZERO), Metrics::default());
        // It says that much comes, and sends nothing.
        let held = budget.receive(tenant(1), tenant(7), None, &metrics).await.unwrap();
        for length in [None, Some(10), Some(usize::MAX)] {
            let refused = budget.receive(tenant(1), tenant(7), length, &metrics).await;
            // What is left of a share is less than its smallest unit.
            assert!(length == Some(10) || refused.unwrap_err().status().as_u16() == 429, "{length:?}");
        }
        let other = budget.receive(tenant(1), tenant(8), None, &metrics).await.unwrap();
        let refused = budget.receive(tenant(1), tenant(9), None, &metrics).await.unwrap_err();
        assert!(refused.detail().contains("64 MiB"), "{}", refused.detail());
        // A sender of the same name elsewhere is another one.
        let elsewhere = budget.receive(tenant(2), tenant(7), None, &metrics).await.unwrap();
        drop((held, other, elsewhere));
        assert_eq!(budget.in_use(), [0, 0]);
        assert!(budget.receive(tenant(1), tenant(7), None, &metrics).await.is_ok());
        assert_eq!(budget.senders.known.lock().unwrap().len(), 1, "what nobody uses is forgotten");
    }

    #[tokio::test]
    async fn whoever_waits_for_its_own_tenant_stands_in_nobodys_way() {
        let budget = Arc::new(UploadMemory::default());
        let metrics = Arc::new(Metrics::default());
        let first = budget.inflate(tenant(1), BODY_MAX, &metrics).await.unwrap();
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (budget, metrics) = (Arc::clone(&budget), Arc::clone(&metrics));
            waiting.spawn(async move { budget.inflate(tenant(1), BODY_MAX, &metrics).await.map(drop) });
        }
        tokio::task::yield_now().await;
        // One look is enough: there is room, and nobody to wait for.
        let mut held = Vec::new();
        for other in [2, 3, 4] {
            let taking = std::pin::pin!(budget.inflate(tenant(other), BODY_MAX, &metrics));
            let Poll::Ready(room) = futures_poll(taking) else { panic!("it waits") };
            held.push(room.unwrap());
        }
        drop((first, held));
        assert!(waiting.join_all().await.iter().all(Result::is_ok));
    }

    #[test]
    fn a_body_says_what_it_inflates_to() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&[b' '; 70_000]).unwrap();
        assert_eq!(declared(&encoder.finish().unwrap(), Encoding::Gzip), 70_000);
        let zstd =
            ruzstd::encoding::compress_to_vec([b' '; 70_000].as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
        assert!([70_000, BODY_MAX].contains(&declared(&zstd, Encoding::Zstd)));
        assert_eq!(declared(b"abc", Encoding::Identity), 3);
        for bad in [&b""[..], b"\xff\xff\xff\xff", b"abc"] {
            assert_eq!(declared(bad, Encoding::Gzip), BODY_MAX, "{bad:?}");
            assert_eq!(declared(bad, Encoding::Zstd), BODY_MAX, "{bad:?}");
        }
    }
}
