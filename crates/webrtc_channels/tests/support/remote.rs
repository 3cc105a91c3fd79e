//! A connection in a process of its own, so that it can live in another network namespace.
//!
//! The test program runs itself: the test named `peer` is the other process's main loop. Both speak
//! in lines; those of the process begin with `@`.
#![allow(dead_code)]

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use webrtc_channels::configuration::{IceServer, IceTransportsType, RtcConfiguration};
use webrtc_channels::data_channel::{DataChannel, DataChannelInit};
use webrtc_channels::ice_candidate::IceCandidate;
use webrtc_channels::peer_connection::{OfferOptions, PeerConnection};
use webrtc_channels::session_description::{SdpType, SessionDescription};

const PATIENCE: Duration = Duration::from_secs(60);

/// A connection in another process.
pub(crate) struct Remote {
    process: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    /// Everything it said that no test has waited for.
    pub heard: Vec<String>,
    /// Candidates to be carried to the other side.
    candidates: VecDeque<String>,
}

impl Remote {
    /// Starts it with ICE servers (`url url …`, all with user `u` and this password) and a policy:
    /// `all`, `nohost` or `relay`.
    pub(crate) fn start(mut command: Command, servers: &str, password: &str, policy: &str) -> Self {
        let mut process = command
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "peer", "--nocapture"])
            .env("PEER_SERVERS", servers)
            .env("PEER_PASSWORD", password)
            .env("PEER_POLICY", policy)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (tx, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // The test runner's own output comes before the first.
                if let Some((_, line)) = line.split_once('@') {
                    if tx.send(line.to_owned()).is_err() {
                        return;
                    }
                }
            }
        });
        Self {
            input: process.stdin.take().unwrap(),
            process,
            lines,
            heard: Vec::new(),
            candidates: VecDeque::new(),
        }
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.input, "{line}").unwrap();
    }

    fn take_in(&mut self, wait: Duration) {
        match self.lines.recv_timeout(wait) {
            Ok(line) => match line.strip_prefix("candidate ") {
                Some(candidate) => {
                    self.heard.push(line.clone());
                    self.candidates.push_back(candidate.to_owned());
                }
                None => self.heard.push(line),
            },
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => panic!("the peer process ended"),
        }
    }

    /// Waits for a line that begins like this, takes it and returns the rest of it.
    pub(crate) fn expect(&mut self, start: &str) -> String {
        let began = Instant::now();
        loop {
            if let Some(index) = self.heard.iter().position(|line| line.starts_with(start)) {
                return self.heard.remove(index)[start.len()..].to_owned();
            }
            assert!(
                began.elapsed() < PATIENCE,
                "waited in vain for {start:?}; heard {:#?}",
                self.heard
            );
            self.take_in(Duration::from_millis(20));
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One exchange of descriptions, offered by `near`.
pub(crate) fn negotiate(near: &mut Remote, far: &mut Remote, command: &str) {
    near.tell(command);
    let offer = near.expect("sdp ");
    far.tell(&format!("answer {offer}"));
    let answer = far.expect("sdp ");
    near.tell(&format!("accept {answer}"));
}

/// Carries candidates between the two until `far` has counted a message that `near` sent, and back.
pub(crate) fn talk(near: &mut Remote, far: &mut Remote, text: &str) {
    near.tell(&format!("say {text}"));
    trickle_until(near, far, &format!("heard {text}"));
    far.tell(&format!("say {text}!"));
    trickle_until(far, near, &format!("heard {text}!"));
}

/// Carries candidates between the two until the second has said this line. A `*` in it stands for
/// anything.
pub(crate) fn trickle_until(one: &mut Remote, other: &mut Remote, line: &str) {
    let began = Instant::now();
    let (start, part) = line.split_once('*').unwrap_or((line, ""));
    let is_it = |heard: &String| match part {
        "" => heard == line,
        part => heard.starts_with(start) && heard.contains(part),
    };
    loop {
        carry(one, other);
        carry(other, one);
        if let Some(index) = other.heard.iter().position(is_it) {
            other.heard.remove(index);
            return;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "waited in vain for {line:?}; heard {:#?} and {:#?}",
            one.heard,
            other.heard
        );
    }
}

fn carry(from: &mut Remote, to: &mut Remote) {
    from.take_in(Duration::from_millis(5));
    while let Some(candidate) = from.candidates.pop_front() {
        to.tell(&format!("candidate {candidate}"));
    }
}

/// The other process: does what it is told until its input ends.
pub(crate) fn serve() {
    if std::env::var_os("PEER_POLICY").is_none() {
        return;
    }
    let _ = env_logger::try_init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let peer = Peer::new();
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        runtime.block_on(peer.obey(verb, rest));
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

struct Peer {
    connection: PeerConnection,
    channel: Arc<Mutex<Option<DataChannel>>>,
}

impl Peer {
    fn new() -> Self {
        let mut config = RtcConfiguration::default();
        config.ice_servers = vec![IceServer {
            urls: variable("PEER_SERVERS")
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            username: "u".to_owned(),
            password: variable("PEER_PASSWORD"),
        }];
        config.ice_transport_type = match variable("PEER_POLICY").as_str() {
            "relay" => IceTransportsType::Relay,
            "nohost" => IceTransportsType::NoHost,
            _ => IceTransportsType::All,
        };
        let connection = PeerConnection::new(config).unwrap();
        connection.on_ice_candidate(Some(Box::new(|candidate| {
            println!("@candidate {}", candidate.candidate());
        })));
        connection.on_ice_candidate_error(Some(Box::new(|error| {
            println!(
                "@error {} {} {}",
                error.error_code, error.url, error.error_text
            );
        })));
        connection.on_ice_gathering_state_change(Some(Box::new(|state| {
            println!("@gathering {state:?}")
        })));
        connection.on_connection_state_change(Some(Box::new(|state| println!("@state {state:?}"))));
        let channel = Arc::new(Mutex::new(None));
        let slot = channel.clone();
        connection.on_data_channel(Some(Box::new(move |channel| {
            listen(&channel);
            *slot.lock().unwrap() = Some(channel);
        })));
        Self {
            connection,
            channel,
        }
    }

    async fn obey(&self, verb: &str, rest: &str) {
        let connection = &self.connection;
        match verb {
            "offer" | "restart" => {
                if verb == "offer" {
                    let channel = connection
                        .create_data_channel("talk", DataChannelInit::default())
                        .unwrap();
                    listen(&channel);
                    *self.channel.lock().unwrap() = Some(channel);
                }
                let options = OfferOptions {
                    ice_restart: verb == "restart",
                };
                let offer = connection.create_offer(options).await.unwrap();
                connection
                    .set_local_description(offer.clone())
                    .await
                    .unwrap();
                println!("@sdp {}", offer.to_string().replace("\r\n", "|"));
            }
            "answer" => {
                let offer =
                    SessionDescription::parse(&rest.replace('|', "\r\n"), SdpType::Offer).unwrap();
                connection.set_remote_description(offer).await.unwrap();
                let answer = connection.create_answer().await.unwrap();
                connection
                    .set_local_description(answer.clone())
                    .await
                    .unwrap();
                println!("@sdp {}", answer.to_string().replace("\r\n", "|"));
            }
            "accept" => {
                let answer =
                    SessionDescription::parse(&rest.replace('|', "\r\n"), SdpType::Answer).unwrap();
                connection.set_remote_description(answer).await.unwrap();
            }
            "candidate" => {
                let candidate = IceCandidate::parse("0", 0, rest).unwrap();
                connection.add_ice_candidate(candidate).await.unwrap();
            }
            // Sending waits for the channel, which waits for further commands.
            "pour" => {
                let (count, length) = rest.split_once(' ').unwrap();
                let message = vec![0xff; length.parse().unwrap()];
                tokio::spawn(send(self.channel.clone(), message, count.parse().unwrap()));
            }
            "say" => {
                tokio::spawn(send(self.channel.clone(), rest.as_bytes().to_vec(), 1));
            }
            _ => panic!("unknown: {verb}"),
        }
    }
}

/// Sends a message several times, as soon as there is a channel and room in its buffer.
async fn send(slot: Arc<Mutex<Option<DataChannel>>>, message: Vec<u8>, times: u32) {
    for _ in 0..times {
        loop {
            let channel = slot.lock().unwrap().clone();
            if channel.is_some_and(|channel| channel.send(&message, true).is_ok()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Says what short messages say, and how long the others are.
fn listen(channel: &DataChannel) {
    channel.on_message(Some(Box::new(|message| {
        match std::str::from_utf8(message.data) {
            Ok(text) if text.len() < 100 => println!("@heard {text}"),
            _ => println!("@got {}", message.data.len()),
        }
    })));
}
