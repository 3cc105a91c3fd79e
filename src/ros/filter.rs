//! Which topics are of interest.

use regex::{RegexSet, RegexSetBuilder};
use thiserror::Error;

/// A pattern that is not a regular expression.
#[derive(Debug, Error)]
#[error("{pattern:?} is not a regular expression: {reason}")]
pub struct PatternError {
    pattern: String,
    reason: String,
}

/// Regular expressions over full names. A name matches if one of them matches all of it,
/// whatever its case, as in foxglove_bridge.
#[derive(Debug, Clone, Default)]
pub struct Patterns(RegexSet);

impl Patterns {
    /// Compiles the patterns. Look-around, which foxglove_bridge's C++ expressions know, is
    /// not supported.
    ///
    /// # Errors
    /// Names the first pattern that is not valid.
    pub fn new<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>) -> Result<Self, PatternError> {
        let mut whole = Vec::new();
        for pattern in patterns {
            let pattern = pattern.as_ref();
            // Alone first: brackets added around a broken pattern could make it a valid one.
            regex::Regex::new(pattern).map_err(|reason| PatternError {
                pattern: pattern.to_owned(),
                reason: in_one_line(&reason),
            })?;
            whole.push(format!("^(?:{pattern})$"));
        }
        RegexSetBuilder::new(&whole)
            .case_insensitive(true)
            .build()
            .map(Self)
            .map_err(|reason| PatternError {
                pattern: whole.join(" "),
                reason: in_one_line(&reason),
            })
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of the patterns matches the whole name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

/// The reason in a message about an expression, which draws it below the expression.
fn in_one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

/// Which topics a bridge advertises.
#[derive(Debug, Clone)]
pub struct TopicFilter {
    /// Topics allowed (parameter `topic_whitelist`).
    pub allow: Patterns,
    /// Topics denied even if allowed.
    pub deny: Patterns,
    /// Also topics with a name part that starts with `_`, such as those of actions.
    pub include_hidden: bool,
}

impl TopicFilter {
    pub(super) fn wants(&self, topic: &str) -> bool {
        (self.include_hidden || !is_hidden(topic))
            && self.allow.matches(topic)
            && !self.deny.matches(topic)
    }
}

/// Whether ROS tools hide the name by default: a part of it starts with an underscore.
fn is_hidden(topic: &str) -> bool {
    topic.split('/').any(|part| part.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(allow: &[&str], deny: &[&str]) -> TopicFilter {
        TopicFilter {
            allow: Patterns::new(allow).expect("valid"),
            deny: Patterns::new(deny).expect("valid"),
            include_hidden: false,
        }
    }

    #[test]
    fn patterns_match_whole_names() {
        let patterns = Patterns::new(["/camera", "/a|/b"]).expect("valid");
        assert!(
            patterns.matches("/camera") && patterns.matches("/b") && patterns.matches("/CAMERA")
        );
        assert!(
            !patterns.matches("/camera/info")
                && !patterns.matches("/x/camera")
                && !patterns.matches("/bc")
        );
    }

    #[test]
    fn no_pattern_matches_nothing() {
        assert!(!Patterns::default().matches("/x"));
        assert!(!filter(&[], &[]).wants("/x"));
    }

    #[test]
    fn deny_beats_allow() {
        let filter = filter(&[".*"], &["/secret/.*"]);
        assert!(filter.wants("/odom") && !filter.wants("/secret/odom"));
    }

    #[test]
    fn hidden_names_need_to_be_asked_for() {
        let mut filter = filter(&[".*"], &[]);
        for hidden in ["/_x", "/arm/_action/status", "/a/_b/c"] {
            assert!(!filter.wants(hidden), "{hidden}");
        }
        assert!(filter.wants("/a_b/c_"));
        filter.include_hidden = true;
        assert!(filter.wants("/arm/_action/status"));
    }

    #[test]
    fn a_broken_pattern_is_named() {
        let problem = Patterns::new(["/fine", "/bad("])
            .expect_err("not valid")
            .to_string();
        assert_eq!(
            problem,
            "\"/bad(\" is not a regular expression: unclosed group"
        );
        assert!(Patterns::new(["a)(b"]).is_err());
    }
}
