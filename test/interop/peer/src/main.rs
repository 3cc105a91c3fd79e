//! A participant on the Rust LiveKit SDK over this project's `libwebrtc`, for tests beside other SDKs.
//!
//! It joins with `LIVEKIT_URL` and `LIVEKIT_TOKEN`, does what each JSON line of its standard input says
//! ([`Order`]), and reports what happens as JSON lines. With `E2EE_KEY` in the environment data is
//! encrypted under this shared key; with `RELAY_ONLY` it uses no path but those through TURN servers; with
//! `TWO_CONNECTIONS` it has one for each direction, the second offered by the server. It ends with its input.

mod hex;
mod report;

use std::collections::HashMap;
use std::env;

use anyhow::Context;
use futures_util::StreamExt;
use livekit::e2ee::key_provider::{KeyProvider, KeyProviderOptions};
use livekit::e2ee::{E2eeOptions, EncryptionType};
use livekit::options::TrackPublishOptions;
use livekit::prelude::*;
use livekit::webrtc::audio_source::native::NativeAudioSource;
use livekit::webrtc::audio_source::AudioSourceOptions;
use livekit::webrtc::peer_connection_factory::IceTransportsType;
use livekit::webrtc::stats::RtcStats;
use livekit::{SimulateScenario, StreamByteOptions, StreamReader, StreamWriter};
use serde::Deserialize;
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver};

use crate::report::report;

/// Orders of a test. Data is in hexadecimal.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Order {
    /// Sends a packet to all.
    Send {
        #[serde(with = "hex")]
        data: Vec<u8>,
        topic: String,
        reliable: bool,
    },
    /// Sends a byte stream to all.
    Stream {
        #[serde(with = "hex")]
        data: Vec<u8>,
        topic: String,
    },
    /// Publishes a data track.
    Publish { name: String },
    /// Sends a frame on a data track.
    Push {
        name: String,
        #[serde(with = "hex")]
        data: Vec<u8>,
    },
    /// Sets the shared key of an index.
    SetKey { key: String, index: i32 },
    /// Moves the shared key of an index one step on.
    Ratchet { index: i32 },
    /// Reports the statistics of its connections, as Rust writes them for debugging.
    Stats,
    /// Connects its signaling anew, which restarts ICE on every connection.
    Reconnect,
    /// Tries to publish a microphone, which this build cannot.
    PublishMedia,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn")).init();
    let url = env::var("LIVEKIT_URL").context("LIVEKIT_URL is not set")?;
    let token = env::var("LIVEKIT_TOKEN").context("LIVEKIT_TOKEN is not set")?;
    let mut options = RoomOptions::default();
    options.encryption = env::var("E2EE_KEY").ok().map(|key| E2eeOptions {
        encryption_type: EncryptionType::Gcm,
        key_provider: KeyProvider::with_shared_key(KeyProviderOptions::default(), key.into_bytes()),
    });
    if env::var_os("RELAY_ONLY").is_some() {
        options.rtc_config.ice_transport_type = IceTransportsType::Relay;
    }
    options.single_peer_connection = env::var_os("TWO_CONNECTIONS").is_none();
    let keys = options
        .encryption
        .as_ref()
        .map(|encryption| encryption.key_provider.clone());
    let (room, mut events) = Room::connect(&url, &token, options)
        .await
        .context("cannot join the room")?;
    report("joined", serde_json::json!({}));

    let mut peer = Peer {
        room,
        keys,
        tracks: HashMap::new(),
    };
    let mut lines = lines();
    loop {
        tokio::select! {
            line = lines.recv() => match line {
                Some(line) => {
                    if let Err(error) = peer.obey(serde_json::from_str(&line)?).await {
                        report("error", serde_json::json!({"error": format!("{error:#}")}));
                    }
                }
                None => break,
            },
            event = events.recv() => match event {
                Some(event) => handle(event),
                None => anyhow::bail!("the room is gone"),
            },
        }
    }
    // Closing may hang when the server is gone; the process ends either way.
    let limit = std::time::Duration::from_secs(2);
    tokio::time::timeout(limit, peer.room.close()).await.ok();
    std::process::exit(0)
}

