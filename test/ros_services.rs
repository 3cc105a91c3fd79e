//! Services of any type are called by name, and failures come back to the caller alone.

mod ros_common;

use bytes::Bytes;
use remote_access_bridge::ros::{CallError, RosError, ServiceClient};
use ros_common::{eventually, unique, Node, Peer, PATIENCE};
use serde_json::{json, Value};
use std::future::Future;
use std::time::Duration;

/// A peer with a service whose callback is the given lambda of request and response.
fn server(name: &str, type_name: &str, callback: &str) -> Peer {
    let mut peer = Peer::start();
    let (package, class) = type_name.split_once("/srv/").expect("a service type");
    peer.run(&format!(
        "from {package}.srv import {class}
import time
calls = []
def callback(request, response):
    calls.append(request)
    {callback}
    return response
s = node.create_service({class}, '{name}', callback)"
    ));
    peer
}

fn client(node: &Node, name: &str, type_name: &str) -> ServiceClient {
    node.ros.service_client(name, type_name).expect("a client")
}

/// A client that the server has discovered: what it answers before is lost in the middleware.
fn discovered_client(node: &Node, name: &str, type_name: &str) -> ServiceClient {
    let client = client(node, name, type_name);
    eventually("the server answers", || {
        let call = client.call_json(b"{}");
        let answer = async { tokio::time::timeout(Duration::from_secs(2), call).await };
        matches!(node.runtime.block_on(answer), Ok(Ok(_)))
    });
    client
}

fn wait<T>(node: &Node, future: impl Future<Output = T>) -> T {
    node.runtime
        .block_on(async { tokio::time::timeout(PATIENCE, future).await })
        .expect("an answer in time")
}

fn json(bytes: Result<Bytes, CallError>) -> Value {
    serde_json::from_slice(&bytes.expect("a response")).expect("JSON")
}

