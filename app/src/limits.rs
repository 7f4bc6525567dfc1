//! How much one tenant may ask for.
//!
//! Owns a bucket for each tenant: requests come out, time fills it. It is a guard against loops and abuse, in the memory of one copy of the program.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use penstock_common::Uuid;

use crate::problem::Problem;

/// Requests of one tenant in a minute, in the long run.
const A_MINUTE: i64 = 600;
/// How many may come at once.
const BURST: i64 = 200;
/// Most tenants whose buckets are kept.
const TENANTS_MAX: usize = 10_000;
/// Milliseconds for one request.
const ONE: i64 = 60_000 / A_MINUTE;

/// The buckets.
#[derive(Debug, Default)]
pub struct Limits {
    /// When the bucket of each tenant would be full again.
    full_at: Mutex<HashMap<Uuid, i64>>,
}

impl Limits {
    /// Takes one request out of a tenant's bucket at `now` (unix milliseconds).
    ///
    /// # Errors
    /// When it is empty: 429 with the time until it is not.
    pub fn take(&self, tenant: Uuid, now: i64) -> Result<(), Problem> {
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= TENANTS_MAX {
            buckets.retain(|_, full_at| *full_at > now);
        }
        let full_at = buckets.entry(tenant).or_insert(now);
        let then = now.max(*full_at) + ONE;
        let over = then - now - BURST * ONE;
        if over > 0 {
            let seconds = over.unsigned_abs().div_ceil(1000);
            return Err(Problem::too_many("this workspace has sent too many requests", seconds));
        }
        *full_at = then;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_and_each_tenant_has_his_own() {
        let (limits, one, other) = (Limits::default(), Uuid::from([1; 16]), Uuid::from([2; 16]));
        let taken = (0..1000).take_while(|_| limits.take(one, 0).is_ok()).count();
        assert_eq!(taken, BURST as usize);
        assert!(limits.take(other, 0).is_ok());
        assert!(limits.take(one, ONE).is_ok() && limits.take(one, ONE).is_err());
        assert_eq!(limits.take(one, ONE).unwrap_err().status().as_u16(), 429);
        let taken = (0..1000).take_while(|_| limits.take(one, 60_000).is_ok()).count();
        assert_eq!(taken, BURST as usize, "it never holds more than that");
    }
}