/// The lines of standard input.
fn lines() -> UnboundedReceiver<String> {
    let (sender, receiver) = unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

struct Peer {
    room: Room,
    keys: Option<KeyProvider>,
    tracks: HashMap<String, LocalDataTrack>,
}

impl Peer {
    async fn obey(&mut self, order: Order) -> anyhow::Result<()> {
        let me = self.room.local_participant();
        match order {
            Order::Send {
                data,
                topic,
                reliable,
            } => {
                let packet = DataPacket {
                    payload: data,
                    topic: Some(topic),
                    reliable,
                    ..DataPacket::default()
                };
                me.publish_data(packet).await?;
            }
            Order::Stream { data, topic } => {
                let options = StreamByteOptions::new_with_topic(topic);
                let writer = me.stream_bytes(options).await?;
                writer.write(&data).await?;
                writer.close().await?;
            }
            Order::Publish { name } => {
                let track = me.publish_data_track(name.as_str()).await?;
                report("published", serde_json::json!({"track": &name}));
                self.tracks.insert(name, track);
            }
            Order::Push { name, data } => {
                let track = self.tracks.get(&name).context("no such track")?;
                track.try_push(data.into())?;
            }
            Order::SetKey { key, index } => {
                let keys = self.keys.as_ref().context("there is no encryption")?;
                keys.set_shared_key(key.into_bytes(), index);
            }
            Order::Ratchet { index } => {
                let keys = self.keys.as_ref().context("there is no encryption")?;
                let key = keys.ratchet_shared_key(index).context("no such key")?;
                report("ratcheted", serde_json::json!({"key": hex::encode(&key)}));
            }
            Order::Stats => {
                let stats = self.room.get_stats().await?;
                let describe = |reports: &[RtcStats]| -> Vec<String> {
                    let reports = reports.iter();
                    reports.map(|report| format!("{report:?}")).collect()
                };
                report(
                    "stats",
                    serde_json::json!({
                        "reports": describe(&stats.publisher_stats),
                        "subscriber": describe(&stats.subscriber_stats),
                    }),
                );
            }
            Order::Reconnect => {
                self.room
                    .simulate_scenario(SimulateScenario::SignalReconnect)
                    .await?;
            }
            Order::PublishMedia => {
                let source = NativeAudioSource::new(AudioSourceOptions::default(), 48_000, 1, 100);
                let track = LocalAudioTrack::create_audio_track(
                    "microphone",
                    RtcAudioSource::Native(source),
                );
                me.publish_track(LocalTrack::Audio(track), TrackPublishOptions::default())
                    .await?;
                report("published", serde_json::json!({"track": "microphone"}));
            }
        }
        Ok(())
    }
}

fn handle(event: RoomEvent) {
    match event {
        RoomEvent::DataReceived {
            payload,
            topic,
            kind,
            participant,
        } => report(
            "data",
            serde_json::json!({
                "from": participant.map(|sender| sender.identity().to_string()),
                "topic": topic,
                "reliable": kind == DataPacketKind::Reliable,
                "data": hex::encode(&payload),
            }),
        ),
        RoomEvent::ByteStreamOpened {
            reader,
            topic,
            participant_identity,
        } => {
            let Some(reader) = reader.take() else { return };
            tokio::spawn(async move {
                let outcome = match reader.read_all().await {
                    Ok(data) => serde_json::json!({"data": hex::encode(&data)}),
                    Err(error) => serde_json::json!({"error": error.to_string()}),
                };
                let mut details = outcome;
                details["from"] = participant_identity.to_string().into();
                details["topic"] = topic.into();
                report("stream", details);
            });
        }
        RoomEvent::DataTrackPublished(track) => {
            tokio::spawn(read_track(track));
        }
        RoomEvent::TrackSubscribed { participant, .. } => report(
            "media",
            serde_json::json!({"from": participant.identity().to_string()}),
        ),
        RoomEvent::TrackSubscriptionFailed {
            participant, error, ..
        } => report(
            "media_failed",
            serde_json::json!({"from": participant.identity().to_string(), "error": error.to_string()}),
        ),
        RoomEvent::Reconnecting => report("reconnecting", serde_json::json!({})),
        RoomEvent::Reconnected => report("reconnected", serde_json::json!({})),
        RoomEvent::Disconnected { reason } => report(
            "disconnected",
            serde_json::json!({ "reason": format!("{reason:?}") }),
        ),
        _ => {}
    }
}

async fn read_track(track: RemoteDataTrack) {
    let name = track.info().name().to_owned();
    let mut frames = match track.subscribe().await {
        Ok(frames) => frames,
        Err(error) => {
            report("error", serde_json::json!({"error": error.to_string()}));
            return;
        }
    };
    report("subscribed", serde_json::json!({"track": &name}));
    while let Some(frame) = frames.next().await {
        report(
            "frame",
            serde_json::json!({"track": &name, "data": hex::encode(&frame.payload())}),
        );
    }
}
