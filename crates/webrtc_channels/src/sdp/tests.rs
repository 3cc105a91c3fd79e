use proptest::prelude::*;

use super::*;

const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n\
    a=fingerprint:SHA-256 0a:FF:10\r\na=group:BUNDLE 0 1\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n\
    a=ice-ufrag:user\r\na=ice-pwd:secret\r\na=setup:actpass\r\na=sendonly\r\n\
    a=rtpmap:111 opus/48000/2\r\na=ssrc:1 cname:x\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:data\r\na=ice-ufrag:user\r\n\
    a=ice-pwd:secret\r\na=setup:actpass\r\na=max-message-size:1000\r\n\
    a=candidate:1 1 udp 1 127.0.0.1 5 typ host\r\na=end-of-candidates\r\n";

fn local() -> LocalTransport<'static> {
    LocalTransport {
        ufrag: "u",
        pwd: "p",
        fingerprint: "AA:BB",
        session_id: 7,
        version: 3,
    }
}

#[test]
fn reads_a_server_offer() {
    let sdp = Sdp::parse(OFFER).unwrap();
    let transport = sdp.remote_transport().unwrap();
    assert_eq!(
        (transport.ufrag.as_str(), transport.pwd.as_str()),
        ("user", "secret")
    );
    assert_eq!(transport.fingerprint.algorithm, "sha-256");
    assert_eq!(transport.fingerprint.digest, [0x0a, 0xff, 0x10]);
    assert_eq!(transport.setup, Setup::ActPass);
    assert_eq!(transport.max_message_size, Some(1000));
    assert!(transport.ice_lite && transport.data_channels);
    assert_eq!(
        transport.candidates,
        ["candidate:1 1 udp 1 127.0.0.1 5 typ host"]
    );
    assert_eq!(sdp.data_channel_section(), Some(("data".to_owned(), 1)));
}

#[test]
fn answers_media_as_inactive_and_keeps_its_codecs() {
    let offer = Sdp::parse(OFFER).unwrap();
    let sections: Vec<_> = offer.media().iter().map(Section::mirror).collect();
    let answer = write(&local(), Role::Answer(Setup::Active), &sections);
    assert!(answer.contains("a=group:BUNDLE 0 data\r\n"));
    let audio = answer.split("m=").nth(1).unwrap();
    assert!(audio.starts_with("audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n"));
    assert!(audio.contains("a=inactive\r\n") && audio.contains("a=rtpmap:111 opus/48000/2\r\n"));
    assert!(!audio.contains("ssrc") && !audio.contains("sendonly"));
    let reread = Sdp::parse(&answer).unwrap().remote_transport().unwrap();
    assert_eq!(reread.setup, Setup::Active);
    assert_eq!(reread.fingerprint.digest, [0xaa, 0xbb]);
    assert_eq!(reread.max_message_size, Some(262_144));
}

#[test]
fn a_rejected_section_stays_rejected() {
    let offer = OFFER.replace("m=audio 9", "m=audio 0");
    let offer = Sdp::parse(&offer).unwrap();
    let sections: Vec<_> = offer.media().iter().map(Section::mirror).collect();
    let answer = write(&local(), Role::Answer(Setup::Active), &sections);
    assert!(answer.contains("m=audio 0 "));
    assert!(answer.contains("a=group:BUNDLE data\r\n"));
}

#[test]
fn a_peer_that_names_no_size_takes_64_kib_and_zero_means_any() {
    let size = |line: &str| {
        let text = OFFER.replace("a=max-message-size:1000\r\n", line);
        Sdp::parse(&text)
            .unwrap()
            .remote_transport()
            .unwrap()
            .max_message_size
    };
    assert_eq!(size(""), Some(65_536));
    assert_eq!(size("a=max-message-size:0\r\n"), None);
}

#[test]
fn refuses_what_is_not_sdp() {
    for text in [
        "",
        "hello",
        "v=1\r\n",
        "v=0\r\nm=audio\r\n",
        "v=0\r\nm=audio x y z\r\n",
        "v=0\r\n??\r\n",
    ] {
        assert!(Sdp::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn says_what_is_missing() {
    for line in ["a=ice-ufrag:user\r\n", "a=fingerprint:SHA-256 0a:FF:10\r\n"] {
        let sdp = Sdp::parse(&OFFER.replace(line, "")).unwrap();
        assert!(sdp.remote_transport().is_err(), "{line}");
    }
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "(v=0\r\n)?([a-z]=[ -~]{0,40}\r?\n|m=[a-z]{1,5} [0-9]{1,6} [A-Z/]{0,9}( [0-9 ]*)?\n|[\\PC]{0,20}\n){0,12}") {
        if let Ok(sdp) = Sdp::parse(&text) {
            let _ = sdp.remote_transport();
            let sections: Vec<_> = sdp.media().iter().map(Section::mirror).collect();
            let answer = write(&local(), Role::Answer(Setup::Passive), &sections);
            prop_assert_eq!(Sdp::parse(&answer).unwrap().media().len(), sdp.media().len());
        }
    }

    #[test]
    fn what_is_written_reads_back(
        ufrag in "[a-zA-Z0-9+/]{4,32}", pwd in "[a-zA-Z0-9+/]{22,64}",
        digest in prop::collection::vec(any::<u8>(), 32), id: u64, version: u64,
        mids in prop::collection::vec("[a-z0-9]{1,8}", 1..6),
    ) {
        let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        let fingerprint = hex.join(":");
        let transport = LocalTransport {
            ufrag: &ufrag, pwd: &pwd, fingerprint: &fingerprint, session_id: id, version,
        };
        let sections: Vec<_> = mids.iter().map(|mid| Section::data_channels(mid)).collect();
        let sdp = Sdp::parse(&write(&transport, Role::Offer, &sections)).unwrap();
        let read = sdp.remote_transport().unwrap();
        prop_assert_eq!((read.ufrag, read.pwd), (ufrag, pwd));
        prop_assert_eq!(read.fingerprint.digest, digest);
        prop_assert_eq!(sdp.data_channel_section().unwrap().0, mids[0].clone());
    }
}
