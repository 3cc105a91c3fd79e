//! The siblings of topics of images: which are offered, and how they are served.

use std::collections::BTreeMap;

use remote_access_media::Size;
use remote_access_protocol::server::Channel;
use remote_access_protocol::{ChannelId, LATCHED_METADATA};
use remote_access_session::{ChannelInfo, Delivery};

use super::{delivery, new_channel, Worker};
use crate::driver::Command;
use crate::media::{sources, CameraConfig, Codec, Encoding, EncodingError, Viewers};
use crate::ros::Topic;

impl Worker {
    /// Brings the siblings up to date after changes of these topics. Returns those that are to be
    /// advertised; those that are gone are withdrawn.
    pub(super) fn update_siblings(&mut self, changed: &[String]) -> Vec<ChannelInfo> {
        let mut infos = Vec::new();
        for source in changed.iter().flat_map(|name| sources(name)) {
            let source = &*source;
            let topic = self.topics.get(source).and_then(|id| self.channels.get(id));
            let change = self.siblings.update(
                source,
                topic,
                |name| self.topics.contains_key(name),
                || new_channel(&mut self.next_id),
            );
            if let Some(topic) = topic {
                let config = self.siblings.config();
                let added = change.added.into_iter();
                infos.extend(added.map(|(id, codec)| info(id, topic, codec, config)));
                for channel in change.kept {
                    let delivery = best_effort(topic);
                    self.command(Command::Update { channel, delivery });
                }
            }
            for (id, codec) in &change.gone {
                if self.retries.solved(*id) {
                    self.problem(codec.topic(source), None);
                }
                self.subscriptions.remove(id);
                self.driver.encoders.remove(&codec.topic(source));
            }
            if !change.gone.is_empty() {
                let gone = change.gone.into_iter().map(|(id, _)| id);
                self.command(Command::Remove(gone.collect()));
            }
        }
        infos
    }

    /// Begins to encode for a sibling, if it is still there.
    pub(super) fn encode(&self, channel: ChannelId) -> Result<Option<Encoding>, EncodingError> {
        let Some((source, codec)) = self.siblings.get(channel) else {
            return Ok(None);
        };
        let topic = self.topics.get(source).and_then(|id| self.channels.get(id));
        let Some(topic) = topic else {
            return Ok(None);
        };
        let viewers = Viewers {
            messages: self.driver.messages.clone(),
            commands: self.driver.commands.clone(),
            figures: self.driver.encoders.clone(),
        };
        let config = self.siblings.config();
        Encoding::start(&self.ros, topic, codec, channel, config, viewers).map(Some)
    }
}

fn info(id: ChannelId, source: &Topic, codec: Codec, config: &CameraConfig) -> ChannelInfo {
    let mut metadata = BTreeMap::from([("source_topic".to_owned(), source.name.clone())]);
    if codec.shrinks() {
        let Size { width, height } = config.largest(codec);
        metadata.insert("max_width".to_owned(), width.to_string());
        metadata.insert("max_height".to_owned(), height.to_string());
    }
    if source.qos.transient_local {
        metadata.insert(LATCHED_METADATA.to_owned(), "true".to_owned());
    }
    let (schema_name, encoding, schema) = match codec.schema() {
        Some(schema) => (schema.name, "ros2msg", schema.text),
        None => {
            let schema = &source.schema;
            (&*source.type_name, schema.encoding, &*schema.text)
        }
    };
    ChannelInfo {
        channel: Channel {
            id,
            topic: codec.topic(&source.name),
            encoding: "cdr".to_owned(),
            schema_name: schema_name.to_owned(),
            schema_encoding: Some(encoding.to_owned()),
            schema: schema.to_owned(),
            metadata,
        },
        delivery: best_effort(source),
        // The encoder keeps to the rates of cameras.
        rate_limit: Default::default(),
    }
}

/// Delivery as by the source, but that frames may be left out.
fn best_effort(source: &Topic) -> Delivery {
    Delivery {
        reliable: false,
        ..delivery(source)
    }
}
