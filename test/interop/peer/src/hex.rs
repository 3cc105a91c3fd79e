//! Bytes as hexadecimal digits in JSON.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// Two digits for each byte.
pub(crate) fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a string of digits.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let pair = std::str::from_utf8(pair).map_err(Error::custom)?;
            u8::from_str_radix(pair, 16).map_err(Error::custom)
        })
        .collect()
}
