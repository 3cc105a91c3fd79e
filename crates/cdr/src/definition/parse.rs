//! From text to types.

use std::collections::HashMap;

use super::default;
use super::error::DefinitionError;
use super::line::{self, Base, Line};
use crate::types::{element_size, Count, Element, Field, MessageType, Scalar};

/// Messages in messages: more than any real type has (the deepest of ROS 2's own has 5 levels),
/// few enough for any stack.
const MAX_DEPTH: usize = 64;

/// Shortest line of `=` that separates definitions. Writers use 80.
const SEPARATOR_MIN: usize = 20;

/// ROS 2's builtin types `time` and `duration` are these two.
const TIME: &str = "int32 sec\nuint32 nanosec\n";

/// The definitions of a text, the root first.
pub(super) fn types(root: &str, text: &str) -> Result<Vec<MessageType>, DefinitionError> {
    let mut texts = sections(root, text);
    for (name, alias) in [
        ("time", "builtin_interfaces/Time"),
        ("duration", "builtin_interfaces/Duration"),
    ] {
        if texts.iter().all(|section| section.name != alias) && uses(text, name) {
            texts.push(Section {
                name: alias.to_owned(),
                lines: TIME.lines().collect(),
            });
        }
    }
    let index: HashMap<&str, usize> = texts
        .iter()
        .enumerate()
        .skip(1)
        .map(|(at, section)| (section.name.as_str(), at))
        .collect();
    let mut types = texts
        .iter()
        .map(|section| section.parse(&index))
        .collect::<Result<Vec<_>, _>>()?;
    measure(&mut types)?;
    Ok(types)
}

fn uses(text: &str, word: &str) -> bool {
    text.lines().any(|line| {
        line.trim_start()
            .strip_prefix(word)
            .is_some_and(|rest| rest.starts_with([' ', '\t', '[']))
    })
}

struct Section<'a> {
    /// `package/Type`.
    name: String,
    lines: Vec<&'a str>,
}

fn sections<'a>(root: &str, text: &'a str) -> Vec<Section<'a>> {
    let mut sections = vec![Section {
        name: root.to_owned(),
        lines: Vec::new(),
    }];
    let mut after_separator = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.len() >= SEPARATOR_MIN && trimmed.bytes().all(|byte| byte == b'=') {
            after_separator = true;
            continue;
        }
        if let Some(name) = trimmed.strip_prefix("MSG: ").filter(|_| after_separator) {
            sections.push(Section {
                name: short_name(name.trim()),
                lines: Vec::new(),
            });
        } else if let Some(section) = sections.last_mut() {
            section.lines.push(line);
        }
        after_separator = false;
    }
    sections
}

/// `package/msg/Type` as `package/Type`.
fn short_name(name: &str) -> String {
    match *name.split('/').collect::<Vec<_>>() {
        [package, "msg", name] => format!("{package}/{name}"),
        _ => name.to_owned(),
    }
}

impl Section<'_> {
    fn package(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    fn parse(&self, index: &HashMap<&str, usize>) -> Result<MessageType, DefinitionError> {
        let mut fields = Vec::new();
        for line in &self.lines {
            let bad = || DefinitionError::Line {
                of: self.name.clone(),
                line: (*line).to_owned(),
            };
            let Line::Field(field) = line::parse(line).ok_or_else(bad)? else {
                continue;
            };
            let element = match field.base {
                Base::Known(element) => element,
                Base::Named(name) => Element::Message(self.resolve(name, index)?),
            };
            let default = match field.default {
                Some(text) => Some(default::to_json(text, element, field.count).ok_or_else(bad)?),
                None => None,
            };
            fields.push(Field {
                name: field.name.to_owned(),
                element,
                count: field.count,
                default,
            });
        }
        // What rosidl puts into a message without fields, since C has no empty structs.
        if fields.is_empty() {
            fields.push(Field {
                name: "structure_needs_at_least_one_member".to_owned(),
                element: Element::Scalar(Scalar::U8),
                count: Count::One,
                default: None,
            });
        }
        Ok(MessageType {
            name: self.name.clone(),
            fields,
            min_size: 0,
        })
    }

    fn resolve(&self, name: &str, index: &HashMap<&str, usize>) -> Result<usize, DefinitionError> {
        let full = match name {
            "time" => "builtin_interfaces/Time".to_owned(),
            "duration" => "builtin_interfaces/Duration".to_owned(),
            _ if name.contains('/') => short_name(name),
            _ => format!("{}/{name}", self.package()),
        };
        index
            .get(full.as_str())
            .copied()
            .ok_or_else(|| DefinitionError::Missing {
                of: self.name.clone(),
                missing: full,
            })
    }
}

