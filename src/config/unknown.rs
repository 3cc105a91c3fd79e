//! Values that are given for parameters that the node does not have: misspelled ones, most of all.

use super::overrides::{Overrides, Source};

/// Parameters that ROS itself knows for any node; rclrs has no use for them.
const OF_ROS: [&str; 2] = ["qos_overrides.", "start_type_description_service"];
/// Most changes of letters between a name and the one that is suggested instead.
const SIMILAR: usize = 3;

/// A value is given for a parameter that does not exist, and for this node alone.
#[derive(Debug, thiserror::Error)]
#[error("there is no parameter {name} ({location}){}; --print-parameters lists all", suggestion(.similar))]
pub struct UnknownParameter {
    name: String,
    similar: Option<&'static str>,
    location: Source,
}

/// Refuses values for parameters that are none of `known`. Where a section may be meant for other
/// nodes, too, there is but a warning for each.
pub(super) fn check(
    given: &Overrides,
    known: &[&'static str],
) -> Result<Vec<String>, UnknownParameter> {
    let mut warnings = Vec::new();
    for (name, source) in given.iter() {
        if known.contains(&name) || OF_ROS.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let similar = known
            .iter()
            .copied()
            .min_by_key(|candidate| distance(name, candidate))
            .filter(|candidate| distance(name, candidate) <= SIMILAR);
        if !source.is_shared() {
            return Err(UnknownParameter {
                name: name.to_owned(),
                similar,
                location: source.clone(),
            });
        }
        warnings.push(format!(
            "{source} has a parameter {name} that this node does not have{}",
            suggestion(&similar)
        ));
    }
    Ok(warnings)
}

fn suggestion(similar: &Option<&'static str>) -> String {
    similar.map_or_else(String::new, |name| format!("; is {name} meant?"))
}

/// Number of letters to change, add or remove to get from one word to the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, &candidate) in other.iter().enumerate() {
            let change = diagonal + usize::from(letter != candidate);
            diagonal = row[column + 1];
            row[column + 1] = change.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::super::yaml::Yaml;
    use super::*;

    const KNOWN: [&str; 3] = ["room", "topic_whitelist", "use_sim_time"];

    fn given(name: &str, source: &Source) -> Overrides {
        let mut overrides = Overrides::default();
        let value = Yaml::parse("1").expect("a value");
        overrides.add(name, value, source, "/bridge");
        overrides
    }

    #[test]
    fn a_misspelled_parameter_is_refused_with_a_suggestion() {
        for source in [Source::CommandLine, Source::section("/bridge")] {
            let error = check(&given("topic_whitlist", &source), &KNOWN).expect_err("unknown");
            let text = error.to_string();
            assert!(text.contains("topic_whitlist") && text.contains("is topic_whitelist meant?"));
        }
        let error = check(&given("anything_else_at_all", &Source::CommandLine), &KNOWN);
        assert!(!error.expect_err("unknown").to_string().contains("meant"));
    }

    #[test]
    fn a_section_for_several_nodes_gets_a_warning() {
        let warnings =
            check(&given("topic_whitlist", &Source::section("/**")), &KNOWN).expect("shared");
        assert!(warnings[0].contains("topic_whitelist meant"));
    }

    #[test]
    fn parameters_of_ros_are_left_alone() {
        for name in ["use_sim_time", "qos_overrides./tf.publisher.depth", "room"] {
            assert!(check(&given(name, &Source::CommandLine), &KNOWN)
                .expect(name)
                .is_empty());
        }
    }

    #[test]
    fn distances_count_letters() {
        for (one, other, expected) in [
            ("", "", 0),
            ("ab", "ab", 0),
            ("ab", "b", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(
                (distance(one, other), distance(other, one)),
                (expected, expected)
            );
        }
    }
}