#[test]
fn json_and_cdr_go_there_and_back() {
    let node = Node::start();
    let name = format!("/{}", unique("basic"));
    let type_name = "test_msgs/srv/BasicTypes";
    let mut peer = server(&name, type_name, "response.int64_value = request.int64_value + 1; response.string_value = request.string_value[::-1]");
    let client = discovered_client(&node, &name, type_name);
    let response = json(wait(
        &node,
        client.call_json(br#"{"int64_value":41,"string_value":"abc"}"#),
    ));
    assert_eq!(
        (&response["int64_value"], &response["string_value"]),
        (&json!(42), &json!("cba"))
    );
    // The same in CDR: all fields zero, and the string "ok" at the end.
    let cdr = peer.run(
        "from rclpy.serialization import serialize_message
result = list(serialize_message(BasicTypes.Request(int64_value=7, string_value='ok')))",
    );
    let request: Vec<u8> = serde_json::from_value(cdr).expect("bytes");
    let response = wait(&node, client.call(&request)).expect("a response");
    let bytes: Vec<u8> = response.to_vec();
    let back = peer.run(&format!(
        "from rclpy.serialization import deserialize_message
r = deserialize_message(bytes({bytes:?}), BasicTypes.Response)
result = [r.int64_value, r.string_value]"
    ));
    assert_eq!(back, json!([8, "ko"]));
}

#[test]
fn many_calls_at_once_get_their_own_responses() {
    let node = Node::start();
    let name = format!("/{}", unique("many"));
    let type_name = "test_msgs/srv/BasicTypes";
    let _peer = server(
        &name,
        type_name,
        "response.int32_value = request.int32_value * 2",
    );
    let client = discovered_client(&node, &name, type_name);
    let calls: Vec<_> = (0..100)
        .map(|at| client.call_json(format!("{{\"int32_value\":{at}}}").as_bytes()))
        .collect();
    let responses = wait(&node, futures_util::future::join_all(calls));
    for (at, response) in responses.into_iter().enumerate() {
        assert_eq!(json(response)["int32_value"], json!(at * 2));
    }
}

#[test]
fn bad_requests_do_not_reach_the_server() {
    let node = Node::start();
    let name = format!("/{}", unique("bad"));
    let mut peer = server(&name, "std_srvs/srv/SetBool", "response.message = 'x' * 10");
    let client = discovered_client(&node, &name, "std_srvs/srv/SetBool");
    peer.run("calls.clear()");
    let bad: [&[u8]; 4] = [
        b"",
        b"\0\x01\0\0",
        b"\0\x01\0\0\x02",
        b"\0\x01\0\0\x01and much that is behind it",
    ];
    for request in bad {
        let error = wait(&node, client.call(request)).expect_err("no request");
        assert!(matches!(error, CallError::BadRequest { .. }), "{error}");
    }
    let error = wait(&node, client.call_json(br#"{"data":1}"#)).expect_err("no request");
    assert_eq!(
        error.to_string(),
        "no std_srvs/srv/SetBool_Request: data: not a boolean"
    );
    // Nothing of the middleware's memory is behind the response.
    let response = wait(&node, client.call(b"\0\x01\0\0\x01")).expect("a response");
    assert_eq!(response.len(), 4 + 4 + 4 + 11);
    assert_eq!(peer.run("result = len(calls)"), 1);
}

#[test]
fn a_service_that_is_not_there_or_goes_is_told() {
    let node = Node::start();
    let name = format!("/{}", unique("gone"));
    let client = client(&node, &name, "std_srvs/srv/Trigger");
    let error = wait(&node, client.call(b"\0\x01\0\0\0")).expect_err("nobody is there");
    assert_eq!(
        error.to_string(),
        format!("service {name} is not available")
    );
    let peer = server(&name, "std_srvs/srv/Trigger", "time.sleep(1000)");
    let call = node.runtime.spawn(client.call_json(b"{}"));
    let mut peer = peer;
    eventually("it is called", || peer.run("result = len(calls)") == 1);
    peer.kill();
    let error = wait(&node, call)
        .expect("no panic")
        .expect_err("the server is dead");
    assert!(matches!(error, CallError::Gone(_)), "{error}");
}

#[test]
fn a_call_that_is_dropped_is_forgotten_and_the_next_one_works() {
    let node = Node::start();
    let name = format!("/{}", unique("forgotten"));
    let type_name = "test_msgs/srv/BasicTypes";
    let mut peer = server(
        &name,
        type_name,
        "time.sleep(0.5 if request.bool_value else 0); response.int32_value = request.int32_value",
    );
    let client = discovered_client(&node, &name, type_name);
    peer.run("calls.clear()");
    let slow = node
        .runtime
        .spawn(client.call_json(br#"{"bool_value":true,"int32_value":1}"#));
    eventually("it is called", || peer.run("result = len(calls)") == 1);
    slow.abort();
    let next = json(wait(&node, client.call_json(br#"{"int32_value":2}"#)));
    assert_eq!(next["int32_value"], 2);
}

#[test]
fn a_call_may_outlive_its_client_and_ends_with_the_node() {
    let node = Node::start();
    let name = format!("/{}", unique("outlive"));
    let _peer = server(
        &name,
        "std_srvs/srv/Trigger",
        "time.sleep(0.2); response.success = True",
    );
    let call = discovered_client(&node, &name, "std_srvs/srv/Trigger").call_json(b"{}");
    assert_eq!(json(wait(&node, call))["success"], true);
}

#[test]
fn what_cannot_be_called_is_named() {
    let node = Node::start();
    let problem = |name: &str, type_name: &str| match node.ros.service_client(name, type_name) {
        Ok(_) => panic!("{type_name} was accepted"),
        Err(problem) => problem,
    };
    assert_eq!(
        problem("/x", "std_srvs/srv/Nothing").to_string(),
        "package std_srvs has no definition of std_srvs/srv/Nothing"
    );
    assert_eq!(
        problem("/x", "std_msgs/msg/String").to_string(),
        "\"std_msgs/msg/String\" is not the name of a service type (package/srv/Type)"
    );
    assert!(matches!(
        problem("/bad name", "std_srvs/srv/Trigger"),
        RosError::Client { .. }
    ));
}
