//! The kinds of parameters: what a value of each looks like, and how it is read.

use std::ops::RangeInclusive;

use serde::Serialize;

use super::overrides::{Override, Overrides, Source};
use super::yaml::Yaml;
use crate::ros::{Parameters, RosError};

/// Kind of a parameter's values.
pub(super) trait Kind {
    /// Its value in Rust.
    type Value;

    /// The value if none is given.
    fn default(&self) -> Self::Value;
    /// Reads a value that is given; none if it is of another form or out of range.
    fn read(&self, given: &Yaml) -> Option<Self::Value>;
    /// The form and range of values, for people.
    fn form(&self) -> String;
    /// Declares the parameter on the node.
    fn declare(
        &self,
        name: &str,
        value: Self::Value,
        description: &str,
        parameters: &mut Parameters,
    ) -> Result<(), RosError>;
    /// The row for the documentation.
    fn info(&self) -> KindInfo;
}

/// A kind with its default and range, as `--print-parameters` shows it.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub(super) enum KindInfo {
    String { default: &'static str },
    StringArray { default: &'static [&'static str] },
    Bool { default: bool },
    Integer { default: u64, min: u64, max: u64 },
}

/// A text.
pub(super) struct Text(pub &'static str);

/// A list of texts.
pub(super) struct Texts(pub &'static [&'static str]);

/// True or false.
pub(super) struct Flag(pub bool);

/// A whole number of at least 0.
pub(super) struct Number(pub u64, pub RangeInclusive<u64>);

impl Kind for Text {
    type Value = String;

    fn default(&self) -> String {
        self.0.to_owned()
    }

    fn read(&self, given: &Yaml) -> Option<String> {
        match given {
            // A number, too: a room may be called 7.
            Yaml::Scalar { text, .. } => Some(text.clone()),
            _ => None,
        }
    }

    fn form(&self) -> String {
        "a text".to_owned()
    }

    fn declare(
        &self,
        name: &str,
        value: String,
        description: &str,
        parameters: &mut Parameters,
    ) -> Result<(), RosError> {
        parameters.string(name, &value, description).map(drop)
    }

    fn info(&self) -> KindInfo {
        KindInfo::String { default: self.0 }
    }
}

impl Kind for Texts {
    type Value = Vec<String>;

    fn default(&self) -> Vec<String> {
        self.0.iter().map(|&text| text.to_owned()).collect()
    }

    fn read(&self, given: &Yaml) -> Option<Vec<String>> {
        match given {
            Yaml::List(entries) => entries.iter().map(|entry| Text("").read(entry)).collect(),
            one => Text("").read(one).map(|text| vec![text]),
        }
    }

    fn form(&self) -> String {
        "a list of texts, as ['/tf', '/camera/.*']".to_owned()
    }

    fn declare(
        &self,
        name: &str,
        value: Vec<String>,
        description: &str,
        parameters: &mut Parameters,
    ) -> Result<(), RosError> {
        let value: Vec<&str> = value.iter().map(String::as_str).collect();
        parameters.strings(name, &value, description).map(drop)
    }

    fn info(&self) -> KindInfo {
        KindInfo::StringArray { default: self.0 }
    }
}

impl Kind for Flag {
    type Value = bool;

    fn default(&self) -> bool {
        self.0
    }

    /// As rcl reads them.
    fn read(&self, given: &Yaml) -> Option<bool> {
        match given.plain()?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Some(true),
            "false" | "no" | "off" | "n" => Some(false),
            _ => None,
        }
    }

    fn form(&self) -> String {
        "true or false".to_owned()
    }

    fn declare(
        &self,
        name: &str,
        value: bool,
        description: &str,
        parameters: &mut Parameters,
    ) -> Result<(), RosError> {
        parameters.boolean(name, value, description).map(drop)
    }

    fn info(&self) -> KindInfo {
        KindInfo::Bool { default: self.0 }
    }
}

impl Kind for Number {
    type Value = u64;

    fn default(&self) -> u64 {
        self.0
    }

    fn read(&self, given: &Yaml) -> Option<u64> {
        let text = given.plain()?;
        let number = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok()?,
            None => text.parse().ok()?,
        };
        self.1.contains(&number).then_some(number)
    }

    fn form(&self) -> String {
        format!("a whole number from {} to {}", self.1.start(), self.1.end())
    }

    fn declare(
        &self,
        name: &str,
        value: u64,
        description: &str,
        parameters: &mut Parameters,
    ) -> Result<(), RosError> {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let range = signed(*self.1.start())..=signed(*self.1.end());
        parameters
            .integer(name, signed(value), range, description)
            .map(drop)
    }

    fn info(&self) -> KindInfo {
        KindInfo::Integer {
            default: self.0,
            min: *self.1.start(),
            max: *self.1.end(),
        }
    }
}

/// The key of a parameter: its name, with what it may hold.
pub(super) struct Key<K: 'static> {
    pub(super) name: &'static str,
    pub(super) kind: K,
    pub(super) description: &'static str,
}

/// A value that is given does not fit its parameter.
#[derive(Debug, thiserror::Error)]
#[error("parameter {name} must be {form}; given is {given} ({source})", source = .location)]
pub struct ValueError {
    name: &'static str,
    form: String,
    given: Yaml,
    location: Source,
}

impl<K: Kind> Key<K> {
    /// The value that is given, or the default.
    pub(super) fn value(&self, overrides: &Overrides) -> Result<K::Value, ValueError> {
        let Some(Override { value, source }) = overrides.get(self.name) else {
            return Ok(self.kind.default());
        };
        self.kind.read(value).ok_or_else(|| ValueError {
            name: self.name,
            form: self.kind.form(),
            given: value.clone(),
            location: source.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<K: Kind>(kind: &K, text: &str) -> Option<K::Value> {
        kind.read(&Yaml::parse(text).expect(text))
    }

    #[test]
    fn texts_are_whatever_is_one_piece() {
        for text in ["7", "7.50", "true", "'a b'", "007"] {
            assert_eq!(
                read(&Text(""), text).as_deref(),
                Some(text.trim_matches('\''))
            );
        }
        assert_eq!(read(&Text(""), "[a]"), None);
    }

    #[test]
    fn lists_may_be_empty_and_one_text_is_a_list() {
        let list = |text| read(&Texts(&["default"]), text);
        assert_eq!(list("[]"), Some(vec![]));
        assert_eq!(list("/tf"), Some(vec!["/tf".to_owned()]));
        assert_eq!(
            list("['/a', 7]"),
            Some(vec!["/a".to_owned(), "7".to_owned()])
        );
        assert_eq!(list("[[a]]"), None);
        assert_eq!(list("{a: b}"), None);
    }

    #[test]
    fn numbers_keep_to_their_range() {
        let number = |text| read(&Number(5, 2..=255), text);
        assert_eq!(number("2"), Some(2));
        assert_eq!(number("0xff"), Some(255));
        for text in [
            "1",
            "256",
            "-3",
            "2.0",
            "'2'",
            "many",
            "[2]",
            "99999999999999999999",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn flags_are_those_of_rcl() {
        assert_eq!(read(&Flag(false), "True"), Some(true));
        assert_eq!(read(&Flag(true), "off"), Some(false));
        for text in ["'true'", "1", "[true]"] {
            assert_eq!(read(&Flag(false), text), None, "{text}");
        }
    }
}
