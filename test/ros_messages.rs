//! Raw subscriptions get what publishers send, byte for byte, and end when dropped.

mod ros_common;

use remote_access_bridge::ros::{QosPolicy, RawMessage, Subscription};
use ros_common::{eventually, unique, Node, Peer, PATIENCE};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Subscribes to a topic that has a publisher.
fn subscribe(
    node: &Node,
    topic: &str,
    type_name: &str,
) -> (Subscription, flume::Receiver<RawMessage>) {
    // Else it would first ask for the least, and be created again when the publisher is known.
    eventually("the publisher is known", || {
        node.ros.node().count_publishers(topic).expect("a graph") > 0
    });
    let (sink, messages) = flume::unbounded();
    let subscription = node
        .ros
        .subscribe(topic, type_name, move |message| {
            let _ = sink.send(message);
        })
        .expect("subscribed");
    (subscription, messages)
}

/// Publishes until the node has the first message, and returns it.
fn first(peer: &mut Peer, code: &str, messages: &flume::Receiver<RawMessage>) -> RawMessage {
    let mut first = None;
    eventually("a message", || {
        peer.run(code);
        first = messages.recv_timeout(Duration::from_millis(100)).ok();
        first.is_some()
    });
    first.expect("waited for")
}

fn bytes(value: &serde_json::Value) -> Vec<u8> {
    let hex = value.as_str().expect("hex");
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"))
        .collect()
}

#[test]
fn bytes_are_those_of_an_rclpy_raw_subscription() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let topic = format!("/{}", unique("bytes"));
    peer.run(&format!(
        "from std_msgs.msg import String
p = node.create_publisher(String, '{topic}', 10)
got = []
s = node.create_subscription(String, '{topic}', got.append, 10, raw=True)"
    ));
    let (_subscription, messages) = subscribe(&node, &topic, "std_msgs/msg/String");
    eventually("both subscriptions matched", || {
        peer.run("result = p.get_subscription_count()") == 2
    });
    peer.run("p.publish(String(data='grüße'))");
    let message = messages.recv_timeout(PATIENCE).expect("a message");
    eventually("rclpy got it", || peer.run("result = len(got)") == 1);
    assert_eq!(
        message.payload(),
        bytes(&peer.run("result = bytes(got[0]).hex()"))
    );
    assert_eq!(&message.payload()[..8], [0, 1, 0, 0, 8, 0, 0, 0]);
}

#[test]
fn a_message_says_who_sent_it_and_when() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let topic = format!("/{}", unique("info"));
    peer.run(&format!(
        "from std_msgs.msg import String\np = node.create_publisher(String, '{topic}', 10)"
    ));
    let (_subscription, messages) = subscribe(&node, &topic, "std_msgs/msg/String");
    let before = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_nanos() as u64;
    let message = first(&mut peer, "p.publish(String(data='x'))", &messages);
    let after = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_nanos() as u64;
    for time in [message.source_time_ns, message.receive_time_ns] {
        assert!((before..=after).contains(&time), "{before} {time} {after}");
    }
    let gid = peer.run(&format!(
        "result = [b for b in node.get_publishers_info_by_topic('{topic}')[0].endpoint_gid]"
    ));
    let gid: Vec<u8> = gid
        .as_array()
        .expect("bytes")
        .iter()
        .map(|b| b.as_u64().expect("a byte") as u8)
        .collect();
    assert_eq!(message.publisher[..], gid[..16]);
}

#[test]
fn a_large_message_arrives_whole_and_is_framed_without_a_copy() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let topic = format!("/{}", unique("large"));
    peer.run(&format!(
        "from std_msgs.msg import ByteMultiArray, UInt8MultiArray
import array
p = node.create_publisher(UInt8MultiArray, '{topic}', 2)
m = UInt8MultiArray(data=array.array('B', (i * 7 % 251 for i in range(5_000_000))))"
    ));
    let (_subscription, messages) = subscribe(&node, &topic, "std_msgs/msg/UInt8MultiArray");
    let message = first(&mut peer, "p.publish(m)", &messages);
    let payload = message.payload();
    let data = &payload[payload.len() - 5_000_000..];
    assert!(data
        .iter()
        .enumerate()
        .all(|(at, byte)| usize::from(*byte) == at * 7 % 251));
    let (start, length) = (payload.as_ptr(), payload.len());
    let frame = message.into_frame(b"a header of 22 bytes..").expect("fits");
    assert_eq!(frame.len(), length + 22);
    assert_eq!(&frame[..22], b"a header of 22 bytes..");
    assert_eq!(frame[22..].as_ptr(), start, "the payload was copied");
}

#[test]
fn no_subscription_is_left_after_a_drop_and_no_message_comes() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let topic = format!("/{}", unique("drop"));
    peer.run(&format!(
        "from std_msgs.msg import String\np = node.create_publisher(String, '{topic}', 10)"
    ));
    assert_eq!(peer.subscriptions(&topic), 0);
    let (subscription, messages) = subscribe(&node, &topic, "std_msgs/msg/String");
    first(&mut peer, "p.publish(String(data='x'))", &messages);
    assert_eq!(peer.subscriptions(&topic), 1);
    drop(subscription);
    messages.drain();
    peer.run("p.publish(String(data='y'))");
    eventually("the subscription is gone", || {
        peer.subscriptions(&topic) == 0
    });
    assert_eq!(messages.drain().count(), 0);
}

