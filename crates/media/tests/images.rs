//! Images of all encodings become the same image, and wrong ones an error.

#[path = "support/messages.rs"]
mod messages;

use std::sync::LazyLock;

use messages::ImageFields;
use proptest::prelude::*;
use remote_access_media::{jpeg, Image, MediaError, Planes, RgbImage, Size};
use test_scene::{ssim, Motion, Scene};

const WIDTH: usize = 64;
const HEIGHT: usize = 48;
const ANY: Size = Size {
    width: 10_000,
    height: 10_000,
};

static SCENE: LazyLock<Vec<u8>> =
    LazyLock::new(|| Scene::new(WIDTH, HEIGHT, Motion::Driving).rgb(0));

fn pixel(rgb: &[u8], x: usize, y: usize) -> [u8; 3] {
    let at = (y * WIDTH + x) * 3;
    [rgb[at], rgb[at + 1], rgb[at + 2]]
}

fn yuv([r, g, b]: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = [r, g, b].map(f32::from);
    [
        16.5 + 0.2568 * r + 0.5041 * g + 0.0979 * b,
        128.5 - 0.1482 * r - 0.2910 * g + 0.4392 * b,
        128.5 + 0.4392 * r - 0.3678 * g - 0.0714 * b,
    ]
    .map(|level| level as u8)
}

/// The scene in an encoding, with `padding` bytes after each row.
fn encoded(encoding: &str, padding: usize) -> ImageFields {
    let rgb = &*SCENE;
    let row = |y: usize| -> Vec<u8> {
        let pixels = (0..WIDTH).map(|x| pixel(rgb, x, y));
        match encoding {
            "rgb8" => pixels.flatten().collect(),
            "bgr8" | "8UC3" => pixels.flat_map(|[r, g, b]| [b, g, r]).collect(),
            "rgba8" => pixels.flat_map(|[r, g, b]| [r, g, b, 9]).collect(),
            "bgra8" | "8UC4" => pixels.flat_map(|[r, g, b]| [b, g, r, 9]).collect(),
            "mono8" => pixels.map(|[_, g, _]| g).collect(),
            "mono16" => pixels.flat_map(|[_, g, _]| [77, g]).collect(),
            "yuv422" | "yuv422_yuy2" => (0..WIDTH / 2)
                .flat_map(|two| {
                    let [y1, u, v] = yuv(pixel(rgb, 2 * two, y));
                    let y2 = yuv(pixel(rgb, 2 * two + 1, y))[0];
                    if encoding == "yuv422" {
                        [u, y1, v, y2]
                    } else {
                        [y1, u, y2, v]
                    }
                })
                .collect(),
            "nv12" | "nv21" => pixels.map(|rgb| yuv(rgb)[0]).collect(),
            // The names tell the colours of the first four pixels.
            bayer => (0..WIDTH)
                .map(|x| {
                    let colours = &bayer.as_bytes()["bayer_".len()..];
                    let colour = colours[(y % 2) * 2 + x % 2];
                    pixel(rgb, x, y)[match colour {
                        b'r' => 0,
                        b'g' => 1,
                        _ => 2,
                    }]
                })
                .collect(),
        }
    };
    let mut data = Vec::new();
    let mut step = 0;
    for y in 0..HEIGHT {
        let row = row(y);
        step = row.len() + padding;
        data.extend(row);
        data.extend(vec![0; padding]);
    }
    if encoding.starts_with("nv") {
        for y in (0..HEIGHT).step_by(2) {
            for x in (0..WIDTH).step_by(2) {
                let [_, u, v] = yuv(pixel(rgb, x, y));
                data.extend(if encoding == "nv12" { [u, v] } else { [v, u] });
            }
            data.extend(vec![0; padding]);
        }
    }
    ImageFields {
        width: WIDTH as u32,
        height: HEIGHT as u32,
        encoding: encoding.into(),
        is_bigendian: 0,
        step: step as u32,
        data,
    }
}

fn rgb_image(fields: &ImageFields) -> RgbImage {
    let message = fields.serialize(false);
    let mut rgb_image = RgbImage::default();
    rgb_image.take(&Image::parse(&message).expect("an image"), ANY);
    rgb_image
}

fn channel(rgb: &[u8], channel: usize) -> Vec<u8> {
    rgb.iter().skip(channel).step_by(3).copied().collect()
}

