//! Parameters of all nodes.
//!
//! Names are those of foxglove_bridge: the node's full name, a dot, the parameter's name. A node
//! that does not answer in time is set aside: it is left out at once from then on, and tried again
//! in the background.

mod error;
mod events;
mod nodes;
mod services;

pub use error::ParameterError;
pub use events::ParameterEntry;

use super::client::{CallError, ServiceClient};
use super::clients::Clients;
use super::error::RosError;
use super::filter::Patterns;
use super::message::RawMessage;
use super::parameter_value::ParameterValue;
use super::subscription::{Subscription, Subscriptions};
use super::take::TakeThread;
use events::changes_of;
use flume::{Receiver, TrySendError};
use futures_util::stream::{self, StreamExt};
use nodes::{nodes_with_parameters, RemoteNode, RemoteNodes};
use serde_json::{json, Value};
use services::{Service, GET, LIST, SET};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tracing::{debug, warn};

/// Nodes that are asked at once.
const AT_ONCE: usize = 16;
/// Requests that are worked on at once; others wait.
const REQUESTS: usize = 8;
/// Parameters that a node is asked for at once: it makes an answer of all their values.
const NAMES_AT_ONCE: usize = 64;
/// Bytes of the values that one request may get: half of what fits a message to a viewer.
const MAX_BYTES: usize = 8 << 20;
/// Batches of changes that may wait for a watcher.
const CHANGES: usize = 256;

const EVENTS: &str = "/parameter_events";
const EVENT_TYPE: &str = "rcl_interfaces/msg/ParameterEvent";

/// The values of parameters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FoundParameters {
    /// Sorted by name.
    pub entries: Vec<ParameterEntry>,
    /// Whether some were left out, because all together have more than 8 MiB.
    pub cut: bool,
}

/// Bytes of values that a request may still get.
struct Budget(AtomicUsize);

impl Budget {
    fn new() -> Self {
        Self(AtomicUsize::new(MAX_BYTES))
    }

