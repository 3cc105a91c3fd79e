//! How topics of images and of clouds of points are offered.

use super::error::ConfigError;
use super::table as parameter;
use super::values::Values;
use crate::media::{CameraConfig, CloudConfig, Codec};
use remote_access_media::{Reduction, Size};

/// Reads the parameters `camera_*` and `cloud_*`.
pub(super) fn config(values: Values) -> Result<CameraConfig, ConfigError> {
    let most = values.get(&parameter::CAMERA_MAX_BIT_RATE)? as u32;
    let least = values.get(&parameter::CAMERA_MIN_BIT_RATE)? as u32;
    Ok(CameraConfig {
        topics: values.patterns(&parameter::CAMERA_TOPICS)?,
        denied: values.patterns(&parameter::CAMERA_TOPIC_DENYLIST)?,
        codecs: codecs(values)?,
        largest: Size {
            width: values.size(&parameter::CAMERA_MAX_WIDTH)?,
            height: values.size(&parameter::CAMERA_MAX_HEIGHT)?,
        },
        max_rate: values
            .limit(&parameter::CAMERA_MAX_RATE)?
            .map(|rate| rate as u32),
        jpeg_quality: values.get(&parameter::CAMERA_JPEG_QUALITY)? as u8,
        bit_rates: least.min(most)..=most,
        key_frame_interval: values.milliseconds(&parameter::CAMERA_KEY_FRAME_INTERVAL_MS)?,
        encoder_command: values.entries(&parameter::CAMERA_ENCODER_COMMAND)?,
        clouds: clouds(values)?,
    })
}

fn codecs(values: Values) -> Result<Vec<Codec>, ConfigError> {
    let key = &parameter::CAMERA_CODECS;
    let words = values.entries(key)?.into_iter();
    let codecs = words.map(|word| word.parse());
    codecs.collect::<Result<_, _>>().map_err(|reason| {
        let name = key.name;
        ConfigError::Codec { name, reason }
    })
}

fn clouds(values: Values) -> Result<CloudConfig, ConfigError> {
    let voxel = values.limit(&parameter::CLOUD_VOXEL_MM)?;
    Ok(CloudConfig {
        topics: values.patterns(&parameter::CLOUD_TOPICS)?,
        reduction: Reduction {
            fields: values.entries(&parameter::CLOUD_FIELDS)?,
            voxel: voxel.map(|millimetres| millimetres as f32 / 1000.0),
            most_points: values.size(&parameter::CLOUD_MAX_POINTS)?,
        },
        max_rate: values
            .limit(&parameter::CLOUD_MAX_RATE)?
            .map(|rate| rate as u32),
    })
}
