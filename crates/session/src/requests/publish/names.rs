//! Names of topics and types as participants give them.

/// Whether a name is that of a ROS topic in full. A name that ROS would expand could get around
/// the rules for names.
pub(super) fn is_full_name(topic: &str) -> bool {
    let part = |part: &str| {
        let first = part.bytes().next();
        first.is_some_and(|byte| !byte.is_ascii_digit())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    topic
        .strip_prefix('/')
        .is_some_and(|rest| rest.split('/').all(part))
}

/// The full name of a message type. `package/Type` is short for `package/msg/Type`, as in rclcpp:
/// so Lichtblick and Foxglove name what their 3D panels publish.
pub(super) fn message_type(name: &str) -> String {
    match name.split_once('/') {
        Some((package, name)) if !name.contains('/') => format!("{package}/msg/{name}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_of_types_are_of_messages() {
        let full = "geometry_msgs/msg/PoseStamped";
        assert_eq!(message_type("geometry_msgs/PoseStamped"), full);
        for name in [full, "PoseStamped", "", "a/b/c/d"] {
            assert_eq!(message_type(name), name);
        }
    }

    #[test]
    fn names_that_ros_would_expand_or_refuse_are_no_full_names() {
        for name in ["/a", "/a/b_1", "/_hidden", "/A"] {
            assert!(is_full_name(name), "{name}");
        }
        let others = [
            "", "/", "a", "cmd_vel", "~/a", "/a/", "//a", "/a//b", "/1a", "/{node}", "/a b", "/ä",
        ];
        for name in others {
            assert!(!is_full_name(name), "{name}");
        }
    }
}
