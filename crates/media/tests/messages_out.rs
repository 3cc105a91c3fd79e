//! The messages match the definitions that come with them.

use remote_access_cdr::Definition;
use remote_access_media::{
    compressed_image, compressed_video, Stamp, COMPRESSED_IMAGE, COMPRESSED_VIDEO,
};

const STAMP: Stamp = Stamp {
    seconds: -3,
    nanoseconds: 5,
};

#[test]
fn an_image_matches_its_definition() {
    let message = compressed_image(STAMP, "front", "jpeg", b"jpg").expect("fits");
    let definition =
        Definition::parse(COMPRESSED_IMAGE.name, COMPRESSED_IMAGE.text).expect("valid");
    assert_eq!(definition.check(&message), Ok(message.len()));
    let json = String::from_utf8(definition.to_json(&message, 1_000).expect("JSON")).expect("text");
    assert!(
        json.contains("-3") && json.contains("front") && json.contains("jpeg"),
        "{json}"
    );
}

#[test]
fn an_image_of_a_video_matches_its_definition() {
    let message = compressed_video(STAMP, "front", &[0, 0, 1, 9]).expect("fits");
    let definition =
        Definition::parse(COMPRESSED_VIDEO.name, COMPRESSED_VIDEO.text).expect("valid");
    assert_eq!(definition.check(&message), Ok(message.len()));
    let json = String::from_utf8(definition.to_json(&message, 1_000).expect("JSON")).expect("text");
    assert!(json.contains("h264") && json.contains("front"), "{json}");
}
