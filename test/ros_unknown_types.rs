//! Topics of types that are not installed are reported, and leave the others alone.

mod ros_common;

use remote_access_bridge::ros::{SchemaError, TopicEvent};
use ros_common::{eventually, unique, Node, Peer, QUIET};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A prefix that knows std_msgs with what it needs, and geometry_msgs by name only.
fn poor_prefix() -> tempfile::TempDir {
    let full = std::env::var_os("AMENT_PREFIX_PATH").expect("a ROS environment");
    let poor = tempfile::tempdir().expect("a directory");
    let index = Path::new("share/ament_index/resource_index/packages");
    fs::create_dir_all(poor.path().join(index)).expect("an index");
    for package in ["std_msgs", "builtin_interfaces", "geometry_msgs"] {
        let prefix: PathBuf = std::env::split_paths(&full)
            .find(|prefix| prefix.join(index).join(package).exists())
            .expect("an installed package");
        fs::write(poor.path().join(index).join(package), "").expect("a marker");
        if package != "geometry_msgs" {
            let share = prefix.join("share").join(package);
            std::os::unix::fs::symlink(share, poor.path().join("share").join(package))
                .expect("a link");
        }
    }
    poor
}

#[test]
fn topics_of_unknown_types_are_reported_once_and_leave_the_others_alone() {
    let mut peer = Peer::start();
    // The peer has the full environment; this is the only test of its process.
    let poor = poor_prefix();
    std::env::set_var("AMENT_PREFIX_PATH", poor.path());
    let node = Node::start();
    let prefix = unique("unknown");
    let mut topics = node.watch(&format!("/{prefix}/.*"));
    peer.run(&format!(
        "from std_msgs.msg import String
from geometry_msgs.msg import Point
from sensor_msgs.msg import Imu
a = node.create_publisher(Imu, '/{prefix}/no_package', 1)
b = node.create_publisher(Point, '/{prefix}/no_definition', 1)
c = node.create_publisher(String, '/{prefix}/known', 1)"
    ));
    let (mut reasons, mut known) = (HashSet::new(), None);
    eventually("all are told", || {
        match topics.next() {
            TopicEvent::Problem { topic, reason } => {
                assert!(reasons.insert((topic, reason.to_string())));
            }
            TopicEvent::Added(topic) => known = Some(topic.name),
            other => panic!("{other:?}"),
        }
        reasons.len() == 2 && known.is_some()
    });
    assert_eq!(known, Some(format!("/{prefix}/known")));
    let expected = [
        (
            format!("/{prefix}/no_package"),
            SchemaError::NoPackage("sensor_msgs".into()).to_string(),
        ),
        (
            format!("/{prefix}/no_definition"),
            "package geometry_msgs has no definition of geometry_msgs/msg/Point".into(),
        ),
    ];
    assert_eq!(reasons, HashSet::from(expected));
    peer.run(&format!(
        "d = node.create_publisher(String, '/{prefix}_other', 1)"
    ));
    assert!(topics.is_quiet_for(QUIET));
}
