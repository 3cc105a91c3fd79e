//! The two forms that definitions have.

use super::error::SchemaTextError;
use super::type_name::TypeName;
use super::{idl, msg};

/// The form of a definition.
#[derive(Clone, Copy)]
pub(super) enum Format {
    Msg,
    Idl,
}

impl Format {
    pub(super) fn extension(self, of: &TypeName) -> &'static str {
        match self {
            Self::Msg => of.kind(),
            Self::Idl => "idl",
        }
    }

    pub(super) fn dependencies(
        self,
        definition: &str,
        of: &TypeName,
    ) -> Result<Vec<TypeName>, SchemaTextError> {
        match self {
            Self::Msg => msg::dependencies(definition, of.package()),
            Self::Idl => idl::dependencies(definition),
        }
    }

    /// Line that names a definition in the full text. In ros2msg the first has no name, in ros2idl
    /// each has one (as rosbag2 and Foxglove's tools write and read them).
    pub(super) fn heading(self, name: &TypeName, is_root: bool) -> Option<String> {
        match self {
            Self::Msg if is_root => None,
            Self::Msg => Some(format!("MSG: {}/{}", name.package(), name.name())),
            Self::Idl => Some(format!("IDL: {name}")),
        }
    }
}
