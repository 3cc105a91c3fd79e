//! Rights as people write them, and the rules that follow.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::RightsError;
use crate::limits::{MAX_PATTERN, MAX_PATTERNS};
use crate::names::Names;

/// The pattern of all names.
const ALL: &str = ".*";

/// Rights of a viewer as they are written in a grant. The default is none.
///
/// The lists hold regular expressions for whole names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rights {
    /// Topics to see.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub see: Vec<String>,
    /// Topics to publish on, those that drive the robot left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub publish: Vec<String>,
    /// Services to call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub call: Vec<String>,
    /// Parameters to read, as `/node.parameter`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<String>,
    /// Parameters to set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<String>,
    /// Files to fetch, as `package://…`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<String>,
    /// Whether it may drive: publish on the topics that drive the robot, and use its emergency stop.
    #[serde(skip_serializing_if = "is_false")]
    pub drive: bool,
    /// Whether it may take the wheel from a viewer without this right.
    #[serde(rename = "override", skip_serializing_if = "is_false")]
    pub override_driver: bool,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

impl Rights {
    /// Everything, but to take the wheel from somebody.
    #[must_use]
    pub fn all() -> Self {
        let all = || vec![ALL.to_owned()];
        Self {
            publish: all(),
            call: all(),
            set: all(),
            drive: true,
            ..Self::watch()
        }
    }

    /// All that changes nothing on the robot.
    #[must_use]
    pub fn watch() -> Self {
        let all = || vec![ALL.to_owned()];
        Self {
            see: all(),
            read: all(),
            assets: all(),
            ..Self::default()
        }
    }

    /// Adds a right as people write it: `watch`, `all`, `none`, `drive`, `override`, `see` or
    /// `see=/camera/.*`, and so on for the other lists.
    ///
    /// # Errors
    /// There is no such right. Patterns are looked at by [`Rights::compile`].
    pub fn add(&mut self, entry: &str) -> Result<(), RightsError> {
        let (name, pattern) = match entry.split_once('=') {
            Some((name, pattern)) => (name.trim(), Some(pattern.trim())),
            None => (entry.trim(), None),
        };
        match (name, pattern) {
            ("none", None) => {}
            ("watch", None) => self.extend(Self::watch()),
            ("all", None) => self.extend(Self::all()),
            ("drive", None) => self.drive = true,
            ("override", None) => self.override_driver = true,
            ("see", pattern) => push(&mut self.see, pattern),
            ("publish", pattern) => push(&mut self.publish, pattern),
            ("call", pattern) => push(&mut self.call, pattern),
            ("read", pattern) => push(&mut self.read, pattern),
            ("set", pattern) => push(&mut self.set, pattern),
            ("assets", pattern) => push(&mut self.assets, pattern),
            _ => return Err(RightsError::Unknown(entry.to_owned())),
        }
        Ok(())
    }

    /// Rights of several entries, see [`Rights::add`].
    ///
    /// # Errors
    /// An entry is no right.
    pub fn parse<E: AsRef<str>>(entries: impl IntoIterator<Item = E>) -> Result<Self, RightsError> {
        let mut rights = Self::default();
        for entry in entries {
            rights.add(entry.as_ref())?;
        }
        Ok(rights)
    }

    fn extend(&mut self, other: Self) {
        self.see.extend(other.see);
        self.publish.extend(other.publish);
        self.call.extend(other.call);
        self.read.extend(other.read);
        self.set.extend(other.set);
        self.assets.extend(other.assets);
        self.drive |= other.drive;
        self.override_driver |= other.override_driver;
    }

