//! Robots among the participants, and the one that is watched.

use livekit::id::{ParticipantIdentity, ParticipantSid};
use livekit::participant::RemoteParticipant;
use remote_access_protocol::{ROLE_ATTRIBUTE, ROLE_ROBOT};

/// Robots that are remembered. A hostile room could hold any number.
const MAX_ROBOTS: usize = 256;

/// A robot in the room.
#[derive(Clone, Debug)]
struct Robot {
    identity: ParticipantIdentity,
    sid: ParticipantSid,
    name: String,
    /// Whether it can receive.
    active: bool,
}

/// The robots of the room in the order of their coming.
#[derive(Debug)]
pub(super) struct Robots {
    wanted: Option<String>,
    robots: Vec<Robot>,
}

impl Robots {
    /// `wanted` is an identity or a name.
    pub(super) fn new(wanted: Option<String>) -> Self {
        Self {
            wanted,
            robots: Vec::new(),
        }
    }

    /// A participant is there, and can receive if it is active.
    pub(super) fn present(&mut self, participant: &RemoteParticipant, active: bool) {
        let identity = participant.identity();
        let role = participant.attributes().get(ROLE_ATTRIBUTE).cloned();
        let known = self.robots.iter().any(|robot| robot.identity == identity);
        if known || role.as_deref() == Some(ROLE_ROBOT) {
            self.put(participant, active);
        }
    }

    /// A participant turns out to be a robot, since it sends as one.
    pub(super) fn is_robot(&mut self, participant: &RemoteParticipant) {
        self.put(participant, true);
    }

    fn put(&mut self, participant: &RemoteParticipant, active: bool) {
        let identity = participant.identity();
        self.insert(Robot {
            sid: participant.sid(),
            name: name(participant.name(), &identity),
            active,
            identity,
        });
    }

    fn insert(&mut self, robot: Robot) {
        let full = self.robots.len() >= MAX_ROBOTS;
        let mut robots = self.robots.iter_mut();
        match robots.find(|known| known.identity == robot.identity) {
            Some(known) if known.sid == robot.sid => known.active |= robot.active,
            Some(known) => *known = robot,
            None if !full => self.robots.push(robot),
            None => {}
        }
    }

    /// A participant is gone.
    pub(super) fn gone(&mut self, identity: &ParticipantIdentity, sid: &ParticipantSid) {
        self.robots
            .retain(|robot| robot.identity != *identity || robot.sid != *sid);
    }

    /// Whether this very participant is still there.
    pub(super) fn is_there(&self, identity: &ParticipantIdentity, sid: &ParticipantSid) -> bool {
        let is = |robot: &Robot| robot.identity == *identity && robot.sid == *sid;
        self.robots.iter().any(is)
    }

    /// The wanted robot, or the first one if any will do, as soon as it can receive.
    pub(super) fn choose(&self) -> Option<(ParticipantIdentity, ParticipantSid, String)> {
        let is_wanted = |robot: &&Robot| match &self.wanted {
            Some(wanted) => robot.identity.as_str() == wanted || robot.name == *wanted,
            None => true,
        };
        let mut active = self.robots.iter().filter(|robot| robot.active);
        let robot = active.find(is_wanted)?;
        Some((
            robot.identity.clone(),
            robot.sid.clone(),
            robot.name.clone(),
        ))
    }

    /// Notice while there is no robot to watch.
    pub(super) fn waiting(&self) -> String {
        // The names are others' choice: they are quoted, and not all of a crowd is listed.
        let robots = self.robots.iter().take(8);
        let names: Vec<_> = robots
            .map(|robot| format!("{:?} (identity {:?})", robot.name, robot.identity.as_str()))
            .collect();
        match &self.wanted {
            Some(wanted) if names.is_empty() => {
                format!("waiting for the robot {wanted:?}: there is no robot in the room yet")
            }
            Some(wanted) => format!(
                "waiting for the robot {wanted:?} (--robot), which is not in the room; there are: {}",
                names.join(", ")
            ),
            None => "waiting for a robot: there is none in the room yet".to_owned(),
        }
    }

    /// Notice if there are several robots, though none was asked for.
    pub(super) fn others(&self, current: Option<&ParticipantIdentity>) -> Option<String> {
        if self.wanted.is_some() || self.robots.len() < 2 {
            return None;
        }
        let names: Vec<_> = self
            .robots
            .iter()
            .map(|robot| robot.identity.as_str())
            .collect();
        Some(format!(
            "several robots are in the room: {}; this is {}; choose with --robot",
            names.join(", "),
            current.map_or("none of them", |identity| identity.as_str()),
        ))
    }
}

fn name(name: String, identity: &ParticipantIdentity) -> String {
    if name.is_empty() {
        identity.to_string()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn robot(identity: &str, sid: &str, active: bool) -> Robot {
        Robot {
            identity: identity.to_owned().into(),
            sid: sid.to_owned().try_into().unwrap(),
            name: format!("{identity} the great"),
            active,
        }
    }

    fn chosen(robots: &Robots) -> Option<String> {
        robots.choose().map(|(identity, ..)| identity.to_string())
    }

    #[test]
    fn the_first_robot_that_can_receive_is_chosen() {
        let mut robots = Robots::new(None);
        assert_eq!(chosen(&robots), None);
        robots.insert(robot("a", "PA_1", false));
        robots.insert(robot("b", "PA_2", true));
        assert_eq!(chosen(&robots).as_deref(), Some("b"));
        robots.insert(robot("a", "PA_1", true));
        assert_eq!(chosen(&robots).as_deref(), Some("a"));
        // What is told late does not make it unable to receive again.
        robots.insert(robot("a", "PA_1", false));
        assert_eq!(chosen(&robots).as_deref(), Some("a"));
        let text = robots.others(Some(&"a".to_owned().into())).unwrap();
        assert!(text.contains("a, b; this is a"), "{text}");
    }

    #[test]
    fn what_is_waited_for_is_told() {
        assert!(Robots::new(None).waiting().contains("there is none"));
        let mut robots = Robots::new(Some("Nobody".to_owned()));
        assert!(robots.waiting().contains("\"Nobody\": there is no robot"));
        robots.insert(robot("a\nb", "PA_1", true));
        let text = robots.waiting();
        assert!(text.contains(r#"there are: "a\nb the great" (identity "a\nb")"#));
        for number in 0..100 {
            robots.insert(robot(&number.to_string(), "PA_2", true));
        }
        assert!(robots.waiting().len() < 500);
    }

    #[test]
    fn the_wanted_robot_is_chosen_by_identity_or_name() {
        for wanted in ["b", "b the great"] {
            let mut robots = Robots::new(Some(wanted.to_owned()));
            robots.insert(robot("a", "PA_1", true));
            assert_eq!(chosen(&robots), None);
            robots.insert(robot("b", "PA_2", true));
            assert_eq!(chosen(&robots).as_deref(), Some("b"));
            assert_eq!(robots.others(None), None);
        }
    }

    #[test]
    fn a_robot_that_returns_is_another() {
        let mut robots = Robots::new(None);
        robots.insert(robot("a", "PA_1", true));
        let (identity, sid, _) = robots.choose().unwrap();
        assert!(robots.is_there(&identity, &sid));
        robots.insert(robot("a", "PA_2", false));
        assert!(!robots.is_there(&identity, &sid));
        assert_eq!(chosen(&robots), None);
        // The end of the first is told late.
        robots.gone(&identity, &sid);
        robots.insert(robot("a", "PA_2", true));
        assert_eq!(chosen(&robots).as_deref(), Some("a"));
    }
}
