//! Joining the room, however long it takes.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use livekit::e2ee::E2eeOptions;
use livekit::rtc_engine::EngineError;
use livekit::{Room, RoomError, RoomEvent, RoomOptions};
use livekit_signaling::SignalError;
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::{debug, error, info, warn};

use crate::encryption::EncryptionKey;
use crate::reconnect::ReconnectPolicy;
use crate::secret::{without_tokens, Secret};
use crate::token::TokenSource;

/// Longest time that one attempt to connect may take.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest time for leaving a room, whose server may be gone.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(200);

/// Where and how a participant connects.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// URL of the LiveKit server, `ws://` or `wss://`.
    pub url: String,
    /// Where the token comes from.
    pub token: TokenSource,
    /// Key that the data of the room is encrypted with; `None`: the server can read it.
    pub encryption: Option<EncryptionKey>,
}

/// Joins a room, and joins it again when the connection is over.
///
/// The first attempt is made at once. The next ones come after growing delays of 0.5 to 15 s with
/// jitter, until a connection has held for 30 s.
///
/// The token that the server renews while the participant is connected is used when the source's
/// own may have expired: see [`RoomConnector::token_refreshed`].
#[derive(Clone, Debug)]
pub struct RoomConnector {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    endpoint: Endpoint,
    /// The SDK's part of the endpoint's encryption, whose key is slow to derive.
    encryption: Option<E2eeOptions>,
    policy: Mutex<ReconnectPolicy>,
    last: Mutex<Option<LastAccess>>,
}

/// The access that joined the room last.
#[derive(Clone, Debug)]
struct LastAccess {
    /// The token that the source had given.
    given: Secret,
    /// Token that the server has made of it since.
    refreshed: Option<Secret>,
    url: String,
}

/// A room that was joined, and its events.
pub type Joined = (Room, UnboundedReceiver<RoomEvent>);

impl RoomConnector {
    /// A connector for one participant.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        let shared = Shared {
            encryption: endpoint.encryption.as_ref().map(EncryptionKey::options),
            endpoint,
            policy: Mutex::default(),
            last: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Joins the room, however long it takes. To be called again when that connection is over.
    pub fn join(&self) -> impl Future<Output = Joined> + Send + 'static {
        let shared = Arc::clone(&self.shared);
        async move {
            let mut delay = shared.next_delay();
            loop {
                tokio::time::sleep(delay).await;
                match shared.attempt().await {
                    Ok(joined) => {
                        shared.policy.lock().on_connected(Instant::now());
                        return joined;
                    }
                    Err(reason) => {
                        delay = shared.next_delay();
                        reason.log(&shared.endpoint.url, delay);
                    }
                }
            }
        }
    }

    /// The server has renewed the participant's token, as it does every few minutes. The new one
    /// is used for the next connection, unless the source has another one by then.
    pub fn token_refreshed(&self, token: String) {
        if let Some(last) = &mut *self.shared.last.lock() {
            debug!("the server renewed the access token");
            last.refreshed = Some(Secret::new(token));
        }
    }
}

impl Shared {
    fn next_delay(&self) -> Duration {
        let random = rand::random();
        self.policy.lock().next_delay(Instant::now(), random)
    }

    async fn attempt(&self) -> Result<Joined, Failure> {
        let encryption = || self.encryption.clone();
        let access = self.endpoint.token.access().await;
        let last = self.last.lock().clone();
        // What the server renewed stands for the token that it renewed, and for one that cannot be
        // had.
        let usable = |last: &LastAccess| access.as_ref().map_or(true, |it| it.token == last.given);
        if let Some(last) = last.filter(usable) {
            if let Some(refreshed) = &last.refreshed {
                match connect(&last.url, refreshed, encryption()).await {
                    Err(Failure::Rejected(_)) if access.is_ok() => {
                        debug!("the server does not accept the renewed token any more");
                    }
                    result => return result,
                }
            }
        }
        let access = access.map_err(|error| Failure::Other(error.to_string()))?;
        let url = access.server_url.as_ref().unwrap_or(&self.endpoint.url);
        let joined = connect(url, &access.token, encryption()).await?;
        *self.last.lock() = Some(LastAccess {
            url: url.clone(),
            given: access.token,
            refreshed: None,
        });
        Ok(joined)
    }
}

/// Leaves a room; gives up after 0.2 s.
pub async fn close(room: Arc<Room>) {
    if tokio::time::timeout(CLOSE_TIMEOUT, room.close())
        .await
        .is_err()
    {
        debug!("the room did not close in time");
    }
}

/// One attempt to connect.
pub(crate) async fn connect(
    url: &str,
    token: &Secret,
    encryption: Option<E2eeOptions>,
) -> Result<Joined, Failure> {
    let mut options = RoomOptions::default();
    options.auto_subscribe = false;
    options.join_retries = 0;
    options.encryption = encryption;
    info!(url, "connecting to the LiveKit server");
    let connecting = Room::connect(url, token.expose(), options);
    match tokio::time::timeout(ATTEMPT_TIMEOUT, connecting).await {
        Ok(Ok(joined)) => Ok(joined),
        Ok(Err(error)) => Err(Failure::of(&error)),
        Err(_) => Err(Failure::Other(format!(
            "no connection within {} s",
            ATTEMPT_TIMEOUT.as_secs()
        ))),
    }
}

/// The server's address for HTTP: `wss://` is `https://` and `ws://` is `http://`, as the paths of
/// both are the same.
pub(crate) fn http_url(url: &str) -> String {
    url.trim_end_matches('/')
        .replacen("ws", "http", usize::from(url.starts_with("ws")))
}

/// What to do about an error, where that is known.
pub(crate) fn advice(error: &str) -> &'static str {
    if error.contains("UnknownIssuer") {
        "; if the certificate is of an authority of your own, name the file of that in SSL_CERT_FILE"
    } else {
        ""
    }
}

/// Why an attempt failed, told without secrets.
pub(crate) enum Failure {
    /// The server does not accept the token.
    Rejected(String),
    Other(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Rejected(reason) | Self::Other(reason)) = self;
        f.write_str(reason)
    }
}

impl Failure {
    fn of(error: &RoomError) -> Self {
        // The SDK puts the URL with the token into some of its errors.
        let text = error.to_string();
        let text = format!("{}{}", without_tokens(&text), advice(&text));
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
                "the LiveKit server rejected the access token: check LIVEKIT_TOKEN or what gives it, or \
                 LIVEKIT_API_KEY and LIVEKIT_API_SECRET, and that the clocks agree"
            ),
            Self::Other(reason) => {
                warn!(url, reason, retry, "cannot connect to the LiveKit server");
            }
        }
    }
}
