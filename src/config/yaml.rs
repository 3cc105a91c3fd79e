//! YAML as ROS 2 reads it, before it is known which types are wanted: a plain `7` may be a number
//! or a text.

use std::fmt;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// Levels of lists and maps in one another: parameter files have five.
const DEPTH: usize = 64;

/// A value as it is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Yaml {
    /// A text, number or anything else in one piece.
    Scalar {
        /// Text as written, without quotation marks.
        text: String,
        /// Whether it has none, so that it may be a number or a boolean.
        plain: bool,
    },
    /// A list.
    List(Vec<Yaml>),
    /// Keys and values in their order. A key may come twice, as in ROS.
    Map(Vec<(String, Yaml)>),
}

/// Something that is no YAML, or YAML that ROS does not take.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum YamlError {
    /// It breaks the rules of YAML.
    #[error("this is not YAML: {0}")]
    Syntax(#[from] saphyr_parser::ScanError),
    /// There is no value.
    #[error("there is no value; an empty text is written ''")]
    Nothing,
    /// An anchor is used.
    #[error("aliases (*name) are not for parameters")]
    Alias,
    /// A key is a list or a map.
    #[error("a key must be a name")]
    Key,
    /// Too many lists and maps in one another.
    #[error("lists and maps are in one another more than {DEPTH} times")]
    Depth,
}

impl Yaml {
    /// Parses one document; of several, the first.
    pub fn parse(text: &str) -> Result<Self, YamlError> {
        let mut reader = Reader(Parser::new_from_str(text));
        loop {
            match reader.event()? {
                Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
                event => return reader.value(event, 0),
            }
        }
    }

    /// Text of a scalar without quotation marks, which a number or boolean must be.
    pub fn plain(&self) -> Option<&str> {
        match self {
            Self::Scalar { text, plain: true } => Some(text),
            _ => None,
        }
    }
}

/// As it may be written in a parameter file or on the command line.
impl fmt::Display for Yaml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar { text, plain: true } => f.write_str(text),
            Self::Scalar { text, plain: false } => write!(f, "'{}'", text.replace('\'', "''")),
            Self::List(entries) => {
                f.write_str("[")?;
                for (index, entry) in entries.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{entry}")?;
                }
                f.write_str("]")
            }
            Self::Map(entries) => {
                f.write_str("{")?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{key}: {value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

struct Reader<'a>(Parser<'a, saphyr_parser::StrInput<'a>>);

impl<'a> Reader<'a> {
    fn event(&mut self) -> Result<Event<'a>, YamlError> {
        match self.0.next_event() {
            Some(event) => Ok(event?.0),
            None => Ok(Event::StreamEnd),
        }
    }

    /// The value that begins with an event.
    fn value(&mut self, first: Event<'a>, depth: usize) -> Result<Yaml, YamlError> {
        if depth > DEPTH {
            return Err(YamlError::Depth);
        }
        match first {
            Event::Scalar(text, style, _, tag) => {
                let plain = style == ScalarStyle::Plain;
                let is_text = tag.is_some_and(|tag| tag.suffix == "str");
                if plain && !is_text && text.is_empty() {
                    return Err(YamlError::Nothing);
                }
                Ok(Yaml::Scalar {
                    text: text.into_owned(),
                    plain: plain && !is_text,
                })
            }
            Event::SequenceStart(..) => {
                let mut entries = Vec::new();
                loop {
                    match self.event()? {
                        Event::SequenceEnd => return Ok(Yaml::List(entries)),
                        event => entries.push(self.value(event, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut entries = Vec::new();
                loop {
                    let key = match self.event()? {
                        Event::MappingEnd => return Ok(Yaml::Map(entries)),
                        Event::Scalar(text, ..) => text.into_owned(),
                        _ => return Err(YamlError::Key),
                    };
                    let event = self.event()?;
                    entries.push((key, self.value(event, depth + 1)?));
                }
            }
            Event::Alias(_) => Err(YamlError::Alias),
            _ => Err(YamlError::Nothing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str) -> String {
        Yaml::parse(text).expect(text).to_string()
    }

    #[test]
    fn values_keep_how_they_are_written() {
        for text in [
            "7",
            "'7'",
            "[]",
            "[a, 'b''c', 1.50]",
            "{a: {b: []}}",
            "''",
            "on",
        ] {
            assert_eq!(round(text), text);
        }
        assert_eq!(round("\"/camera/.*\""), "'/camera/.*'");
        assert_eq!(round("!!str 7"), "'7'");
        assert_eq!(round("a: 1\na: 2\n"), "{a: 1, a: 2}");
        assert_eq!(Yaml::parse("'7'").unwrap().plain(), None);
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for (text, expected) in [
            ("", "''"),
            ("a:", "''"),
            ("[a", "not YAML"),
            ("a: &x 1\nb: *x", "aliases"),
            ("? [a]\n: 1", "key"),
            (&"[".repeat(100), "more than 64"),
        ] {
            let error = Yaml::parse(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text:.20}: {error}");
        }
    }
}
