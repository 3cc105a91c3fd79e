//! Message definitions.

mod default;
mod error;
mod idl;
mod line;
mod parse;
mod tokens;

pub use error::DefinitionError;

use std::sync::Arc;

use crate::types::{element_size, Count, Element, MessageType};

/// A message type with all types it uses. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The root comes first.
    types: Arc<[MessageType]>,
}

impl Definition {
    /// Parses a `ros2msg` schema: the definition of `name` (`package/msg/Type`, or
    /// `package/srv/Type_Request`), then each type it uses after a line of `=` and a line
    /// `MSG: package/Type`. Constants and comments are skipped.
    ///
    /// # Errors
    /// The text is none of the `.msg` language, or is not complete.
    pub fn parse(name: &str, text: &str) -> Result<Self, DefinitionError> {
        let definition = Self {
            types: parse::types(name, text)?.into(),
        };
        definition.check_defaults()?;
        Ok(definition)
    }

    /// Parses a `ros2idl` schema: the `.idl` file of `name`, then those of the types it uses, each
    /// after a line of `=` and a line `IDL: package/msg/Type`. The `.idl` language is understood
    /// as far as ROS 2 uses it.
    ///
    /// # Errors
    /// The text is none of the language, or is not complete.
    pub fn parse_idl(name: &str, text: &str) -> Result<Self, DefinitionError> {
        Self::parse(name, &idl::to_msg(name, text)?)
    }

    /// The name it was parsed under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.root().name
    }

    /// Whether the first field is a `std_msgs/Header`.
    #[must_use]
    pub fn has_header(&self) -> bool {
        match self.root().fields.first() {
            Some(field) => match field.element {
                Element::Message(index) => {
                    field.count == Count::One && self.message(index).name == "std_msgs/Header"
                }
                _ => false,
            },
            None => false,
        }
    }

    pub(crate) fn root(&self) -> &MessageType {
        self.message(0)
    }

    /// The parser gives indices of its types only.
    pub(crate) fn message(&self, index: usize) -> &MessageType {
        &self.types[index]
    }

    pub(crate) fn min_size(&self, element: Element) -> u64 {
        match element {
            Element::Message(index) => self.message(index).min_size,
            other => element_size(other),
        }
    }
}
