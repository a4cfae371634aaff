//! Enums whose variant is named by a member of the object itself: `{"command":"peek"}`.
//!
//! Not here: variants that are a member of their own, which serde reads well.

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::error::Error;
use super::node::Node;
use super::reading::Variant;

/// An enum with the JSON of serde's `tag`, read from the tree: serde would copy the object into a buffer of its own,
/// and read each variant from that as well.
macro_rules! tagged {
    ($tag:literal, $(#[$meta:meta])* $visibility:vis enum $name:ident { $($variants:tt)* }) => {
        $(#[$meta])*
        #[derive(serde::Serialize)]
        #[serde(tag = $tag, rename_all = "snake_case")]
        $visibility enum $name { $($variants)* }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                type Read = $name;
                #[derive(serde::Deserialize)]
                #[serde(remote = "Read", rename_all = "snake_case")]
                enum Variants { $($variants)* }
                $crate::json::Tagged::read(deserializer, $tag, |tagged| Variants::deserialize(tagged))
            }
        }
    };
}
pub(crate) use tagged;

/// An object in which a member names the variant that the others belong to.
pub struct Tagged<'a> {
    tag: &'static str,
    node: &'a Node<'a>,
}

impl Tagged<'_> {
    /// Reads the object, and what it is from it.
    pub fn read<'de, D: Deserializer<'de>, T>(
        deserializer: D,
        tag: &'static str,
        read: fn(Tagged<'_>) -> Result<T, Error>,
    ) -> Result<T, D::Error> {
        let node = Node::deserialize(deserializer)?;
        read(Tagged { tag, node: &node }).map_err(de::Error::custom)
    }
}

impl<'de> Deserializer<'de> for Tagged<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.node.get(self.tag) {
            Some(Node::Text(name)) => visitor.visit_enum(Variant::of(name, self.node)),
            _ => Err(de::Error::missing_field(self.tag)),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
