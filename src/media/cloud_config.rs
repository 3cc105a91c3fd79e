//! How topics of clouds of points are offered, as it is configured.

use remote_access_media::Reduction;

use crate::ros::Patterns;

/// How topics of clouds of points are offered.
#[derive(Clone, Debug)]
pub struct CloudConfig {
    /// The topics that have a reduced sibling.
    pub topics: Patterns,
    /// Points and fields that are left of a cloud.
    pub reduction: Reduction,
    /// Most clouds in a second.
    pub max_rate: Option<u32>,
}
