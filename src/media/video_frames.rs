//! The frames of a video that the robot encodes itself.

use remote_access_media::PublishedVideo;
use remote_access_session::VideoFrame;

/// A video that has had no key frame for so many frames has none: viewers get all frames as other messages.
const MOST_WITHOUT_KEY: u32 = 300;

/// Numbers the frames of a topic.
#[derive(Debug)]
pub struct VideoFrames {
    video: PublishedVideo,
    next: u64,
    since_key: u32,
}

impl VideoFrames {
    /// For a topic whose messages are of this type, if they carry frames of a video.
    #[must_use]
    pub fn of(type_name: &str) -> Option<Self> {
        PublishedVideo::of(type_name).map(|video| Self {
            video,
            next: 0,
            since_key: 0,
        })
    }

    /// The place of the next message in the video; none if it goes to viewers as any message does.
    pub fn next(&mut self, message: &[u8]) -> Option<VideoFrame> {
        let is_key_frame = self.video.is_key_frame(message)?;
        self.since_key = if is_key_frame {
            0
        } else {
            self.since_key.saturating_add(1)
        };
        let number = self.next;
        self.next += 1;
        (self.since_key <= MOST_WITHOUT_KEY).then_some(VideoFrame {
            number,
            is_key_frame,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use remote_access_media::{compressed_video, Stamp};

    fn message(unit: u8) -> Vec<u8> {
        let stamp = Stamp {
            seconds: 1,
            nanoseconds: 2,
        };
        compressed_video(stamp, "front", &[0, 0, 1, unit, 0x80]).expect("fits")
    }

    #[test]
    fn frames_are_numbered_until_there_is_no_key_frame_for_long() {
        const TYPE: &str = "foxglove_msgs/msg/CompressedVideo";
        let mut frames = VideoFrames::of(TYPE).expect("a video");
        let key = frames.next(&message(0x65)).expect("a frame");
        assert_eq!((key.number, key.is_key_frame), (0, true));
        let numbered = (0..1_000).filter(|_| frames.next(&message(0x41)).is_some());
        assert_eq!(numbered.count(), 300);
        assert!(frames.next(&message(0x65)).is_some());
        assert!(VideoFrames::of("sensor_msgs/msg/CompressedImage").is_none());
    }
}
