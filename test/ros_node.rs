//! The node behaves as any ROS node: name, namespace, remapping, parameters, clock, end.

mod ros_common;

use ros_common::{eventually, unique, Node, Peer, PATIENCE, QUIET};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

#[test]
fn namespace_and_name_come_from_the_arguments() {
    let node = Node::with_args(&["-r", "__ns:=/robot1"]);
    assert!(node
        .ros
        .node()
        .fully_qualified_name()
        .starts_with("/robot1/bridge_"));
}

#[test]
fn parameters_come_from_the_arguments_else_from_defaults() {
    let node = Node::with_args(&[
        "-p",
        "given:=7",
        "-p",
        "list:=[\"a\", \"b\"]",
        "-p",
        "flag:=true",
    ]);
    let mut parameters = node.ros.parameters();
    assert_eq!(
        parameters
            .integer("given", 1, 0..=10, "an integer")
            .expect("declared"),
        7
    );
    assert_eq!(
        parameters
            .integer("default", 1, 0..=10, "an integer")
            .expect("declared"),
        1
    );
    assert_eq!(
        parameters
            .strings("list", &[".*"], "a list")
            .expect("declared"),
        ["a", "b"]
    );
    assert_eq!(
        parameters
            .strings("other_list", &[".*"], "a list")
            .expect("declared"),
        [".*"]
    );
    assert!(parameters
        .boolean("flag", false, "a flag")
        .expect("declared"));
    assert_eq!(
        parameters.string("text", "x", "a text").expect("declared"),
        "x"
    );
}

#[test]
fn wrong_values_are_refused_by_name() {
    let node = Node::with_args(&["-p", "given:=70", "-p", "text:=5"]);
    let mut parameters = node.ros.parameters();
    let problem = parameters
        .integer("given", 1, 0..=10, "an integer")
        .expect_err("out of range")
        .to_string();
    assert!(problem.starts_with("parameter given: "), "{problem}");
    let problem = parameters
        .string("text", "", "a text")
        .expect_err("another type")
        .to_string();
    assert!(problem.starts_with("parameter text: "), "{problem}");
}

#[test]
fn parameters_are_seen_and_kept_by_the_services_of_the_node() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let mut parameters = node.ros.parameters();
    parameters
        .integer("fixed", 3, 0..=10, "cannot change")
        .expect("declared");
    let (sender, changes) = std::sync::mpsc::channel();
    parameters
        .live_integer("live", 4, 0..=10, "can change", move |value| {
            sender.send(value).expect("somebody listens");
        })
        .expect("declared");
    let name = node.ros.node().fully_qualified_name();
    let code = format!(
        "from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
import time
client = AsyncParameterClient(node, '{name}')
def wait(future):
    while not future.done(): time.sleep(0.01)
    return future.result()
assert client.wait_for_services(60)
values = [v.integer_value for v in wait(client.get_parameters(['fixed', 'live'])).values]
described = [d.description for d in wait(client.describe_parameters(['fixed', 'live'])).descriptors]
set = [r.successful for r in wait(client.set_parameters(
    [Parameter('fixed', value=5), Parameter('live', value=6), Parameter('live', value=60)])).results]
result = [values, described, set]"
    );
    let seen = peer.run(&code);
    assert_eq!(
        seen.to_string(),
        r#"[[3,4],["cannot change","can change"],[false,true,false]]"#
    );
    assert_eq!(changes.try_iter().collect::<Vec<_>>(), [6]);
}

#[test]
fn the_clock_is_the_systems_or_simulated() {
    let real = Node::start();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_nanos() as u64;
    assert!(real.ros.now_ns().abs_diff(now) < PATIENCE.as_nanos() as u64);
    assert!(!real.ros.uses_sim_time());

    let clock = format!("/{}", unique("clock"));
    let remap = format!("/clock:={clock}");
    let simulated = Node::with_args(&["-p", "use_sim_time:=true", "-r", &remap]);
    let mut peer = Peer::start();
    peer.run(&format!(
        "from rosgraph_msgs.msg import Clock
p = node.create_publisher(Clock, '{clock}', 1)
c = Clock()
c.clock.sec = 5"
    ));
    assert!(simulated.ros.uses_sim_time());
    // A simulation that is started anew, or a recording that is played again, jumps back.
    let clock = simulated.ros.clock();
    for second in [5, 100, 99, 0, 7] {
        peer.run(&format!("c.clock.sec = {second}"));
        eventually("simulated time", || {
            peer.run("p.publish(c)");
            simulated.ros.now_ns() == second * 1_000_000_000
        });
        assert_eq!(clock(), second * 1_000_000_000);
    }
}

#[test]
fn what_a_subscription_to_rosout_gets_does_not_grow_by_itself() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let mut topics = node.watch("/rosout");
    topics.added();
    let (sink, messages) = flume::unbounded();
    let subscription = node
        .ros
        .subscribe("/rosout", "rcl_interfaces/msg/Log", move |_| {
            let _ = sink.send(());
        });
    let subscription = subscription.expect("subscribed");
    eventually("a message", || {
        peer.run("node.get_logger().info('once')");
        std::thread::sleep(Duration::from_millis(50));
        !messages.is_empty()
    });
    // Things that rclrs and the middleware have something to say of.
    let other = format!("/{}", unique("other"));
    let wrong = node.ros.subscribe(&other, "nowhere/msg/Thing", |_| {});
    assert!(wrong.is_err());
    for _ in 0..3 {
        peer.run(&format!(
            "from std_msgs.msg import String
p = node.create_publisher(String, '{other}', 1); node.destroy_publisher(p)"
        ));
    }
    std::thread::sleep(QUIET);
    messages.drain();
    std::thread::sleep(QUIET);
    // Other tests of this process may log a little; a loop gives thousands.
    assert!(messages.len() < 20, "{}", messages.len());
    drop(subscription);
}

#[test]
fn it_ends_quickly_with_live_subscriptions_and_watches() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let topic = format!("/{}", unique("end"));
    peer.run(&format!(
        "from std_msgs.msg import String
p = node.create_publisher(String, '{topic}', 10)
t = node.create_timer(0.001, lambda: p.publish(String(data='x')))"
    ));
    let mut topics = node.watch(&topic);
    topics.added();
    let (sink, messages) = flume::unbounded();
    let subscription = node.ros.subscribe(&topic, "std_msgs/msg/String", move |_| {
        let _ = sink.send(());
    });
    let subscription = subscription.expect("subscribed");
    messages.recv_timeout(PATIENCE).expect("a message");
    let started = Instant::now();
    let Node { ros, runtime } = node;
    ros.shutdown();
    // Far above what it takes, far below the periods of the threads' timers together.
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{:?}",
        started.elapsed()
    );
    messages.drain();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(messages.len(), 0, "a sink was called after the end");
    assert!(topics.events.drain().count() == 0 && topics.events.is_disconnected());
    drop(subscription);
    drop(runtime);
}
