//! Robots among the participants, and the one that is watched.

use std::time::{Duration, Instant};

use livekit::id::{ParticipantIdentity, ParticipantSid};
use livekit::participant::RemoteParticipant;
use remote_access_protocol::{ROLE_ATTRIBUTE, ROLE_ROBOT};

/// Robots that are remembered. A hostile room could hold any number.
const MAX_ROBOTS: usize = 256;
/// Longest time until the room has told of a robot that sends: several times the server's three
/// seconds.
const MAX_UNTOLD: Duration = Duration::from_secs(10);

/// Names one visit of a robot. Numbers are never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RobotId(u64);

/// A robot in the room.
#[derive(Clone, Debug)]
struct Robot {
    id: RobotId,
    identity: ParticipantIdentity,
    session: Session,
    name: String,
    /// Whether it can receive.
    active: bool,
}

impl Robot {
    /// The room has not told of it yet.
    fn is_untold(&self) -> bool {
        matches!(self.session, Session::Untold(_))
    }
}

/// A robot's session in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Session {
    Told(ParticipantSid),
    /// It has sent something, and the room has to tell of it by then.
    Untold(Instant),
}

/// A robot that is to be watched.
#[derive(Debug)]
pub(super) struct Choice {
    pub id: RobotId,
    pub identity: ParticipantIdentity,
    pub name: String,
    /// The room has told of it.
    pub is_told: bool,
}

impl From<&Robot> for Choice {
    fn from(robot: &Robot) -> Self {
        Self {
            id: robot.id,
            identity: robot.identity.clone(),
            name: robot.name.clone(),
            is_told: !robot.is_untold(),
        }
    }
}

/// The robots of the room in the order of their coming.
#[derive(Debug)]
pub(super) struct Robots {
    wanted: Option<String>,
    robots: Vec<Robot>,
    next: u64,
}

