//! Checks each step of joining a room and says in plain words which one fails.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::dangerous::insecure_decode;
use livekit::webrtc::stats::{IceCandidatePairState, RtcStats};
use livekit::Room;
use serde::Deserialize;

use crate::connect::{advice, close, connect, http_url, Endpoint};
use crate::encryption::EncryptionKey;
use crate::secret::Secret;
use crate::token::TokenSource;

/// Longest time that the server may take for an answer.
const ANSWER: Duration = Duration::from_secs(10);
/// Seconds that clocks may differ. Tokens are valid a minute before they are made.
const SKEW: u64 = 50;
/// Seconds that a token should be valid at least: it is needed again after an interruption.
const SOON: u64 = 3600;

/// Result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is as it must be.
    Fine(String),
    /// It works, or was not tried; people should know.
    Note(String),
    /// It does not work. The text says how to fix it.
    Wrong(String),
}

impl Finding {
    /// Whether it does not work.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        matches!(self, Self::Wrong(_))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fine(text) => write!(f, "ok     {text}"),
            Self::Note(text) => write!(f, "note   {text}"),
            Self::Wrong(text) => write!(f, "WRONG  {text}"),
        }
    }
}

/// Permissions of a token. LiveKit allows what it does not mention.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Claims {
    sub: String,
    exp: Option<u64>,
    nbf: Option<u64>,
    video: Grants,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Grants {
    room: String,
    room_join: bool,
    can_publish_data: Option<bool>,
    can_subscribe: Option<bool>,
}

/// Checks the token, the server, the clock, whether the server accepts the token, and the data
/// connection. The last needs key and secret: a separate participant joins the room for a moment.
pub async fn check(endpoint: &Endpoint) -> Vec<Finding> {
    let mut findings = Vec::new();
    let access = match endpoint.token.access().await {
        Ok(access) => access,
        Err(error) => return vec![Finding::Wrong(format!("token: {error}"))],
    };
    let (token, url) = (
        access.token,
        access.server_url.as_ref().unwrap_or(&endpoint.url),
    );
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_secs();
    findings.extend(token_findings(token.expose(), now));
    findings.extend(server_findings(url, &token, now).await);
    if endpoint.encryption.is_some() {
        findings.push(Finding::Fine(
            "encryption: end to end; robot and viewers need the same key".to_owned(),
        ));
    }
    findings.push(if findings.iter().any(Finding::is_wrong) {
        Finding::Note("data: not tried, because of the problems above".to_owned())
    } else {
        data_connection(endpoint).await
    });
    findings
}

fn token_findings(token: &str, now: u64) -> Vec<Finding> {
    let Ok(data) = insecure_decode::<Claims>(token) else {
        return vec![Finding::Wrong(
            "token: LIVEKIT_TOKEN is not an access token (three parts separated by dots)"
                .to_owned(),
        )];
    };
    let claims = data.claims;
    let video = &claims.video;
    let mut findings = vec![match (claims.exp, claims.nbf) {
        (Some(exp), _) if exp <= now => Finding::Wrong(format!(
            "token: expired {} ago; create a new one",
            duration(now - exp)
        )),
        (_, Some(nbf)) if nbf > now + SKEW => Finding::Wrong(format!(
            "token: not valid for another {}: is this machine's clock slow?",
            duration(nbf - now)
        )),
        (Some(exp), _) if exp - now < SOON => Finding::Note(format!(
            "token: expires in {}; it cannot be used to connect after that",
            duration(exp - now)
        )),
        (Some(exp), _) => Finding::Fine(format!(
            "token: identity {:?}, room {:?}, valid for {}",
            claims.sub,
            video.room,
            duration(exp - now)
        )),
        (None, _) => Finding::Note("token: never expires".to_owned()),
    }];
    let lacks = |what| Finding::Wrong(format!("rights: the token lacks {what}; create a new one"));
    if !video.room_join || video.room.is_empty() {
        findings.push(lacks("roomJoin with a room"));
    }
    if video.can_publish_data == Some(false) {
        findings.push(lacks("canPublishData, so nothing can be sent"));
    }
    if video.can_subscribe == Some(false) {
        findings.push(lacks("canSubscribe, so nothing can be received"));
    }
    findings
}

/// Checks the server, its clock, and whether it accepts the token.
async fn server_findings(url: &str, token: &Secret, now: u64) -> Vec<Finding> {
    let asked = async {
        let client = reqwest::Client::builder().timeout(ANSWER).build()?;
        let request = client.get(format!("{}/rtc/validate", http_url(url)));
        request.bearer_auth(token.expose()).send().await
    };
    let response = match asked.await {
        Ok(response) => response,
        Err(error) => {
            let reason = innermost(&error);
            return vec![Finding::Wrong(format!(
                "server: cannot reach {url}: {reason}; check LIVEKIT_URL, that the server is running, and \
                 that no firewall blocks TCP{}",
                advice(&reason)
            ))];
        }
    };
    let mut findings = vec![Finding::Fine(format!("server: {url} answers"))];
    let date = response.headers().get(reqwest::header::DATE);
    let date = date.and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
    if let Some(date) = date.and_then(|date| date.duration_since(UNIX_EPOCH).ok()) {
        let difference = now.abs_diff(date.as_secs());
        findings.push(if difference > SKEW {
            Finding::Wrong(format!(
                "clock: differs from the server's by {}, so tokens count as expired or not yet valid; \
                 synchronize both clocks (NTP)",
                duration(difference)
            ))
        } else {
            Finding::Fine("clock: agrees with the server's".to_owned())
        });
    }
    let status = response.status();
    findings.push(match status.as_u16() {
        200 => Finding::Fine("rights: the server accepts the token".to_owned()),
        401 | 403 => Finding::Wrong(
            "rights: the server rejects the token; check LIVEKIT_TOKEN, or that LIVEKIT_API_KEY and \
             LIVEKIT_API_SECRET belong to this server"
                .to_owned(),
        ),
        404 => Finding::Wrong(format!(
            "rights: {url} answers 404: it is not a LiveKit server, or the room does not exist and the \
             server does not create rooms by itself (room.auto_create)"
        )),
        _ => Finding::Wrong(format!("server: answers with status {status}")),
    });
    findings
}

