//! Any bytes, cut anywhere, through the frame decoder and the message parser.
#![no_main]

use libfuzzer_sys::fuzz_target;
use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::frame::{FrameDecoder, FRAME_HEADER_SIZE};

fuzz_target!(|data: &[u8]| {
    let Some((&cut, bytes)) = data.split_first() else {
        return;
    };
    let mut decoder = FrameDecoder::default();
    let mut taken = 0;
    for piece in bytes.chunks(usize::from(cut) + 1) {
        decoder.push(piece);
        while let Ok(Some(frame)) = decoder.next_frame() {
            taken += FRAME_HEADER_SIZE + frame.payload.len();
            let _ = ClientMessage::parse(frame);
        }
    }
    assert!(taken + decoder.buffered() <= bytes.len());
});
