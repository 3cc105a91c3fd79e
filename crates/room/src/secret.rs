//! Values that are never printed, and what comes with a token.

use std::borrow::Cow;
use std::fmt;

/// What every JSON Web Token begins with: base64 of `{"`.
const TOKEN: &str = "eyJ";
/// What stands where a secret would.
const HIDDEN: &str = "***";

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
        f.write_str(HIDDEN)
    }
}

/// The text without access tokens and grants, for logs: the SDK logs requests and the server's answers
/// with the token in them.
#[must_use]
pub fn without_tokens(text: &str) -> Cow<'_, str> {
    let mut rest = text;
    let mut clean = String::new();
    while let Some(begin) = rest.find(TOKEN) {
        let (before, token) = rest.split_at(begin);
        let is_other = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '='));
        clean.push_str(before);
        clean.push_str(HIDDEN);
        rest = &token[token.find(is_other).unwrap_or(token.len())..];
    }
    if clean.is_empty() {
        return Cow::Borrowed(text);
    }
    clean.push_str(rest);
    Cow::Owned(clean)
}

/// A token, and the server that it is for if its source says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub token: Secret,
    pub server_url: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_hidden_wherever_they_stand() {
        for (text, clean) in [
            ("", ""),
            ("no token here: ey, J", "no token here: ey, J"),
            ("eyJ", "***"),
            (
                "invalid token: eyJh-b_c.eyJd.e=, error",
                "invalid token: ***, error",
            ),
            (
                "?access_token=eyJh.eyJi.j&auto=1 Bearer eyJk\r\n",
                "?access_token=***&auto=1 Bearer ***\r\n",
            ),
            ("é\"eyJ\"é", "é\"***\"é"),
        ] {
            assert_eq!(without_tokens(text), clean);
        }
    }

    #[test]
    fn a_secret_is_not_debugged() {
        assert_eq!(format!("{:?}", Secret::new("s3cret".to_owned())), "***");
    }
}
