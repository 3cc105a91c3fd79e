//! Any text from the signaling: session descriptions, candidates, server URLs.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| webrtc_channels::fuzzing::text(text));
