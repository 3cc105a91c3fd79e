//! Which topics a watcher is told of.

mod ros_common;

use remote_access_bridge::ros::{Patterns, TopicEvent};
use ros_common::{filter, unique, Node, Peer, Topics, QUIET};
use std::collections::HashSet;

#[test]
fn topics_are_told_with_type_schema_and_qos() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let prefix = unique("told");
    let mut topics = node.watch(&format!("/{prefix}/.*"));
    peer.run(&format!(
        "from sensor_msgs.msg import PointCloud2
p = node.create_publisher(PointCloud2, '/{prefix}/points', qos(reliable=False))"
    ));
    let topic = topics.added();
    assert_eq!(
        (&*topic.name, &*topic.type_name),
        (&*format!("/{prefix}/points"), "sensor_msgs/msg/PointCloud2")
    );
    assert_eq!(
        (&*topic.schema.name, topic.schema.encoding),
        ("sensor_msgs/msg/PointCloud2", "ros2msg")
    );
    let headings: Vec<_> = topic
        .schema
        .text
        .lines()
        .filter(|line| line.starts_with("MSG: "))
        .collect();
    assert_eq!(
        headings,
        [
            "MSG: std_msgs/Header",
            "MSG: sensor_msgs/PointField",
            "MSG: builtin_interfaces/Time"
        ]
    );
    assert!(topic
        .schema
        .text
        .contains("# This message holds a collection of N-dimensional points"));
    assert!(topic
        .schema
        .hash
        .is_some_and(|hash| hash.starts_with("RIHS01_")));
    assert!(!topic.qos.reliable && !topic.qos.transient_local);

    peer.run("node.destroy_publisher(p)");
    let gone = TopicEvent::Removed {
        name: topic.name,
        type_name: topic.type_name,
    };
    assert_eq!(topics.next(), gone);
}

#[test]
fn fifty_topics_come_and_go() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let prefix = unique("fifty");
    let mut topics = node.watch(&format!("/{prefix}/.*"));
    let expected: HashSet<String> = (0..50).map(|at| format!("/{prefix}/t{at}")).collect();
    for _ in 0..2 {
        peer.run(&format!(
            "from std_msgs.msg import String
ps = [node.create_publisher(String, f'/{prefix}/t{{i}}', 1) for i in range(50)]"
        ));
        let come: HashSet<_> = (0..50).map(|_| topics.added().name).collect();
        assert_eq!(come, expected);
        peer.run("for p in ps: node.destroy_publisher(p)");
        let gone: HashSet<_> = (0..50).map(|_| removed(&mut topics)).collect();
        assert_eq!(gone, expected);
    }
}

