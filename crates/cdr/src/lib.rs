//! ROS 2 messages by their definitions, at run time and without ROS.
//!
//! A [`Definition`] is parsed from the text of a `.msg` or `.idl` file with those of all types it
//! uses (the schema encodings `ros2msg` and `ros2idl`). With it a serialized message is checked before a middleware sees
//! it, and is made from JSON and turned into JSON.
//!
//! The serialization is CDR as ROS 2 uses it: XCDR version 1, plain, in either byte order. It was
//! compared with Fast DDS, byte for byte, for the types of `test_msgs`; see `test/ros_cdr.rs` of
//! the node. Known forms that other middlewares differ in: a `wstring` is its number of UTF-16
//! units and each unit as four bytes.
//!
//! Nothing here trusts its input: no length in a message is allocated for before the bytes are
//! there, and the depth of recursion is that of the definition, which is bounded.

mod check;
mod cursor;
mod decode;
mod definition;
mod encapsulation;
mod encode;
mod error;
mod known;
mod number;
mod types;
mod writer;

pub use definition::{Definition, DefinitionError};
pub use error::CdrError;
pub use known::{Builder, Reader};
pub use number::float_to_json;