#[test]
fn a_sink_may_drop_its_own_subscription() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let topic = format!("/{}", unique("self_drop"));
    peer.run(&format!(
        "from std_msgs.msg import String\np = node.create_publisher(String, '{topic}', 10)"
    ));
    let own = std::sync::Arc::new(std::sync::Mutex::new(None::<Subscription>));
    let (count, counted) = flume::unbounded();
    let subscription = node.ros.subscribe(&topic, "std_msgs/msg/String", {
        let own = std::sync::Arc::clone(&own);
        move |_| {
            let _ = count.send(());
            drop(own.lock().expect("whole").take());
        }
    });
    *own.lock().expect("whole") = Some(subscription.expect("subscribed"));
    eventually("a message", || {
        peer.run("p.publish(String(data='x'))");
        !counted.is_empty()
    });
    eventually("the subscription is gone", || {
        peer.subscriptions(&topic) == 0
    });
    assert_eq!(counted.drain().count(), 1);
}

#[test]
fn a_thousand_messages_a_second_arrive_in_order_without_loss() {
    let (node, mut peer) = (Node::start(), Peer::start());
    // Queues that hold all of them: what a busy machine may delay is not the matter here.
    node.ros.set_qos_policy(QosPolicy {
        min_depth: 3000,
        max_depth: 3000,
        ..QosPolicy::default()
    });
    let topic = format!("/{}", unique("fast"));
    peer.run(&format!("from std_msgs.msg import UInt32\np = node.create_publisher(UInt32, '{topic}', qos(depth=3000))"));
    let (_subscription, messages) = subscribe(&node, &topic, "std_msgs/msg/UInt32");
    eventually("matched", || {
        peer.run("result = p.get_subscription_count()") == 1
    });
    peer.run(
        "import time
start = time.monotonic()
for i in range(3000):
    while time.monotonic() < start + i / 1000: time.sleep(0.0005)
    p.publish(UInt32(data=i))",
    );
    for expected in 0u32..3000 {
        let message = messages.recv_timeout(PATIENCE).expect("a message");
        assert_eq!(message.payload()[4..8], expected.to_le_bytes());
    }
}

#[test]
fn each_message_is_announced_at_once() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let topic = format!("/{}", unique("announced"));
    peer.run(&format!(
        "from std_msgs.msg import String\np = node.create_publisher(String, '{topic}', 10)"
    ));
    let (_subscription, messages) = subscribe(&node, &topic, "std_msgs/msg/String");
    eventually("matched", || {
        peer.run("result = p.get_subscription_count()") == 1
    });
    // One by one. Messages found by the take thread's own rounds alone would take a second each,
    // several times the patience.
    let started = Instant::now();
    for _ in 0..300 {
        peer.run("p.publish(String(data='x'))");
        messages.recv_timeout(PATIENCE).expect("a message");
    }
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

#[test]
fn subscriptions_come_and_go_while_messages_flow() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let topic = format!("/{}", unique("churn"));
    peer.run(&format!(
        "from std_msgs.msg import String
p = node.create_publisher(String, '{topic}', 10)
t = node.create_timer(0.0005, lambda: p.publish(String(data='x')))"
    ));
    for round in 0..100 {
        let (subscription, messages) = subscribe(&node, &topic, "std_msgs/msg/String");
        // Some end before they are matched, some in the middle of the flow.
        if round % 4 == 0 {
            messages.recv_timeout(PATIENCE).expect("a message");
        }
        drop(subscription);
        let rest = messages.drain().count();
        assert!(
            rest < 1000 && messages.is_empty(),
            "a sink was called after the end"
        );
    }
    let (_last, messages) = subscribe(&node, &topic, "std_msgs/msg/String");
    messages.recv_timeout(PATIENCE).expect("a message");
    eventually("only the last is left", || peer.subscriptions(&topic) == 1);
}

#[test]
fn two_subscriptions_of_one_topic_each_get_all() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let topic = format!("/{}", unique("two"));
    peer.run(&format!(
        "from std_msgs.msg import String\np = node.create_publisher(String, '{topic}', 10)"
    ));
    let (one, first) = subscribe(&node, &topic, "std_msgs/msg/String");
    let (_other, second) = subscribe(&node, &topic, "std_msgs/msg/String");
    eventually("matched", || {
        peer.run("result = p.get_subscription_count()") == 2
    });
    peer.run("p.publish(String(data='x'))");
    first.recv_timeout(PATIENCE).expect("a message");
    second.recv_timeout(PATIENCE).expect("a message");
    drop(one);
    peer.run("p.publish(String(data='y'))");
    let message = second.recv_timeout(PATIENCE).expect("a message");
    assert_eq!(message.payload()[8], b'y');
    assert!(first.is_empty());
}

#[test]
fn an_unknown_type_is_refused() {
    let node = Node::start();
    for bad in [
        "nowhere/msg/Thing",
        "std_msgs/msg/Nothing",
        "std_msgs/String",
        "test_msgs/srv/Empty",
    ] {
        let refused = node.ros.subscribe("/refused", bad, |_| {});
        assert!(refused.is_err(), "{bad}");
    }
}
