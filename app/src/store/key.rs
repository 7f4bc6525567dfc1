//! Ids as both databases keep them: sixteen bytes.
//!
//! Owns the conversions from the ids of the model.

use penstock_common::Uuid;
use serde::{Deserialize, Serialize};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Type};

use crate::track::{BranchId, FindingId, Print, RunId};

/// An id, or a digest of that length, as a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Key(pub(crate) [u8; 16]);

impl Key {
    /// Stands for "none in particular" where a key must be: the whole workspace instead of a repository.
    pub(crate) const ZERO: Self = Self([0; 16]);

    pub(crate) fn uuid(self) -> Uuid {
        Uuid::from(self.0)
    }

    pub(crate) const fn number(self) -> u128 {
        u128::from_be_bytes(self.0)
    }
}

impl From<Uuid> for Key {
    fn from(uuid: Uuid) -> Self {
        Self(*uuid.as_bytes())
    }
}

impl From<u128> for Key {
    fn from(number: u128) -> Self {
        Self(number.to_be_bytes())
    }
}

macro_rules! from_id {
    ($($id:ty),*) => {$(
        impl From<$id> for Key {
            fn from(id: $id) -> Self {
                id.0.into()
            }
        }
    )*};
}
from_id!(BranchId, FindingId, RunId, Print);

impl<DB: Database> Type<DB> for Key
where
    Vec<u8>: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        <Vec<u8> as Type<DB>>::type_info()
    }

    fn compatible(ty: &DB::TypeInfo) -> bool {
        <Vec<u8> as Type<DB>>::compatible(ty)
    }
}

impl<'q, DB: Database> Encode<'q, DB> for Key
where
    Vec<u8>: Encode<'q, DB>,
{
    fn encode_by_ref(&self, buffer: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        self.0.to_vec().encode(buffer)
    }
}

impl<'r, DB: Database> Decode<'r, DB> for Key
where
    &'r [u8]: Decode<'r, DB>,
{
    fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(<&[u8] as Decode<DB>>::decode(value)?.try_into()?))
    }
}
