//! What must be read before it is known whose request it is, and the machinery that serves all tenants.
//!
//! Owns a closed list of methods over tables that hold ids, hashes, times and sealed secrets: nothing that a tenant would call his content.
//! A test has the list; whoever adds a method adds it there.

mod inbox;
mod installations;
mod jobs;
mod leases;
mod tenants;
mod tokens;
mod viewers;

pub use inbox::Header;
pub use installations::{Candidate, Installation, OF_INSTALLATION_MAX, UNSIGNED_MAX, Written};
pub(super) use jobs::enqueue;
pub use jobs::{Dead, Job, QueueState, Subject, Turn};
pub use tenants::{Tenant, TenantState};
pub use tokens::{Hook, KnownToken};
pub use viewers::{AddressUse, ViewerRow};

use super::Store;

/// The door to what belongs to no tenant.
#[derive(Clone, Debug)]
pub struct System {
    store: Store,
}

impl System {
    pub(super) const fn new(store: Store) -> Self {
        Self { store }
    }
}
