//! Names that a right is for.

use regex::{RegexSet, RegexSetBuilder};

use crate::error::RightsError;

/// Most bytes that the compiled patterns of one right may take.
const MAX_COMPILED: usize = 1 << 20;
/// Most bytes of what matching keeps for later, per thread.
const MAX_CACHE: usize = 256 << 10;
/// Most brackets within each other.
const MAX_NESTING: u32 = 32;

/// Names that a right is for: regular expressions, one of which must match all of a name.
///
/// They take time that grows with the length of the name alone, whatever the pattern.
#[derive(Clone, Debug)]
pub struct Names {
    patterns: RegexSet,
    all: bool,
}

impl Names {
    pub(crate) fn compile(right: &'static str, patterns: &[String]) -> Result<Self, RightsError> {
        for pattern in patterns {
            // Alone first: brackets added around a broken pattern could make it a valid one.
            build(&[pattern.as_str()]).map_err(|reason| RightsError::Pattern {
                right,
                pattern: pattern.clone(),
                reason: reason.to_string(),
            })?;
        }
        let whole = patterns.iter().map(|pattern| format!(r"\A(?:{pattern})\z"));
        let whole: Vec<String> = whole.collect();
        let compiled = build(&whole).map_err(|reason| RightsError::Pattern {
            right,
            pattern: patterns.join(" "),
            reason: reason.to_string(),
        })?;
        Ok(Self {
            patterns: compiled,
            all: patterns.iter().any(|pattern| pattern == ".*"),
        })
    }

    /// Whether the right is for this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.all || self.patterns.is_match(name)
    }

    /// Whether the right is for every name.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.all
    }

    /// Whether the right is for no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }
}

fn build<P: AsRef<str>>(patterns: &[P]) -> Result<RegexSet, regex::Error> {
    RegexSetBuilder::new(patterns)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_CACHE)
        .nest_limit(MAX_NESTING)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(patterns: &[&str]) -> Names {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        Names::compile("see", &patterns).unwrap()
    }

    #[test]
    fn a_pattern_is_for_whole_names_as_they_are_written() {
        let camera = names(&["/camera/.*", "/tf|/odom"]);
        for name in ["/camera/image", "/tf", "/odom"] {
            assert!(camera.has(name), "{name}");
        }
        for name in [
            "/my/camera/image",
            "/tf_static",
            "/xodom",
            "/TF",
            "/tf\n",
            "",
        ] {
            assert!(!camera.has(name), "{name:?}");
        }
        assert!(names(&[".*"]).is_all() && names(&[".*"]).has("/a"));
        assert!(names(&[]).is_empty() && !names(&[]).has("/a") && !names(&[]).has(""));
    }

    #[test]
    fn a_pattern_cannot_get_out_of_its_frame() {
        let multiline = names(&["(?m)^/a$"]);
        assert!(multiline.has("/a") && !multiline.has("/b\n/a"));
        for broken in ["a)(b", "(?x)a #", "a)|(.*", "(", "a{"] {
            let result = Names::compile("see", &[broken.to_owned()]);
            assert!(
                result.as_ref().map_or(true, |names| !names.has("/other")),
                "{broken}: {result:?}"
            );
        }
    }

    #[test]
    fn bombs_are_refused_in_no_time() {
        for bomb in [
            "(a{1000}){1000}",
            r"(\pL{500}){500}",
            r"((((x{50}){50}){50}){50})",
            "(?:".repeat(80).as_str(),
        ] {
            let result = Names::compile("see", &[bomb.to_owned()]);
            assert!(result.is_err(), "{bomb}");
        }
        let slow = names(&["(/a*)*b", "(x+x+)+y"]);
        assert!(!slow.has(&"/a".repeat(100_000)) && !slow.has(&"x".repeat(100_000)));
    }
}
