//! Which values are given for the node's parameters, and where.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::arguments_error::ArgumentsError;
use super::node_name::section_matches;
use super::yaml::Yaml;

/// Stands above the parameters of a node in a parameter file.
const PARAMETERS_KEY: &str = "ros__parameters";

/// The values that are given. What comes later on the command line replaces what came before; in a
/// file, too, as in rclcpp.
#[derive(Clone, Debug, Default)]
pub struct Overrides(BTreeMap<String, Override>);

/// A value that is given.
#[derive(Clone, Debug)]
pub struct Override {
    /// As it is written.
    pub value: Yaml,
    /// Where.
    pub source: Source,
}

/// Where a value is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// With `-p parameter:=value`, so for this node.
    CommandLine,
    /// In a section for one node or several.
    Section {
        /// The parameter file; none with `-p node:parameter:=value`.
        file: Option<PathBuf>,
        /// The name, perhaps with wildcards.
        name: String,
    },
}

impl Source {
    /// With `-p section:parameter:=value`.
    pub fn section(name: &str) -> Self {
        let name = name.to_owned();
        Self::Section { file: None, name }
    }

    /// Whether the value may be meant for other nodes, too.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Section { name, .. } if name.contains('*'))
    }

    fn names(&self, node: &str) -> bool {
        match self {
            Self::CommandLine => true,
            Self::Section { name, .. } => section_matches(name, node),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("-p"),
            Self::Section { file: None, name } => write!(f, "-p {name}:"),
            Self::Section {
                file: Some(path),
                name,
            } => write!(f, "section {name} of {}", path.display()),
        }
    }
}

impl Overrides {
    /// The value that is given for a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Override> {
        self.0.get(name)
    }

    /// All names for which a value is given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.0
            .iter()
            .map(|(name, each)| (name.as_str(), &each.source))
    }

    /// Takes a value if its source means the node.
    pub fn add(&mut self, name: &str, value: Yaml, source: &Source, node: &str) {
        if !source.names(node) {
            return;
        }
        // Maps are parameters with dots in their names.
        if let Yaml::Map(entries) = value {
            for (key, value) in entries {
                self.add(&format!("{name}.{key}"), value, source, node);
            }
            return;
        }
        let source = source.clone();
        self.0.insert(name.to_owned(), Override { value, source });
    }

    /// Takes what a parameter file says of the node.
    pub fn add_file(&mut self, path: PathBuf, node: &str) -> Result<(), ArgumentsError> {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(reason) => return Err(ArgumentsError::File { path, reason }),
        };
        let value = match Yaml::parse(&text) {
            Ok(value) => value,
            // A file of nothing but comments.
            Err(_) if text.lines().all(is_blank) => return Ok(()),
            Err(reason) => return Err(ArgumentsError::Yaml { path, reason }),
        };
        self.add_sections("", value, &path, node)
    }

    /// Takes the sections below a name, which may be in one another as namespaces are.
    fn add_sections(
        &mut self,
        name: &str,
        value: Yaml,
        path: &Path,
        node: &str,
    ) -> Result<(), ArgumentsError> {
        let Yaml::Map(entries) = value else {
            let section = if name.is_empty() { "/**" } else { name };
            return Err(ArgumentsError::Section {
                path: path.to_owned(),
                section: section.to_owned(),
            });
        };
        for (key, value) in entries {
            if key != PARAMETERS_KEY {
                let inner = match (name, key.trim_start_matches('/')) {
                    ("", _) => key,
                    (name, key) => format!("{}/{key}", name.trim_end_matches('/')),
                };
                self.add_sections(&inner, value, path, node)?;
                continue;
            }
            let source = Source::Section {
                file: Some(path.to_owned()),
                name: name.to_owned(),
            };
            match value {
                Yaml::Map(parameters) if !name.is_empty() => {
                    for (name, value) in parameters {
                        self.add(&name, value, &source, node);
                    }
                }
                _ => {
                    return Err(ArgumentsError::Section {
                        path: path.to_owned(),
                        section: name.to_owned(),
                    })
                }
            }
        }
        Ok(())
    }
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#') || line == "---"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(text: &str, node: &str) -> Result<Overrides, ArgumentsError> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        let mut overrides = Overrides::default();
        overrides.add_file(file.path().to_owned(), node)?;
        Ok(overrides)
    }

    fn value(overrides: &Overrides, name: &str) -> Option<String> {
        overrides.get(name).map(|each| each.value.to_string())
    }

    #[test]
    fn sections_that_mean_the_node_count_in_their_order() {
        let text = "
/**:
  ros__parameters: {a: 1, b: 1, empty: [], qos_overrides: {/tf: {depth: 3}}}
robots:
  r2:
    bridge:
      ros__parameters: {a: 2}
  '*':
    bridge:
      ros__parameters: {c: 3}
/robots/r3/bridge:
  ros__parameters: {a: 9}
";
        let overrides = file(text, "/robots/r2/bridge").expect("valid");
        let found = ["a", "b", "c", "empty", "qos_overrides./tf.depth"]
            .map(|name| value(&overrides, name).unwrap_or_default());
        assert_eq!(found, ["2", "1", "3", "[]", "3"]);
        let source = |name: &str| overrides.get(name).map(|each| each.source.is_shared());
        assert_eq!(
            (source("a"), source("b"), source("c")),
            (Some(false), Some(true), Some(true))
        );
        assert_eq!(
            value(&file(text, "/robots/r3/bridge").unwrap(), "a"),
            Some("9".to_owned())
        );
    }

    #[test]
    fn what_comes_later_counts() {
        let mut overrides = Overrides::default();
        for (source, value) in [
            (Source::CommandLine, "1"),
            (Source::section("bridge"), "2"),
            (Source::section("other"), "3"),
        ] {
            let value = Yaml::parse(value).expect("a value");
            overrides.add("a", value, &source, "/bridge");
        }
        assert_eq!(value(&overrides, "a"), Some("2".to_owned()));
    }

    #[test]
    fn a_file_of_another_form_is_refused() {
        for text in [
            "a: 1",
            "[]",
            "ros__parameters: {a: 1}",
            "/n: {ros__parameters: 3}",
        ] {
            let error = file(text, "/n").expect_err(text).to_string();
            assert!(error.contains("ros__parameters"), "{text}: {error}");
        }
        assert!(file("a: [", "/n").is_err());
        assert!(file("# nothing\n---\n", "/n").unwrap().0.is_empty());
    }
}
