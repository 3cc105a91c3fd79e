//! Parameters: requests of clients about them, and who watches which.

use std::collections::BTreeSet;

use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::parameter::Parameter;
use remote_access_protocol::server::ServerMessage;

use super::requests::MAX_PENDING;
use super::{ClientId, State};

/// Parameters that one client may watch by name.
const MAX_PARAMETERS: usize = 10_000;

impl State {
    pub(super) fn get_parameters(
        &mut self,
        client: ClientId,
        names: Vec<String>,
        request: Option<String>,
    ) {
        if let Some(id) = self.parameter_request(client, request) {
            let id = Some(id);
            self.requests
                .push(ClientMessage::GetParameters { names, id });
        }
    }

    pub(super) fn set_parameters(
        &mut self,
        client: ClientId,
        parameters: Vec<Parameter>,
        request: Option<String>,
    ) {
        // Without an id no answer is wanted.
        let id = match request {
            Some(request) => match self.parameter_request(client, Some(request)) {
                Some(id) => Some(id),
                None => return,
            },
            None => None,
        };
        self.requests
            .push(ClientMessage::SetParameters { parameters, id });
    }

    /// The id under which the robot is asked, unless too many requests wait.
    fn parameter_request(&mut self, client: ClientId, request: Option<String>) -> Option<String> {
        if self.pending.parameters.len() >= MAX_PENDING {
            let text = format!("{MAX_PENDING} requests for parameters are waiting already");
            self.refuse(client, "parameters", text);
            return None;
        }
        let id = self.pending.number().to_string();
        self.pending
            .parameters
            .insert(id.clone(), (client, request));
        Some(id)
    }

    pub(super) fn parameter_values(&mut self, parameters: Vec<Parameter>, id: Option<String>) {
        if let Some(id) = id {
            if let Some((client, id)) = self.pending.parameters.remove(&id) {
                self.tell(client, &ServerMessage::ParameterValues { parameters, id });
            }
            return;
        }
        for (&id, client) in &self.clients {
            let watched = |parameter: &&Parameter| client.parameters.contains(&parameter.name);
            let parameters: Vec<_> = parameters.iter().filter(watched).cloned().collect();
            if !parameters.is_empty() {
                let update = ServerMessage::ParameterValues {
                    parameters,
                    id: None,
                };
                self.tell(id, &update);
            }
        }
    }

    pub(super) fn watch_parameters(&mut self, id: ClientId, names: Vec<String>) {
        let watched = |name: &str| {
            let mut clients = self.clients.values();
            clients.any(|client| client.parameters.contains(name))
        };
        if names.is_empty() {
            let first = !self.clients.values().any(|client| client.parameters.all);
            if let Some(client) = self.clients.get_mut(&id) {
                client.parameters.all = true;
            }
            if first {
                self.requests
                    .push(ClientMessage::SubscribeParameterUpdates(Vec::new()));
            }
            return;
        }
        let new: Vec<_> = names
            .iter()
            .filter(|name| !watched(name))
            .cloned()
            .collect();
        if let Some(client) = self.clients.get_mut(&id) {
            for name in names {
                if client.parameters.names.len() < MAX_PARAMETERS {
                    client.parameters.names.insert(name);
                }
            }
        }
        if !new.is_empty() {
            self.requests
                .push(ClientMessage::SubscribeParameterUpdates(new));
        }
    }

    /// Ends a client's watch of parameters; of all if `names` is empty.
    pub(super) fn unwatch_parameters(&mut self, id: ClientId, names: &[String]) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let watched = &mut client.parameters;
        let mut ended: Vec<String> = Vec::new();
        let mut all_ended = false;
        if names.is_empty() {
            all_ended = std::mem::take(&mut watched.all);
            ended.extend(std::mem::take(&mut watched.names));
        } else {
            let removed = |name: &&String| watched.names.remove(*name);
            ended.extend(names.iter().filter(removed).cloned());
        }
        if self.clients.values().any(|client| client.parameters.all) {
            return;
        }
        if all_ended {
            // To the robot it is the end of those with a name as well.
            self.requests
                .push(ClientMessage::UnsubscribeParameterUpdates(Vec::new()));
            self.ask_for_parameters();
            return;
        }
        let clients = &self.clients;
        ended.retain(|name| {
            let mut clients = clients.values();
            !clients.any(|client| client.parameters.names.contains(name))
        });
        if !ended.is_empty() {
            self.requests
                .push(ClientMessage::UnsubscribeParameterUpdates(ended));
        }
    }

    /// Asks the robot for changes of all parameters that clients watch.
    pub(super) fn ask_for_parameters(&mut self) {
        let clients = || self.clients.values().map(|client| &client.parameters);
        if clients().any(|watched| watched.all) {
            self.requests
                .push(ClientMessage::SubscribeParameterUpdates(Vec::new()));
            return;
        }
        let names: BTreeSet<_> = clients()
            .flat_map(|watched| &watched.names)
            .cloned()
            .collect();
        if !names.is_empty() {
            let names = names.into_iter().collect();
            self.requests
                .push(ClientMessage::SubscribeParameterUpdates(names));
        }
    }
}
