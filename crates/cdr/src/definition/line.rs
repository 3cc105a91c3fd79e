//! One line of a `.msg` file.

use crate::types::{Count, Element, Scalar};

/// A field as its line says it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FieldLine<'a> {
    pub base: Base<'a>,
    pub count: Count,
    pub name: &'a str,
    pub default: Option<&'a str>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Base<'a> {
    Known(Element),
    Named(&'a str),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// A comment, a constant or nothing.
    Nothing,
    Field(FieldLine<'a>),
}

/// None if it is none of the language.
pub(super) fn parse(line: &str) -> Option<Line<'_>> {
    let mut rest = without_comment(line).trim();
    // Annotations such as `@key` stand before a field.
    while rest.starts_with('@') {
        rest = rest
            .split_once(char::is_whitespace)
            .map_or("", |(_, rest)| rest.trim_start());
    }
    if rest.is_empty() {
        return Some(Line::Nothing);
    }
    let (type_text, rest) = rest.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let rest = rest.trim_start();
    if !starts_well {
        return None;
    }
    if rest.starts_with('=') {
        return Some(Line::Nothing);
    }
    let (base, count) = parse_type(type_text)?;
    Some(Line::Field(FieldLine {
        base,
        count,
        name,
        default: (!rest.is_empty()).then_some(rest),
    }))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Cuts at the first `#` that is in no quotes.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') => return &line[..at],
            _ => {}
        }
    }
    // An apostrophe in a comment opens no string.
    if quote.is_some() {
        return line.split('#').next().unwrap_or(line);
    }
    line
}

fn parse_type(text: &str) -> Option<(Base<'_>, Count)> {
    let (base, count) = match text.split_once('[') {
        None => (text, Count::One),
        Some((base, brackets)) => {
            let inside = brackets.strip_suffix(']')?;
            let count = match inside.strip_prefix("<=") {
                Some(max) => Count::Sequence {
                    max: Some(max.parse().ok()?),
                },
                None if inside.is_empty() => Count::Sequence { max: None },
                None => Count::Array(inside.parse().ok().filter(|&length| length > 0)?),
            };
            (base, count)
        }
    };
    let (word, max) = match base.split_once("<=") {
        Some((word, max)) => (word, Some(max.parse().ok()?)),
        None => (base, None),
    };
    let known = match word {
        "string" => Element::String { max },
        "wstring" => Element::WString { max },
        _ if max.is_some() => return None,
        _ => match scalar(word) {
            Some(scalar) => Element::Scalar(scalar),
            None => {
                let named = word.chars().all(|c| is_name(c) || c == '/');
                return named.then_some((Base::Named(word), count));
            }
        },
    };
    Some((Base::Known(known), count))
}

/// `byte` and `char` are unsigned in ROS 2.
fn scalar(word: &str) -> Option<Scalar> {
    Some(match word {
        "bool" => Scalar::Bool,
        "int8" => Scalar::I8,
        "uint8" | "byte" | "char" => Scalar::U8,
        "int16" => Scalar::I16,
        "uint16" => Scalar::U16,
        "int32" => Scalar::I32,
        "uint32" => Scalar::U32,
        "int64" => Scalar::I64,
        "uint64" => Scalar::U64,
        "float32" => Scalar::F32,
        "float64" => Scalar::F64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(line: &str) -> (Base<'_>, Count, &str, Option<&str>) {
        match parse(line) {
            Some(Line::Field(field)) => (field.base, field.count, field.name, field.default),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn fields_of_all_shapes() {
        let scalar = |scalar| Base::Known(Element::Scalar(scalar));
        assert_eq!(
            field("int32 x"),
            (scalar(Scalar::I32), Count::One, "x", None)
        );
        assert_eq!(
            field("  byte[3]\ty # it's"),
            (scalar(Scalar::U8), Count::Array(3), "y", None)
        );
        assert_eq!(
            field("string<=5[<=2] s"),
            (
                Base::Known(Element::String { max: Some(5) }),
                Count::Sequence { max: Some(2) },
                "s",
                None
            )
        );
        assert_eq!(
            field("@key geometry_msgs/Point[] p"),
            (
                Base::Named("geometry_msgs/Point"),
                Count::Sequence { max: None },
                "p",
                None
            )
        );
        assert_eq!(
            field("string s \"a # \\\" b=c\" # not"),
            (
                Base::Known(Element::String { max: None }),
                Count::One,
                "s",
                Some("\"a # \\\" b=c\"")
            )
        );
    }

    #[test]
    fn what_is_no_field() {
        for nothing in [
            "",
            "  # x",
            "int32 X=5",
            "string T = \"a b\"",
            "uint8 A =3 # x",
            "@key",
        ] {
            assert_eq!(parse(nothing), Some(Line::Nothing), "{nothing}");
        }
    }

    #[test]
    fn what_is_no_line() {
        for bad in [
            "x",
            "int32 1a",
            "int32[x] a",
            "int32[0] a",
            "int32<=3 a",
            "a$b c",
            "int32[-1] a",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
