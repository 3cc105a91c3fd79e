//! The LiveKit side: joins the room, finds the robot in it, and connects it with the hub.

mod early;
mod link;
mod robots;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use livekit::id::ParticipantIdentity;
use livekit::participant::{Participant, ParticipantState};
use livekit::{ByteStreamReader, DisconnectReason, Room, RoomEvent, StreamReader};
use remote_access_protocol::{ROLE_ATTRIBUTE, ROLE_ROBOT, TOPIC};
use remote_access_room::{close, Endpoint, RoomConnector, Uplink, UplinkOptions};
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::{error, info, warn};

use crate::hub::Hub;

use early::Early;
use link::Link;
use robots::Robots;

/// Time between two looks at whether the robot answers.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Time without a robot until people are told what is waited for. A robot that is there is found in
/// a moment.
const PATIENCE: Duration = Duration::from_secs(3);

/// Stays in the room until `stop` is ready, then leaves it. Comes back after every interruption.
///
/// `wanted` is the identity or the name of the robot; `None`: the first one that is there.
/// `uplink` says how our streams to it are.
pub async fn run(
    endpoint: Endpoint,
    wanted: Option<String>,
    uplink: UplinkOptions,
    hub: Arc<Hub>,
    stop: impl Future<Output = ()>,
) {
    tokio::pin!(stop);
    let connector = RoomConnector::new(endpoint);
    loop {
        let (room, events) = tokio::select! {
            biased;
            () = &mut stop => return,
            joined = connector.join() => joined,
        };
        info!(room = room.name(), identity = %room.local_participant().identity(), "joined the room");
        let mut visit = Visit {
            connector: connector.clone(),
            room: Arc::new(room),
            uplink: uplink.clone(),
            hub: Arc::clone(&hub),
            robots: Robots::new(wanted.clone()),
            early: Early::default(),
            link: None,
            may_send: true,
            alone_since: Some(Instant::now()),
        };
        let stopped = visit.stay(events, &mut stop).await;
        drop(visit.link.take());
        if stopped {
            hub.robot_left("this program ends");
            close(visit.room).await;
            return;
        }
        hub.robot_left("the connection to the LiveKit server is lost");
        tokio::spawn(close(visit.room));
    }
}

/// One connection to the room.
struct Visit {
    connector: RoomConnector,
    room: Arc<Room>,
    uplink: UplinkOptions,
    hub: Arc<Hub>,
    robots: Robots,
    early: Early,
    link: Option<Link>,
    /// Whether the server passes on what we send.
    may_send: bool,
    /// Since when there is no robot, until that is told.
    alone_since: Option<Instant>,
}

