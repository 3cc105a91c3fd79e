//! Takes what viewers ask for and has it done: at once, or by a task if it may take time.

use flume::{Receiver, Selector};

use super::publishing::Publishing;
use crate::session::Request;

/// Runs on a thread of its own until the driver is gone and its last request is done.
pub(super) struct Desk {
    pub publishing: Publishing,
}

enum Wake {
    Request(Request),
    Time,
    Stop,
}

impl Desk {
    pub fn run(mut self, requests: &Receiver<Request>) {
        loop {
            let deadline = self.publishing.end_idle();
            let selector = Selector::new().recv(requests, |request| {
                request.map_or(Wake::Stop, Wake::Request)
            });
            let wake = match deadline {
                Some(deadline) => selector.wait_deadline(deadline).unwrap_or(Wake::Time),
                None => selector.wait(),
            };
            match wake {
                Wake::Stop => return self.publishing.finish(),
                Wake::Request(request) => self.request(request),
                Wake::Time => {}
            }
        }
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::Advertise {
                key,
                topic,
                type_name,
                encoding,
            } => self.publishing.advertise(key, topic, type_name, encoding),
            Request::Publish { key, message } => self.publishing.publish(key, &message),
            Request::Stop { key } => self.publishing.stop(key),
            Request::Unadvertise { key } => self.publishing.unadvertise(key),
            _ => {}
        }
    }
}
