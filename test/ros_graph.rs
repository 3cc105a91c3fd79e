//! Services and connections of the graph are told as they come, change and go.

mod ros_common;

use flume::Receiver;
use remote_access_bridge::ros::{Connections, ServiceEvent};
use ros_common::{eventually, filter, unique, Node, Peer, PATIENCE, QUIET};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

fn next(events: &Receiver<ServiceEvent>) -> ServiceEvent {
    events.recv_timeout(PATIENCE).expect("an event")
}

#[test]
fn a_service_comes_with_its_schemas_changes_its_type_and_goes() {
    let (node, mut one, mut other) = (Node::start(), Peer::start(), Peer::start());
    let name = format!("/{}", unique("service"));
    let events = node.ros.watch_services(filter(&name));
    one.run(&format!("from std_srvs.srv import SetBool\ns = node.create_service(SetBool, '{name}', lambda a, b: b)"));
    let ServiceEvent::Added(service) = next(&events) else {
        panic!("not added");
    };
    assert_eq!(
        (&service.name, &*service.type_name),
        (&name, "std_srvs/srv/SetBool")
    );
    assert_eq!(
        (&*service.request.name, service.request.encoding),
        ("std_srvs/srv/SetBool_Request", "ros2msg")
    );
    assert!(
        service.request.text.contains("bool data") && !service.request.text.contains("success")
    );
    assert!(
        service.response.text.contains("bool success") && !service.response.text.contains("---")
    );
    one.run("node.destroy_service(s)");
    other.run(&format!("from test_msgs.srv import BasicTypes\ns = node.create_service(BasicTypes, '{name}', lambda a, b: b)"));
    let gone = |type_name: &str| ServiceEvent::Removed {
        name: name.clone(),
        type_name: type_name.into(),
    };
    assert_eq!(next(&events), gone("std_srvs/srv/SetBool"));
    assert!(
        matches!(next(&events), ServiceEvent::Added(service) if service.type_name == "test_msgs/srv/BasicTypes")
    );
    other.kill();
    assert_eq!(next(&events), gone("test_msgs/srv/BasicTypes"));
}

#[test]
fn services_that_are_only_called_hidden_or_filtered_out_are_not_told() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let prefix = unique("quiet");
    let events = node
        .ros
        .watch_services(filter(&format!("/{prefix}/(?:shown|called|_.*)")));
    peer.run(&format!("from std_srvs.srv import Empty
c = node.create_client(Empty, '/{prefix}/called')
ss = [node.create_service(Empty, '/{prefix}/' + n, lambda a, b: b) for n in ['_hidden', 'other', 'shown']]"));
    assert!(
        matches!(next(&events), ServiceEvent::Added(service) if service.name.ends_with("/shown"))
    );
    assert!(events.recv_timeout(QUIET).is_err());
}

#[test]
fn servers_of_different_types_are_a_problem_until_one_goes() {
    let (node, mut one, mut other) = (Node::start(), Peer::start(), Peer::start());
    let name = format!("/{}", unique("mixed"));
    let events = node.ros.watch_services(filter(&name));
    one.run(&format!("from std_srvs.srv import SetBool\ns = node.create_service(SetBool, '{name}', lambda a, b: b)"));
    assert!(matches!(next(&events), ServiceEvent::Added(_)));
    other.run(&format!(
        "from std_srvs.srv import Empty\ns = node.create_service(Empty, '{name}', lambda a, b: b)"
    ));
    assert!(matches!(next(&events), ServiceEvent::Removed { .. }));
    let ServiceEvent::Problem { service, reason } = next(&events) else {
        panic!("no problem");
    };
    assert_eq!(service, name);
    assert_eq!(
        reason.to_string(),
        "its servers use different types: std_srvs/srv/Empty, std_srvs/srv/SetBool"
    );
    one.run("node.destroy_service(s)");
    assert_eq!(next(&events), ServiceEvent::Solved { service: name });
    assert!(
        matches!(next(&events), ServiceEvent::Added(service) if service.type_name == "std_srvs/srv/Empty")
    );
}

#[test]
fn two_hundred_services_come_and_go() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let prefix = unique("many");
    let events = node.ros.watch_services(filter(&format!("/{prefix}/.*")));
    peer.run(&format!(
        "from std_srvs.srv import Trigger
ss = [node.create_service(Trigger, f'/{prefix}/s{{i}}', lambda a, b: b) for i in range(200)]"
    ));
    let mut names = HashSet::new();
    while names.len() < 200 {
        match next(&events) {
            ServiceEvent::Added(service) => assert!(names.insert(service.name)),
            other => panic!("{other:?}"),
        }
    }
    drop(peer);
    while !names.is_empty() {
        match next(&events) {
            ServiceEvent::Removed { name, .. } => assert!(names.remove(&name)),
            other => panic!("{other:?}"),
        }
    }
}

/// Waits for a graph that is as described.
fn graph(graphs: &Receiver<Arc<Connections>>, is: impl Fn(&Connections) -> bool) {
    let mut last = None;
    eventually("the graph", || {
        last = graphs.try_recv().ok().or(last.take());
        last.as_deref().is_some_and(&is)
    });
}

#[test]
fn the_connection_graph_follows_the_nodes() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let prefix = unique("graph");
    let (topics, services) = (
        filter(&format!("/{prefix}/t.*")),
        filter(&format!("/{prefix}/s.*")),
    );
    peer.run(&format!(
        "from std_msgs.msg import String
from std_srvs.srv import Empty
p = node.create_publisher(String, '/{prefix}/t1', 1)
hidden = node.create_publisher(String, '/{prefix}/other', 1)
s = node.create_service(Empty, '/{prefix}/s1', lambda a, b: b)"
    ));
    let name = peer.run("result = node.get_fully_qualified_name()");
    let of = BTreeSet::from([name.as_str().expect("a name").to_owned()]);
    let (t1, t2, s1) = (
        format!("/{prefix}/t1"),
        format!("/{prefix}/t2"),
        format!("/{prefix}/s1"),
    );
    let watch = node.ros.watch_connections(topics, services);
    graph(&watch.receiver, |graph| {
        graph.published.get(&t1) == Some(&of)
            && graph.services.get(&s1) == Some(&of)
            && (
                graph.published.len(),
                graph.subscribed.len(),
                graph.services.len(),
            ) == (1, 0, 1)
    });
    peer.run(&format!(
        "q = node.create_subscription(String, '{t2}', lambda m: None, 1)"
    ));
    graph(&watch.receiver, |graph| {
        graph.subscribed.get(&t2) == Some(&of)
    });
    // Our own subscriptions are part of it.
    let own = node
        .ros
        .subscribe(&t1, "std_msgs/msg/String", |_| {})
        .expect("subscribed");
    let ours = BTreeSet::from([node.ros.node().fully_qualified_name()]);
    graph(&watch.receiver, |graph| {
        graph.subscribed.get(&t1) == Some(&ours)
    });
    drop(own);
    drop(peer);
    graph(&watch.receiver, |graph| *graph == Connections::default());
}

#[test]
fn the_types_of_a_topic_are_those_of_all_its_users() {
    let (node, mut peer) = (Node::start(), Peer::start());
    let name = format!("/{}", unique("types"));
    assert_eq!(node.ros.types_of(&name), Vec::<String>::new());
    peer.run(&format!("from std_msgs.msg import String\nq = node.create_subscription(String, '{name}', lambda m: None, 1)"));
    eventually("the type", || {
        node.ros.types_of(&name) == ["std_msgs/msg/String"]
    });
}
