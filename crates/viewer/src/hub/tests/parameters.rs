//! Parameters and the connection graph: answers and changes find who asked.

use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::parameter::Parameter;
use remote_access_protocol::server::{GraphUpdate, PublishedTopic, ServerMessage};
use serde_json::json;

use super::World;

#[test]
fn answers_about_parameters_find_their_client_and_its_id() {
    let mut world = World::with_robot();
    let (a, b) = (world.client(), world.client());
    for (client, id) in [(&a, Some("x".to_owned())), (&b, None)] {
        let names = vec![];
        world.ask(client, ClientMessage::GetParameters { names, id });
    }
    let ids: Vec<_> = world
        .requests()
        .into_iter()
        .map(|request| match request {
            ClientMessage::GetParameters { id, .. } => id,
            other => panic!("{other:?}"),
        })
        .collect();
    a.items();
    b.items();
    for id in ids.into_iter().rev() {
        let parameters = vec![];
        world.robot(ServerMessage::ParameterValues { parameters, id });
    }
    assert_eq!(
        a.texts(),
        [json!({"op": "parameterValues", "parameters": [], "id": "x"})]
    );
    assert_eq!(
        b.texts(),
        [json!({"op": "parameterValues", "parameters": []})]
    );
    // Without an id, no answer to setting is wanted.
    let set = ClientMessage::SetParameters {
        parameters: vec![],
        id: None,
    };
    world.ask(&a, set.clone());
    assert_eq!(world.requests(), [set]);
}

#[test]
fn changes_of_parameters_go_to_those_that_watch_them() {
    let mut world = World::with_robot();
    let (a, b) = (world.client(), world.client());
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
    };
    let watch = |list: &[&str]| ClientMessage::SubscribeParameterUpdates(names(list));
    let unwatch = |list: &[&str]| ClientMessage::UnsubscribeParameterUpdates(names(list));
    world.ask(&a, watch(&["p", "q"]));
    world.ask(&b, watch(&["q", "r"]));
    assert_eq!(world.requests(), [watch(&["p", "q"]), watch(&["r"])]);
    a.items();
    b.items();
    let parameters = ["p", "r", "s"].map(|name| Parameter {
        name: name.into(),
        kind: None,
        value: Some(json!(1)),
    });
    let update = ServerMessage::ParameterValues {
        parameters: parameters.into(),
        id: None,
    };
    world.robot(update.clone());
    assert_eq!(
        a.texts()[0]["parameters"],
        json!([{"name": "p", "value": 1}])
    );
    assert_eq!(
        b.texts()[0]["parameters"],
        json!([{"name": "r", "value": 1}])
    );
    world.ask(&a, unwatch(&["p", "q"]));
    assert_eq!(world.requests(), [unwatch(&["p"])]);
    world.ask(&a, watch(&[]));
    assert_eq!(world.requests(), [watch(&[])]);
    world.robot(update);
    assert_eq!(a.texts()[0]["parameters"].as_array().unwrap().len(), 3);
    // The end of all is the end of those by name as well, so that the rest is asked for again.
    world.state.client_left(a.id);
    assert_eq!(world.requests(), [unwatch(&[]), watch(&["q", "r"])]);
}

#[test]
fn the_graph_is_watched_once_and_later_clients_get_it_whole() {
    let mut world = World::with_robot();
    let (a, b) = (world.client(), world.client());
    world.ask(&a, ClientMessage::SubscribeConnectionGraph);
    world.ask(&a, ClientMessage::SubscribeConnectionGraph);
    assert_eq!(world.requests(), [ClientMessage::SubscribeConnectionGraph]);
    let topic = |name: &str| PublishedTopic {
        name: name.into(),
        publisher_ids: vec!["/n".into()],
    };
    world.robot(ServerMessage::ConnectionGraphUpdate(GraphUpdate {
        published_topics: vec![topic("/a"), topic("/b")],
        ..GraphUpdate::default()
    }));
    world.robot(ServerMessage::ConnectionGraphUpdate(GraphUpdate {
        removed_topics: vec!["/a".into()],
        ..GraphUpdate::default()
    }));
    b.items();
    world.ask(&b, ClientMessage::SubscribeConnectionGraph);
    assert_eq!(world.requests(), []);
    let texts = b.texts();
    assert_eq!(
        texts[0]["publishedTopics"],
        json!([{"name": "/b", "publisherIds": ["/n"]}])
    );
    world.state.client_left(a.id);
    world.ask(&b, ClientMessage::UnsubscribeConnectionGraph);
    assert_eq!(
        world.requests(),
        [ClientMessage::UnsubscribeConnectionGraph]
    );
}
