//! The SDK's simulated failures, against a real server: data flows again after each, on a
//! connection of the pure-Rust `libwebrtc`.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::{TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use livekit::prelude::*;
use livekit::SimulateScenario;
use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;

const KEY: &str = "key";
const SECRET: &str = "a secret that is only known to this test";
/// A guard against hanging. The engine gives up after 44 s by itself.
const PATIENCE: Duration = Duration::from_secs(120);

struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start() -> Option<Self> {
        let port = || {
            TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port()
        };
        let (port, tcp) = (port(), port());
        let udp = UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let config = format!(
            "port: {port}\nbind_addresses: [127.0.0.1]\nkeys: {{{KEY}: {SECRET}}}\n\
             logging: {{level: error}}\n\
             rtc: {{udp_port: {udp}, tcp_port: {tcp}, node_ip: 127.0.0.1, use_external_ip: false, \
             enable_loopback_candidate: true, interfaces: {{includes: [lo]}}}}\n"
        );
        let process = Command::new("livekit-server")
            .args(["--config-body", &config])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match process {
            Ok(process) => Some(Self {
                process,
                url: format!("ws://127.0.0.1:{port}"),
            }),
            Err(error) => {
                // Past the capture of the test runner.
                let message = format!("SKIPPED, not tested: livekit-server: {error}\n");
                let _ = std::io::stderr().write_all(message.as_bytes());
                None
            }
        }
    }

    async fn join(&self, identity: &str) -> (Room, UnboundedReceiver<RoomEvent>) {
        let began = Instant::now();
        loop {
            match Room::connect(&self.url, &token(identity), RoomOptions::default()).await {
                Ok(joined) => return joined,
                // It takes a moment to start.
                Err(error) => assert!(began.elapsed() < PATIENCE, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn token(identity: &str) -> String {
    let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(3600);
    let claims = json!({
        "iss": KEY, "sub": identity, "exp": expires.as_secs(),
        "video": {"room": "resume", "roomJoin": true, "canPublish": true, "canSubscribe": true, "canPublishData": true},
    });
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The numbers that arrived.
fn collect(mut events: UnboundedReceiver<RoomEvent>) -> Arc<Mutex<BTreeSet<u64>>> {
    let arrived = Arc::new(Mutex::new(BTreeSet::new()));
    let list = arrived.clone();
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if let RoomEvent::DataReceived { payload, .. } = event {
                let number = u64::from_le_bytes(payload[..8].try_into().unwrap());
                list.lock().unwrap().insert(number);
            }
        }
    });
    arrived
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_flows_again_after_every_simulated_failure() {
    let Some(server) = Server::start() else {
        return;
    };
    let (receiver, events) = server.join("receiver").await;
    let arrived = collect(events);
    let (sender, mut events) = server.join("sender").await;
    let sender = Arc::new(sender);
    let recoveries = Arc::new(AtomicU64::new(0));
    let gone = Arc::new(AtomicBool::new(false));
    let (count, ended) = (recoveries.clone(), gone.clone());
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            match event {
                RoomEvent::Reconnected => {
                    count.fetch_add(1, Ordering::SeqCst);
                }
                RoomEvent::Disconnected { .. } => ended.store(true, Ordering::SeqCst),
                _ => {}
            }
        }
    });
    // Numbers, without a pause: what is refused while there is no connection is not counted.
    let next = Arc::new(AtomicU64::new(0));
    let (room, number) = (sender.clone(), next.clone());
    let traffic = tokio::spawn(async move {
        loop {
            let mut payload = vec![0; 2_000];
            payload[..8].copy_from_slice(&number.load(Ordering::SeqCst).to_le_bytes());
            let packet = DataPacket {
                payload,
                reliable: true,
                ..DataPacket::default()
            };
            if room.local_participant().publish_data(packet).await.is_ok() {
                number.fetch_add(1, Ordering::SeqCst);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    until("data flows", || arrived.lock().unwrap().len() > 10).await;
    for scenario in [
        SimulateScenario::SignalReconnect,
        SimulateScenario::FullReconnect,
        SimulateScenario::Migration,
        SimulateScenario::ForceTcp,
        SimulateScenario::NodeFailure,
    ] {
        let before = (
            next.load(Ordering::SeqCst),
            recoveries.load(Ordering::SeqCst),
        );
        sender.simulate_scenario(scenario).await.unwrap();
        until(&format!("{scenario:?} is over"), || {
            assert!(!gone.load(Ordering::SeqCst), "{scenario:?}: it gave up");
            recoveries.load(Ordering::SeqCst) > before.1
        })
        .await;
        let now = next.load(Ordering::SeqCst);
        until(&format!("data flows after {scenario:?}"), || {
            arrived.lock().unwrap().range(now + 10..).next().is_some()
        })
        .await;
        // Some failures are recovered from twice, the second time by a new connection.
        let mut seen = u64::MAX;
        while std::mem::replace(&mut seen, recoveries.load(Ordering::SeqCst)) != seen {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        let lost = {
            let arrived = arrived.lock().unwrap();
            (before.0..now)
                .filter(|number| !arrived.contains(number))
                .count()
        };
        println!("{scenario:?}: {lost} of {} messages lost", now - before.0);
        if matches!(scenario, SimulateScenario::SignalReconnect) {
            assert_eq!(lost, 0, "the data connection was not touched");
        }
    }
    traffic.abort();
    for room in [&*sender, &receiver] {
        let _ = tokio::time::timeout(Duration::from_secs(10), room.close()).await;
    }
}
