//! Compressed images become the image that they were, and damaged ones an error.

use std::sync::LazyLock;

use proptest::prelude::*;
use remote_access_cdr::Builder;
use remote_access_media::{jpeg, CompressedImage, MediaError, RgbImage, Size, Stamp};
use test_scene::{ssim, Motion, Scene};

const WIDTH: usize = 96;
const HEIGHT: usize = 64;
const ANY: Size = Size {
    width: 10_000,
    height: 10_000,
};

static SCENE: LazyLock<RgbImage> = LazyLock::new(|| RgbImage {
    width: WIDTH,
    height: HEIGHT,
    rgb: Scene::new(WIDTH, HEIGHT, Motion::Driving).rgb(0),
    is_grey: false,
});

fn message(format: &str, data: &[u8]) -> Vec<u8> {
    let mut message = Builder::new(1 << 20);
    let written = (|| {
        message.i32(7)?.u32(8)?.string("camera")?;
        message.string(format)?.bytes(data).map(drop)
    })();
    written.expect("small");
    message.finish()
}

fn decode(format: &str, data: &[u8]) -> Result<RgbImage, MediaError> {
    let message = message(format, data);
    let image = CompressedImage::parse(&message)?;
    let stamp = Stamp {
        seconds: 7,
        nanoseconds: 8,
    };
    assert_eq!((image.stamp, image.frame_id), (stamp, "camera"));
    let mut rgb_image = RgbImage::default();
    rgb_image.take_decoded(&image.decode()?, ANY);
    Ok(rgb_image)
}

/// The scene as a PNG whose pixels are as `pixel` makes them.
fn png<const BYTES: usize>(
    colour: png::ColorType,
    depth: png::BitDepth,
    pixel: impl Fn(&[u8]) -> [u8; BYTES],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, WIDTH as u32, HEIGHT as u32);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    let pixels: Vec<u8> = SCENE.rgb.chunks(3).flat_map(pixel).collect();
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&pixels).expect("pixels");
    writer.finish().expect("an end");
    bytes
}

fn luma(rgb: &[u8]) -> Vec<u8> {
    rgb.chunks(3).map(|pixel| pixel[1]).collect()
}

#[test]
fn a_jpeg_is_like_what_it_was_made_of() {
    let bytes = jpeg(&SCENE, 90).expect("a JPEG");
    let found = decode("rgb8; jpeg compressed bgr8", &bytes).expect("an image");
    assert_eq!((found.width, found.height), (WIDTH, HEIGHT));
    assert!(!found.is_grey);
    let likeness = ssim(&luma(&found.rgb), &luma(&SCENE.rgb), WIDTH, HEIGHT);
    assert!(likeness > 0.9, "{likeness}");
}

#[test]
fn a_grey_jpeg_stays_grey() {
    let grey = RgbImage {
        rgb: SCENE.rgb.chunks(3).flat_map(|rgb| [rgb[1]; 3]).collect(),
        is_grey: true,
        ..SCENE.clone()
    };
    let found = decode("jpeg", &jpeg(&grey, 90).expect("a JPEG")).expect("an image");
    assert!(found.is_grey);
    assert!(found.rgb.chunks(3).all(|rgb| rgb[0] == rgb[2]));
    assert!(ssim(&luma(&found.rgb), &luma(&grey.rgb), WIDTH, HEIGHT) > 0.9);
}

#[test]
fn a_png_of_any_colour_is_what_it_was_made_of() {
    use png::{BitDepth::Eight, ColorType};
    let rgb = png(ColorType::Rgb, Eight, |rgb| [rgb[0], rgb[1], rgb[2]]);
    assert_eq!(decode("png", &rgb).expect("an image"), *SCENE);
    let alpha = png(ColorType::Rgba, Eight, |rgb| [rgb[0], rgb[1], rgb[2], 9]);
    assert_eq!(decode("png", &alpha).expect("an image"), *SCENE);
    let grey = png(ColorType::Grayscale, Eight, |rgb| [rgb[1]]);
    let both = png(ColorType::GrayscaleAlpha, Eight, |rgb| [rgb[1], 9]);
    let grey = decode("mono8; png compressed ", &grey).expect("an image");
    assert!(grey.is_grey);
    assert_eq!(luma(&grey.rgb), luma(&SCENE.rgb));
    assert_eq!(decode("png", &both).expect("an image"), grey);
}

