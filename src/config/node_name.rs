//! The node's full name, which sections of parameter files and remappings go by.

use super::arguments_error::ArgumentsError;

/// Whether a section of a parameter file or the prefix of a rule means a node, as in rclcpp: `*`
/// stands for one part of the name, `**` for any number of them.
pub(super) fn section_matches(section: &str, node: &str) -> bool {
    let parts = |name| str::split(str::trim_start_matches(name, '/'), '/').collect::<Vec<_>>();
    matches(&parts(section), &parts(node))
}

fn matches(section: &[&str], node: &[&str]) -> bool {
    match (section, node) {
        ([], []) => true,
        (["**", rest @ ..], _) => (0..=node.len()).any(|count| matches(rest, &node[count..])),
        (["*", section @ ..], [_, node @ ..]) => matches(section, node),
        ([part, section @ ..], [name, node @ ..]) => part == name && matches(section, node),
        _ => false,
    }
}

/// The node's full name after the remappings of `__node`, `__name` and `__ns`, of which the first
/// counts that means the node.
pub(super) fn full_name(name: &str, remappings: &[String]) -> Result<String, ArgumentsError> {
    let mut remapped = None;
    let mut namespace = None;
    for rule in remappings {
        let (left, right) = rule
            .split_once(":=")
            .ok_or_else(|| ArgumentsError::Remapping(rule.clone()))?;
        let (node, key) = left.rsplit_once(':').unwrap_or((name, left));
        if !section_matches(node, name) {
            continue;
        }
        match key {
            "__node" | "__name" => remapped.get_or_insert(right),
            "__ns" => namespace.get_or_insert(right),
            _ => continue,
        };
    }
    let namespace = namespace.unwrap_or("/").trim_end_matches('/');
    Ok(format!("{namespace}/{}", remapped.unwrap_or(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_those_of_rclcpp() {
        let node = "/robots/r2/bridge";
        for section in [
            "/**",
            "**",
            "/robots/r2/bridge",
            "robots/r2/bridge",
            "/**/bridge",
            "/robots/**",
            "/robots/*/bridge",
            "/*/*/bridge",
            "/*/**",
            "/robots/r2/**/bridge",
        ] {
            assert!(section_matches(section, node), "{section}");
        }
        for section in [
            "/bridge",
            "bridge",
            "/*",
            "/*/bridge",
            "/**/r2",
            "/robots/r2/bridge/**/x",
            "/robot*/r2/bridge",
        ] {
            assert!(!section_matches(section, node), "{section}");
        }
        assert!(section_matches("/**/bridge", "/bridge"));
    }

    #[test]
    fn the_first_remapping_counts() {
        let name = |rules: &[&str]| {
            let rules: Vec<String> = rules.iter().map(|&rule| rule.to_owned()).collect();
            full_name("bridge", &rules)
        };
        assert_eq!(name(&[]).unwrap(), "/bridge");
        assert_eq!(
            name(&["__ns:=/a/b", "__node:=c", "__name:=d", "x:=y"]).unwrap(),
            "/a/b/c"
        );
        assert_eq!(
            name(&["other:__node:=x", "bridge:__ns:=/r", "__ns:=/s"]).unwrap(),
            "/r/bridge"
        );
        assert_eq!(name(&["__ns:=/"]).unwrap(), "/bridge");
        assert!(name(&["__ns"]).is_err());
    }
}
