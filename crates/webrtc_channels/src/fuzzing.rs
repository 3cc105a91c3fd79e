//! Ways into the parsers that the network reaches, for the fuzz targets in `fuzz/`. Only built with
//! `--cfg fuzzing`.

use crate::configuration::IceServer;
use crate::dcep::Dcep;
use crate::engine;
use crate::ice_candidate::IceCandidate;
use crate::sdp::{write, LocalTransport, Role, Sdp, Section, Setup};

/// Texts of the signaling: session descriptions, candidates, server URLs.
pub fn text(text: &str) {
    if let Ok(sdp) = Sdp::parse(text) {
        let _ = sdp.remote_transport();
        let sections: Vec<_> = sdp.media().iter().map(Section::mirror).collect();
        let local = LocalTransport {
            ufrag: "ufrag",
            pwd: "password",
            fingerprint: "AA:BB",
            session_id: 1,
            version: 1,
        };
        let answer = write(&local, Role::Answer(Setup::Active), &sections);
        let again = Sdp::parse(&answer).map(|sdp| sdp.media().len());
        assert_eq!(again.ok(), Some(sdp.media().len()));
    }
    let _ = IceCandidate::parse("0", 0, text);
    engine::fuzzing::candidate(text);
    engine::fuzzing::servers(&[IceServer {
        urls: text.lines().map(str::to_owned).collect(),
        username: String::new(),
        password: String::new(),
    }]);
}

/// Packets: STUN for the ICE agent, messages of TURN servers, DTLS, SCTP, data channel control.
pub fn packet(bytes: &[u8]) {
    engine::fuzzing::packet(bytes);
    if let Ok(Dcep::Open(open)) = Dcep::parse(bytes) {
        let written = open.to_bytes().expect("it came in a message");
        let Ok(Dcep::Open(again)) = Dcep::parse(&written) else {
            panic!("what was written does not read back: {written:?}");
        };
        assert_eq!(format!("{again:?}"), format!("{open:?}"));
    }
}
