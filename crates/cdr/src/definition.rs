//! Message definitions.

mod default;
mod idl;
mod line;
mod parse;
mod tokens;

use std::sync::Arc;

use thiserror::Error;

/// Messages in messages: more than any real type has (the deepest of ROS 2's own has 5 levels),
/// few enough for any stack.
const MAX_DEPTH: usize = 64;

/// A message type with all types it uses. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The root comes first.
    types: Arc<[MessageType]>,
}

/// Why a definition cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DefinitionError {
    /// A line is none of the `.msg` language, or some words are none of the `.idl` language.
    #[error("cannot read {line:?} in the definition of {of}")]
    Line {
        /// The type it is in.
        of: String,
        /// The line.
        line: String,
    },
    /// A type that a field has is not part of the text.
    #[error("{of} uses {missing}, whose definition is not there")]
    Missing {
        /// The type that uses it.
        of: String,
        /// The type that is missing.
        missing: String,
    },
    /// A type contains itself, or types are nested too deeply.
    #[error("{0} contains itself, or nests too deeply")]
    TooDeep(String),
    /// A default does not fit the field's type.
    #[error("the default of field {field} of {of} does not fit its type: {reason}")]
    Default {
        /// The type.
        of: String,
        /// Its field.
        field: String,
        /// What is wrong.
        reason: String,
    },
}

#[derive(Debug)]
pub(crate) struct MessageType {
    /// `package/Type`; the root's as given.
    pub name: String,
    pub fields: Vec<Field>,
    /// Fewest bytes of a message of this type, padding left out. At least 1.
    pub min_size: u64,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub name: String,
    pub element: Element,
    pub count: Count,
    /// The default as JSON; without one it is zero or empty.
    pub default: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Scalar(Scalar),
    /// Bytes of characters, not counting the zero at the end.
    String {
        max: Option<u32>,
    },
    /// UTF-16 units.
    WString {
        max: Option<u32>,
    },
    /// Index into the definition's types.
    Message(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Bool,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

impl Scalar {
    /// Bytes, which are its alignment too.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    One,
    Array(u32),
    Sequence { max: Option<u32> },
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

/// Fewest bytes of an element that is no message.
fn element_size(element: Element) -> u64 {
    match element {
        Element::Scalar(scalar) => scalar.size() as u64,
        // An empty string is its length alone; writers differ in whether its zero is there.
        Element::String { .. } | Element::WString { .. } => 4,
        Element::Message(_) => 1,
    }
}
