//! Tokens and links for viewers and robots, with what a viewer may do.

mod arguments;
mod error;
mod order;
#[cfg(test)]
mod tests;

pub use arguments::{Command, HELP};
pub use error::TokenToolError;
pub use order::{Environment, Made, Order};
