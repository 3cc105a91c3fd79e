//! Answers on their way to the driver.

use flume::Sender;

use crate::driver::{Answer, Command};

/// Gives answers to the driver, which takes them at once, whatever the viewers do.
#[derive(Clone)]
pub(super) struct Answers(Sender<Command>);

impl Answers {
    pub(super) fn new(commands: Sender<Command>) -> Self {
        Self(commands)
    }

    /// For threads. The driver is gone only at the end; then nobody waits for the answer.
    pub(super) fn give(&self, answer: Answer) {
        let _ = self.0.send(Command::Answer(answer));
    }

    /// For tasks, as [`Self::give`].
    pub(super) async fn give_async(&self, answer: Answer) {
        let _ = self.0.send_async(Command::Answer(answer)).await;
    }

    /// Tells the driver about a change of what the robot offers.
    pub(super) fn command(&self, command: Command) {
        let _ = self.0.send(command);
    }
}