impl Robots {
    /// `wanted` is an identity or a name.
    pub(super) fn new(wanted: Option<String>) -> Self {
        Self {
            wanted,
            robots: Vec::new(),
            next: 0,
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

    /// A participant sends as a robot, and the room has not told of it yet: the server tells of
    /// participants without media every three seconds.
    pub(super) fn is_untold_robot(&mut self, identity: &ParticipantIdentity, now: Instant) {
        if self.robots.iter().all(|robot| robot.identity != *identity) {
            let session = Session::Untold(now + MAX_UNTOLD);
            self.insert(identity.clone(), session, identity.to_string(), true);
        }
    }

    fn put(&mut self, participant: &RemoteParticipant, active: bool) {
        let identity = participant.identity();
        let name = name(participant.name(), &identity);
        self.insert(identity, Session::Told(participant.sid()), name, active);
    }

    fn insert(
        &mut self,
        identity: ParticipantIdentity,
        session: Session,
        name: String,
        active: bool,
    ) {
        let robot = Robot {
            id: RobotId(self.next),
            identity,
            session,
            name,
            active,
        };
        self.next += 1;
        let mut robots = self.robots.iter_mut();
        match robots.find(|known| known.identity == robot.identity) {
            Some(known) if known.session == robot.session => known.active |= active,
            Some(known) if known.is_untold() => {
                known.session = robot.session;
                known.name = robot.name;
            }
            Some(known) => *known = robot,
            None => self.add(robot),
        }
    }

    /// Adds one that is not known. Robots that the room tells of come before those that say so
    /// themselves.
    fn add(&mut self, robot: Robot) {
        if self.robots.len() >= MAX_ROBOTS && !robot.is_untold() {
            if let Some(index) = self.robots.iter().position(Robot::is_untold) {
                self.robots.remove(index);
            }
        }
        if self.robots.len() < MAX_ROBOTS {
            self.robots.push(robot);
        }
    }

    /// A participant is gone.
    pub(super) fn gone(&mut self, identity: &ParticipantIdentity, sid: &ParticipantSid) {
        let is_gone = |robot: &Robot| match &robot.session {
            Session::Told(told) => told == sid,
            Session::Untold(_) => true,
        };
        self.robots
            .retain(|robot| robot.identity != *identity || !is_gone(robot));
    }

    /// Forgets robots that the room should have told of by now, and answers whether there were any.
    pub(super) fn forget_overdue(&mut self, now: Instant) -> bool {
        let before = self.robots.len();
        self.robots
            .retain(|robot| !matches!(robot.session, Session::Untold(until) if until <= now));
        self.robots.len() < before
    }

    /// A robot that was chosen, if it is still there.
    pub(super) fn get(&self, id: RobotId) -> Option<Choice> {
        let robot = self.robots.iter().find(|robot| robot.id == id)?;
        Some(robot.into())
    }

    /// The wanted robot, or the first one if any will do, as soon as it can receive.
    pub(super) fn choose(&self) -> Option<Choice> {
        let is_wanted = |robot: &&Robot| match &self.wanted {
            Some(wanted) => robot.identity.as_str() == wanted || robot.name == *wanted,
            None => true,
        };
        let mut active = self.robots.iter().filter(|robot| robot.active);
        let robot = active.find(is_wanted)?;
        Some(robot.into())
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

    fn insert(robots: &mut Robots, identity: &str, sid: &str, active: bool) {
        let session = Session::Told(sid.to_owned().try_into().unwrap());
        let name = format!("{identity} the great");
        robots.insert(identity.to_owned().into(), session, name, active);
    }

    fn gone(robots: &mut Robots, identity: &str, sid: &str) {
        robots.gone(
            &identity.to_owned().into(),
            &sid.to_owned().try_into().unwrap(),
        );
    }

    fn chosen(robots: &Robots) -> Option<String> {
        robots.choose().map(|choice| choice.identity.to_string())
    }

    #[test]
    fn the_first_robot_that_can_receive_is_chosen() {
        let mut robots = Robots::new(None);
        assert_eq!(chosen(&robots), None);
        insert(&mut robots, "a", "PA_1", false);
        insert(&mut robots, "b", "PA_2", true);
        assert_eq!(chosen(&robots).as_deref(), Some("b"));
        insert(&mut robots, "a", "PA_1", true);
        assert_eq!(chosen(&robots).as_deref(), Some("a"));
        // What is told late does not make it unable to receive again.
        insert(&mut robots, "a", "PA_1", false);
        assert_eq!(chosen(&robots).as_deref(), Some("a"));
        let text = robots.others(Some(&"a".to_owned().into())).unwrap();
        assert!(text.contains("a, b; this is a"), "{text}");
    }

    #[test]
    fn what_is_waited_for_is_told() {
        assert!(Robots::new(None).waiting().contains("there is none"));
        let mut robots = Robots::new(Some("Nobody".to_owned()));
        assert!(robots.waiting().contains("\"Nobody\": there is no robot"));
        insert(&mut robots, "a\nb", "PA_1", true);
        let text = robots.waiting();
        assert!(text.contains(r#"there are: "a\nb the great" (identity "a\nb")"#));
        for number in 0..100 {
            insert(&mut robots, &number.to_string(), "PA_2", true);
        }
        assert!(robots.waiting().len() < 500);
    }

    #[test]
    fn the_wanted_robot_is_chosen_by_identity_or_name() {
        for wanted in ["b", "b the great"] {
            let mut robots = Robots::new(Some(wanted.to_owned()));
            insert(&mut robots, "a", "PA_1", true);
            assert_eq!(chosen(&robots), None);
            insert(&mut robots, "b", "PA_2", true);
            assert_eq!(chosen(&robots).as_deref(), Some("b"));
            assert_eq!(robots.others(None), None);
        }
    }

    #[test]
    fn a_robot_that_returns_is_another() {
        let mut robots = Robots::new(None);
        insert(&mut robots, "a", "PA_1", true);
        let first = robots.choose().unwrap().id;
        assert!(robots.get(first).is_some());
        insert(&mut robots, "a", "PA_2", false);
        assert!(robots.get(first).is_none());
        assert_eq!(chosen(&robots), None);
        // The end of the first is told late.
        gone(&mut robots, "a", "PA_1");
        insert(&mut robots, "a", "PA_2", true);
        assert_eq!(chosen(&robots).as_deref(), Some("a"));
    }

    #[test]
    fn a_robot_that_sends_before_the_room_tells_of_it_is_the_same_then() {
        let start = Instant::now();
        let mut robots = Robots::new(Some("a".to_owned()));
        robots.is_untold_robot(&"a".to_owned().into(), start);
        let choice = robots.choose().unwrap();
        assert!(!choice.is_told);
        let first = choice.id;
        // What it sends next, and what the room tells, changes nothing.
        robots.is_untold_robot(&"a".to_owned().into(), start + MAX_UNTOLD / 2);
        insert(&mut robots, "a", "PA_1", false);
        assert!(!robots.forget_overdue(start + MAX_UNTOLD));
        let choice = robots.get(first).unwrap();
        assert_eq!(
            (choice.name.as_str(), choice.is_told),
            ("a the great", true)
        );
        gone(&mut robots, "a", "PA_1");
        assert!(robots.get(first).is_none());
    }

    #[test]
    fn robots_that_the_room_does_not_tell_of_keep_no_other_out() {
        let now = Instant::now();
        let mut robots = Robots::new(Some("a".to_owned()));
        for number in 0..MAX_ROBOTS {
            robots.is_untold_robot(&format!("liar {number}").into(), now);
        }
        insert(&mut robots, "a", "PA_1", true);
        assert_eq!(chosen(&robots).as_deref(), Some("a"));
        assert_eq!(robots.robots.len(), MAX_ROBOTS);
    }

    #[test]
    fn a_robot_that_leaves_before_the_room_tells_of_it_is_gone() {
        let mut robots = Robots::new(None);
        robots.is_untold_robot(&"a".to_owned().into(), Instant::now());
        gone(&mut robots, "a", "PA_1");
        assert_eq!(chosen(&robots), None);
    }

    #[test]
    fn a_robot_that_the_room_never_tells_of_is_forgotten() {
        let start = Instant::now();
        let mut robots = Robots::new(None);
        robots.is_untold_robot(&"a".to_owned().into(), start);
        assert!(!robots.forget_overdue(start + MAX_UNTOLD / 2));
        assert_eq!(chosen(&robots).as_deref(), Some("a"));
        assert!(robots.forget_overdue(start + MAX_UNTOLD));
        assert_eq!(chosen(&robots), None);
    }
}
