//! The definitions of messages and services, as viewers get them.

use super::type_name::TypeName;
use std::sync::Arc;

/// A type's full definition. Clones are cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The type, as `package/msg/Type`.
    pub name: Arc<str>,
    /// `ros2msg` or `ros2idl`.
    pub encoding: &'static str,
    /// The definition and those of all types it uses.
    pub text: Arc<str>,
    /// The type's hash (REP 2011, `RIHS01_…`) as installed; None before Iron.
    pub hash: Option<Arc<str>>,
}

/// A service type's definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceSchema {
    pub name: TypeName,
    /// Named `package/srv/Type_Request`.
    pub request: Schema,
    /// Named `package/srv/Type_Response`.
    pub response: Schema,
}