    fn lists(&self) -> [(&'static str, &[String]); 6] {
        [
            ("see", &self.see),
            ("publish", &self.publish),
            ("call", &self.call),
            ("read", &self.read),
            ("set", &self.set),
            ("assets", &self.assets),
        ]
    }

    /// Checks and compiles the rights.
    ///
    /// # Errors
    /// There are too many patterns, or one is too long, too complicated or no regular expression.
    pub fn compile(&self) -> Result<Rules, RightsError> {
        let count = self
            .lists()
            .iter()
            .map(|(_, patterns)| patterns.len())
            .sum();
        if count > MAX_PATTERNS {
            return Err(RightsError::TooMany(count));
        }
        for (right, patterns) in self.lists() {
            if let Some(long) = patterns.iter().find(|pattern| pattern.len() > MAX_PATTERN) {
                let length = long.len();
                return Err(RightsError::TooLong { right, length });
            }
        }
        Ok(Rules {
            see: Names::compile("see", &self.see)?,
            publish: Names::compile("publish", &self.publish)?,
            call: Names::compile("call", &self.call)?,
            read: Names::compile("read", &self.read)?,
            set: Names::compile("set", &self.set)?,
            assets: Names::compile("assets", &self.assets)?,
            drive: self.drive,
            override_driver: self.override_driver,
            fingerprint: self.fingerprint(),
        })
    }

    /// The same for equal rights, and different for others.
    fn fingerprint(&self) -> u128 {
        let mut hash = Sha256::new();
        for (right, patterns) in self.lists() {
            hash.update([0]);
            hash.update(right);
            for pattern in patterns {
                hash.update(pattern.len().to_le_bytes());
                hash.update(pattern);
            }
        }
        hash.update([u8::from(self.drive), u8::from(self.override_driver)]);
        let bytes = hash.finalize();
        bytes[..16]
            .iter()
            .fold(0, |number, &byte| number << 8 | u128::from(byte))
    }
}

fn push(patterns: &mut Vec<String>, pattern: Option<&str>) {
    patterns.push(pattern.unwrap_or(ALL).to_owned());
}

/// Rights, checked and compiled.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Topics to see.
    pub see: Names,
    /// Topics to publish on, those that drive the robot left out.
    pub publish: Names,
    /// Services to call.
    pub call: Names,
    /// Parameters to read.
    pub read: Names,
    /// Parameters to set.
    pub set: Names,
    /// Files to fetch.
    pub assets: Names,
    /// Whether the viewer may drive.
    pub drive: bool,
    /// Whether it may take the wheel from a viewer without this right.
    pub override_driver: bool,
    /// The same for equal rights, and different for others.
    pub fingerprint: u128,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_written_as_people_say_them() {
        let rights = Rights::parse(["see=/camera/.*", "see = /tf", "drive", "assets"]).unwrap();
        assert_eq!(rights.see, ["/camera/.*", "/tf"]);
        assert_eq!(rights.assets, [".*"]);
        assert!(rights.drive && !rights.override_driver && rights.publish.is_empty());
        assert_eq!(Rights::parse(["watch"]).unwrap(), Rights::watch());
        assert_eq!(Rights::parse(["all"]).unwrap(), Rights::all());
        assert_eq!(Rights::parse(["none"]).unwrap(), Rights::default());
        assert_eq!(Rights::parse::<&str>([]).unwrap(), Rights::default());
        for wrong in ["fly", "", "drive=/cmd_vel", "see:/a", "All", "watch=1"] {
            let error = Rights::parse([wrong]).unwrap_err().to_string();
            assert!(error.contains("is no right"), "{wrong}: {error}");
        }
    }

    #[test]
    fn watching_changes_nothing_and_all_takes_the_wheel_from_nobody() {
        let rules = Rights::watch().compile().unwrap();
        assert!(rules.see.is_all() && rules.read.is_all() && rules.assets.is_all());
        assert!(rules.publish.is_empty() && rules.call.is_empty() && rules.set.is_empty());
        assert!(!rules.drive && !rules.override_driver);
        let rules = Rights::all().compile().unwrap();
        assert!(rules.drive && rules.publish.is_all() && !rules.override_driver);
    }

    #[test]
    fn patterns_are_bounded_in_number_and_length() {
        let with = |see: Vec<String>| Rights {
            see,
            ..Rights::default()
        };
        assert!(with(vec!["/a".to_owned(); MAX_PATTERNS]).compile().is_ok());
        let many = with(vec!["/a".to_owned(); MAX_PATTERNS + 1]).compile();
        assert_eq!(many.unwrap_err(), RightsError::TooMany(MAX_PATTERNS + 1));
        assert!(with(vec!["a".repeat(MAX_PATTERN)]).compile().is_ok());
        let long = with(vec!["a".repeat(MAX_PATTERN + 1)]).compile();
        assert!(long.unwrap_err().to_string().contains("257 bytes"));
        let broken = with(vec!["/camera/(".to_owned()]).compile();
        assert!(broken
            .unwrap_err()
            .to_string()
            .contains("\"/camera/(\" of `see`"));
    }

    #[test]
    fn fingerprints_tell_rights_apart() {
        let of = |entries: &[&str]| Rights::parse(entries).unwrap().fingerprint();
        assert_eq!(of(&["see=/a", "drive"]), of(&["drive", "see=/a"]));
        let others = [
            of(&["see=/a"]),
            of(&["see=/b"]),
            of(&["publish=/a"]),
            of(&["see=/a", "see=/b"]),
            of(&["see=/a/b"]),
            of(&["see=/a", "drive"]),
            of(&["see=/a", "override"]),
            of(&[]),
        ];
        for (index, one) in others.iter().enumerate() {
            assert!(!others[..index].contains(one), "{index}");
        }
    }

    #[test]
    fn a_right_that_is_not_known_makes_the_whole_invalid() {
        let text = r#"{"see":["/a"],"fly":true}"#;
        assert!(serde_json::from_str::<Rights>(text).is_err());
        let text = r#"{"see":["/a"],"override":true}"#;
        let rights: Rights = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&rights).unwrap(), text);
    }
}
