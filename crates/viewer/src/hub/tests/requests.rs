//! Publishing and calling: ids of clients are kept apart.

use bytes::Bytes;
use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::failure::RequestFailure;
use remote_access_protocol::server::{BinaryMessage, ServerMessage};
use remote_access_protocol::service::ServicePayload;
use remote_access_protocol::{AssetRequestId, CallId, ClientChannelId, ServiceId};
use serde_json::json;

use super::{advertised, World};

#[test]
fn clients_that_publish_under_the_same_id_are_kept_apart() {
    let mut world = World::with_robot();
    let (a, b) = (world.client(), world.client());
    world.ask(&a, advertised(1));
    world.ask(&b, advertised(1));
    let message = Bytes::from_static(b"x");
    let publish = ClientMessage::MessageData {
        channel: ClientChannelId(1),
        message: message.clone(),
    };
    world.requests();
    world.ask(&b, publish.clone());
    let channel = ClientChannelId(2);
    assert_eq!(
        world.requests(),
        [ClientMessage::MessageData { channel, message }]
    );
    world.state.client_left(b.id);
    assert_eq!(
        world.requests(),
        [ClientMessage::Unadvertise(vec![channel])]
    );
    // What is not advertised is not published.
    world.ask(&a, ClientMessage::Unadvertise(vec![ClientChannelId(1)]));
    world.requests();
    a.items();
    world.ask(&a, publish);
    assert_eq!(world.requests(), []);
    assert_eq!(a.texts()[0]["message"], "channel 1 is not advertised");
}

fn call(service: u32, call: u32) -> ServicePayload {
    ServicePayload {
        service: ServiceId(service),
        call: CallId(call),
        encoding: "cdr".into(),
        payload: Bytes::from_static(b"p"),
    }
}

#[test]
fn answers_to_service_calls_find_their_client() {
    let mut world = World::with_robot();
    let (a, b) = (world.client(), world.client());
    world.ask(&a, ClientMessage::ServiceCallRequest(call(7, 1)));
    world.ask(&b, ClientMessage::ServiceCallRequest(call(7, 1)));
    let asked: Vec<_> = [1, 2]
        .map(|id| ClientMessage::ServiceCallRequest(call(7, id)))
        .into();
    assert_eq!(world.requests(), asked);
    a.items();
    b.items();
    world.robot_binary(BinaryMessage::ServiceCallResponse(call(7, 2)));
    world.robot(ServerMessage::ServiceCallFailure {
        service_id: ServiceId(7),
        call_id: CallId(1),
        message: "no".into(),
    });
    assert_eq!(
        b.binaries(),
        [BinaryMessage::ServiceCallResponse(call(7, 1))]
    );
    let failure = json!({"op": "serviceCallFailure", "serviceId": 7, "callId": 1, "message": "no"});
    assert_eq!(a.texts(), [failure]);
    // Nobody waits for a second answer.
    world.robot_binary(BinaryMessage::ServiceCallResponse(call(7, 2)));
    assert_eq!(b.items(), []);
    world.ask(&a, ClientMessage::ServiceCallRequest(call(8, 3)));
    assert_eq!(a.texts()[0]["message"], "there is no service 8");
}

#[test]
fn calls_fail_when_the_robot_leaves_or_cannot_be_asked() {
    let mut world = World::with_robot();
    let client = world.client();
    world.ask(&client, ClientMessage::ServiceCallRequest(call(7, 1)));
    let fetch = ClientMessage::FetchAsset {
        request: AssetRequestId(5),
        uri: "package://a".into(),
    };
    world.ask(&client, fetch.clone());
    let request = world.requests().remove(0);
    client.items();
    world.state.request_refused(request);
    assert!(client.texts()[0]["message"]
        .as_str()
        .unwrap()
        .contains("robot1 cannot be asked"));
    world.state.robot_left("gone");
    let result = Err(RequestFailure::new("the robot is gone"));
    let request = AssetRequestId(5);
    assert_eq!(
        client.binaries(),
        [BinaryMessage::FetchAssetResponse { request, result }]
    );
    world.ask(&client, fetch);
    let request = world.requests().remove(0);
    world.state.request_refused(request);
    assert!(
        matches!(&client.binaries()[0], BinaryMessage::FetchAssetResponse { result: Err(why), .. }
        if why.text().contains("no robot in room lab"))
    );
}
