//! Videos that the robot encodes itself.

use remote_access_cdr::{CdrError, Reader};

use crate::annex_b::{start_codes, unit_type, IDR, SLICE, START_CODE};
use crate::image::Stamp;
use crate::message::COMPRESSED_VIDEO;

/// The type of the messages of `ffmpeg_image_transport`.
const FFMPEG_PACKET: &str = "ffmpeg_image_transport_msgs/msg/FFMPEGPacket";
/// A bit in the flags of such a message: `AV_PKT_FLAG_KEY`.
const KEY: u8 = 1;
/// Types of units of H.265 with which decoding can begin (intra random access points), and all those of slices.
const H265_KEYS: std::ops::RangeInclusive<u8> = 16..=23;
const H265_SLICES: std::ops::RangeInclusive<u8> = 0..=31;

/// A type of messages that carry the frames of a video, one each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishedVideo {
    /// `foxglove_msgs/msg/CompressedVideo`.
    CompressedVideo,
    /// `ffmpeg_image_transport_msgs/msg/FFMPEGPacket`.
    FfmpegPacket,
}

impl PublishedVideo {
    /// The one with the name of a type.
    #[must_use]
    pub fn of(type_name: &str) -> Option<Self> {
        match type_name {
            FFMPEG_PACKET => Some(Self::FfmpegPacket),
            name if name == COMPRESSED_VIDEO.name => Some(Self::CompressedVideo),
            _ => None,
        }
    }

    /// Whether decoding can begin with the frame in a message; none if that is not known: the codec is
    /// neither H.264 nor H.265, or the message is damaged.
    #[must_use]
    pub fn is_key_frame(self, message: &[u8]) -> Option<bool> {
        match self {
            Self::CompressedVideo => compressed_video(message),
            Self::FfmpegPacket => ffmpeg_packet(message),
        }
        .ok()
        .flatten()
    }
}

fn compressed_video(message: &[u8]) -> Result<Option<bool>, CdrError> {
    let mut reader = Reader::new(message)?;
    Stamp::read(&mut reader)?;
    reader.string()?;
    let data = reader.bytes()?;
    // A frame begins with few small units; its first slice tells.
    let headers = start_codes(data).filter_map(|at| data.get(at + START_CODE.len()));
    Ok(match reader.string()? {
        "h264" => headers
            .map(|header| unit_type(&[*header]))
            .find(|kind| (SLICE..=IDR).contains(kind))
            .map(|kind| kind == IDR),
        "h265" => headers
            .map(|header| header >> 1 & 0x3F)
            .find(|kind| H265_SLICES.contains(kind))
            .map(|kind| H265_KEYS.contains(&kind)),
        _ => None,
    })
}

fn ffmpeg_packet(message: &[u8]) -> Result<Option<bool>, CdrError> {
    let mut reader = Reader::new(message)?;
    Stamp::read(&mut reader)?;
    // Frame, width, height, encoding, time within the stream.
    reader.string()?;
    reader.u32()?;
    reader.u32()?;
    reader.string()?;
    reader.u64()?;
    Ok(Some(reader.u8()? & KEY != 0))
}
