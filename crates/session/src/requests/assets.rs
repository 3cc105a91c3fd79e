//! Files that participants fetch.

use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::server::BinaryMessage;
use remote_access_protocol::AssetRequestId;

use super::exchange::Exchange;
use super::pending::Pending;
use super::request::{Request, RequestKey};
use crate::ids::ParticipantId;
use crate::permission::Action;

/// Assets that one participant may wait for.
const MAX_REQUESTS: usize = 16;
/// Longest name of an asset in bytes.
const MAX_URI: usize = 4096;
/// Time until the robot's side must have answered.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Passes on the outcome of a request for an asset. Ignored if nobody waits for it.
pub(crate) fn answer(exchange: &mut Exchange, key: RequestKey, result: Result<Bytes, String>) {
    let Some(Pending::Asset(request)) = exchange.pending.take(key) else {
        return;
    };
    let failure = |reason: String| {
        let result = Err(reason);
        BinaryMessage::FetchAssetResponse { request, result }.frame()
    };
    let size = result.as_ref().map_or(0, Bytes::len);
    let response = BinaryMessage::FetchAssetResponse { request, result };
    let frame = response.frame().or_else(|| {
        failure(format!(
            "the asset of {size} bytes is over the limit of 16 MiB"
        ))
    });
    exchange.answer(key.participant, frame, || {
        failure("too many bytes of answers wait: the connection is too slow".to_owned())
    });
}

pub(crate) fn fetch(
    exchange: &mut Exchange,
    now: Instant,
    id: ParticipantId,
    request: AssetRequestId,
    uri: String,
) {
    if let Err(reason) = start(exchange, now, id, request, uri) {
        let result = Err(reason);
        let failure = BinaryMessage::FetchAssetResponse { request, result };
        exchange.reply(id, failure.frame());
    }
}

fn start(
    exchange: &mut Exchange,
    now: Instant,
    id: ParticipantId,
    request: AssetRequestId,
    uri: String,
) -> Result<(), String> {
    exchange.allow(now, id, Action::FetchAsset)?;
    if uri.len() > MAX_URI {
        return Err("the name of the asset is too long".to_owned());
    }
    let is_one = |what: &Pending| matches!(what, Pending::Asset(_));
    if exchange.pending.count(id, is_one) >= MAX_REQUESTS {
        return Err(format!(
            "no more than {MAX_REQUESTS} assets can be fetched at once"
        ));
    }
    let pending = (Pending::Asset(request), TIMEOUT);
    exchange
        .forward_pending(now, id, pending, |key| Request::FetchAsset { key, uri })
        .map_err(|busy| busy.to_string())
}