#[test]
fn a_publisher_that_takes_the_place_of_another_at_once_is_noticed() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let name = format!("/{}", unique("replaced"));
    let mut topics = node.watch(&name);
    peer.run(&format!(
        "from std_msgs.msg import String\np = node.create_publisher(String, '{name}', qos())"
    ));
    assert!(topics.added().qos.reliable);
    // There is one of the same type before and after: only its QoS tells.
    peer.run(&format!(
        "node.destroy_publisher(p)\np = node.create_publisher(String, '{name}', qos(reliable=False))"
    ));
    loop {
        match topics.next() {
            TopicEvent::QosChanged(topic) | TopicEvent::Added(topic) if !topic.qos.reliable => {
                break
            }
            TopicEvent::QosChanged(_) | TopicEvent::Added(_) | TopicEvent::Removed { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

fn removed(topics: &mut Topics) -> String {
    match topics.next() {
        TopicEvent::Removed { name, .. } => name,
        other => panic!("expected a removal, got {other:?}"),
    }
}

#[test]
fn what_exists_before_the_watch_is_told_too() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let name = format!("/{}", unique("before"));
    let publish =
        format!("from std_msgs.msg import String\np = node.create_publisher(String, '{name}', 1)");
    peer.run(&publish);
    let mut first = node.watch(&name);
    assert_eq!(first.added().name, name);
    let mut second = node.watch(&name);
    assert_eq!(second.added().name, name);
}

#[test]
fn filtered_and_hidden_topics_are_not_told() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let prefix = unique("filtered");
    peer.run(&format!(
        "from std_msgs.msg import String
ps = [node.create_publisher(String, '/{prefix}/' + n, 1) for n in ['a', 'ab', 'denied', '_hidden', 'x/_action/y']]"
    ));
    let mut shown = filter(&format!("/{prefix}/(a|denied|.*_hidden|x/.*)"));
    shown.deny = Patterns::new([".*/denied"]).expect("a pattern");
    let mut all = shown.clone();
    all.include_hidden = true;
    let mut shown = Topics {
        events: node.ros.watch_topics(shown),
        problems: Vec::new(),
    };
    let mut all = Topics {
        events: node.ros.watch_topics(all),
        problems: Vec::new(),
    };
    assert_eq!(shown.added().name, format!("/{prefix}/a"));
    let names: HashSet<_> = (0..3).map(|_| all.added().name).collect();
    let expected = ["a", "_hidden", "x/_action/y"].map(|name| format!("/{prefix}/{name}"));
    assert_eq!(names, HashSet::from(expected));
    assert!(shown.is_quiet_for(QUIET) && all.is_quiet_for(QUIET));
}

#[test]
fn a_topic_that_is_only_subscribed_to_does_not_exist() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let name = format!("/{}", unique("only_subscribed"));
    let mut topics = node.watch(&name);
    let own = node
        .ros
        .subscribe(&name, "std_msgs/msg/String", |_| {})
        .expect("subscribed");
    peer.run(&format!(
        "from std_msgs.msg import String\ns = node.create_subscription(String, '{name}', lambda m: None, 1)"
    ));
    assert!(topics.is_quiet_for(QUIET));
    peer.run(&format!("p = node.create_publisher(String, '{name}', 1)"));
    assert_eq!(topics.added().name, name);
    peer.run("node.destroy_publisher(p)");
    assert_eq!(removed(&mut topics), name);
    drop(own);
}

#[test]
fn mixed_types_are_reported_once_and_not_offered_while_they_last() {
    let (node, mut one, mut other) = (Node::start(), Peer::start(), Peer::start());
    let name = format!("/{}", unique("mixed"));
    let mut topics = node.watch(&name);
    one.run(&format!(
        "from std_msgs.msg import String\np = node.create_publisher(String, '{name}', 1)"
    ));
    assert_eq!(topics.added().type_name, "std_msgs/msg/String");
    other.run(&format!(
        "from std_msgs.msg import Int32\np = node.create_publisher(Int32, '{name}', 1)"
    ));
    assert_eq!(removed(&mut topics), name);
    match topics.next() {
        TopicEvent::Problem { topic, reason } => {
            assert_eq!(topic, name);
            assert!(
                reason
                    .to_string()
                    .contains("std_msgs/msg/Int32, std_msgs/msg/String"),
                "{reason}"
            );
        }
        other => panic!("expected a problem, got {other:?}"),
    }
    // Other changes of the graph do not report it again.
    one.run(&format!(
        "q = node.create_publisher(String, '{name}_other', 1)"
    ));
    assert!(topics.is_quiet_for(QUIET));
    one.run("node.destroy_publisher(p)");
    assert_eq!(topics.next(), TopicEvent::Solved { topic: name });
    assert_eq!(topics.added().type_name, "std_msgs/msg/Int32");
}

#[test]
fn a_type_that_changes_is_removed_and_added() {
    // Two peers: a Fast DDS participant knows one type for each name.
    let (node, mut one, mut other) = (Node::start(), Peer::start(), Peer::start());
    let name = format!("/{}", unique("changed"));
    let mut topics = node.watch(&name);
    one.run(&format!(
        "from std_msgs.msg import String\np = node.create_publisher(String, '{name}', 1)"
    ));
    assert_eq!(topics.added().type_name, "std_msgs/msg/String");
    one.run("node.destroy_publisher(p)");
    other.run(&format!(
        "from std_msgs.msg import Int32\np = node.create_publisher(Int32, '{name}', 1)"
    ));
    assert_eq!(removed(&mut topics), name);
    assert_eq!(topics.added().type_name, "std_msgs/msg/Int32");
}
