//! How topics of clouds of points are offered, as it is configured.

use remote_access_media::Reduction;

use super::codec::Codec;
use crate::ros::Patterns;

/// How topics of clouds of points are offered.
#[derive(Clone, Debug)]
pub struct CloudConfig {
    /// The topics that have siblings.
    pub topics: Patterns,
    /// The siblings that they have.
    pub codecs: Vec<Codec>,
    /// Points and fields that are left of a reduced cloud.
    pub reduction: Reduction,
    /// Most reduced clouds in a second.
    pub max_rate: Option<u32>,
    /// How clouds are compressed.
    pub draco: DracoConfig,
}

/// How clouds are compressed as Draco.
#[derive(Clone, Debug)]
pub struct DracoConfig {
    /// Points and fields that are left.
    pub reduction: Reduction,
    /// Metres from a place where a point can be to the next one.
    pub step: f32,
    /// Most clouds in a second.
    pub max_rate: Option<u32>,
}
