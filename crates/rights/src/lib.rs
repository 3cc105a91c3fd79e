//! Rights of a robot's viewers, and signed grants of them.
//!
//! [`Rights`] are what people write: patterns of topics, services, parameters and files, and whether a
//! viewer may drive. [`Rules`] are the same, checked and compiled. A [`Grant`] is a JSON Web Token that
//! gives rights to one identity in one room until a moment; [`Grant::sign`] makes one with a
//! [`SigningKey`], and a [`Verifier`] reads it.
//!
//! Nothing here does I/O or reads a clock: the time is passed in.

mod error;
mod grant;
mod keys;
mod limits;
mod names;
mod rights;

pub use error::RightsError;
pub use grant::{Grant, GrantError, Holder, SignError, Verifier, AUDIENCE, MAX_GRANT};
pub use keys::{KeyError, SigningKey, VerifyingKey};
pub use limits::{MAX_PATTERN, MAX_PATTERNS};
pub use names::Names;
pub use rights::{Rights, Rules};
