//! A PNG holds each value of an image as it was.

#[path = "support/messages.rs"]
mod messages;

use std::io::Cursor;

use messages::ImageFields;
use proptest::prelude::*;
use remote_access_media::{LosslessImage, MediaError};

/// Encodings, bytes of a pixel, and where in it red, green and blue are, if it has colours.
const ENCODINGS: [(&str, usize, Option<usize>); 11] = [
    ("16UC1", 2, None),
    ("16uc1", 2, None),
    ("mono16", 2, None),
    ("8UC1", 1, None),
    ("mono8", 1, None),
    ("rgb8", 3, Some(0)),
    ("bgr8", 3, Some(2)),
    ("8UC3", 3, Some(2)),
    ("rgba8", 4, Some(0)),
    ("bgra8", 4, Some(2)),
    ("8UC4", 4, Some(2)),
];

/// The size of a PNG and its bytes, without any change.
fn decoded(file: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut decoder = png::Decoder::new(Cursor::new(file));
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().expect("a header");
    let mut values = vec![0; reader.output_buffer_size().expect("fits")];
    let frame = reader.next_frame(&mut values).expect("an image");
    (frame.width, frame.height, values)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn all_values_are_there(
        (width, height) in (1usize..40, 1usize..30),
        (encoding, size, red) in prop::sample::select(ENCODINGS.to_vec()),
        padding in 0usize..5,
        is_bigendian: bool,
        seed: u8,
    ) {
        let step = width * size + padding;
        let level = |index: usize| (index as u8).wrapping_mul(37).wrapping_add(seed) ^ (index / step) as u8;
        let fields = ImageFields {
            width: width as u32,
            height: height as u32,
            encoding: encoding.into(),
            is_bigendian: is_bigendian.into(),
            step: step as u32,
            data: (0..step * height).map(level).collect(),
        };
        let message = fields.serialize(false);
        let image = LosslessImage::parse(&message).expect("an image");
        let (found_width, found_height, values) = decoded(&image.png().expect("encodes"));
        prop_assert_eq!((found_width as usize, found_height as usize), (width, height));
        let rows = fields.data.chunks(step).map(|row| &row[..width * size]);
        let wanted: Vec<u8> = rows
            .flat_map(|row| row.chunks_exact(size))
            .flat_map(|pixel| {
                let mut pixel = pixel.to_vec();
                match red {
                    Some(red) => pixel.swap(0, red),
                    None if !is_bigendian => pixel.reverse(),
                    None => {}
                }
                pixel
            })
            .collect();
        prop_assert_eq!(values, wanted);
    }

    #[test]
    fn no_size_or_step_makes_it_fall_over(
        (width, height) in (0u32..40, 0u32..40),
        (encoding, ..) in prop::sample::select(ENCODINGS.to_vec()),
        step in 0u32..200,
        length in 0usize..8_000,
    ) {
        let fields = ImageFields {
            width,
            height,
            encoding: encoding.into(),
            is_bigendian: 0,
            step,
            data: vec![100; length],
        };
        if let Ok(image) = LosslessImage::parse(&fields.serialize(false)) {
            prop_assert!(image.png().is_ok());
        }
    }

    #[test]
    fn no_bytes_make_it_fall_over(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = LosslessImage::parse(&bytes);
    }
}

#[test]
fn the_message_says_what_its_png_holds() {
    let fields = |encoding: &str| ImageFields {
        width: 2,
        height: 1,
        encoding: encoding.into(),
        is_bigendian: 0,
        step: 8,
        data: vec![0; 8],
    };
    for (encoding, format) in [
        ("16UC1", "16UC1; png compressed"),
        ("rgb8", "rgb8; png compressed bgr8"),
        ("BGRA8", "bgra8; png compressed bgra8"),
    ] {
        let message = fields(encoding).serialize(false);
        let image = LosslessImage::parse(&message).expect("an image");
        assert_eq!((&*image.format(), image.frame_id), (format, "camera"));
        assert_eq!((image.stamp.seconds, image.stamp.nanoseconds), (7, 8));
    }
    for encoding in ["32FC1", "16SC1", "bayer_rggb8", "nv12", ""] {
        let message = fields(encoding).serialize(false);
        let error = LosslessImage::parse(&message);
        assert_eq!(error, Err(MediaError::NotLossless(encoding.into())));
    }
}
