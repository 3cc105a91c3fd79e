//! Which siblings are offered.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use remote_access_protocol::ChannelId;

use super::camera_config::{compressed_name, endings, CameraConfig};
use super::codec::Codec;
use crate::ros::Topic;

/// The topics whose siblings may change when the topic `name` comes, changes or goes.
pub fn sources(name: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let others = endings().filter_map(move |ending| name.strip_suffix(ending)?.strip_suffix('/'));
    let compressed = Cow::from(compressed_name(name));
    std::iter::once(name)
        .chain(others)
        .map(Cow::from)
        .chain([compressed])
}

/// Changes of the siblings of a topic.
#[derive(Debug, Default)]
pub struct Change {
    /// Those that appear.
    pub added: Vec<(ChannelId, Codec)>,
    /// Those that stay.
    pub kept: Vec<ChannelId>,
    /// Those that are gone.
    pub gone: Vec<(ChannelId, Codec)>,
}

/// The siblings that are offered.
#[derive(Debug)]
pub struct Siblings {
    config: CameraConfig,
    /// The channel of each by its name.
    channels: HashMap<String, ChannelId>,
    /// The source of each and its codec.
    sources: BTreeMap<ChannelId, (String, Codec)>,
}

impl Siblings {
    /// None yet.
    #[must_use]
    pub fn new(config: CameraConfig) -> Self {
        Self {
            config,
            channels: HashMap::new(),
            sources: BTreeMap::new(),
        }
    }

    /// How they are encoded.
    #[must_use]
    pub fn config(&self) -> &CameraConfig {
        &self.config
    }

    /// The source and the codec of a sibling.
    #[must_use]
    pub fn get(&self, channel: ChannelId) -> Option<(&str, Codec)> {
        let (source, codec) = self.sources.get(&channel)?;
        Some((source, *codec))
    }

    /// Brings the siblings of a source up to date: `topic` is what it is now, if it is there.
    /// Those that appear get channels from `new_channel`.
    pub fn update(
        &mut self,
        source: &str,
        topic: Option<&Topic>,
        exists: impl Fn(&str) -> bool,
        mut new_channel: impl FnMut() -> ChannelId,
    ) -> Change {
        let wanted = topic.map_or_else(Vec::new, |topic| self.config.codecs_of(topic, exists));
        let mut change = Change::default();
        for codec in Codec::ALL {
            let name = codec.topic(source);
            match (self.channels.get(&name), wanted.contains(&codec)) {
                (None, true) => {
                    let channel = new_channel();
                    self.channels.insert(name, channel);
                    self.sources.insert(channel, (source.to_owned(), codec));
                    change.added.push((channel, codec));
                }
                (Some(&channel), false) => {
                    self.channels.remove(&name);
                    self.sources.remove(&channel);
                    change.gone.push((channel, codec));
                }
                (Some(&channel), true) => change.kept.push(channel),
                (None, false) => {}
            }
        }
        change
    }
}

#[cfg(test)]
mod tests {
    use super::super::cloud_config::{CloudConfig, DracoConfig};
    use super::*;
    use crate::ros::Patterns;
    use remote_access_media::{Reduction, Size};
    use std::time::Duration;

    const SIZE: Size = Size {
        width: 640,
        height: 480,
    };
    const VIDEOS: [Codec; 2] = [Codec::Video, Codec::VideoSmall];
    const OF_CAMERAS: [Codec; 3] = [Codec::Jpeg, Codec::Video, Codec::VideoSmall];

    fn siblings(denied: &str) -> Siblings {
        let reduction = Reduction {
            fields: Vec::new(),
            voxel: None,
            most_points: 1,
        };
        Siblings::new(CameraConfig {
            topics: Patterns::new(["/camera/.*"]).expect("valid"),
            denied: Patterns::new([denied]).expect("valid"),
            lossless: Patterns::new([".*depth.*"]).expect("valid"),
            codecs: Codec::OF_IMAGES.to_vec(),
            largest_image: SIZE,
            largest_small: SIZE,
            max_rate: None,
            jpeg_quality: 50,
            bit_rates: 1..=1,
            small_bit_rates: 1..=1,
            key_frame_interval: Duration::from_secs(1),
            encoder_command: Vec::new(),
            clouds: CloudConfig {
                topics: Patterns::new(["/lidar/.*"]).expect("valid"),
                codecs: Codec::OF_CLOUDS.to_vec(),
                reduction: reduction.clone(),
                max_rate: None,
                draco: DracoConfig {
                    reduction,
                    step: 0.01,
                    max_rate: None,
                },
            },
        })
    }

    fn topic(name: &str, type_name: &str, transient_local: bool) -> Topic {
        let mut topic = Topic::of(name, type_name);
        topic.qos.transient_local = transient_local;
        topic
    }

    const IMAGE: &str = "sensor_msgs/msg/Image";

    fn update(siblings: &mut Siblings, topic: &Topic, others: &[&str]) -> (Vec<Codec>, usize) {
        let mut next = siblings.sources.keys().last().map_or(0, |id| id.0);
        let change = siblings.update(
            &topic.name,
            Some(topic),
            |name| others.contains(&name),
            || {
                next += 1;
                ChannelId(next)
            },
        );
        let added = change.added.into_iter().map(|(_, codec)| codec);
        (added.collect(), change.gone.len())
    }

