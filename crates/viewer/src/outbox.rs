//! Queue of one local client.

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::subscription::SubscriptionId;

/// Bytes of data that may wait for a client, 64 MiB. Beyond that the oldest are dropped.
const MAX_DATA_BYTES: usize = 64 * 1024 * 1024;
/// Messages of data that may wait for a client.
const MAX_DATA_MESSAGES: usize = 16 * 1024;
/// Bytes of everything else that may wait for a client, 128 MiB. Beyond that it is given up.
const MAX_CONTROL_BYTES: usize = 128 * 1024 * 1024;

/// Something for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A JSON message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
    /// A message of a channel.
    Data(Data),
}

/// A message of a channel, for one subscription of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// When the robot received the message, in nanoseconds since its epoch.
    pub log_time: u64,
    /// The message in its channel's encoding.
    pub message: Bytes,
}

/// The client leaves too much unread, or is gone.
#[derive(Debug, PartialEq, Eq)]
pub struct Overflow;

/// Bounded queues of one client. What is not data goes first and is never dropped; of data the
/// subscription that holds the most loses its oldest.
#[derive(Debug, Default)]
pub struct Outbox {
    queues: Mutex<Queues>,
    ready: Notify,
}

#[derive(Debug, Default)]
struct Queues {
    control: VecDeque<Item>,
    control_bytes: usize,
    /// The robot's time, of which the latest counts.
    time: Option<Bytes>,
    /// All data in the order of its arrival.
    data: BTreeMap<u64, Data>,
    subscriptions: HashMap<SubscriptionId, Waiting>,
    data_bytes: usize,
    next: u64,
    dropped: u64,
    closed: bool,
}

/// Waiting messages of one subscription.
#[derive(Debug, Default)]
struct Waiting {
    order: VecDeque<u64>,
    bytes: usize,
}

impl Outbox {
    /// Queues a JSON message.
    pub fn push_text(&self, text: String) {
        let size = text.len();
        self.push_control(Item::Text(text), size);
    }

    /// Queues a binary message that is no data.
    pub fn push_binary(&self, message: Bytes) {
        let size = message.len();
        self.push_control(Item::Binary(message), size);
    }

    /// Queues the robot's time in place of an earlier one.
    pub fn push_time(&self, message: Bytes) {
        self.queues.lock().time = Some(message);
        self.ready.notify_one();
    }

    /// Queues a message of a channel, and drops older ones if there is no room for it.
    pub fn push_data(&self, data: Data) {
        self.queues.lock().push_data(data);
        self.ready.notify_one();
    }

    /// Forgets what waits of a subscription that is over.
    pub fn forget(&self, subscription: SubscriptionId) {
        let queues = &mut *self.queues.lock();
        if let Some(waiting) = queues.subscriptions.remove(&subscription) {
            for number in waiting.order {
                queues.data.remove(&number);
            }
            queues.data_bytes -= waiting.bytes;
        }
    }

    /// Ends the client's connection.
    pub fn close(&self) {
        self.queues.lock().closed = true;
        self.ready.notify_one();
    }

    /// The next item, as soon as there is one.
    pub async fn next(&self) -> Result<Item, Overflow> {
        loop {
            if let Some(item) = self.try_next()? {
                return Ok(item);
            }
            self.ready.notified().await;
        }
    }

    /// The next item if there is one now.
    pub fn try_next(&self) -> Result<Option<Item>, Overflow> {
        let queues = &mut *self.queues.lock();
        if queues.closed {
            return Err(Overflow);
        }
        if let Some(item) = queues.control.pop_front() {
            queues.control_bytes -= size(&item);
            return Ok(Some(item));
        }
        if let Some(time) = queues.time.take() {
            return Ok(Some(Item::Binary(time)));
        }
        Ok(queues.pop_data().map(Item::Data))
    }

    /// Messages that were dropped since the last call.
    pub fn take_dropped(&self) -> u64 {
        std::mem::take(&mut self.queues.lock().dropped)
    }

    fn push_control(&self, item: Item, size: usize) {
        let queues = &mut *self.queues.lock();
        queues.control_bytes += size;
        queues.control.push_back(item);
        if queues.control_bytes > MAX_CONTROL_BYTES {
            queues.closed = true;
        }
        self.ready.notify_one();
    }
}

impl Queues {
    fn push_data(&mut self, data: Data) {
        let size = data.message.len();
        let number = self.next;
        self.next += 1;
        let waiting = self.subscriptions.entry(data.subscription).or_default();
        waiting.order.push_back(number);
        waiting.bytes += size;
        self.data_bytes += size;
        self.data.insert(number, data);
        while self.data.len() > 1
            && (self.data_bytes > MAX_DATA_BYTES || self.data.len() > MAX_DATA_MESSAGES)
        {
            self.drop_one();
        }
    }

    fn pop_data(&mut self) -> Option<Data> {
        let (number, data) = self.data.pop_first()?;
        self.data_bytes -= data.message.len();
        self.took(&data, number);
        Some(data)
    }