impl Visit {
    /// Returns `true` if it was told to stop, `false` if the connection is over.
    async fn stay(
        &mut self,
        mut events: UnboundedReceiver<RoomEvent>,
        stop: &mut (impl Future<Output = ()> + Unpin),
    ) -> bool {
        for participant in self.room.remote_participants().into_values() {
            let active = participant.state() == ParticipantState::Active;
            self.robots.present(&participant, active);
        }
        self.choose();
        let mut checks = tokio::time::interval(CHECK_INTERVAL);
        checks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = &mut *stop => return true,
                event = events.recv() => {
                    let Some(event) = event else { return false };
                    if !self.event(event) {
                        return false;
                    }
                }
                _ = checks.tick() => {
                    self.tell_waiting();
                    if self.robots.forget_overdue(Instant::now()) {
                        self.choose();
                    }
                    if let Some(link) = &mut self.link {
                        link.check();
                    }
                }
            }
        }
    }

    /// Returns `false` if the connection is over.
    fn event(&mut self, event: RoomEvent) -> bool {
        match event {
            RoomEvent::ParticipantConnected(participant) => {
                self.robots.present(&participant, false);
                self.choose();
            }
            RoomEvent::ParticipantActive(participant) => {
                self.robots.present(&participant, true);
                self.choose();
            }
            RoomEvent::ParticipantDisconnected(participant) => {
                let identity = participant.identity();
                self.robots.gone(&identity, &participant.sid());
                self.early.forget(&identity);
                self.choose();
            }
            RoomEvent::ByteStreamOpened {
                reader,
                topic,
                participant_identity,
            } if topic == TOPIC => {
                if let Some(reader) = reader.take() {
                    self.stream(&participant_identity, reader);
                }
            }
            RoomEvent::ParticipantPermissionChanged {
                participant: Participant::Local(_),
                permission,
            } => self.permission(permission.is_none_or(|each| each.can_publish_data)),
            RoomEvent::TokenRefreshed { token } => self.connector.token_refreshed(token),
            RoomEvent::Reconnecting => info!("connection interrupted, reconnecting"),
            RoomEvent::Reconnected => {
                info!("reconnected");
                // Something may have been lost on the way.
                if let Some(link) = &mut self.link {
                    link.resync("the connection was interrupted");
                }
            }
            RoomEvent::Disconnected {
                reason: DisconnectReason::DuplicateIdentity,
            } => {
                error!(
                    "another participant joined with this program's identity, which ended the \
                     connection: give each its own (--identity, or its token)"
                );
                return false;
            }
            RoomEvent::Disconnected { reason } => {
                warn!(?reason, "disconnected from the room");
                return false;
            }
            _ => {}
        }
        true
    }

    /// The server passes on what we send, or does so no more.
    fn permission(&mut self, may_send: bool) {
        if std::mem::replace(&mut self.may_send, may_send) == may_send {
            return;
        }
        if !may_send {
            warn!(
                "the LiveKit server passes on nothing of what this program sends (canPublishData)"
            );
            return;
        }
        info!("the LiveKit server passes on again what this program sends");
        // What was sent in between is lost: the robot is asked for everything again.
        if let Some(link) = self.link.take() {
            let why = format!("{} could not be asked", link.name());
            self.hub.robot_left(&why);
        }
        self.choose();
    }

    fn stream(&mut self, identity: &ParticipantIdentity, reader: ByteStreamReader) {
        let role = reader.info().attributes().get(ROLE_ATTRIBUTE).cloned();
        // A participant that hides from the room has no identity here.
        let is_robot = role.as_deref() == Some(ROLE_ROBOT) && !identity.as_str().is_empty();
        if is_robot {
            // It sends, so that it is there, whatever the room has told so far.
            match self.room.remote_participants().get(identity) {
                Some(participant) => self.robots.is_robot(participant),
                None => self.robots.is_untold_robot(identity, Instant::now()),
            }
            self.choose();
        }
        match &mut self.link {
            Some(link) if link.identity() == identity => link.read(reader),
            // The room may tell of the robot in a moment.
            None if is_robot => self.early.keep(identity, reader),
            _ => self.early.miss(identity, reader),
        }
    }

    /// Says once what is waited for.
    fn tell_waiting(&mut self) {
        let alone = self.alone_since.filter(|_| self.link.is_none());
        if alone.is_some_and(|since| since.elapsed() >= PATIENCE) {
            self.alone_since = None;
            warn!("{}", self.robots.waiting());
        }
    }

    /// Stays with the robot while it is there, else takes another.
    fn choose(&mut self) {
        let current = self.link.as_mut();
        if let Some((robot, link)) = current.and_then(|it| Some((self.robots.get(it.id())?, it))) {
            link.update(robot);
            let others = self.robots.others(Some(link.identity()));
            self.hub.notice("robots", others);
            return;
        }
        if let Some(link) = self.link.take() {
            info!(robot = link.name(), "the robot left");
            self.alone_since = Some(Instant::now());
            self.hub.robot_left(&format!("{} has left", link.name()));
        }
        if let Some(robot) = self.robots.choose() {
            let identity = robot.identity.clone();
            info!(robot = robot.name, %identity, "found the robot");
            let others = self.robots.others(Some(&identity));
            self.hub.notice("robots", others);
            let (streams, missed) = self.early.take(&identity);
            let (room, hub) = (Arc::clone(&self.room), Arc::clone(&self.hub));
            let uplink = Uplink::open(room, identity, self.uplink.clone());
            let mut link = Link::new(uplink, robot, hub);
            for stream in streams {
                link.read(stream);
            }
            if missed {
                link.resync("its first streams were not read");
            }
            self.link = Some(link);
        }
    }
}
