//! The page, and what it needs to join the room by itself.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    HeaderName, HeaderValue, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use include_dir::{include_dir, Dir};
use remote_access_rights::Rights;
use remote_access_room::{EncryptionKey, Role, Secret, TokenError, TokenMint};
use serde::Serialize;
use tracing::error;

use super::response::{refuse, Body};

/// The built page.
static FILES: Dir = include_dir!("$CARGO_MANIFEST_DIR/web/dist");

/// The page runs nothing but its own files, and connects to whatever server its user has.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; font-src 'self' data:; \
    worker-src 'self' blob:; connect-src *; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Where the page's tokens come from.
#[derive(Clone, Debug)]
pub enum PageTokens {
    /// The program mints them, for each load of the page another one.
    Minted {
        /// The server's API key.
        key: String,
        /// The secret of the key.
        secret: Secret,
        /// The rooms.
        rooms: Vec<String>,
    },
    /// Tokens that somebody else made.
    Given(Vec<Secret>),
    /// There are none; why, and what to do about it.
    None(String),
}

/// The page and its configuration.
#[derive(Clone, Debug)]
pub struct Site {
    /// URL of the LiveKit server.
    pub url: String,
    /// Where the page's tokens come from.
    pub tokens: PageTokens,
    /// The robot that was asked for.
    pub robot: Option<String>,
    /// URL of the Foxglove WebSocket.
    pub websocket: String,
    /// The room's key for end-to-end encryption.
    pub key: Option<EncryptionKey>,
}

/// Contents of `config.json`, which the page reads.
#[derive(Serialize)]
struct PageConfig<'a> {
    url: &'a str,
    rooms: Vec<PageRoom<'a>>,
    robot: Option<&'a str>,
    websocket: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    error: Option<String>,
}

#[derive(Serialize)]
struct PageRoom<'a> {
    room: Option<&'a str>,
    token: String,
}

/// Reason why the page gets no tokens. The text is for the page's user.
#[derive(Debug, thiserror::Error)]
enum NoTokens<'a> {
    #[error(transparent)]
    Mint(#[from] TokenError),
    #[error("{0}")]
    None(&'a str),
}

impl Site {
    /// The answer to a request for a path.
    pub(super) fn answer(&self, path: &str) -> Response<Body> {
        let name = match path.trim_start_matches('/') {
            "" => "index.html",
            name => name,
        };
        if name == "config.json" {
            return self.config();
        }
        match FILES.get_file(name) {
            Some(file) => respond(content_type(name), Bytes::from_static(file.contents())),
            None => refuse(StatusCode::NOT_FOUND, "there is no such file"),
        }
    }

    fn config(&self) -> Response<Body> {
        let (rooms, error) = match self.rooms() {
            Ok(rooms) => (rooms, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let config = PageConfig {
            url: &self.url,
            rooms,
            robot: self.robot.as_deref(),
            websocket: &self.websocket,
            key: self.key.as_ref().map(EncryptionKey::expose),
            error,
        };
        match serde_json::to_vec(&config) {
            Ok(text) => respond("application/json", text.into()),
            Err(error) => {
                error!(%error, "cannot write the page's configuration");
                refuse(StatusCode::INTERNAL_SERVER_ERROR, "see the log")
            }
        }
    }

    fn rooms(&self) -> Result<Vec<PageRoom<'_>>, NoTokens<'_>> {
        match &self.tokens {
            PageTokens::Minted { key, secret, rooms } => rooms
                .iter()
                .map(|room| {
                    let token = mint(key, secret, room)?;
                    let room = Some(room.as_str());
                    Ok(PageRoom { room, token })
                })
                .collect(),
            PageTokens::Given(tokens) => Ok(tokens
                .iter()
                .map(|token| PageRoom {
                    room: None,
                    token: token.expose().to_owned(),
                })
                .collect()),
            PageTokens::None(why) => Err(NoTokens::None(why)),
        }
    }
}

/// Each load of the page is a participant of its own, lest one ends the other.
fn mint(key: &str, secret: &Secret, room: &str) -> Result<String, TokenError> {
    let tokens = TokenMint {
        key: key.to_owned(),
        secret: secret.clone(),
        room: room.to_owned(),
        identity: format!("page-{:016x}", rand::random::<u64>()),
        name: "web page".to_owned(),
        role: Role::Viewer,
        rights: Some(Rights::all()),
    };
    Ok(tokens.mint()?.expose().to_owned())
}

fn respond(content_type: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(body));
    let own_resources = HeaderName::from_static("cross-origin-resource-policy");
    for (name, value) in [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (own_resources, "same-origin"),
    ] {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("wasm") => "application/wasm",
        Some("txt") => "text/plain; charset=utf-8",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
