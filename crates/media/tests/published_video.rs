//! Key frames of videos that a robot publishes.

use remote_access_cdr::Builder;
use remote_access_media::PublishedVideo;

fn compressed_video(format: &str, data: &[u8]) -> Vec<u8> {
    let mut message = Builder::new(1_000);
    let written = message
        .i32(1)
        .and_then(|message| message.u32(2))
        .and_then(|message| message.string("front"))
        .and_then(|message| message.bytes(data))
        .and_then(|message| message.string(format));
    written.expect("fits");
    message.finish()
}

/// One with eight bytes of time, aligned as CDR has it.
fn ffmpeg_packet(flags: u8) -> Vec<u8> {
    let mut message = Builder::new(1_000);
    let written = message
        .i32(1)
        .and_then(|message| message.u32(2))
        .and_then(|message| message.string("optical"))
        .and_then(|message| message.i32(640))
        .and_then(|message| message.i32(480))
        // Ends on a multiple of eight.
        .and_then(|message| message.string("hevc123"))
        .and_then(|message| message.u32(7))
        .and_then(|message| message.u32(0))
        .and_then(|message| message.u8(flags))
        .and_then(|message| message.u8(0))
        .and_then(|message| message.bytes(&[9, 9]));
    written.expect("fits");
    message.finish()
}

#[test]
fn the_first_slice_tells_a_key_frame() {
    let video = PublishedVideo::of("foxglove_msgs/msg/CompressedVideo").expect("a video");
    let is_key = |format, data: &[u8]| video.is_key_frame(&compressed_video(format, data));
    let sets = [0, 0, 0, 1, 0x67, 5, 0, 0, 1, 0x68, 5];
    assert_eq!(
        is_key("h264", &[&sets[..], &[0, 0, 1, 0x65, 0x80]].concat()),
        Some(true)
    );
    assert_eq!(
        is_key("h264", &[&sets[..], &[0, 0, 1, 0x41, 0x80]].concat()),
        Some(false)
    );
    assert_eq!(
        is_key("h264", &[0, 0, 1, 0x41, 0x80, 0, 0, 1, 0x65]),
        Some(false)
    );
    assert_eq!(is_key("h264", &sets), None);
    // VPS, SPS, then a slice: IDR_W_RADL, CRA, TRAIL_R.
    let h265 = |slice: u8| [0, 0, 1, 0x40, 1, 0, 0, 1, 0x42, 1, 0, 0, 1, slice << 1, 1];
    assert_eq!(is_key("h265", &h265(19)), Some(true));
    assert_eq!(is_key("h265", &h265(21)), Some(true));
    assert_eq!(is_key("h265", &h265(1)), Some(false));
    assert_eq!(is_key("vp9", &[0, 0, 1, 0x65]), None);
    assert_eq!(video.is_key_frame(b"\0\x01\0\0rest"), None);
}

#[test]
fn a_packet_says_so_itself() {
    let video = PublishedVideo::of("ffmpeg_image_transport_msgs/msg/FFMPEGPacket");
    let video = video.expect("a video");
    assert_eq!(video.is_key_frame(&ffmpeg_packet(1)), Some(true));
    assert_eq!(video.is_key_frame(&ffmpeg_packet(2)), Some(false));
    assert_eq!(video.is_key_frame(&ffmpeg_packet(1)[..40]), None);
    assert_eq!(PublishedVideo::of("sensor_msgs/msg/Image"), None);
}
