//! The codecs of siblings.

use remote_access_media::{Schema, COMPRESSED_IMAGE, COMPRESSED_POINT_CLOUD, COMPRESSED_VIDEO};

/// How a sibling encodes images or clouds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// One by one.
    Jpeg,
    /// As H.264.
    Video,
    /// As H.264 of fewer pixels, for small views and slow links.
    VideoSmall,
    /// One by one without loss: measurements.
    Png,
    /// With fewer points: clouds.
    Reduced,
    /// As Draco: clouds.
    Draco,
}

/// A word that is no codec.
#[derive(Debug, thiserror::Error)]
#[error("{word:?} is not a codec; they are: {known}")]
pub struct UnknownCodec {
    word: String,
    known: String,
}

impl Codec {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Jpeg,
        Self::Video,
        Self::VideoSmall,
        Self::Png,
        Self::Reduced,
        Self::Draco,
    ];
    /// Those of images.
    pub const OF_IMAGES: [Self; 4] = [Self::Jpeg, Self::Video, Self::VideoSmall, Self::Png];
    /// Those of clouds.
    pub const OF_CLOUDS: [Self; 2] = [Self::Reduced, Self::Draco];

    /// The one of `codecs` that is called `word`.
    ///
    /// # Errors
    /// None is.
    pub fn parse(word: &str, codecs: &[Self]) -> Result<Self, UnknownCodec> {
        let found = codecs.iter().find(|codec| codec.name() == word);
        found.copied().ok_or_else(|| {
            let known: Vec<_> = codecs.iter().map(|codec| codec.name()).collect();
            UnknownCodec {
                word: word.to_owned(),
                known: known.join(", "),
            }
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Video => "video",
            Self::VideoSmall => "video_small",
            Self::Png => "png",
            Self::Reduced => "reduced",
            Self::Draco => "draco",
        }
    }

    /// The name of the sibling of a topic.
    #[must_use]
    pub fn topic(self, source: &str) -> String {
        format!("{source}/{}", self.name())
    }

    /// Whether images are made smaller for it.
    #[must_use]
    pub fn shrinks(self) -> bool {
        matches!(self, Self::Jpeg | Self::Video | Self::VideoSmall)
    }

    /// The type of the sibling's messages, if it is another than that of its source.
    #[must_use]
    pub fn schema(self) -> Option<Schema> {
        match self {
            Self::Jpeg | Self::Png => Some(COMPRESSED_IMAGE),
            Self::Video | Self::VideoSmall => Some(COMPRESSED_VIDEO),
            Self::Reduced => None,
            Self::Draco => Some(COMPRESSED_POINT_CLOUD),
        }
    }
}
