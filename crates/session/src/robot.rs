//! Facts about the robot that participants are told beside its channels.

use std::collections::BTreeMap;

use bytes::Bytes;
use remote_access_protocol::capability::Capability;
use remote_access_protocol::server::{ServerMessage, StatusLevel};

use crate::permission::{Action, Permission};
use crate::requests::request::Encoding;
use crate::status::{status, withdraw};

/// Description of the robot, which participants get first.
#[derive(Clone, Debug, Default)]
pub struct RobotInfo {
    /// The robot's name, shown to people.
    pub name: String,
    /// Facts about the robot.
    pub metadata: BTreeMap<String, String>,
    /// Differs from one start of the robot's process to the next.
    pub session_id: String,
    /// Whether the robot's time is not that of a wall clock, see [`Session::time`](crate::Session).
    pub simulated_time: bool,
}

/// Subject of a problem of the robot. Those who do not see it are not told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A topic.
    Topic(String),
    /// A service.
    Service(String),
    /// A topic that is offered in another encoding.
    Encoding(String),
}

impl Subject {
    /// The id of the status that tells of it.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Topic(topic) => format!("topic-{topic}"),
            Self::Service(service) => format!("service-{service}"),
            Self::Encoding(topic) => format!("encoding-{topic}"),
        }
    }

    /// Whether somebody sees it.
    pub(crate) fn is_seen_by(&self, permission: &Permission) -> bool {
        match self {
            Self::Topic(topic) | Self::Encoding(topic) => {
                permission.check(Action::See { topic }).is_ok()
            }
            Self::Service(service) => permission.rights.sees_service(service),
        }
    }
}

/// The robot, its time and its problems.
#[derive(Debug)]
pub(crate) struct Robot {
    info: RobotInfo,
    /// The latest simulated time, in nanoseconds.
    time: Option<u64>,
    /// Problems that participants are told about, by their subjects.
    problems: BTreeMap<Subject, (StatusLevel, String)>,
}

impl Robot {
    pub(crate) fn new(info: RobotInfo) -> Self {
        Self {
            info,
            time: None,
            problems: BTreeMap::new(),
        }
    }

    /// The serverInfo message for a participant.
    pub(crate) fn server_info(&self, permission: &Permission) -> Option<Bytes> {
        let capabilities = permission.announced(self.info.simulated_time);
        let encoded = [Capability::ClientPublish, Capability::Services];
        let supported_encodings = if encoded.iter().any(|each| capabilities.contains(each)) {
            Encoding::ALL.map(|each| each.name().to_owned()).to_vec()
        } else {
            Vec::new()
        };
        let server_info = ServerMessage::ServerInfo {
            name: self.info.name.clone(),
            capabilities,
            supported_encodings,
            metadata: self.info.metadata.clone(),
            session_id: self.info.session_id.clone(),
        };
        server_info.frame()
    }

    /// Takes the time in nanoseconds, and returns it if it is simulated. It is kept for later
    /// participants, since a simulation may stand still.
    pub(crate) fn set_time(&mut self, time: u64) -> Option<u64> {
        if self.info.simulated_time {
            self.time = Some(time);
        }
        self.time
    }

    /// The latest simulated time, in nanoseconds.
    pub(crate) fn time(&self) -> Option<u64> {
        self.time
    }

    /// Notes a problem, or its end. Returns what participants are told.
    pub(crate) fn set_problem(
        &mut self,
        about: Subject,
        problem: Option<(StatusLevel, String)>,
    ) -> Option<Bytes> {
        let id = about.id();
        match problem {
            Some((level, text)) => {
                self.problems.insert(about, (level, text.clone()));
                status(level, text, id)
            }
            None => self.problems.remove(&about).and_then(|_| withdraw(id)),
        }
    }

    /// The texts of the problems by their ids.
    pub(crate) fn problems(&self) -> BTreeMap<String, String> {
        let problems = self.problems.iter();
        problems
            .map(|(about, (_, text))| (about.id(), text.clone()))
            .collect()
    }

    /// Status messages of all problems that somebody sees.
    pub(crate) fn problem_frames(&self, permission: &Permission) -> Vec<Bytes> {
        let problems = self.problems.iter();
        problems
            .filter(|(about, _)| about.is_seen_by(permission))
            .filter_map(|(about, (level, text))| status(*level, text.clone(), about.id()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission::{Policy, Rights};

    #[test]
    fn time_is_told_only_if_it_is_simulated() {
        for simulated_time in [false, true] {
            let mut robot = Robot::new(RobotInfo {
                simulated_time,
                ..RobotInfo::default()
            });
            assert_eq!(robot.set_time(5), simulated_time.then_some(5));
            assert_eq!(robot.time(), simulated_time.then_some(5));
        }
    }

    #[test]
    fn a_problem_is_told_to_later_ones_until_it_is_over() {
        let mut robot = Robot::new(RobotInfo::default());
        let problem = Some((StatusLevel::Error, "it is cold".to_owned()));
        let all = Permission::new(Policy::default(), Rights::all());
        let cold = || Subject::Topic("/cold".to_owned());
        assert!(robot.set_problem(cold(), problem).is_some());
        assert_eq!(robot.problem_frames(&all).len(), 1);
        assert!(robot.problem_frames(&Permission::none()).is_empty());
        assert!(robot.set_problem(cold(), None).is_some());
        assert!(robot.set_problem(cold(), None).is_none());
        assert!(robot.problem_frames(&all).is_empty());
        let permission = Permission::none();
        assert!(robot.server_info(&permission).is_some());
    }
}
