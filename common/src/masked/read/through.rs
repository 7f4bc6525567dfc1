//! A deserialiser that lets nothing past it unseen.
//!
//! Owns passing every string through [`Touch`], at any depth and for any visitor. It adds nothing
//! to a document and removes nothing: names of fields that the type has pass unchanged, all other
//! text is touched.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

/// What is done with every string.
pub(super) trait Touch {
    /// What takes its place; nothing if it stays as it is.
    fn touch(&mut self, text: &str) -> Option<String>;
}

/// Names that are no text of the document's: fields that the type has.
type Known = &'static [&'static str];

/// Any of `serde`'s access types, with all text touched on its way.
pub(super) struct Through<'t, I, T> {
    inner: I,
    touch: &'t mut T,
    known: Known,
}

impl<'t, I, T> Through<'t, I, T> {
    pub(super) fn new(inner: I, touch: &'t mut T) -> Self {
        Self { inner, touch, known: &[] }
    }

    fn knowing(self, known: Known) -> Self {
        Self { known, ..self }
    }
}

macro_rules! forward {
    ($($method:ident($($argument:ident: $type:ty),*)),+ $(,)?) => {
        $(
            fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, D::Error> {
                self.inner.$method($($argument,)* Through::new(visitor, self.touch))
            }
        )+
    };
}

impl<'de, D: Deserializer<'de>, T: Touch> Deserializer<'de> for Through<'_, D, T> {
    type Error = D::Error;

    forward!(
        deserialize_any(),
        deserialize_bool(),
        deserialize_i8(),
        deserialize_i16(),
        deserialize_i32(),
        deserialize_i64(),
        deserialize_i128(),
        deserialize_u8(),
        deserialize_u16(),
        deserialize_u32(),
        deserialize_u64(),
        deserialize_u128(),
        deserialize_f32(),
        deserialize_f64(),
        deserialize_char(),
        deserialize_str(),
        deserialize_string(),
        deserialize_bytes(),
        deserialize_byte_buf(),
        deserialize_option(),
        deserialize_unit(),
        deserialize_unit_struct(name: &'static str),
        deserialize_newtype_struct(name: &'static str),
        deserialize_seq(),
        deserialize_tuple(len: usize),
        deserialize_tuple_struct(name: &'static str, len: usize),
        deserialize_map(),
    );

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: Known,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_struct(name, fields, Through::new(visitor, self.touch).knowing(fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: Known,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_enum(name, variants, Through::new(visitor, self.touch).knowing(variants))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_identifier(Through::new(visitor, self.touch).knowing(self.known))
    }

    /// What the type does not know is looked at all the same.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_any(visitor)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! plain {
    ($($method:ident: $type:ty),+ $(,)?) => {
        $(
            fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
                self.inner.$method(value)
            }
        )+
    };
}

impl<'de, V: Visitor<'de>, T: Touch> Visitor<'de> for Through<'_, V, T> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    plain!(
        visit_bool: bool,
        visit_i8: i8,
        visit_i16: i16,
        visit_i32: i32,
        visit_i64: i64,
        visit_i128: i128,
        visit_u8: u8,
        visit_u16: u16,
        visit_u32: u32,
        visit_u64: u64,
        visit_u128: u128,
        visit_f32: f32,
        visit_f64: f64,
        visit_char: char,
    );

    fn visit_str<E: Error>(self, text: &str) -> Result<V::Value, E> {
        if self.known.contains(&text) {
            return self.inner.visit_str(text);
        }
        match self.touch.touch(text) {
            Some(other) => self.inner.visit_string(other),
            None => self.inner.visit_str(text),
        }
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<V::Value, E> {
        if self.known.contains(&text) {
            return self.inner.visit_borrowed_str(text);
        }
        match self.touch.touch(text) {
            Some(other) => self.inner.visit_string(other),
            None => self.inner.visit_borrowed_str(text),
        }
    }

    fn visit_string<E: Error>(self, text: String) -> Result<V::Value, E> {
        let other = if self.known.contains(&text.as_str()) { None } else { self.touch.touch(&text) };
        self.inner.visit_string(other.unwrap_or(text))
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<V::Value, E> {
        Err(E::custom("bytes have no place in a document that is masked"))
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Through::new(deserializer, self.touch))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Through::new(deserializer, self.touch))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(Through::new(access, self.touch))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Through::new(access, self.touch).knowing(self.known))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(Through::new(access, self.touch).knowing(self.known))
    }
}

impl<'de, A: SeqAccess<'de>, T: Touch> SeqAccess<'de> for Through<'_, A, T> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_element_seed(Through::new(seed, &mut *self.touch))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>, T: Touch> MapAccess<'de> for Through<'_, A, T> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_key_seed(Through::new(seed, &mut *self.touch).knowing(self.known))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(Through::new(seed, &mut *self.touch))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, 't, A: EnumAccess<'de>, T: Touch> EnumAccess<'de> for Through<'t, A, T> {
    type Error = A::Error;
    type Variant = Through<'t, A::Variant, T>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let Self { inner, touch, known } = self;
        let (value, variant) = inner.variant_seed(Through::new(seed, &mut *touch).knowing(known))?;
        Ok((value, Through::new(variant, touch)))
    }
}

impl<'de, A: VariantAccess<'de>, T: Touch> VariantAccess<'de> for Through<'_, A, T> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(Through::new(seed, self.touch))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(len, Through::new(visitor, self.touch))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: Known, visitor: V) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, Through::new(visitor, self.touch).knowing(fields))
    }
}

impl<'de, S: DeserializeSeed<'de>, T: Touch> DeserializeSeed<'de> for Through<'_, S, T> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Through::new(deserializer, self.touch).knowing(self.known))
    }
}