#[test]
fn every_encoding_gives_the_image_in_its_colours() {
    let expected = &*SCENE;
    let exact = [
        "rgb8", "bgr8", "8UC3", "rgba8", "bgra8", "8UC4", "mono8", "mono16",
    ];
    for encoding in exact {
        for padding in [0, 5] {
            let found = rgb_image(&encoded(encoding, padding));
            assert_eq!((found.width, found.height), (WIDTH, HEIGHT));
            let grey = encoding.starts_with("mono");
            assert_eq!(found.is_grey, grey, "{encoding}");
            for colour in 0..3 {
                let wanted = channel(expected, if grey { 1 } else { colour });
                assert_eq!(channel(&found.rgb, colour), wanted, "{encoding}, {padding}");
            }
        }
    }
    let lossy = [
        "yuv422",
        "yuv422_yuy2",
        "nv12",
        "nv21",
        "bayer_rggb8",
        "bayer_grbg8",
        "bayer_gbrg8",
        "bayer_bggr8",
    ];
    for encoding in lossy {
        let found = rgb_image(&encoded(encoding, 6));
        for colour in 0..3 {
            let wanted = channel(expected, colour);
            let alike = ssim(&channel(&found.rgb, colour), &wanted, WIDTH, HEIGHT);
            assert!(alike > 0.75, "{encoding}, colour {colour}: {alike}");
            let mean = |plane: &[u8]| {
                plane.iter().map(|&l| f64::from(l)).sum::<f64>() / plane.len() as f64
            };
            let difference = mean(&channel(&found.rgb, colour)) - mean(&wanted);
            assert!(
                difference.abs() < 4.0,
                "{encoding}, colour {colour}: {difference}"
            );
        }
    }
}

#[test]
fn both_byte_orders_say_the_same() {
    let fields = encoded("rgb8", 3);
    let (little, big) = (fields.serialize(false), fields.serialize(true));
    let little = Image::parse(&little).expect("an image");
    assert_eq!(little, Image::parse(&big).expect("an image"));
    assert_eq!((little.stamp.seconds, little.stamp.nanoseconds), (7, 8));
    assert_eq!(little.frame_id, "camera");

    let mut swapped = encoded("mono16", 0);
    swapped.is_bigendian = 1;
    swapped
        .data
        .chunks_exact_mut(2)
        .for_each(|level| level.swap(0, 1));
    assert_eq!(rgb_image(&swapped), rgb_image(&encoded("mono16", 0)));
}

#[test]
fn a_large_image_shrinks_to_what_is_wanted() {
    let fields = encoded("rgb8", 1);
    let message = fields.serialize(false);
    let image = Image::parse(&message).expect("an image");
    let mut rgb_image = RgbImage::default();
    let largest = Size {
        width: 40,
        height: 1_000,
    };
    rgb_image.take(&image, largest);
    assert_eq!((rgb_image.width, rgb_image.height), (32, 24));
    let rgb = &*SCENE;
    let mean =
        [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(x, y)| u32::from(pixel(rgb, 10 + x, 6 + y)[0]));
    let found = u32::from(rgb_image.rgb[(3 * 32 + 5) * 3]);
    assert_eq!(found, mean.iter().sum::<u32>() / 4);
}

#[test]
fn a_message_that_is_no_image_says_why() {
    let good = encoded("rgb8", 0);
    let problem = |change: &dyn Fn(&mut ImageFields)| {
        let mut fields = good.clone();
        change(&mut fields);
        Image::parse(&fields.serialize(false)).expect_err("wrong")
    };
    let short = problem(&|fields| fields.step -= 1);
    assert_eq!(
        short.to_string(),
        "`step` is 191, but a row of 64 pixels of rgb8 takes 192 bytes"
    );
    assert!(matches!(
        problem(&|fields| fields.step = 0),
        MediaError::Step { .. }
    ));
    assert!(matches!(
        problem(&|fields| fields.step = u32::MAX),
        MediaError::CutOff { .. }
    ));
    assert!(matches!(
        problem(&|fields| {
            fields.data.pop();
        }),
        MediaError::CutOff { .. }
    ));
    assert!(matches!(
        problem(&|fields| fields.width = 0),
        MediaError::Size { .. }
    ));
    assert!(matches!(
        problem(&|fields| fields.height = u32::MAX),
        MediaError::Size { .. }
    ));
    for depth in ["16UC1", "32FC1", "", "32SC1"] {
        let error = problem(&|fields| fields.encoding = depth.into());
        assert_eq!(error, MediaError::Encoding(depth.into()));
    }
    assert!(matches!(Image::parse(&[0, 1]), Err(MediaError::Message(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_size_or_step_makes_it_fall_over(
        (width, height) in (0u32..40, 0u32..40),
        encoding in prop::sample::select(vec![
            "rgb8", "bgra8", "mono8", "mono16", "yuv422", "yuyv", "nv12", "nv21", "bayer_rggb8", "bayer_gbrg8",
        ]),
        step in 0u32..200,
        length in 0usize..8_000,
        largest in 1usize..50,
        big_endian: bool,
    ) {
        let fields = ImageFields {
            width,
            height,
            encoding: encoding.into(),
            is_bigendian: 0,
            step,
            data: vec![100; length],
        };
        if let Ok(image) = Image::parse(&fields.serialize(big_endian)) {
            let mut rgb_image = RgbImage::default();
            rgb_image.take(&image, Size { width: largest, height: largest });
            prop_assert_eq!(rgb_image.rgb.len(), rgb_image.width * rgb_image.height * 3);
            let mut planes = Planes::default();
            planes.take(&rgb_image);
            prop_assert_eq!(planes.u.len() * 4, planes.y.len());
            prop_assert!(jpeg(&rgb_image, 50).is_ok());
        }
    }

    #[test]
    fn no_bytes_make_it_fall_over(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Image::parse(&bytes);
    }
}
