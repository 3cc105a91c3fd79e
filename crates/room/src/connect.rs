//! Joining the room, however long it takes.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use livekit::rtc_engine::EngineError;
use livekit::{Room, RoomError, RoomEvent, RoomOptions};
use livekit_signaling::SignalError;
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::{debug, error, info, warn};

use crate::reconnect::ReconnectPolicy;
use crate::token::TokenSource;

/// Longest time that one attempt to connect may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest time for leaving a room, whose server may be gone.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(700);

/// Where and how a participant connects.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// URL of the LiveKit server, `ws://` or `wss://`.
    pub url: String,
    /// Where the token comes from.
    pub token: TokenSource,
}

/// Joins a room, and joins it again when the connection is over.
///
/// The first attempt is made at once. The next ones come after growing delays of 0.5 to 15 s with
/// jitter, until a connection has held for 30 s.
#[derive(Clone, Debug)]
pub struct RoomConnector {
    endpoint: Arc<Endpoint>,
    policy: Arc<Mutex<ReconnectPolicy>>,
}

impl RoomConnector {
    /// A connector for one participant.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint: Arc::new(endpoint),
            policy: Arc::default(),
        }
    }

    /// Joins the room, however long it takes. To be called again when that connection is over.
    pub fn join(
        &self,
    ) -> impl Future<Output = (Room, UnboundedReceiver<RoomEvent>)> + Send + 'static {
        let Self { endpoint, policy } = self.clone();
        async move {
            let next_delay = || policy.lock().next_delay(Instant::now(), rand::random());
            let mut delay = next_delay();
            loop {
                tokio::time::sleep(delay).await;
                match attempt(&endpoint).await {
                    Ok(joined) => {
                        policy.lock().on_connected(Instant::now());
                        return joined;
                    }
                    Err(reason) => {
                        delay = next_delay();
                        reason.log(&endpoint.url, delay);
                    }
                }
            }
        }
    }
}

/// Leaves a room; gives up after 0.7 s.
pub async fn close(room: Arc<Room>) {
    if tokio::time::timeout(CLOSE_TIMEOUT, room.close())
        .await
        .is_err()
    {
        debug!("the room did not close in time");
    }
}

async fn attempt(endpoint: &Endpoint) -> Result<(Room, UnboundedReceiver<RoomEvent>), Failure> {
    let token = endpoint
        .token
        .token()
        .map_err(|error| Failure::Other(error.to_string()))?;
    let mut options = RoomOptions::default();
    options.auto_subscribe = false;
    options.join_retries = 0;
    info!(url = endpoint.url, "connecting to the LiveKit server");
    let connecting = Room::connect(&endpoint.url, token.expose(), options);
    match tokio::time::timeout(ATTEMPT_TIMEOUT, connecting).await {
        Ok(Ok(connected)) => Ok(connected),
        Ok(Err(error)) => Err(Failure::of(&error, token.expose())),
        Err(_) => Err(Failure::Other(format!(
            "no connection within {} s",
            ATTEMPT_TIMEOUT.as_secs()
        ))),
    }
}

/// Why an attempt failed, told without secrets.
enum Failure {
    /// The server does not accept the token.
    Rejected(String),
    Other(String),
}

impl Failure {
    fn of(error: &RoomError, token: &str) -> Self {
        // The SDK puts the URL with the token into some of its errors.
        let text = error.to_string().replace(token, "***");
        match error {
            RoomError::Engine(EngineError::Signal(SignalError::Client(status, _)))
                if matches!(status.as_u16(), 401 | 403) =>
            {
                Self::Rejected(text)
            }
            _ => Self::Other(text),
        }
    }

    fn log(&self, url: &str, delay: Duration) {
        let retry = format!("{:.1} s", delay.as_secs_f64());
        match self {
            Self::Rejected(reason) => error!(
                url,
                reason,
                retry,
                "the LiveKit server rejected the access token: check LIVEKIT_TOKEN, or \
                 LIVEKIT_API_KEY and LIVEKIT_API_SECRET, and that the clocks agree"
            ),
            Self::Other(reason) => {
                warn!(url, reason, retry, "cannot connect to the LiveKit server");
            }
        }
    }
}
