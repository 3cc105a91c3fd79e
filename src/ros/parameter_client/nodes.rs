//! The nodes that have parameters, and which of them answer.

use super::super::client::ServiceClient;
use super::super::clients::Clients;
use super::super::connection_graph::by_node;
use super::services::{Service, LIST};
use parking_lot::Mutex;
use rclrs::{NodeState, RclrsError};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::MutexGuard;
use tracing::{info, warn};

/// Time until a node that was set aside is tried again: at first, and at most, twice as long
/// each time. One that has only restarted is back soon.
const ASIDE: Duration = Duration::from_secs(2);
const ASIDE_MAX: Duration = Duration::from_secs(30);
/// Time for which the clients of an unused node are kept. Each costs the middleware two
/// endpoints.
const IDLE: Duration = Duration::from_secs(60);

/// A node with parameter services.
pub(super) struct RemoteNode {
    pub name: String,
    state: Mutex<RemoteState>,
    /// Held by who asks it something, so that it makes one answer at a time.
    turn: tokio::sync::Mutex<()>,
}

struct RemoteState {
    clients: HashMap<Service, ServiceClient>,
    /// When it was asked last.
    used: Instant,
    /// Set if it has not answered since it failed to.
    set_aside: Option<SetAside>,
}

/// Since when a node is set aside, and for how long.
struct SetAside {
    since: Instant,
    pause: Duration,
}

impl RemoteNode {
    fn new(name: &str, now: Instant) -> Self {
        Self {
            name: name.to_owned(),
            state: Mutex::new(RemoteState {
                clients: HashMap::new(),
                used: now,
                set_aside: None,
            }),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Waits until nobody else asks it anything. `None` if it was set aside meanwhile.
    pub(super) async fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        if let Ok(turn) = self.turn.try_lock() {
            return Some(turn);
        }
        let turn = self.turn.lock().await;
        self.state.lock().set_aside.is_none().then_some(turn)
    }

    /// The client of one of its services, if there is one already. It is used now.
    pub(super) fn client(&self, service: Service) -> Option<ServiceClient> {
        let mut state = self.state.lock();
        state.used = Instant::now();
        state.clients.get(&service).cloned()
    }

    pub(super) fn keep_client(&self, service: Service, client: ServiceClient) {
        self.state.lock().clients.insert(service, client);
    }

    pub(super) fn answered(&self) {
        if self.state.lock().set_aside.take().is_some() {
            info!(
                node = self.name,
                "the node answers for its parameters again"
            );
        }
    }

    /// Sets it aside, since it did not answer.
    pub(super) fn set_aside(&self) {
        let mut state = self.state.lock();
        let before = state.set_aside.take().map(|before| before.pause);
        state.set_aside = Some(SetAside {
            since: Instant::now(),
            pause: before.map_or(ASIDE, |pause| (pause * 2).min(ASIDE_MAX)),
        });
        drop(state);
        if before.is_none() {
            warn!(
                node = self.name,
                "the node does not answer for its parameters and is set aside"
            );
        }
    }
}

/// The nodes that are known.
#[derive(Default)]
pub(super) struct RemoteNodes(Mutex<HashMap<String, Arc<RemoteNode>>>);

/// The nodes as they are to be dealt with now.
#[derive(Default)]
pub(super) struct Sorted {
    /// Those to be asked, by name.
    pub responsive: HashMap<String, Arc<RemoteNode>>,
    /// Those that were set aside and are to be tried again, beside.
    pub retried: Vec<Arc<RemoteNode>>,
    /// Clients that nobody has used for long. Ending them takes the middleware a while.
    pub idle: Vec<ServiceClient>,
}

impl RemoteNodes {
    /// Forgets the nodes that are gone, and sorts those that are there.
    pub(super) fn sort(&self, names: HashSet<String>) -> Sorted {
        let now = Instant::now();
        let mut sorted = Sorted::default();
        let mut nodes = self.0.lock();
        nodes.retain(|name, _| names.contains(name));
        for name in names {
            let node = nodes
                .entry(name.clone())
                .or_insert_with(|| Arc::new(RemoteNode::new(&name, now)));
            let mut state = node.state.lock();
            if now.duration_since(state.used) > IDLE {
                let clients = state.clients.drain();
                sorted.idle.extend(clients.map(|(_, client)| client));
            }
            match &mut state.set_aside {
                None => {
                    sorted.responsive.insert(name, Arc::clone(node));
                }
                Some(aside) if now.duration_since(aside.since) > aside.pause => {
                    aside.since = now;
                    sorted.retried.push(Arc::clone(node));
                }
                Some(_) => {}
            }
        }
        sorted
    }
}

/// Full names of the nodes that list their parameters.
pub(super) fn nodes_with_parameters(clients: &Clients) -> Result<HashSet<String>, RclrsError> {
    let mut found = HashSet::new();
    by_node(
        clients.node(),
        NodeState::get_service_names_and_types_by_node,
        |node, service, _| {
            let own = service
                .strip_prefix(node)
                .and_then(|rest| rest.strip_prefix('/'));
            if own == Some(LIST.0) {
                found.insert(node.to_owned());
            }
        },
    )?;
    Ok(found)
}
