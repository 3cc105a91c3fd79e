//! How topics of images and of clouds of points are offered.

use super::error::ConfigError;
use super::kinds::{Key, Number, Texts};
use super::table as parameter;
use super::values::Values;
use crate::media::{CameraConfig, CloudConfig, Codec, DracoConfig};
use remote_access_media::{Reduction, Size};

/// Reads the parameters `camera_*` and `cloud_*`.
pub(super) fn config(values: Values) -> Result<CameraConfig, ConfigError> {
    let most = values.get(&parameter::CAMERA_MAX_BIT_RATE)? as u32;
    let least = values.get(&parameter::CAMERA_MIN_BIT_RATE)? as u32;
    let small = values.get(&parameter::CAMERA_SMALL_MAX_BIT_RATE)? as u32;
    Ok(CameraConfig {
        topics: values.patterns(&parameter::CAMERA_TOPICS)?,
        denied: values.patterns(&parameter::CAMERA_TOPIC_DENYLIST)?,
        lossless: values.patterns(&parameter::CAMERA_LOSSLESS_TOPICS)?,
        codecs: codecs(values, &parameter::CAMERA_CODECS, &Codec::OF_IMAGES)?,
        largest_image: Size {
            width: values.size(&parameter::CAMERA_MAX_WIDTH)?,
            height: values.size(&parameter::CAMERA_MAX_HEIGHT)?,
        },
        largest_small: Size {
            width: values.size(&parameter::CAMERA_SMALL_MAX_WIDTH)?,
            height: values.size(&parameter::CAMERA_SMALL_MAX_HEIGHT)?,
        },
        max_rate: rate(values, &parameter::CAMERA_MAX_RATE)?,
        jpeg_quality: values.get(&parameter::CAMERA_JPEG_QUALITY)? as u8,
        bit_rates: least.min(most)..=most,
        small_bit_rates: least.min(small)..=small,
        key_frame_interval: values.milliseconds(&parameter::CAMERA_KEY_FRAME_INTERVAL_MS)?,
        encoder_command: values.entries(&parameter::CAMERA_ENCODER_COMMAND)?,
        clouds: clouds(values)?,
    })
}

fn codecs(
    values: Values,
    key: &'static Key<Texts>,
    all: &[Codec],
) -> Result<Vec<Codec>, ConfigError> {
    let words = values.entries(key)?.into_iter();
    let codecs = words.map(|word| Codec::parse(&word, all));
    codecs.collect::<Result<_, _>>().map_err(|reason| {
        let name = key.name;
        ConfigError::Codec { name, reason }
    })
}

fn clouds(values: Values) -> Result<CloudConfig, ConfigError> {
    let metres = |millimetres: u64| millimetres as f32 / 1000.0;
    let fields = values.entries(&parameter::CLOUD_FIELDS)?;
    Ok(CloudConfig {
        topics: values.patterns(&parameter::CLOUD_TOPICS)?,
        codecs: codecs(values, &parameter::CLOUD_CODECS, &Codec::OF_CLOUDS)?,
        reduction: Reduction {
            fields: fields.clone(),
            voxel: values.limit(&parameter::CLOUD_VOXEL_MM)?.map(metres),
            most_points: values.size(&parameter::CLOUD_MAX_POINTS)?,
        },
        max_rate: rate(values, &parameter::CLOUD_MAX_RATE)?,
        draco: DracoConfig {
            reduction: Reduction {
                fields,
                voxel: None,
                most_points: values.size(&parameter::CLOUD_DRACO_MAX_POINTS)?,
            },
            step: metres(values.get(&parameter::CLOUD_DRACO_MM)?),
            max_rate: rate(values, &parameter::CLOUD_DRACO_MAX_RATE)?,
        },
    })
}

fn rate(values: Values, key: &'static Key<Number>) -> Result<Option<u32>, ConfigError> {
    let rate = values.limit(key)?;
    Ok(rate.map(|rate| rate as u32))
}
