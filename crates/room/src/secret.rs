//! Values that are never printed, and what comes with a token.

use std::fmt;

/// A value that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value, to hand it to whoever needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A token, and the server that it is for if its source says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub token: Secret,
    pub server_url: Option<String>,
}