    /// Drops the oldest message of the subscription that holds the most.
    fn drop_one(&mut self) {
        let by_bytes = self.data_bytes > MAX_DATA_BYTES;
        let weight = |waiting: &Waiting| {
            if by_bytes {
                waiting.bytes
            } else {
                waiting.order.len()
            }
        };
        let oldest = self
            .subscriptions
            .values()
            .max_by_key(|waiting| weight(waiting))
            .and_then(|waiting| waiting.order.front().copied());
        if let Some((number, data)) = oldest.and_then(|number| self.data.remove_entry(&number)) {
            self.data_bytes -= data.message.len();
            self.took(&data, number);
            self.dropped += 1;
        }
    }

    /// A message that was the oldest of its subscription waits no more.
    fn took(&mut self, data: &Data, number: u64) {
        if let Some(waiting) = self.subscriptions.get_mut(&data.subscription) {
            debug_assert_eq!(waiting.order.front(), Some(&number));
            waiting.order.pop_front();
            waiting.bytes -= data.message.len();
            if waiting.order.is_empty() {
                self.subscriptions.remove(&data.subscription);
            }
        }
    }
}

fn size(item: &Item) -> usize {
    match item {
        Item::Text(text) => text.len(),
        Item::Binary(bytes) => bytes.len(),
        Item::Data(data) => data.message.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(subscription: u32, log_time: u64, size: usize) -> Data {
        Data {
            subscription: SubscriptionId(subscription),
            log_time,
            message: vec![0; size].into(),
        }
    }

    fn times(outbox: &Outbox) -> Vec<(u32, u64)> {
        std::iter::from_fn(|| outbox.try_next().ok().flatten())
            .filter_map(|item| match item {
                Item::Data(data) => Some((data.subscription.0, data.log_time)),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn data_keeps_its_order_and_control_goes_first() {
        let outbox = Outbox::default();
        outbox.push_data(data(1, 1, 10));
        outbox.push_data(data(2, 2, 10));
        outbox.push_time(Bytes::from_static(b"old"));
        outbox.push_time(Bytes::from_static(b"new"));
        outbox.push_text("a".into());
        outbox.push_data(data(1, 3, 10));
        assert_eq!(outbox.try_next(), Ok(Some(Item::Text("a".into()))));
        assert_eq!(
            outbox.try_next(),
            Ok(Some(Item::Binary(Bytes::from_static(b"new"))))
        );
        assert_eq!(times(&outbox), [(1, 1), (2, 2), (1, 3)]);
        assert_eq!(outbox.take_dropped(), 0);
    }

    #[test]
    fn the_largest_subscription_loses_its_oldest_and_the_others_nothing() {
        let outbox = Outbox::default();
        let mib = 1024 * 1024;
        outbox.push_data(data(1, 0, 10));
        for time in 0..70 {
            outbox.push_data(data(2, time, mib));
        }
        outbox.push_data(data(1, 1, 10));
        outbox.push_text("never dropped".into());
        assert_eq!(outbox.take_dropped(), 7);
        assert!(matches!(outbox.try_next(), Ok(Some(Item::Text(_)))));
        let left = times(&outbox);
        assert_eq!(left.len(), 65);
        assert_eq!(left[..2], [(1, 0), (2, 7)]);
        assert_eq!(left.last(), Some(&(1, 1)));
    }

    #[test]
    fn many_small_messages_are_bounded_too() {
        let outbox = Outbox::default();
        outbox.push_data(data(1, 0, 0));
        for time in 0..20_000 {
            outbox.push_data(data(2, time, 1));
        }
        let left = times(&outbox);
        assert_eq!(left.len(), MAX_DATA_MESSAGES);
        assert_eq!(left[0], (1, 0));
        assert_eq!(left.last(), Some(&(2, 19_999)));
    }

    #[test]
    fn a_message_larger_than_the_limit_passes_alone() {
        let outbox = Outbox::default();
        outbox.push_data(data(1, 0, 10));
        outbox.push_data(data(1, 1, MAX_DATA_BYTES + 1));
        assert_eq!(times(&outbox), [(1, 1)]);
    }

    #[test]
    fn a_subscription_that_is_over_leaves_nothing() {
        let outbox = Outbox::default();
        outbox.push_data(data(1, 0, 10));
        outbox.push_data(data(2, 0, 10));
        outbox.forget(SubscriptionId(1));
        outbox.forget(SubscriptionId(3));
        assert_eq!(times(&outbox), [(2, 0)]);
        assert_eq!(outbox.queues.lock().data_bytes, 0);
    }

    #[test]
    fn a_client_that_reads_no_control_is_given_up() {
        let outbox = Outbox::default();
        for _ in 0..129 {
            outbox.push_binary(vec![0; 1024 * 1024].into());
        }
        assert_eq!(outbox.try_next(), Err(Overflow));
    }
}