#[test]
fn a_large_one_shrinks_to_what_is_wanted() {
    let bytes = png(png::ColorType::Grayscale, png::BitDepth::Eight, |rgb| {
        [rgb[1]]
    });
    let message = message("png", &bytes);
    let image = CompressedImage::parse(&message).expect("a message");
    let mut shrunk = RgbImage::default();
    let largest = Size {
        width: 48,
        height: 48,
    };
    shrunk.take_decoded(&image.decode().expect("an image"), largest);
    assert_eq!((shrunk.width, shrunk.height), (48, 32));
    let levels = luma(&SCENE.rgb);
    let at = |x: usize, y: usize| u32::from(levels[y * WIDTH + x]);
    let mean = (at(10, 6) + at(11, 6) + at(10, 7) + at(11, 7)) / 4;
    assert_eq!(u32::from(shrunk.rgb[(3 * 48 + 5) * 3]), mean);
}

#[test]
fn measurements_and_what_is_damaged_are_refused() {
    let bytes = jpeg(&SCENE, 90).expect("a JPEG");
    for format in ["16UC1; compressedDepth png", "32FC1; png compressed"] {
        let refused = decode(format, &bytes).expect_err("depths");
        assert_eq!(refused, MediaError::Encoding(format.to_owned()));
    }
    let depth = png(png::ColorType::Grayscale, png::BitDepth::Sixteen, |rgb| {
        [rgb[0], rgb[1]]
    });
    assert!(matches!(
        decode("png", &depth),
        Err(MediaError::Encoding(_))
    ));
    let webp = decode("webp", b"RIFF....WEBP").expect_err("no decoder");
    assert_eq!(
        webp.to_string(),
        "compressed images of the format \"webp\" are not decoded: JPEG and PNG are"
    );
    assert!(matches!(
        decode("jpeg", &bytes[..20]),
        Err(MediaError::Decoder(_))
    ));
    let rgb = png(png::ColorType::Rgb, png::BitDepth::Eight, |_| [1, 2, 3]);
    assert!(matches!(
        decode("png", &rgb[..60]),
        Err(MediaError::Decoder(_))
    ));
    assert!(matches!(
        CompressedImage::parse(&[0, 1]),
        Err(MediaError::CompressedMessage(_))
    ));
}

#[test]
fn no_memory_is_taken_for_pixels_that_cannot_be_there() {
    let mut bytes = png(png::ColorType::Grayscale, png::BitDepth::Eight, |rgb| {
        [rgb[1]]
    });
    // The size in the header, and its checksum.
    bytes[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    let mut checksum = crc(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    assert!(matches!(
        decode("png", &bytes),
        Err(MediaError::Size { .. })
    ));
    checksum ^= 1;
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    assert!(matches!(decode("png", &bytes), Err(MediaError::Decoder(_))));
}

/// The checksum of PNG (CRC-32 of ISO 3309).
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(crc & 1))
        })
    };
    !bytes.iter().fold(!0, step)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_damage_makes_it_fall_over(
        is_jpeg: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = if is_jpeg {
            jpeg(&SCENE, 50).expect("a JPEG")
        } else {
            png(png::ColorType::Rgb, png::BitDepth::Eight, |rgb| [rgb[0], rgb[1], rgb[2]])
        };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let length = length.index(bytes.len()) + 1;
        if let Ok(image) = decode("", &bytes[..length]) {
            prop_assert_eq!(image.rgb.len(), image.width * image.height * 3);
        }
    }
}
