//! Calls about media: what `livekit` needs succeeds, the rest says what to do.

use libwebrtc::peer_connection::OfferOptions;
use libwebrtc::peer_connection_factory::{PeerConnectionFactory, RtcConfiguration};
use libwebrtc::rtp_transceiver::{RtpTransceiverDirection, RtpTransceiverInit};
use libwebrtc::MediaType;

#[tokio::test]
async fn media_is_inert_or_unsupported() {
    let near = PeerConnectionFactory::default()
        .create_peer_connection(RtcConfiguration::default())
        .unwrap();
    let init = RtpTransceiverInit {
        direction: RtpTransceiverDirection::RecvOnly,
        stream_ids: Vec::new(),
        send_encodings: Vec::new(),
    };
    near.add_transceiver_for_media(MediaType::Audio, init)
        .unwrap();
    assert_eq!(near.transceivers().len(), 1);
    let offer = near
        .create_offer(OfferOptions::default())
        .await
        .unwrap()
        .to_string();
    assert!(!offer.contains("m=audio"));
    let error = near.transceivers()[0]
        .set_codec_preferences(Vec::new())
        .unwrap_err();
    assert!(error
        .to_string()
        .contains("delete the [patch.crates-io] line"));
}
