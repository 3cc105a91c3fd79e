//! The types that a definition consists of.

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
    pub(crate) fn size(self) -> usize {
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

/// Fewest bytes of an element that is no message.
pub(crate) fn element_size(element: Element) -> u64 {
    match element {
        Element::Scalar(scalar) => scalar.size() as u64,
        // An empty string is its length alone; writers differ in whether its zero is there.
        Element::String { .. } | Element::WString { .. } => 4,
        Element::Message(_) => 1,
    }
}
