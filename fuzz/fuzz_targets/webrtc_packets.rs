//! Any packet from the network: STUN, TURN, DTLS, SCTP, data channel control.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| webrtc_channels::fuzzing::packet(bytes));