/// Works out sizes, innermost types first, and refuses types that contain themselves.
fn measure(types: &mut [MessageType]) -> Result<(), DefinitionError> {
    // A round for each level: those whose parts are known become known.
    let mut known = vec![false; types.len()];
    for _ in 0..MAX_DEPTH {
        let ready: Vec<usize> = (0..types.len())
            .filter(|&at| !known[at] && parts(&types[at]).all(|part| known[part]))
            .collect();
        if ready.is_empty() {
            break;
        }
        for at in ready {
            types[at].min_size = min_size(types, &types[at]);
            known[at] = true;
        }
    }
    match known.iter().position(|known| !known) {
        Some(at) => Err(DefinitionError::TooDeep(types[at].name.clone())),
        None => Ok(()),
    }
}

fn parts(of: &MessageType) -> impl Iterator<Item = usize> + '_ {
    of.fields.iter().filter_map(|field| match field.element {
        Element::Message(index) => Some(index),
        _ => None,
    })
}

fn min_size(types: &[MessageType], of: &MessageType) -> u64 {
    of.fields.iter().fold(0u64, |size, field| {
        let element = match field.element {
            Element::Message(index) => types[index].min_size,
            other => element_size(other),
        };
        size.saturating_add(match field.count {
            Count::One => element,
            Count::Array(length) => element.saturating_mul(u64::from(length)),
            Count::Sequence { .. } => 4,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::Definition;
    use super::*;

    #[test]
    fn types_are_found_by_the_package_of_their_user() {
        let line = "=".repeat(80);
        let text = format!(
            "Inner a\nother/Inner[2] b\n\n{line}\nMSG: here/Inner\nint8 x\n{line}\nMSG: other/msg/Inner\nInner2 y\n{line}\nMSG: other/Inner2\n\nfloat64 z\n"
        );
        let definition = Definition::parse("here/msg/Root", &text).expect("a definition");
        assert_eq!(definition.root().min_size, 1 + 2 * 8);
        assert_eq!(definition.name(), "here/msg/Root");
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = Definition::parse("a/msg/Root", "b/Gone x").expect_err("missing");
        assert_eq!(
            error.to_string(),
            "a/msg/Root uses b/Gone, whose definition is not there"
        );
    }

    #[test]
    fn types_that_contain_themselves_are_refused() {
        let line = "=".repeat(80);
        let text = format!("A a\n{line}\nMSG: p/A\nB[] b\n{line}\nMSG: p/B\nA[<=2] a\n");
        assert!(matches!(
            Definition::parse("p/msg/Root", &text),
            Err(DefinitionError::TooDeep(_))
        ));
    }

    #[test]
    fn deep_nesting_is_refused_and_wide_sizes_do_not_overflow() {
        let line = "=".repeat(80);
        let chain = |levels: usize| {
            let mut text = "T0[4294967295] x\n".to_owned();
            for level in 0..levels {
                text.push_str(&format!(
                    "{line}\nMSG: p/T{level}\nT{}[4294967295] x\n",
                    level + 1
                ));
            }
            text + &format!("{line}\nMSG: p/T{levels}\nint8 x\n")
        };
        let definition = Definition::parse("p/msg/Root", &chain(20)).expect("not too deep");
        assert_eq!(definition.root().min_size, u64::MAX);
        assert!(Definition::parse("p/msg/Root", &chain(MAX_DEPTH)).is_err());
    }

    #[test]
    fn old_time_types_are_known() {
        let definition = Definition::parse("p/msg/T", "time t\nduration[] d\n").expect("known");
        assert_eq!(definition.root().min_size, 8 + 4);
    }
}