    /// Takes this much, if it is there. If not, nothing is any more.
    fn take(&self, bytes: usize) -> bool {
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                Some(left.saturating_sub(bytes))
            });
        taken.is_ok_and(|left| left >= bytes)
    }

    fn is_used_up(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// Gets the changes of parameters. Dropping it ends the subscription to them.
pub struct ParameterWatch {
    /// Changes in order. A deleted parameter is not set.
    pub receiver: Receiver<Vec<ParameterEntry>>,
    _subscription: Subscription,
}

/// Reads and sets the parameters of all nodes. Its futures must run on a tokio runtime.
pub struct ParameterClient {
    clients: Arc<Clients>,
    subscriptions: Arc<Subscriptions>,
    take: Arc<TakeThread>,
    allow: Patterns,
    timeout: Duration,
    nodes: RemoteNodes,
    requests: Semaphore,
}

impl ParameterClient {
    pub(super) fn new(
        clients: Arc<Clients>,
        subscriptions: Arc<Subscriptions>,
        take: Arc<TakeThread>,
        allow: Patterns,
        timeout: Duration,
    ) -> Self {
        Self {
            clients,
            subscriptions,
            take,
            allow,
            timeout,
            nodes: RemoteNodes::default(),
            requests: Semaphore::new(REQUESTS),
        }
    }

    /// The values of parameters, sorted by name; of all if `names` is empty. What does not exist,
    /// is not allowed, has no value, or belongs to a node that does not answer is left out.
    pub async fn get(self: &Arc<Self>, names: Vec<String>) -> FoundParameters {
        // The semaphore is never closed.
        let _permit = self.requests.acquire().await;
        let budget = Arc::new(Budget::new());
        let nodes = self.responsive_nodes().await;
        let mut wanted: BTreeMap<String, Option<Vec<String>>> = BTreeMap::new();
        if names.is_empty() {
            wanted.extend(nodes.keys().map(|node| (node.clone(), None)));
        }
        for name in names {
            if let Some((node, parameter)) = self.split(&name) {
                let of_node = wanted.entry(node).or_insert_with(|| Some(Vec::new()));
                of_node.get_or_insert_default().push(parameter);
            }
        }
        // A node would answer each repetition with the value anew.
        for parameters in wanted.values_mut().flatten() {
            parameters.sort_unstable();
            parameters.dedup();
        }
        let tasks = wanted.into_iter().filter_map(|(node, parameters)| {
            let node = Arc::clone(nodes.get(&node)?);
            let (client, budget) = (Arc::clone(self), Arc::clone(&budget));
            Some(async move { client.get_of(&node, parameters, &budget).await })
        });
        let found: Vec<_> = stream::iter(tasks)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut found: Vec<_> = found.into_iter().flatten().collect();
        found.retain(|entry| entry.value != ParameterValue::NotSet);
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found.dedup_by(|a, b| a.name == b.name);
        FoundParameters {
            entries: found,
            cut: budget.is_used_up(),
        }
    }

    /// Sets parameters, each on its own. Numbers and empty lists take the type that the parameter
    /// has. Returns the outcomes in the order given, with the reasons of the nodes.
    pub async fn set(
        self: &Arc<Self>,
        parameters: Vec<(String, ParameterValue)>,
    ) -> Vec<(String, Result<(), ParameterError>)> {
        let nodes = self.responsive_nodes().await;
        let mut outcomes: Vec<_> = parameters
            .iter()
            .map(|(name, _)| (name.clone(), Err(ParameterError::NoNode)))
            .collect();
        // By node: the places in the list, with the parameters' own names and the values.
        let mut wanted: BTreeMap<String, Vec<(usize, String, ParameterValue)>> = BTreeMap::new();
        for (at, (name, value)) in parameters.into_iter().enumerate() {
            match self.split(&name) {
                Some((node, parameter)) => {
                    wanted.entry(node).or_default().push((at, parameter, value));
                }
                None => outcomes[at].1 = Err(ParameterError::NotAllowed),
            }
        }
        let tasks = wanted.into_iter().filter_map(|(node, parameters)| {
            let node = Arc::clone(nodes.get(&node)?);
            let client = Arc::clone(self);
            Some(async move { client.set_of(&node, parameters).await })
        });
        let done: Vec<_> = stream::iter(tasks)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for (at, outcome) in done.into_iter().flatten() {
            outcomes[at].1 = outcome;
        }
        outcomes
    }

    /// Tells of changes from now on, of the parameters that are allowed.
    ///
    /// # Errors
    /// The middleware refuses the subscription.
    pub fn changes(&self) -> Result<ParameterWatch, RosError> {
        let definition = self.clients.types().message(EVENT_TYPE)?.definition.clone();
        let (sender, receiver) = flume::bounded(CHANGES);
        let allow = self.allow.clone();
        let sink = move |message: RawMessage| {
            let changes = changes_of(&definition, message.payload(), &allow);
            let Some(changes) = changes.filter(|changes| !changes.is_empty()) else {
                return;
            };
            match sender.try_send(changes) {
                Ok(()) | Err(TrySendError::Disconnected(_)) => {}
                Err(TrySendError::Full(_)) => {
                    warn!("changes of parameters are lost: too many at once")
                }
            }
        };
        let subscription =
            self.subscriptions
                .subscribe(&self.take, EVENTS, EVENT_TYPE, Box::new(sink))?;
        Ok(ParameterWatch {
            receiver,
            _subscription: subscription,
        })
    }

    /// Node and parameter of an allowed name. Names of nodes have no dots.
    fn split(&self, name: &str) -> Option<(String, String)> {
        let (node, parameter) = name.split_once('.')?;
        (self.allow.matches(name) && !parameter.is_empty())
            .then(|| (node.to_owned(), parameter.to_owned()))
    }

    /// The nodes with parameter services that are not set aside.
    async fn responsive_nodes(self: &Arc<Self>) -> HashMap<String, Arc<RemoteNode>> {
        let clients = Arc::clone(&self.clients);
        let listed = tokio::task::spawn_blocking(move || nodes_with_parameters(&clients)).await;
        let names = match listed {
            Ok(Ok(names)) => names,
            Ok(Err(problem)) => {
                warn!(error = %problem, "cannot list the nodes");
                return HashMap::new();
            }
            // The runtime is stopping.
            Err(_) => return HashMap::new(),
        };
        let sorted = self.nodes.sort(names);
        for node in sorted.retried {
            let client = Arc::clone(self);
            tokio::spawn(async move { client.list(&node).await });
        }
        let idle = sorted.idle;
        tokio::task::spawn_blocking(move || drop(idle));
        sorted.responsive
    }

    async fn get_of(
        &self,
        node: &RemoteNode,
        parameters: Option<Vec<String>>,
        budget: &Budget,
    ) -> Vec<ParameterEntry> {
        let parameters = match parameters {
            Some(parameters) => Ok(parameters),
            None => self.list(node).await,
        };
        let values = match parameters {
            Ok(parameters) => self.values(node, parameters, budget).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) = &values {
            debug!(node = node.name, error = %problem, "cannot read parameters");
        }
        let entry = |(parameter, value)| ParameterEntry {
            name: format!("{}.{parameter}", node.name),
            value,
        };
        values.unwrap_or_default().into_iter().map(entry).collect()
    }

    async fn set_of(
        &self,
        node: &RemoteNode,
        parameters: Vec<(usize, String, ParameterValue)>,
    ) -> Vec<(usize, Result<(), ParameterError>)> {
        let names = parameters.iter().map(|(_, name, _)| name.clone()).collect();
        let places: Vec<usize> = parameters.iter().map(|(at, _, _)| *at).collect();
        let set = async {
            let present = self.values(node, names, &Budget::new()).await?;
            let present: HashMap<_, _> = present.into_iter().collect();
            let wanted: Vec<_> = parameters
                .into_iter()
                .map(|(_, name, value)| {
                    let present = present.get(&name).unwrap_or(&ParameterValue::NotSet);
                    json!({"value": value.in_type_of(present).to_json(), "name": name})
                })
                .collect();
            self.call(node, SET, json!({ "parameters": wanted })).await
        };
        let results = set.await.map(|mut response| response["results"].take());
        let outcome = |at: usize| match &results {
            Ok(results) => match &results[at] {
                result if result["successful"] == true => Ok(()),
                result => Err(match result["reason"].as_str() {
                    Some(reason) if !reason.is_empty() => {
                        ParameterError::Refused(reason.to_owned())
                    }
                    _ => ParameterError::RefusedSilently,
                }),
            },
            Err(problem) => Err(problem.clone()),
        };
        let places = places.into_iter().enumerate();
        places.map(|(at, place)| (place, outcome(at))).collect()
    }

    /// The names of a node's parameters that are allowed.
    async fn list(&self, node: &RemoteNode) -> Result<Vec<String>, ParameterError> {
        let response = self.call(node, LIST, json!({})).await?;
        let names = response["result"]["names"].as_array();
        Ok(names
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .filter(|name| self.allow.matches(&format!("{}.{name}", node.name)))
            .map(str::to_owned)
            .collect())
    }

    /// The values of a node's parameters, without those that it does not know and those beyond the
    /// budget.
    async fn values(
        &self,
        node: &RemoteNode,
        names: Vec<String>,
        budget: &Budget,
    ) -> Result<Vec<(String, ParameterValue)>, ParameterError> {
        let mut found = Vec::new();
        let mut asked: Vec<_> = names.chunks(NAMES_AT_ONCE).map(<[_]>::to_vec).collect();
        let mut only_known = false;
        while let Some(mut names) = asked.pop() {
            if budget.is_used_up() {
                break;
            }
            let values = match self.read(node, &names).await {
                // Values that are too large for one answer may fit two.
                Err(ParameterError::Call(CallError::BadResponse { .. })) if names.len() > 1 => {
                    let half = names.split_off(names.len() / 2);
                    asked.extend([names, half]);
                    continue;
                }
                read => read?,
            };
            if values.len() == names.len() {
                let values = values.iter().map(ParameterValue::from_json);
                let pairs = names.into_iter().zip(values);
                let pairs = pairs.filter_map(|(name, value)| Some((name, value?)));
                found.extend(
                    pairs.take_while(|(name, value)| budget.take(name.len() + value.size())),
                );
                continue;
            }
            // Nodes give nothing at all if they do not know one of the names, or if one has a type
            // and no value. So without those unknown, then by halves.
            if !only_known {
                let known: HashSet<_> = self.list(node).await?.into_iter().collect();
                asked.push(names);
                for names in &mut asked {
                    names.retain(|name| known.contains(name));
                }
                only_known = true;
            } else if names.len() > 1 {
                let half = names.split_off(names.len() / 2);
                asked.extend([names, half]);
            }
        }
        Ok(found)
    }

    async fn read(
        &self,
        node: &RemoteNode,
        names: &[String],
    ) -> Result<Vec<Value>, ParameterError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut response = self.call(node, GET, json!({ "names": names })).await?;
        match response["values"].take() {
            Value::Array(values) => Ok(values),
            _ => Ok(Vec::new()),
        }
    }

    async fn call(
        &self,
        node: &RemoteNode,
        service: Service,
        request: Value,
    ) -> Result<Value, ParameterError> {
        let client = self.client(node, service).await?;
        let Some(_turn) = node.turn().await else {
            return Err(self.timed_out(node));
        };
        let call = client.call_json(request.to_string().as_bytes());
        match tokio::time::timeout(self.timeout, call).await {
            Ok(Ok(response)) => {
                node.answered();
                serde_json::from_slice(&response)
                    .map_err(|problem| ParameterError::Response(problem.to_string()))
            }
            Ok(Err(problem)) => {
                if matches!(problem, CallError::Unavailable(_) | CallError::Gone(_)) {
                    node.set_aside();
                }
                Err(problem.into())
            }
            Err(_) => {
                node.set_aside();
                Err(self.timed_out(node))
            }
        }
    }

    fn timed_out(&self, node: &RemoteNode) -> ParameterError {
        ParameterError::Timeout {
            node: node.name.clone(),
            timeout: self.timeout,
        }
    }

    async fn client(
        &self,
        node: &RemoteNode,
        service: Service,
    ) -> Result<ServiceClient, ParameterError> {
        if let Some(client) = node.client(service) {
            return Ok(client);
        }
        let clients = Arc::clone(&self.clients);
        let name = format!("{}/{}", node.name, service.0);
        let created = tokio::task::spawn_blocking(move || clients.create(&name, service.1));
        let client = created
            .await
            .map_err(|_| ParameterError::Stopping)?
            .map_err(|problem| ParameterError::Client(problem.to_string()))?;
        node.keep_client(service, client.clone());
        Ok(client)
    }
}
