//! Any bytes as an image or a cloud, and as an image of any size, step and encoding, through all that is
//! made of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use remote_access_cdr::Builder;
use remote_access_media::{
    jpeg, CompressedImage, Image, LosslessImage, Planes, PointCloud, Reduction, RgbImage, Size,
};

/// The fuzzer would spend its time on large images.
const MOST_PIXELS: u64 = 10_000;

const ENCODINGS: [&str; 14] = [
    "16UC1",
    "8UC1",
    "rgb8",
    "bgr8",
    "rgba8",
    "bgra8",
    "mono8",
    "mono16",
    "uyvy",
    "yuyv",
    "nv12",
    "nv21",
    "bayer_rggb8",
    "bayer_bggr8",
];

fuzz_target!(|data: &[u8]| {
    encode(data);
    reduce(data);
    decode(data);
    if let [width, height, step, encoding, largest, pixels @ ..] = data {
        let fields = (*width, *height, *step, *encoding);
        if let Ok(message) = message(fields, pixels) {
            assert!(encode_to(&message, usize::from(*largest)));
        }
    }
});

/// As a message, and as what follows the first bytes of a JPEG or a PNG.
fn decode(data: &[u8]) {
    let _ = CompressedImage::parse(data).map(|image| image.decode());
    for magic in [&b"\xff\xd8\xff"[..], b"\x89PNG\r\n\x1a\n"] {
        let mut message = Builder::new(1 << 20);
        let written = (|| {
            message.i32(0)?.u32(0)?.string("camera")?.string("")?;
            message.bytes(&[magic, data].concat()).map(drop)
        })();
        written.expect("no more than the fuzzer's 4 kB");
        let message = message.finish();
        let image = CompressedImage::parse(&message).expect("a message");
        let Ok(decoded) = image.decode() else {
            continue;
        };
        let mut rgb_image = RgbImage::default();
        let largest = Size {
            width: 64,
            height: 64,
        };
        rgb_image.take_decoded(&decoded, largest);
        assert_eq!(rgb_image.rgb.len(), rgb_image.width * rgb_image.height * 3);
    }
}

fn reduce(data: &[u8]) {
    let Ok(cloud) = PointCloud::parse(data) else {
        return;
    };
    let reduction = Reduction {
        fields: vec!["intensity".to_owned()],
        voxel: Some(0.1),
        most_points: 100,
    };
    let reduced = cloud.reduced(&reduction).expect("no larger than before");
    assert!(PointCloud::parse(&reduced).is_ok());
    // One that is too wide is refused.
    let _ = cloud.draco(&reduction, 0.01);
}

fn message(
    (width, height, step, encoding): (u8, u8, u8, u8),
    pixels: &[u8],
) -> Result<Vec<u8>, remote_access_cdr::CdrError> {
    let mut message = Builder::new(1 << 20);
    message.i32(0)?.u32(0)?.string("camera")?;
    message.u32(height.into())?.u32(width.into())?;
    let encoding = ENCODINGS[usize::from(encoding) % ENCODINGS.len()];
    message
        .string(encoding)?
        .u8(0)?
        .u32(step.into())?
        .bytes(pixels)?;
    Ok(message.finish())
}

fn encode(message: &[u8]) {
    encode_to(message, 1_000);
}

/// Whether all that can be read could be encoded.
fn encode_to(message: &[u8], largest: usize) -> bool {
    if let Ok(image) = LosslessImage::parse(message) {
        // Any message may claim many pixels, but not without their bytes.
        assert!(image.png().is_ok());
    }
    let Ok(image) = Image::parse(message) else {
        return true;
    };
    if u64::from(image.width) * u64::from(image.height) > MOST_PIXELS {
        return true;
    }
    let mut rgb_image = RgbImage::default();
    let size = Size {
        width: largest,
        height: largest,
    };
    rgb_image.take(&image, size);
    let mut planes = Planes::default();
    planes.take(&rgb_image);
    jpeg(&rgb_image, 50).is_ok()
}
