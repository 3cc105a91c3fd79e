//! The connection graph: only while somebody watches it, first whole and then what changes.

use remote_access_protocol::server::{GraphUpdate, ServerMessage};
use remote_access_session::{Connections, ParticipantId, Request};

use crate::harness::Harness;

const WATCH: &str = r#"{"op":"subscribeConnectionGraph"}"#;
const UNWATCH: &str = r#"{"op":"unsubscribeConnectionGraph"}"#;

fn updates(harness: &Harness, viewer: u64) -> Vec<GraphUpdate> {
    let messages = harness.messages(viewer).into_iter();
    messages
        .filter_map(|message| match message {
            ServerMessage::ConnectionGraphUpdate(update) => Some(update),
            _ => None,
        })
        .collect()
}

fn graph(topics: &[&str]) -> Connections {
    let mut graph = Connections::default();
    for topic in topics {
        let nodes = ["/node".to_owned()].into();
        graph.published.insert((*topic).to_owned(), nodes);
    }
    graph
}

fn names(update: &GraphUpdate) -> Vec<&str> {
    let published = update.published_topics.iter();
    published.map(|topic| topic.name.as_str()).collect()
}

#[test]
fn it_is_watched_while_somebody_does() {
    let mut harness = Harness::permissive();
    harness.join(1, true);
    harness.join(2, false);
    for id in [1, 2, 1] {
        harness.json(id, WATCH);
    }
    assert_eq!(harness.requests(), [Request::WatchGraph(true)]);
    harness.json(1, UNWATCH);
    assert_eq!(harness.requests(), []);
    harness.leave(2);
    assert_eq!(harness.requests(), [Request::WatchGraph(false)]);
    harness
        .session
        .connection_graph(harness.now, graph(&["/a"]));
    harness.pump();
    assert_eq!(updates(&harness, 1), []);
}

#[test]
fn the_first_update_has_all_and_later_ones_what_changed() {
    let mut harness = Harness::permissive();
    harness.join(1, true);
    harness.json(1, WATCH);
    let now = harness.now;
    harness.session.connection_graph(now, graph(&["/a"]));
    harness.session.connection_graph(now, graph(&["/a", "/b"]));
    harness.session.connection_graph(now, graph(&["/a", "/b"]));
    harness.session.connection_graph(now, graph(&["/b"]));
    harness.pump();
    let first = updates(&harness, 1);
    assert_eq!(first.len(), 3);
    assert_eq!(names(&first[0]), ["/a"]);
    assert_eq!(names(&first[1]), ["/b"]);
    assert_eq!(first[2].removed_topics, ["/a"]);

    harness.join(2, false);
    harness.json(2, WATCH);
    harness.pump();
    assert_eq!(names(&updates(&harness, 2)[0]), ["/b"]);
    assert_eq!(updates(&harness, 1).len(), 3);
}

#[test]
fn a_viewer_that_was_resynced_gets_all_again() {
    let mut harness = Harness::permissive();
    harness.join(1, true);
    harness.json(1, WATCH);
    harness
        .session
        .connection_graph(harness.now, graph(&["/a"]));
    harness.pump();
    harness.forget();
    harness.session.resync(harness.now, ParticipantId(1));
    harness.pump();
    assert_eq!(names(&updates(&harness, 1)[0]), ["/a"]);
    assert_eq!(harness.requests(), [Request::WatchGraph(true)]);
}
