//! A chat between two processes, anywhere, without a server: offer and answer are one line of text
//! each, which people carry.
//!
//! `cargo run -p webrtc_channels --example two_peers -- offer` on one machine, `-- answer` on the
//! other. Paste the line that the first prints into the second, and the second's into the first; from
//! then on each line that is typed arrives at the other end. An argument after that is a STUN server
//! for peers behind NATs: `stun:stun.example.org:3478`.

use std::io::BufRead;
use std::sync::mpsc::{channel, Receiver};

use base64::prelude::{Engine, BASE64_STANDARD};
use webrtc_channels::configuration::{IceServer, RtcConfiguration};
use webrtc_channels::data_channel::{DataChannel, DataChannelInit, DataChannelState};
use webrtc_channels::peer_connection::{OfferOptions, PeerConnection};
use webrtc_channels::session_description::{SdpType, SessionDescription};
use webrtc_channels::states::IceGatheringState;

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let offers = match arguments.next().as_deref() {
        Some("offer") => true,
        Some("answer") => false,
        _ => return Err("the first argument must be offer or answer".into()),
    };
    let mut configuration = RtcConfiguration::default();
    if let Some(url) = arguments.next() {
        configuration.ice_servers.push(IceServer {
            urls: vec![url],
            username: String::new(),
            password: String::new(),
        });
    }
    let connection = PeerConnection::new(configuration)?;
    connection.on_connection_state_change(Some(Box::new(|state| eprintln!("{state:?}"))));
    let candidates = gather(&connection);
    let mut input = std::io::stdin().lock().lines();
    let mut line = || input.next().unwrap_or(Ok(String::new()));

    // A channel that both ends create, with the same number: nobody has to wait for the other's.
    let chat = connection.create_data_channel(
        "chat",
        DataChannelInit {
            negotiated: true,
            id: 0,
            ..DataChannelInit::default()
        },
    )?;
    chat.on_message(Some(Box::new(|message| {
        println!("> {}", String::from_utf8_lossy(message.data));
    })));
    let open = opened(&chat);

    if offers {
        let offer = connection.create_offer(OfferOptions::default()).await?;
        connection.set_local_description(offer.clone()).await?;
        println!("{}", pack(&offer, &candidates));
        let answer = unpack(&line()?, SdpType::Answer)?;
        connection.set_remote_description(answer).await?;
    } else {
        let offer = unpack(&line()?, SdpType::Offer)?;
        connection.set_remote_description(offer).await?;
        let answer = connection.create_answer().await?;
        connection.set_local_description(answer.clone()).await?;
        println!("{}", pack(&answer, &candidates));
    }
    open.recv()?;
    for line in input {
        chat.send(line?.as_bytes(), false)?;
    }
    // What was typed last is sent before the channel closes.
    chat.close();
    while chat.state() != DataChannelState::Closed {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    connection.close();
    Ok(())
}

/// The candidates of a connection as attribute lines, and then, with the channel's end, that there
/// are no more.
fn gather(connection: &PeerConnection) -> Receiver<String> {
    let (found, candidates) = channel();
    connection.on_ice_candidate(Some(Box::new(move |candidate| {
        let _ = found.send(format!("a={}\r\n", candidate.candidate()));
    })));
    let observed = connection.clone();
    connection.on_ice_gathering_state_change(Some(Box::new(move |state| {
        if state == IceGatheringState::Complete {
            observed.on_ice_candidate(None);
        }
    })));
    candidates
}

/// Tells once that the channel is open.
fn opened(channel_: &DataChannel) -> Receiver<()> {
    let (tell, open) = channel();
    channel_.on_state_change(Some(Box::new(move |state| {
        if state == DataChannelState::Open {
            let _ = tell.send(());
        }
    })));
    open
}

/// A description with all its candidates, in one line.
fn pack(description: &SessionDescription, candidates: &Receiver<String>) -> String {
    let candidates: String = candidates.iter().collect();
    BASE64_STANDARD.encode(format!("{description}{candidates}"))
}

fn unpack(line: &str, kind: SdpType) -> Result<SessionDescription, Error> {
    let text = String::from_utf8(BASE64_STANDARD.decode(line.trim())?)?;
    Ok(SessionDescription::parse(&text, kind)?)
}
