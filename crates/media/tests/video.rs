//! What a decoder makes of the video.

use std::time::Duration;

use remote_access_media::{Coded, MediaError, Planes, RgbImage, VideoEncoder, VideoSettings};
use rusty_h264::Decoder;
use test_scene::{ssim, Motion, Scene};

const WIDTH: usize = 320;
const HEIGHT: usize = 240;

fn settings(bit_rate: u32) -> VideoSettings {
    VideoSettings {
        bit_rate,
        key_frame_interval: Duration::from_secs(3),
    }
}

fn planes(scene: &Scene, width: usize, height: usize, number: u32) -> Planes {
    let frame = RgbImage {
        width,
        height,
        rgb: scene.rgb(number),
        is_grey: false,
    };
    let mut planes = Planes::default();
    planes.take(&frame);
    planes
}

fn at(number: u32) -> Duration {
    Duration::from_micros(u64::from(number) * 33_333)
}

/// Encodes frames of the driving scene; `before` may ask for something.
fn encode(
    encoder: &mut VideoEncoder,
    numbers: std::ops::Range<u32>,
    mut before: impl FnMut(u32, &mut VideoEncoder),
) -> Vec<Coded> {
    let scene = Scene::new(WIDTH, HEIGHT, Motion::Driving);
    numbers
        .map(|number| {
            before(number, encoder);
            let planes = planes(&scene, WIDTH, HEIGHT, number);
            encoder.encode(&planes, at(number)).expect("encodes")
        })
        .collect()
}

fn key_frames(coded: &[Coded]) -> Vec<usize> {
    let keys = coded
        .iter()
        .enumerate()
        .filter(|(_, coded)| coded.is_key_frame);
    keys.map(|(number, _)| number).collect()
}

/// The types of the units of a frame.
fn units(coded: &Coded) -> Vec<u8> {
    let starts = coded
        .annex_b
        .windows(4)
        .filter(|bytes| bytes[..3] == [0, 0, 1]);
    starts.map(|bytes| bytes[3] & 0x1F).collect()
}

#[test]
fn every_frame_decodes_as_it_comes_and_is_like_its_source() {
    let coded = encode(&mut VideoEncoder::new(settings(500_000)), 0..90, |_, _| {});
    let scene = Scene::new(WIDTH, HEIGHT, Motion::Driving);
    let mut decoder = Decoder::new();
    for (number, coded) in (0..).zip(&coded) {
        let decoded = decoder
            .decode(&coded.annex_b)
            .expect("decodes")
            .expect("a frame");
        let source = planes(&scene, WIDTH, HEIGHT, number);
        let alike = ssim(&decoded.y, &source.y, WIDTH, HEIGHT);
        assert!(alike > 0.85, "frame {number}: {alike}");
    }
    let bits = coded
        .iter()
        .map(|coded| coded.annex_b.len() * 8)
        .sum::<usize>();
    assert!(
        (1_200_000..1_900_000).contains(&bits),
        "{bits} bits in three seconds"
    );
}

#[test]
fn key_frames_carry_their_parameters_and_come_when_asked_for_and_in_time() {
    let mut encoder = VideoEncoder::new(settings(500_000));
    let coded = encode(&mut encoder, 0..120, |number, encoder| {
        if number == 20 {
            encoder.request_key_frame();
        }
    });
    // 3 s are 90 frames.
    assert_eq!(key_frames(&coded), [0, 20, 111]);
    for (number, coded) in coded.iter().enumerate() {
        let units = units(coded);
        if coded.is_key_frame {
            assert!(
                units.starts_with(&[7, 8]) && units.contains(&5),
                "{number}: {units:?}"
            );
        } else {
            assert!(units.iter().all(|&unit| unit == 1), "{number}: {units:?}");
        }
    }
}

#[test]
fn key_frames_that_are_asked_for_all_the_time_come_three_times_a_second() {
    let mut encoder = VideoEncoder::new(settings(500_000));
    let coded = encode(&mut encoder, 0..50, |_, encoder| {
        encoder.request_key_frame()
    });
    assert_eq!(key_frames(&coded), [0, 10, 20, 30, 40]);
}

#[test]
fn a_later_key_frame_is_enough_to_begin_with() {
    let mut encoder = VideoEncoder::new(settings(500_000));
    let coded = encode(&mut encoder, 0..40, |number, encoder| {
        if number == 30 {
            encoder.request_key_frame();
        }
    });
    let mut decoder = Decoder::new();
    for coded in &coded[30..] {
        assert!(decoder.decode(&coded.annex_b).expect("decodes").is_some());
    }
}

#[test]
fn the_bit_rate_follows_and_small_changes_cost_no_key_frame() {
    let mut encoder = VideoEncoder::new(settings(1_000_000));
    let coded = encode(&mut encoder, 0..180, |number, encoder| match number {
        60 => encoder.set_bit_rate(950_000),
        90 => encoder.set_bit_rate(250_000),
        _ => {}
    });
    assert_eq!(key_frames(&coded), [0, 90]);
    let bytes =
        |range: std::ops::Range<usize>| coded[range].iter().map(|c| c.annex_b.len()).sum::<usize>();
    let (before, after) = (bytes(30..90), bytes(120..180));
    assert!(after * 3 < before, "{before} bytes, then {after}");
}

#[test]
fn frames_that_come_seldom_get_more_bits_each() {
    let scene = Scene::new(WIDTH, HEIGHT, Motion::Driving);
    let mut encoder = VideoEncoder::new(settings(300_000));
    let sizes: Vec<usize> = (0..60)
        .map(|number| {
            let planes = planes(&scene, WIDTH, HEIGHT, number * 6);
            let coded = encoder.encode(&planes, at(number * 6)).expect("encodes");
            coded.annex_b.len()
        })
        .collect();
    // Five a second, each with a fifth of 300 kbit: 7.5 kB.
    let mean = sizes[30..].iter().sum::<usize>() / 30;
    assert!((5_000..10_000).contains(&mean), "{mean} bytes a frame");
}

#[test]
fn the_size_may_change_and_sizes_that_do_not_fit_are_refused() {
    let mut encoder = VideoEncoder::new(settings(500_000));
    let mut decoder = Decoder::new();
    let mut number = 0;
    for (width, height) in [(160, 120), (33, 47), (160, 120)] {
        let scene = Scene::new(width, height, Motion::Standing);
        for _ in 0..3 {
            let planes = planes(&scene, width, height, number);
            number += 1;
            let coded = encoder.encode(&planes, at(number)).expect("encodes");
            let decoded = decoder
                .decode(&coded.annex_b)
                .expect("decodes")
                .expect("a frame");
            assert_eq!((decoded.width, decoded.height), (width & !1, height & !1));
        }
    }
    let tiny = Planes {
        width: 8,
        height: 8,
        y: vec![0; 64],
        u: vec![0; 16],
        v: vec![0; 16],
    };
    let refused = encoder.encode(&tiny, at(number + 1));
    assert!(
        matches!(refused, Err(MediaError::VideoSize { .. })),
        "{refused:?}"
    );
}
