//! Names of message and service types.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Why a text is not the name of a type.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypeNameError {
    /// The name is not of the form `package/msg/Type`.
    #[error("{0:?} is not the name of a message type (package/msg/Type)")]
    BadName(String),
    /// The types of services and actions are not defined as messages.
    #[error("{0} belongs to a service or action, which are not supported")]
    NotAMessage(String),
    /// The name is not of the form `package/srv/Type`, as those of an action's services.
    #[error("{0:?} is not the name of a service type (package/srv/Type)")]
    NotAService(String),
}

/// A message type, `package/msg/Name`, or a service type, `package/srv/Name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TypeName {
    package: String,
    /// `msg` or `srv`, which is also the directory of its definition.
    kind: &'static str,
    name: String,
}

impl TypeName {
    /// A message type. None if the parts are no ROS names, so that they cannot leave a package's
    /// directory.
    pub(crate) fn new(package: &str, name: &str) -> Option<Self> {
        Self::of_kind("msg", package, name)
    }

    fn of_kind(kind: &'static str, package: &str, name: &str) -> Option<Self> {
        (is_identifier(package) && is_identifier(name)).then(|| Self {
            package: package.to_owned(),
            kind,
            name: name.to_owned(),
        })
    }

    /// Parses the name of a service type.
    pub(crate) fn service(text: &str) -> Result<Self, TypeNameError> {
        match *text.split('/').collect::<Vec<_>>() {
            [package, "srv", name] => Self::of_kind("srv", package, name),
            _ => None,
        }
        .ok_or_else(|| TypeNameError::NotAService(text.to_owned()))
    }

    /// `msg` or `srv`.
    pub(crate) fn kind(&self) -> &'static str {
        self.kind
    }

    /// The package that defines it.
    #[must_use]
    pub fn package(&self) -> &str {
        &self.package
    }

    /// Its name in the package.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.package, self.kind, self.name)
    }
}

impl FromStr for TypeName {
    type Err = TypeNameError;

    fn from_str(text: &str) -> Result<Self, TypeNameError> {
        let bad = || TypeNameError::BadName(text.to_owned());
        match *text.split('/').collect::<Vec<_>>() {
            [package, "msg", name] => Self::new(package, name).ok_or_else(bad),
            [_, "srv" | "action", _] => Err(TypeNameError::NotAMessage(text.to_owned())),
            _ => Err(bad()),
        }
    }
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_names_only() {
        let name: TypeName = "std_msgs/msg/String".parse().expect("a name");
        assert_eq!(
            (name.package(), name.name(), &*name.to_string()),
            ("std_msgs", "String", "std_msgs/msg/String")
        );
        for bad in [
            "",
            "String",
            "std_msgs/String",
            "a/msg/",
            "a/msg/../x",
            "../msg/x",
            "a/msg/b/c",
            "a/msg/b.c",
        ] {
            assert_eq!(
                bad.parse::<TypeName>(),
                Err(TypeNameError::BadName(bad.into()))
            );
        }
    }

    #[test]
    fn services_and_actions_are_told_apart() {
        for other in ["a/srv/B_Request", "a/action/C_FeedbackMessage"] {
            assert_eq!(
                other.parse::<TypeName>(),
                Err(TypeNameError::NotAMessage(other.into()))
            );
        }
    }
}