    #[test]
    fn images_that_are_allowed_have_siblings_and_nothing_else_has() {
        let mut siblings = siblings("/camera/masked.*|/camera/rear/video.*");
        let front = topic("/camera/front", IMAGE, false);
        let all = OF_CAMERAS.to_vec();
        assert_eq!(update(&mut siblings, &front, &[]), (all, 0));
        assert_eq!(update(&mut siblings, &front, &[]), (vec![], 0));
        let rear = topic("/camera/rear", IMAGE, false);
        assert_eq!(update(&mut siblings, &rear, &[]), (vec![Codec::Jpeg], 0));
        let still = topic("/camera/map", IMAGE, true);
        assert_eq!(update(&mut siblings, &still, &[]), (vec![Codec::Jpeg], 0));
        for other in [
            topic("/camera/masked", IMAGE, false),
            topic("/elsewhere", IMAGE, false),
            topic("/camera/info", "sensor_msgs/msg/CameraInfo", false),
        ] {
            assert_eq!(update(&mut siblings, &other, &[]), (vec![], 0), "{other:?}");
        }
    }

    #[test]
    fn measurements_have_a_png_and_nothing_else() {
        let mut siblings = siblings("");
        for latched in [false, true] {
            let depth = topic(&format!("/camera/depth/{latched}"), IMAGE, latched);
            let png = (vec![Codec::Png], 0);
            assert_eq!(update(&mut siblings, &depth, &[]), png);
            // What image_transport has beside it may be a JPEG, or empty for labels.
            let others = ["compressed", "compressedDepth"].map(|it| format!("{}/{it}", depth.name));
            let others = others.each_ref().map(String::as_str);
            assert_eq!(update(&mut siblings, &depth, &others), (vec![], 0));
        }
        for name in ["/camera/depth/compressed", "/camera/a/compressedDepth"] {
            let other = topic(name, "sensor_msgs/msg/CompressedImage", false);
            assert_eq!(update(&mut siblings, &other, &[]), (vec![], 0), "{name}");
        }
    }

    #[test]
    fn compressed_images_have_a_video_unless_the_raw_ones_have_it() {
        let mut siblings = siblings("/camera/masked.*");
        let front = topic(
            "/camera/front/compressed",
            "sensor_msgs/msg/CompressedImage",
            false,
        );
        let video = (VIDEOS.to_vec(), 0);
        assert_eq!(update(&mut siblings, &front, &[]), video);
        assert_eq!(
            update(&mut siblings, &front, &["/camera/front"]),
            (vec![], 2)
        );
        assert_eq!(update(&mut siblings, &front, &[]), video);
        for (name, latched) in [("/camera/masked/compressed", false), ("/camera/map", true)] {
            let other = topic(name, "sensor_msgs/msg/CompressedImage", latched);
            assert_eq!(update(&mut siblings, &other, &[]), (vec![], 0), "{name}");
        }
    }

    #[test]
    fn clouds_that_are_allowed_have_a_reduced_and_a_compressed_one() {
        const CLOUD: &str = "sensor_msgs/msg/PointCloud2";
        let mut siblings = siblings("");
        let points = topic("/lidar/points", CLOUD, false);
        let both = (Codec::OF_CLOUDS.to_vec(), 0);
        assert_eq!(update(&mut siblings, &points, &[]), both);
        let own = ["/lidar/points/reduced"];
        assert_eq!(update(&mut siblings, &points, &own), (vec![], 1));
        // What is reduced already is not reduced again.
        let reduced = topic("/lidar/points/reduced", CLOUD, false);
        let draco = (vec![Codec::Draco], 0);
        assert_eq!(update(&mut siblings, &reduced, &[]), draco);
        let elsewhere = topic("/elsewhere", CLOUD, false);
        assert_eq!(update(&mut siblings, &elsewhere, &[]), (vec![], 0));
        siblings.config.clouds.codecs = vec![Codec::Draco];
        let other = topic("/lidar/other", CLOUD, false);
        assert_eq!(update(&mut siblings, &other, &[]), draco);
    }

    #[test]
    fn what_the_robot_encodes_itself_is_not_encoded_again() {
        let mut siblings = siblings("");
        let front = topic("/camera/front", IMAGE, false);
        let transport = ["/camera/front/compressed"];
        assert_eq!(
            update(&mut siblings, &front, &transport),
            (VIDEOS.to_vec(), 0)
        );
        assert_eq!(update(&mut siblings, &front, &[]), (vec![Codec::Jpeg], 0));
        // One with the very name of a sibling takes its place.
        assert_eq!(
            update(&mut siblings, &front, &["/camera/front/video"]),
            (vec![], 1)
        );
        let change = siblings.update("/camera/front", None, |_| false, || ChannelId(9));
        assert_eq!((change.added.len(), change.gone.len()), (0, 2));
        assert!(siblings.sources.is_empty() && siblings.channels.is_empty());
    }

    #[test]
    fn a_topic_bears_on_itself_on_its_compressed_one_and_on_what_it_may_be_a_sibling_of() {
        let found: Vec<_> = sources("/a/video").collect();
        assert_eq!(found, ["/a/video", "/a", "/a/video/compressed"]);
        let found: Vec<_> = sources("/a/compressed").collect();
        assert_eq!(found, ["/a/compressed", "/a", "/a/compressed/compressed"]);
        let found: Vec<_> = sources("/a_video").collect();
        assert_eq!(found, ["/a_video", "/a_video/compressed"]);
    }
}
