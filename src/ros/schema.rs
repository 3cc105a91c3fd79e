//! Message definitions from the ament index.
//!
//! A schema is the text of a type's definition with all its dependencies: `ros2msg`
//! from `.msg` files where all of them have one, else `ros2idl` from `.idl` files.

mod definition;
mod error;
mod format;
mod idl;
mod msg;
mod service;
mod store;
mod type_name;

pub(super) use definition::ServiceSchema;
pub(super) use type_name::TypeName;

pub use definition::Schema;
pub use error::{SchemaError, SchemaTextError};
pub use store::SchemaStore;
pub use type_name::TypeNameError;
