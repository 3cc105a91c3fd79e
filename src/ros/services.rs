//! Services of the graph, and what is told of them.

use super::change_feed::{Discovered, Offer};
use super::connection_graph::by_node;
use super::error::OfferError;
use super::schema::{Schema, SchemaStore};
use rclrs::{Node, NodeState, RclrsError};
use std::collections::{BTreeMap, BTreeSet};

/// A service with a server and known definitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its full name.
    pub name: String,
    /// Its type, `package/srv/Type`.
    pub type_name: String,
    /// The definition of requests.
    pub request: Schema,
    /// The definition of responses.
    pub response: Schema,
}

/// A change of the services that a watcher's filter lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceEvent {
    /// The service has appeared.
    Added(Service),
    /// The service was added before and has gone. A service whose type changes is removed, then
    /// added.
    Removed {
        /// Its full name.
        name: String,
        /// The type it had.
        type_name: String,
    },
    /// The service cannot be offered. Told once, and again with another reason.
    Problem {
        /// Its full name.
        service: String,
        /// Why.
        reason: OfferError,
    },
    /// The problem of the service is over, or the service has gone. If it can be offered now, it
    /// is added next.
    Solved {
        /// Its full name.
        service: String,
    },
}

impl Offer for Service {
    type Event = ServiceEvent;
    type State = ();

    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn state(&self) {}

    fn added(self) -> ServiceEvent {
        ServiceEvent::Added(self)
    }

    fn changed(self) -> ServiceEvent {
        ServiceEvent::Added(self)
    }

    fn removed(name: &str, type_name: &str) -> ServiceEvent {
        ServiceEvent::Removed {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
        }
    }

    fn problem(name: &str, reason: &OfferError) -> ServiceEvent {
        ServiceEvent::Problem {
            service: name.to_owned(),
            reason: reason.clone(),
        }
    }

    fn solved(name: &str) -> ServiceEvent {
        ServiceEvent::Solved {
            service: name.to_owned(),
        }
    }
}

/// The services that some node serves, of those wanted.
pub(super) fn discover(
    node: &Node,
    schemas: &SchemaStore,
    wanted: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Discovered<Service>>, RclrsError> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    by_node(
        node,
        NodeState::get_service_names_and_types_by_node,
        |_, name, types| {
            if wanted(name) {
                found.entry(name.to_owned()).or_default().extend(types);
            }
        },
    )?;
    Ok(found
        .into_iter()
        .map(|(name, types)| {
            let service = service(schemas, &name, &types);
            (name, service)
        })
        .collect())
}

fn service(schemas: &SchemaStore, name: &str, types: &BTreeSet<String>) -> Discovered<Service> {
    let types: Vec<_> = types.iter().map(String::as_str).collect();
    let [type_name] = types[..] else {
        let types = types.into_iter().map(str::to_owned).collect();
        return Err(OfferError::ServerTypes(types));
    };
    let schema = schemas.service(type_name)?;
    Ok(Service {
        name: name.to_owned(),
        type_name: type_name.to_owned(),
        request: schema.request.clone(),
        response: schema.response.clone(),
    })
}
