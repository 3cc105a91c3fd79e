//! Parameters of other nodes are read, set and followed; nodes that do not answer delay nobody.

mod ros_common;

use remote_access_bridge::ros::{
    ParameterClient, ParameterEntry, ParameterError, ParameterValue, Patterns,
};
use ros_common::{eventually, Node, Peer, PATIENCE};
use std::sync::Arc;
use std::time::Duration;
use ParameterValue::{Bool, Bytes, Double, Doubles, Integer, Integers, Strings};

/// Generous: a machine under load may take seconds for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

struct Robot {
    node: Node,
    peer: Peer,
    /// The peer's full name.
    name: String,
}

impl Robot {
    fn start(declared: &str) -> Self {
        let (node, mut peer) = (Node::start(), Peer::start());
        peer.run(&format!(
            "from rclpy.parameter import Parameter
from rcl_interfaces.msg import SetParametersResult
{declared}"
        ));
        let name = peer.run("result = node.get_fully_qualified_name()");
        let name = name.as_str().expect("a name").to_owned();
        Self { node, peer, name }
    }

    /// A client of this robot's parameters that match.
    fn client(&self, parameters: &str) -> Arc<ParameterClient> {
        let allow = Patterns::new([format!("{}\\.{parameters}", self.name)]).expect("a pattern");
        self.node.ros.parameter_client(allow, TIMEOUT)
    }

    fn full(&self, parameter: &str) -> String {
        format!("{}.{parameter}", self.name)
    }

    fn get(&self, client: &Arc<ParameterClient>, names: &[&str]) -> Vec<(String, ParameterValue)> {
        let names = names.iter().map(|name| self.full(name)).collect();
        let found = self.node.runtime.block_on(client.get(names)).entries;
        let short = |entry: ParameterEntry| {
            let name = entry
                .name
                .strip_prefix(&format!("{}.", self.name))
                .expect("of the robot");
            (name.to_owned(), entry.value)
        };
        found.into_iter().map(short).collect()
    }

    fn set(
        &self,
        client: &Arc<ParameterClient>,
        name: &str,
        value: ParameterValue,
    ) -> Result<(), ParameterError> {
        let wanted = vec![(self.full(name), value)];
        let mut outcomes = self.node.runtime.block_on(client.set(wanted));
        let (answered, outcome) = outcomes.pop().expect("an outcome");
        assert_eq!((answered, outcomes.len()), (self.full(name), 0));
        outcome
    }

    /// Waits until the node is in the graph.
    fn wait(&self, client: &Arc<ParameterClient>) {
        eventually("the node is found", || !self.get(client, &[]).is_empty());
    }
}

fn named(entries: &[(&str, ParameterValue)]) -> Vec<(String, ParameterValue)> {
    entries
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

#[test]
fn all_types_are_read_with_their_types() {
    let robot = Robot::start("node.declare_parameters('', [('a.flag', True), ('b', 5), ('c', 5.0), ('d', 'text'),
    ('e', [b'\\x00', b'\\xff']), ('f', [True, False]), ('g', [1, 2**62]), ('h', [0.30000000000000004]), ('i', ['x', ''])])
node.declare_parameter('j', Parameter.Type.INTEGER)");
    let client = robot.client("[a-j](?:\\.flag)?");
    robot.wait(&client);
    let expected = named(&[
        ("a.flag", Bool(true)),
        ("b", Integer(5)),
        ("c", Double(5.0)),
        ("d", ParameterValue::String("text".into())),
        ("e", Bytes(vec![0, 255])),
        ("f", ParameterValue::Bools(vec![true, false])),
        ("g", Integers(vec![1, 1 << 62])),
        ("h", Doubles(vec![0.1 + 0.2])),
        ("i", Strings(vec!["x".into(), String::new()])),
    ]);
    assert_eq!(robot.get(&client, &[]), expected);
    assert_eq!(robot.get(&client, &["c", "nothing", "b"]), expected[1..3]);
    assert_eq!(robot.get(&client, &["use_sim_time"]), [], "not allowed");
}

