//! A serialized `sensor_msgs/msg/Image`.

use remote_access_cdr::{CdrError, Reader};

use crate::error::MediaError;
use crate::format::PixelFormat;

/// Most pixels of an image: more than any camera has, and few enough to hold.
pub(crate) const MOST_PIXELS: u64 = 64_000_000;

/// When something was seen: `builtin_interfaces/msg/Time`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Seconds.
    pub seconds: i32,
    /// Nanoseconds beside them.
    pub nanoseconds: u32,
}

impl Stamp {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, CdrError> {
        Ok(Self {
            seconds: reader.i32()?,
            nanoseconds: reader.u32()?,
        })
    }
}

/// The beginning of a name that a message gives, for an error.
pub(crate) fn excerpt(name: &str) -> String {
    name.chars().take(40).collect()
}

/// An image where it lies in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image<'a> {
    /// When it was taken.
    pub stamp: Stamp,
    /// The coordinate frame of the camera.
    pub frame_id: &'a str,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// How the pixels lie.
    pub format: PixelFormat,
    /// Whether pixels of two bytes begin with the high one.
    pub big_endian: bool,
    rows: Rows<'a>,
}

/// Refuses images without pixels or with too many.
pub(crate) fn check_size(width: u32, height: u32) -> Result<(), MediaError> {
    if (1..=MOST_PIXELS).contains(&(u64::from(width) * u64::from(height))) {
        return Ok(());
    }
    Err(MediaError::Size {
        width,
        height,
        most: MOST_PIXELS,
    })
}

/// What a message of images says of itself. Nothing of it is believed yet.
pub(crate) struct Claims<'a> {
    pub(crate) stamp: Stamp,
    pub(crate) frame_id: &'a str,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) encoding: &'a str,
    pub(crate) big_endian: bool,
    step: u32,
    data: &'a [u8],
}

/// Rows of bytes that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rows<'a> {
    step: usize,
    length: usize,
    data: &'a [u8],
}

impl<'a> Claims<'a> {
    pub(crate) fn read(message: &'a [u8]) -> Result<Self, CdrError> {
        let mut reader = Reader::new(message)?;
        let stamp = Stamp::read(&mut reader)?;
        let frame_id = reader.string()?;
        let (height, width) = (reader.u32()?, reader.u32()?);
        Ok(Self {
            stamp,
            frame_id,
            width,
            height,
            encoding: reader.string()?,
            big_endian: reader.u8()? != 0,
            step: reader.u32()?,
            data: reader.bytes()?,
        })
    }

    /// The rows of an image of the encoding `name` that has `count` of them with `length` bytes each.
    pub(crate) fn rows(
        &self,
        name: &'static str,
        length: u64,
        count: u64,
    ) -> Result<Rows<'a>, MediaError> {
        let &Self {
            width,
            height,
            step,
            data,
            ..
        } = self;
        check_size(width, height)?;
        if u64::from(step) < length {
            return Err(MediaError::Step {
                step,
                width,
                encoding: name,
                needed: length,
            });
        }
        // The last row need not be filled up to the step.
        let needed = u64::from(step) * count.saturating_sub(1) + length;
        if (data.len() as u64) < needed {
            return Err(MediaError::CutOff {
                found: data.len(),
                needed,
            });
        }
        Ok(Rows {
            step: step as usize,
            length: length as usize,
            data,
        })
    }
}

impl<'a> Rows<'a> {
    pub(crate) fn get(&self, row: usize) -> &'a [u8] {
        // There by what was checked; else nothing, which shows as black.
        let bytes = self.data.get(row * self.step..);
        bytes
            .and_then(|rest| rest.get(..self.length))
            .unwrap_or_default()
    }
}

impl<'a> Image<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// It is no image, not one for people, or says of itself what is not so.
    pub fn parse(message: &'a [u8]) -> Result<Self, MediaError> {
        let claims = Claims::read(message)?;
        let (format, name) = PixelFormat::parse(claims.encoding)
            .ok_or_else(|| MediaError::Encoding(excerpt(claims.encoding)))?;
        let rows = claims.rows(
            name,
            format.row_bytes(claims.width),
            format.rows(claims.height),
        )?;
        Ok(Self {
            stamp: claims.stamp,
            frame_id: claims.frame_id,
            width: claims.width,
            height: claims.height,
            format,
            big_endian: claims.big_endian,
            rows,
        })
    }

    /// The bytes of a row, of which there are as many as the format has for the height.
    pub(crate) fn row(&self, row: usize) -> &'a [u8] {
        self.rows.get(row)
    }
}
