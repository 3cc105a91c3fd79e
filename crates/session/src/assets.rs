//! Files that viewers fetch.

use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::server::BinaryMessage;
use remote_access_protocol::AssetRequestId;

use super::permission::Ask;
use super::request::{Pending, RequestKey};
use super::{ParticipantId, Request, Session};

/// Assets that one viewer may wait for.
const MAX_REQUESTS: usize = 16;
/// Longest name of an asset in bytes.
const MAX_URI: usize = 4096;
/// Time until the robot's side must have answered.
const TIMEOUT: Duration = Duration::from_secs(60);

impl Session {
    /// The outcome of a request for an asset. Ignored if nobody waits for it.
    pub fn asset(&mut self, now: Instant, key: RequestKey, result: Result<Bytes, String>) {
        let Some(Pending::Asset(request)) = self.asks.pending.take(key) else {
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
        self.answer(now, key.viewer, frame, || {
            failure("too many bytes of answers wait: the connection is too slow".to_owned())
        });
    }

    pub(super) fn fetch_asset(
        &mut self,
        now: Instant,
        viewer: ParticipantId,
        request: AssetRequestId,
        uri: String,
    ) {
        if let Err(reason) = self.start_fetch(now, viewer, request, uri) {
            let result = Err(reason);
            let failure = BinaryMessage::FetchAssetResponse { request, result };
            self.push_control(now, viewer, failure.frame());
        }
    }

    fn start_fetch(
        &mut self,
        now: Instant,
        viewer: ParticipantId,
        request: AssetRequestId,
        uri: String,
    ) -> Result<(), String> {
        self.allow(now, viewer, Ask::FetchAsset)?;
        if uri.len() > MAX_URI {
            return Err("the name of the asset is too long".to_owned());
        }
        let is_one = |what: &Pending| matches!(what, Pending::Asset(_));
        if self.asks.pending.count(viewer, is_one) >= MAX_REQUESTS {
            return Err(format!(
                "no more than {MAX_REQUESTS} assets can be fetched at once"
            ));
        }
        let pending = Pending::Asset(request);
        let key = self.asks.pending.add(now, viewer, pending, TIMEOUT);
        let request = Request::FetchAsset { key, uri };
        self.asks.queue.push(request).map_err(|busy| {
            self.asks.pending.take(key);
            busy.to_string()
        })
    }

    /// Answers what the robot's side did not answer in time.
    pub(super) fn expire_requests(&mut self, now: Instant) {
        for key in self.asks.pending.expired(now) {
            self.request(Request::Overdue(key));
            let pending = self.asks.pending.of(key.viewer).find(|(of, _)| *of == key);
            match pending.map(|(_, what)| what.clone()) {
                Some(Pending::Call { service, .. }) => {
                    let info = self.asks.services.get(&service);
                    let timeout = info.map_or(0, |info| info.timeout.as_millis());
                    let reason = format!("no response within {timeout} ms");
                    self.service_response(now, key, Err(reason));
                }
                Some(Pending::Asset(_)) => {
                    self.asset(
                        now,
                        key,
                        Err("the asset could not be read in time".to_owned()),
                    );
                }
                Some(Pending::Parameters { .. }) => {
                    let reason = "the robot does not answer";
                    self.parameter_failed(now, key, "values", reason);
                    self.parameter_values(now, key, Vec::new());
                }
                None => {}
            }
        }
    }
}