#[test]
fn setting_keeps_types_and_gives_reasons() {
    let mut robot = Robot::start("node.declare_parameters('', [('whole', 1), ('real', 1.0), ('list', [1.0]), ('names', ['x'])])
def check(parameters):
    bad = any(p.name == 'whole' and p.value > 100 for p in parameters)
    return SetParametersResult(successful=not bad, reason='too much' if bad else '')
node.add_on_set_parameters_callback(check)");
    let client = robot.client("(?:whole|real|list|names|gone)");
    robot.wait(&client);
    assert_eq!(robot.set(&client, "whole", Double(7.0)), Ok(()));
    assert_eq!(robot.set(&client, "real", Integer(7)), Ok(()));
    assert_eq!(robot.set(&client, "list", Integers(vec![1, 2])), Ok(()));
    assert_eq!(robot.set(&client, "names", Doubles(vec![])), Ok(()));
    let seen = robot.peer.run(
        "result = [repr(node.get_parameter(n).value) for n in ['whole', 'real', 'list', 'names']]",
    );
    assert_eq!(
        seen,
        serde_json::json!(["7", "7.0", "array('d', [1.0, 2.0])", "[]"])
    );
    assert_eq!(
        robot.set(&client, "whole", Integer(101)),
        Err(ParameterError::Refused("too much".into()))
    );
    assert!(robot.set(&client, "whole", Double(1.5)).is_err());
    assert!(robot.set(&client, "gone", Integer(1)).is_err());
    let refused = robot.set(&client, "use_sim_time", Bool(true));
    assert_eq!(refused, Err(ParameterError::NotAllowed));
    assert_eq!(
        robot.get(&client, &["whole"]),
        named(&[("whole", Integer(7))])
    );
    let nobody = vec![("/nobody.x".to_owned(), Integer(1))];
    let all = robot
        .node
        .ros
        .parameter_client(Patterns::new([".*"]).expect("valid"), TIMEOUT);
    let outcome = robot.node.runtime.block_on(all.set(nobody));
    assert_eq!(outcome[0].1, Err(ParameterError::NoNode));
}

#[test]
fn changes_are_told_until_nobody_listens() {
    let mut robot = Robot::start("node.declare_parameters('', [('a', 1), ('other', 1)])");
    let client = robot.client("[ab]");
    let watch = client.changes().expect("subscribed");
    eventually("the subscription is connected", || {
        robot.peer.subscriptions("/parameter_events") == 1
    });
    let mut told = |code: &str| {
        robot.peer.run(code);
        let entries = watch.receiver.recv_timeout(PATIENCE).expect("a change");
        entries
            .into_iter()
            .map(|entry| (entry.name, entry.value))
            .collect::<Vec<_>>()
    };
    let full = |name: &str| format!("{}.{name}", robot.name);
    let set = "node.set_parameters([Parameter('other', value=2), Parameter('a', value=2)])";
    assert_eq!(told(set), [(full("a"), Integer(2))]);
    assert_eq!(
        told("node.declare_parameter('b', 1.0)"),
        [(full("b"), Double(1.0))]
    );
    assert_eq!(
        told("node.undeclare_parameter('b'); node.set_parameters([Parameter('a', value=3)])"),
        [(full("a"), Integer(3))]
    );
    drop(watch);
    eventually("the subscription has gone", || {
        robot.peer.subscriptions("/parameter_events") == 0
    });
}

#[test]
fn a_node_that_does_not_answer_is_set_aside_and_the_others_are_not() {
    let (node, mut alive, mut dead) = (Node::start(), Peer::start(), Peer::start());
    alive.run("node.declare_parameter('x', 1)");
    dead.run("node.declare_parameter('x', 1)");
    let name = |peer: &mut Peer| {
        let name = peer.run("result = node.get_fully_qualified_name()");
        format!("{}.x", name.as_str().expect("a name"))
    };
    let names = vec![name(&mut alive), name(&mut dead)];
    let patience = Duration::from_secs(10);
    let allow = Patterns::new(&names).expect("valid");
    let client = node.ros.parameter_client(allow, patience);
    let get = || node.runtime.block_on(client.get(Vec::new())).entries;
    eventually("both answer", || get().len() == 2);
    // It is in the graph and does nothing: its only executor thread sleeps.
    dead.run(
        "import time; t = node.create_timer(0.001, lambda: time.sleep(1000)); time.sleep(0.5)",
    );
    let seen = get();
    assert_eq!(
        seen.iter().map(|entry| &entry.name).collect::<Vec<_>>(),
        [&names[0]]
    );
    // If it were asked again, each round would take its whole timeout.
    let started = std::time::Instant::now();
    for _ in 0..10 {
        assert_eq!(get().len(), 1);
    }
    let took = started.elapsed();
    assert!(took < 6 * patience, "{took:?}");
    let outcome = node
        .runtime
        .block_on(client.set(vec![(names[1].clone(), Integer(2))]));
    assert!(outcome[0].1.is_err());
    dead.kill();
}

#[test]
fn unknown_names_do_not_hide_known_ones() {
    let robot = Robot::start("node.declare_parameter('known', 1)");
    let client = robot.client("(?:known|nothing|empty)");
    robot.wait(&client);
    assert_eq!(
        robot.get(&client, &["nothing", "known"]),
        named(&[("known", Integer(1))])
    );
}
