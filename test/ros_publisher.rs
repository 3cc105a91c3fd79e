//! Publishers of any type reach ROS nodes, and bad messages reach nobody.

mod ros_common;

use remote_access_bridge::ros::{PublishError, Publisher, PublisherQos, RosError};
use ros_common::{eventually, unique, Node, Peer};
use serde_json::json;

/// A peer that keeps what arrives on a topic, as text, in `got`.
fn listener(topic: &str, module: &str, name: &str) -> Peer {
    let mut peer = Peer::start();
    peer.run(&format!(
        "from {module} import {name}
got = []
s = node.create_subscription({name}, '{topic}', got.append, qos(100))"
    ));
    peer
}

/// A publisher whose listener is connected.
fn publisher(node: &Node, peer: &mut Peer, topic: &str, type_name: &str) -> Publisher {
    let publisher = node
        .ros
        .publisher(topic, type_name, PublisherQos::default())
        .expect("a publisher");
    // Both ends: that one knows of the other does not say that the other knows of it.
    let count = format!("result = node.count_publishers('{topic}')");
    eventually("the listener is connected", || {
        publisher.subscriptions() == 1 && peer.run(&count) == 1
    });
    publisher
}

#[test]
fn json_with_defaults_arrives() {
    let node = Node::start();
    let topic = format!("/{}", unique("twist"));
    let mut peer = listener(&topic, "geometry_msgs.msg", "TwistStamped");
    let type_name = "geometry_msgs/msg/TwistStamped";
    let publisher = publisher(&node, &mut peer, &topic, type_name);
    assert!(publisher.has_header());
    assert_eq!(
        (publisher.topic(), publisher.type_name()),
        (&*topic, type_name)
    );
    publisher.publish_json(b"{}").expect("published");
    publisher
        .publish_json(br#"{"twist":{"linear":{"x":0.5}},"header":{"frame_id":"base"}}"#)
        .expect("published");
    eventually("both arrive", || peer.run("result = len(got)") == 2);
    let seen = peer
        .run("result = [[m.twist.linear.x, m.twist.angular.z, m.header.frame_id] for m in got]");
    assert_eq!(seen, json!([[0.0, 0.0, ""], [0.5, 0.0, "base"]]));
}

#[test]
fn cdr_of_any_size_and_either_byte_order_arrives() {
    let node = Node::start();
    let topic = format!("/{}", unique("text"));
    let mut peer = listener(&topic, "std_msgs.msg", "String");
    let publisher = publisher(&node, &mut peer, &topic, "std_msgs/msg/String");
    let sizes = [0usize, 1, 3_000_000];
    for size in sizes {
        for big_endian in [false, true] {
            let length = size as u32 + 1;
            let (header, length) = if big_endian {
                ([0, 0, 0, 0], length.to_be_bytes())
            } else {
                ([0, 1, 0, 0], length.to_le_bytes())
            };
            let text = vec![b'x'; size];
            let message = [&header[..], &length, &text, &[0]].concat();
            publisher.publish(&message).expect("published");
        }
    }
    eventually("all arrive", || peer.run("result = len(got)") == 6);
    let seen = peer.run("result = [len(m.data) for m in got]");
    assert_eq!(seen, json!([0, 0, 1, 1, 3_000_000, 3_000_000]));
}

#[test]
fn bad_messages_are_refused_and_nobody_gets_them() {
    let node = Node::start();
    let topic = format!("/{}", unique("bad"));
    let mut peer = listener(&topic, "std_msgs.msg", "String");
    let publisher = publisher(&node, &mut peer, &topic, "std_msgs/msg/String");
    let bad: [&[u8]; 5] = [
        b"",
        b"\0\x01\0\0",
        b"\0\x01\0\0\xff\xff\xff\xff",
        b"\0\x01\0\0\x02\0\0\0ab",
        b"\0\x01\0\0\x02\0\0\0a\0and much that is behind it",
    ];
    for message in bad {
        let error = publisher.publish(message).expect_err("no message");
        assert!(matches!(error, PublishError::Invalid { .. }), "{error}");
    }
    let error = publisher
        .publish_json(br#"{"data":5}"#)
        .expect_err("no message");
    assert_eq!(
        error.to_string(),
        "no std_msgs/msg/String: data: not a string"
    );
    publisher
        .publish_json(br#"{"data":"last"}"#)
        .expect("published");
    eventually("the good one arrives", || {
        peer.run("result = len(got)") == 1
    });
    assert_eq!(peer.run("result = got[0].data"), json!("last"));
}

#[test]
fn types_that_cannot_be_published_are_named() {
    let node = Node::start();
    let problem = |type_name: &str| {
        let qos = PublisherQos::default();
        match node.ros.publisher("/x", type_name, qos) {
            Ok(_) => panic!("{type_name} was accepted"),
            Err(RosError::TypeSupport(problem)) => problem.to_string(),
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(
        problem("nowhere/msg/Thing"),
        "package nowhere is not installed (AMENT_PREFIX_PATH)"
    );
    assert_eq!(
        problem("std_msgs/msg/Thing"),
        "package std_msgs has no definition of std_msgs/msg/Thing"
    );
    assert!(problem("std_srvs/srv/SetBool").contains("not supported"));
    assert!(problem("../x").contains("not the name of a message type"));
    let bad_name = node
        .ros
        .publisher("/bad name", "std_msgs/msg/String", PublisherQos::default());
    assert!(matches!(bad_name, Err(RosError::Rcl(_))));
}

#[test]
fn a_latched_publisher_reaches_who_comes_later_and_ends_when_dropped() {
    let node = Node::start();
    let topic = format!("/{}", unique("latched"));
    let qos = PublisherQos {
        transient_local: true,
        depth: 1,
        ..PublisherQos::default()
    };
    let publisher = node.ros.publisher(&topic, "std_msgs/msg/Int32", qos);
    let publisher = publisher.expect("a publisher");
    for value in 1..=3 {
        let json = format!("{{\"data\":{value}}}");
        publisher.publish_json(json.as_bytes()).expect("published");
    }
    let mut peer = Peer::start();
    peer.run(&format!(
        "from std_msgs.msg import Int32
got = []
s = node.create_subscription(Int32, '{topic}', got.append, qos(10, latched=True))"
    ));
    eventually("the last arrives", || {
        peer.run("result = [m.data for m in got]") == json!([3])
    });
    let count = format!("result = node.count_publishers('{topic}')");
    assert_eq!(peer.run(&count), 1);
    drop(publisher);
    eventually("the publisher is gone", || peer.run(&count) == 0);
}
