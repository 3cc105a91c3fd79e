//! Files that participants fetch.

use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::failure::RequestFailure;
use remote_access_protocol::server::BinaryMessage;
use remote_access_protocol::AssetRequestId;

use super::exchange::Exchange;
use super::pending::Pending;
use super::queue::Busy;
use super::request::{Request, RequestKey};
use crate::ids::ParticipantId;
use crate::permission::{Action, Refusal};

/// Assets that one participant may wait for.
const MAX_REQUESTS: usize = 16;
/// Longest name of an asset in bytes.
const MAX_URI: usize = 4096;
/// Time until the robot's side must have answered.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Reason why an asset is not fetched. The text is for the viewer's user.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AssetError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the name of the asset is too long")]
    LongName,
    #[error("no more than {MAX_REQUESTS} assets can be fetched at once")]
    TooMany,
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error("the right to fetch it has ended")]
    RightEnded,
    #[error("the asset could not be read in time")]
    Overdue,
    #[error("the asset of {0} bytes is over the limit of 16 MiB")]
    TooLarge(usize),
    #[error("too many bytes of answers wait: the connection is too slow")]
    TooSlow,
}

/// Passes on the outcome of a request for an asset. Ignored if nobody waits for it.
pub(crate) fn answer(
    exchange: &mut Exchange,
    key: RequestKey,
    result: Result<Bytes, RequestFailure>,
) {
    let Some(Pending::Asset { request, .. }) = exchange.pending.take(key) else {
        return;
    };
    let size = result.as_ref().map_or(0, Bytes::len);
    let response = BinaryMessage::FetchAssetResponse { request, result };
    let too_large = || failure(request, AssetError::TooLarge(size));
    let frame = response.frame().or_else(too_large);
    exchange.answer(key.participant, frame, || {
        failure(request, AssetError::TooSlow)
    });
}

fn failure(request: AssetRequestId, error: AssetError) -> Option<Bytes> {
    let result = Err(RequestFailure::new(error));
    BinaryMessage::FetchAssetResponse { request, result }.frame()
}

pub(crate) fn fetch(
    exchange: &mut Exchange,
    now: Instant,
    id: ParticipantId,
    request: AssetRequestId,
    uri: String,
) {
    if let Err(error) = start(exchange, now, id, request, uri) {
        exchange.reply(id, failure(request, error));
    }
}

/// Ends requests for files that a participant may not have any more.
pub(crate) fn end_forbidden(exchange: &mut Exchange, id: ParticipantId) {
    let forbidden = |exchange: &Exchange, what: &Pending| match what {
        Pending::Asset { uri, .. } => !exchange.permits(id, Action::FetchAsset { uri }),
        Pending::Call { .. } | Pending::Parameters { .. } => false,
    };
    for key in exchange.waiting(id, forbidden) {
        let failure = RequestFailure::new(AssetError::RightEnded);
        answer(exchange, key, Err(failure));
        exchange.forward_ending(Request::Cancel(key));
    }
}

fn start(
    exchange: &mut Exchange,
    now: Instant,
    id: ParticipantId,
    request: AssetRequestId,
    uri: String,
) -> Result<(), AssetError> {
    if uri.len() > MAX_URI {
        return Err(AssetError::LongName);
    }
    exchange.allow(now, id, Action::FetchAsset { uri: &uri })?;
    let is_one = |what: &Pending| matches!(what, Pending::Asset { .. });
    if exchange.pending.count(id, is_one) >= MAX_REQUESTS {
        return Err(AssetError::TooMany);
    }
    let asset = Pending::Asset {
        request,
        uri: uri.clone(),
    };
    let pending = (asset, TIMEOUT);
    exchange.forward_pending(now, id, pending, |key| Request::FetchAsset { key, uri })?;
    Ok(())
}