/// Joins the room for a moment under an identity of its own.
async fn data_connection(endpoint: &Endpoint) -> Finding {
    let TokenSource::Minted(mint) = &endpoint.token else {
        return Finding::Note(
            "data: UDP and TCP not tried, because a second connection with the same token would end \
             that of a running program; they are tried with LIVEKIT_API_KEY and LIVEKIT_API_SECRET"
                .to_owned(),
        );
    };
    let mut mint = mint.clone();
    mint.identity = format!("{}-check-{:08x}", mint.identity, rand::random::<u32>());
    let token = match mint.mint() {
        Ok(token) => token,
        Err(error) => return Finding::Wrong(format!("token: {error}")),
    };
    let encryption = endpoint.encryption.as_ref().map(EncryptionKey::options);
    match connect(&endpoint.url, &token, encryption).await {
        Ok((room, _events)) => {
            let path = network_path(&room).await;
            let room = std::sync::Arc::new(room);
            close(room).await;
            match path {
                Some(path) if path.starts_with("udp") => Finding::Fine(format!("data: flows over {path}")),
                Some(path) => Finding::Note(format!(
                    "data: flows over {path}, which is slower than UDP on bad links; open the server's UDP ports"
                )),
                None => Finding::Fine("data: flows".to_owned()),
            }
        }
        Err(failure) => Finding::Wrong(format!(
            "data: the server answers, but the data connection fails ({failure}); open its UDP ports \
             (rtc.port_range_start … rtc.port_range_end, or rtc.udp_port) and rtc.tcp_port, and make \
             it advertise its public address (rtc.use_external_ip or rtc.node_ip)"
        )),
    }
}

/// Path of the connection's data, such as `udp` or `tcp through a relay`.
async fn network_path(room: &Room) -> Option<String> {
    let stats = room.get_stats().await.ok()?;
    let all = || stats.publisher_stats.iter().chain(&stats.subscriber_stats);
    let used = all().find_map(|each| match each {
        RtcStats::CandidatePair(pair)
            if pair.candidate_pair.nominated
                && pair.candidate_pair.state == Some(IceCandidatePairState::Succeeded) =>
        {
            Some(&pair.candidate_pair.local_candidate_id)
        }
        _ => None,
    })?;
    all().find_map(|each| match each {
        RtcStats::LocalCandidate(candidate) if candidate.rtc.id == *used => {
            let candidate = &candidate.local_candidate;
            if candidate.relay_protocol.is_none() {
                Some(candidate.protocol.clone())
            } else {
                Some(format!("{} through a relay", candidate.protocol))
            }
        }
        _ => None,
    })
}

/// The cause that says most.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Seconds for people.
fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{encode, EncodingKey, Header};
    use serde_json::{json, Value};

    const NOW: u64 = 1_000_000;

    fn findings(claims: &Value) -> String {
        let key = EncodingKey::from_secret(b"secret");
        let token = encode(&Header::default(), claims, &key).expect("a token");
        let found: Vec<String> = token_findings(&token, NOW)
            .iter()
            .map(ToString::to_string)
            .collect();
        found.join("\n")
    }

    #[test]
    fn what_a_token_says_is_told() {
        let video = json!({"room": "lab", "roomJoin": true});
        let with = |exp: u64| findings(&json!({"sub": "r", "exp": exp, "video": video}));
        assert_eq!(
            with(NOW + 7200),
            "ok     token: identity \"r\", room \"lab\", valid for 2 h"
        );
        assert!(with(NOW - 600).contains("WRONG  token: expired 10 min ago"));
        assert!(with(NOW + 60).starts_with("note"));
        let early = findings(&json!({"nbf": NOW + 600, "exp": NOW + 7200, "video": video}));
        assert!(early.contains("clock slow"), "{early}");
        assert!(findings(&json!({"video": video})).contains("never expires"));
    }

    #[test]
    fn rights_that_a_token_lacks_are_named() {
        let video =
            json!({"room": "", "roomJoin": true, "canPublishData": false, "canSubscribe": false});
        let found = findings(&json!({"exp": NOW + 7200, "video": video}));
        for right in ["roomJoin", "canPublishData", "canSubscribe"] {
            assert!(found.contains(right), "{found}");
        }
    }

    #[test]
    fn a_token_that_is_none_is_called_so_and_not_shown() {
        let found = token_findings("hunter2", NOW);
        assert!(found[0].is_wrong() && !found[0].to_string().contains("hunter2"));
    }
}
