//! Subscriptions match their publishers' QoS, also when it changes.

mod ros_common;

use flume::Receiver;
use remote_access_bridge::ros::{Patterns, QosPolicy, Subscription, TopicEvent};
use ros_common::{eventually, unique, Node, Peer, PATIENCE};

/// Subscribes to a topic of strings.
fn subscribe(node: &Node, topic: &str) -> (Subscription, Receiver<String>) {
    let (sink, texts) = flume::unbounded();
    let subscription = node
        .ros
        .subscribe(topic, "std_msgs/msg/String", move |message| {
            // CDR: 4 bytes encapsulation, 4 bytes length, the text, a NUL.
            let payload = message.payload();
            let length =
                u32::from_le_bytes([payload[4], payload[5], payload[6], payload[7]]) as usize;
            let _ = sink.send(String::from_utf8_lossy(&payload[8..8 + length - 1]).into_owned());
        });
    (subscription.expect("subscribed"), texts)
}

/// Creates a publisher `name` of strings in the peer, and waits until it is discovered.
fn publisher(node: &Node, peer: &mut Peer, name: &str, topic: &str, qos: &str) {
    let before = node.ros.node().count_publishers(topic).expect("a graph");
    peer.run(&format!(
        "from std_msgs.msg import String\n{name} = node.create_publisher(String, '{topic}', qos({qos}))"
    ));
    eventually("the publisher is known", || {
        node.ros.node().count_publishers(topic).expect("a graph") > before
    });
}

/// Publishes a text again and again until it arrives.
fn arrives(peer: &mut Peer, publisher: &str, text: &str, texts: &Receiver<String>) {
    eventually("the text arrives", || {
        peer.run(&format!("{publisher}.publish(String(data='{text}'))"));
        std::thread::sleep(std::time::Duration::from_millis(50));
        texts.drain().any(|arrived| arrived == text)
    });
}

#[test]
fn a_best_effort_publisher_is_matched() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let topic = format!("/{}", unique("best_effort"));
    publisher(&node, &mut peer, "p", &topic, "reliable=False");
    let (subscription, texts) = subscribe(&node, &topic);
    assert!(!subscription.qos().reliable);
    arrives(&mut peer, "p", "x", &texts);
}

#[test]
fn a_late_subscriber_gets_what_is_latched() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let topic = format!("/{}", unique("latched"));
    publisher(&node, &mut peer, "p", &topic, "depth=3, latched=True");
    peer.run("for text in 'abcd': p.publish(String(data=text))");
    let (subscription, texts) = subscribe(&node, &topic);
    assert!(subscription.qos().reliable && subscription.qos().transient_local);
    let latched: Vec<_> = (0..3)
        .map(|_| texts.recv_timeout(PATIENCE).expect("a text"))
        .collect();
    assert_eq!(latched, ["b", "c", "d"]);
}

#[test]
fn a_publisher_that_offers_less_is_followed_and_the_first_one_still_heard() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let topic = format!("/{}", unique("joins"));
    publisher(&node, &mut peer, "p", &topic, "latched=True");
    let mut topics = node.watch(&topic);
    assert!(topics.added().qos.transient_local);
    let (subscription, texts) = subscribe(&node, &topic);
    arrives(&mut peer, "p", "first", &texts);

    publisher(&node, &mut peer, "q", &topic, "reliable=False");
    match topics.next() {
        TopicEvent::QosChanged(changed) => {
            assert!(!changed.qos.reliable && !changed.qos.transient_local)
        }
        other => panic!("expected a change, got {other:?}"),
    }
    arrives(&mut peer, "q", "second", &texts);
    arrives(&mut peer, "p", "third", &texts);
    assert!(!subscription.qos().reliable);
    assert_eq!(peer.subscriptions(&topic), 1);
}

#[test]
fn a_publisher_that_comes_back_with_another_qos_is_heard() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let topic = format!("/{}", unique("returns"));
    publisher(&node, &mut peer, "p", &topic, "");
    let (subscription, texts) = subscribe(&node, &topic);
    arrives(&mut peer, "p", "reliable", &texts);
    peer.run("node.destroy_publisher(p)");
    eventually("it is gone", || {
        node.ros.node().count_publishers(&topic).expect("a graph") == 0
    });
    publisher(&node, &mut peer, "p", &topic, "reliable=False");
    arrives(&mut peer, "p", "best effort", &texts);
    peer.run("node.destroy_publisher(p)");
    eventually("it is gone", || {
        node.ros.node().count_publishers(&topic).expect("a graph") == 0
    });
    publisher(&node, &mut peer, "p", &topic, "latched=True");
    eventually("the subscription follows", || {
        subscription.qos().transient_local
    });
    arrives(&mut peer, "p", "latched", &texts);
}

#[test]
fn a_publisher_that_dies_and_is_started_again_with_another_qos_is_heard() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let topic = format!("/{}", unique("crashes"));
    publisher(&node, &mut peer, "p", &topic, "latched=True");
    let (subscription, texts) = subscribe(&node, &topic);
    arrives(&mut peer, "p", "first life", &texts);
    peer.kill();
    // Before the middleware notices: it may still take the dead one for alive.
    let mut peer = Peer::start();
    publisher(&node, &mut peer, "p", &topic, "reliable=False");
    eventually("the subscription follows", || !subscription.qos().reliable);
    arrives(&mut peer, "p", "second life", &texts);
}

#[test]
fn a_topic_can_be_forced_to_best_effort() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let topic = format!("/{}", unique("forced"));
    node.ros.set_qos_policy(QosPolicy {
        best_effort: Patterns::new([&topic]).expect("a pattern"),
        ..QosPolicy::default()
    });
    publisher(&node, &mut peer, "p", &topic, "");
    let (subscription, texts) = subscribe(&node, &topic);
    assert!(!subscription.qos().reliable);
    arrives(&mut peer, "p", "x", &texts);
    let seen = peer.run(&format!(
        "result = node.get_subscriptions_info_by_topic('{topic}')[0].qos_profile.reliability.name"
    ));
    assert_eq!(seen, "BEST_EFFORT");
}
