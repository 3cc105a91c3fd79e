//! The frames of a stream in pieces.

use std::time::Duration;

use proptest::prelude::*;
use remote_access_media::{
    AccessUnits, Coded, MediaError, Planes, RgbImage, VideoEncoder, VideoSettings,
};
use test_scene::{Motion, Scene};

const START: &[u8] = &[0, 0, 0, 1];

fn unit(content: &[u8]) -> Vec<u8> {
    [START, content].concat()
}

fn frames(pieces: &[Vec<u8>]) -> (Vec<Coded>, AccessUnits) {
    let mut units = AccessUnits::default();
    let frames = pieces
        .iter()
        .flat_map(|piece| units.push(piece).expect("a stream"));
    (frames.collect(), units)
}

/// Twelve frames of a real encoder, of which every fifth is a key frame.
fn video() -> Vec<Coded> {
    let (width, height) = (64, 48);
    let scene = Scene::new(width, height, Motion::Driving);
    let mut encoder = VideoEncoder::new(VideoSettings {
        bit_rate: 200_000,
        key_frame_interval: Duration::from_millis(160),
    });
    let mut planes = Planes::default();
    (0..12)
        .map(|number| {
            planes.take(&RgbImage {
                width,
                height,
                rgb: scene.rgb(number),
                is_grey: false,
            });
            let at = Duration::from_millis(u64::from(number) * 33);
            encoder.encode(&planes, at).expect("encodes")
        })
        .collect()
}

#[test]
fn the_frames_of_an_encoder_come_out_as_they_went_in() {
    let video = video();
    assert!(video.iter().filter(|coded| coded.is_key_frame).count() > 1);
    let stream: Vec<u8> = video
        .iter()
        .flat_map(|coded| coded.annex_b.clone())
        .collect();
    for size in [1, 7, 1_000, stream.len()] {
        let pieces: Vec<_> = stream.chunks(size).map(<[u8]>::to_vec).collect();
        let (mut out, mut units) = frames(&pieces);
        assert_eq!(out.len(), video.len() - 1, "the last one may go on");
        out.extend(units.pause());
        assert_eq!(out, video, "in pieces of {size}");
        assert_eq!(units.pause(), None);
    }
}

#[test]
fn a_key_frame_without_parameter_sets_gets_those_that_came_last() {
    let (sps, pps) = (unit(&[0x67, 1, 2]), unit(&[0x68, 3]));
    let (key, other) = (unit(&[0x65, 0x80, 9]), unit(&[0x41, 0x80, 9]));
    let stream = [&sps[..], &pps, &key, &other, &key, &other].concat();
    let (out, _) = frames(&[stream]);
    let with_sets = [&sps[..], &pps, &key].concat();
    assert_eq!(out[0].annex_b, with_sets);
    assert_eq!((&out[1].annex_b, out[1].is_key_frame), (&other, false));
    assert_eq!((&out[2].annex_b, out[2].is_key_frame), (&with_sets, true));
    // Without any, decoding cannot begin with it.
    let (out, _) = frames(&[[&key[..], &other].concat()]);
    assert!(!out[0].is_key_frame);
}

#[test]
fn the_slices_of_a_frame_stay_together() {
    let first = [
        unit(&[0x09, 0x10]),
        unit(&[0x41, 0x80]),
        unit(&[0x41, 0x40]),
    ]
    .concat();
    let (out, units) = frames(&[[&first[..], &first].concat()]);
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].annex_b, first);
    assert!(units.has_slice());
}

#[test]
fn a_frame_that_was_not_complete_at_a_pause_is_an_error() {
    let mut units = AccessUnits::default();
    units.push(&unit(&[0x41, 0x80, 5])).expect("a stream");
    assert!(units.pause().is_some());
    assert_eq!(units.push(&[7, 7, 7, 7]), Err(MediaError::NotAnnexB));
    // The same where it paused between two slices.
    let mut units = AccessUnits::default();
    units.push(&unit(&[0x41, 0x80, 5])).expect("a stream");
    assert!(units.pause().is_some());
    assert_eq!(
        units.push(&unit(&[0x41, 0x40, 5])),
        Err(MediaError::NotAnnexB)
    );
}

#[test]
fn what_is_no_stream_is_an_error() {
    let mut units = AccessUnits::default();
    assert_eq!(units.push(b"Usage: encode"), Err(MediaError::NotAnnexB));
    let mut endless = AccessUnits::default();
    endless.push(&unit(&[0x41, 0x80])).expect("a stream");
    let piece = vec![7; 1 << 20];
    let ended = (0..20).find_map(|_| endless.push(&piece).err());
    assert!(matches!(ended, Some(MediaError::FrameSize { .. })));
}

proptest! {
    #[test]
    fn nothing_is_lost_of_what_begins_with_a_start_code(
        kinds in proptest::collection::vec((0u8..32, 1u8..9), 1..40),
        size in 1usize..50,
    ) {
        // A frame needs a slice.
        let stream: Vec<u8> = kinds
            .into_iter()
            .chain([(1, 1)])
            .flat_map(|(kind, fill)| unit(&[kind, 0x80, fill]))
            .collect();
        let mut units = AccessUnits::default();
        let mut out = Vec::new();
        for piece in stream.chunks(size) {
            out.extend(units.push(piece).expect("a stream"));
        }
        out.extend(units.pause());
        let whole: usize = out.iter().map(|coded| coded.annex_b.len()).sum();
        // Key frames may get parameter sets.
        prop_assert!(whole >= stream.len());
    }
}
