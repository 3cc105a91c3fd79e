//! Deficit round robin: shares the uplink among flows by weight.
//!
//! M. Shreedhar and G. Varghese, "Efficient Fair Queuing Using Deficit Round Robin", 1996.

use std::collections::VecDeque;

/// Bytes that a flow of weight 1 may send in one round: one slice.
const QUANTUM: i64 = super::config::SLICE_SIZE as i64;

/// What a flow carries decides its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Latched topics and small messages: state that people wait for.
    State,
    /// Medium-sized periodic data.
    Periodic,
    /// Large frames: images, point clouds.
    Bulk,
}

impl Class {
    /// Class of a channel whose messages have about `size` bytes.
    pub fn of(latched: bool, size: usize) -> Self {
        if latched || size <= 8 * 1024 {
            Self::State
        } else if size <= 64 * 1024 {
            Self::Periodic
        } else {
            Self::Bulk
        }
    }

    fn quantum(self) -> i64 {
        match self {
            Self::State => 8 * QUANTUM,
            Self::Periodic => 3 * QUANTUM,
            Self::Bulk => QUANTUM,
        }
    }
}

#[derive(Debug)]
struct Flow<K> {
    key: K,
    class: Class,
    deficit: i64,
}

/// The flows that have something to send, in the order of their turns.
#[derive(Debug)]
pub(super) struct DeficitRoundRobin<K> {
    ring: VecDeque<Flow<K>>,
}

impl<K> Default for DeficitRoundRobin<K> {
    fn default() -> Self {
        Self {
            ring: VecDeque::new(),
        }
    }
}

/// What became of a flow's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It sent so many bytes.
    Sent(usize),
    /// It has something to send, but not now.
    Blocked,
    /// It has nothing to send and leaves the ring.
    Empty,
}

impl<K: PartialEq> DeficitRoundRobin<K> {
    /// Adds a flow, or updates its class if it is there.
    pub fn insert(&mut self, key: K, class: Class) {
        match self.ring.iter_mut().find(|flow| flow.key == key) {
            Some(flow) => flow.class = class,
            None => self.ring.push_back(Flow {
                key,
                class,
                deficit: class.quantum(),
            }),
        }
    }

    /// Adds the flows of another ring behind the own ones.
    pub fn append(&mut self, other: Self) {
        for flow in other.ring {
            self.insert(flow.key, flow.class);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Gives turns until one flow has sent something or none can.
    ///
    /// A blocked flow keeps its place and earns nothing. Returns whether something was sent.
    pub fn run(&mut self, mut turn: impl FnMut(&K) -> Turn) -> bool {
        let mut blocked = 0;
        while blocked < self.ring.len() {
            let Some(flow) = self.ring.front_mut() else {
                return false;
            };
            if flow.deficit <= 0 {
                flow.deficit += flow.class.quantum();
                self.ring.rotate_left(1);
                blocked = 0;
                continue;
            }
            match turn(&flow.key) {
                Turn::Sent(bytes) => {
                    flow.deficit -= i64::try_from(bytes).unwrap_or(i64::MAX);
                    return true;
                }
                Turn::Blocked => {
                    self.ring.rotate_left(1);
                    blocked += 1;
                }
                Turn::Empty => {
                    self.ring.pop_front();
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn flows_share_by_weight() {
        let mut drr = DeficitRoundRobin::default();
        drr.insert("state", Class::State);
        drr.insert("bulk", Class::Bulk);
        drr.insert("bulk2", Class::Bulk);
        let mut sent: HashMap<&str, usize> = HashMap::new();
        for _ in 0..1000 {
            assert!(drr.run(|key| {
                *sent.entry(key).or_default() += 15_000;
                Turn::Sent(15_000)
            }));
        }
        assert_eq!(sent["bulk"], sent["bulk2"]);
        assert_eq!(sent["state"] / sent["bulk"], 8);
    }

    #[test]
    fn a_small_message_waits_for_one_slice_of_each_bulk_flow_at_most() {
        let mut drr = DeficitRoundRobin::default();
        drr.insert("bulk", Class::Bulk);
        drr.insert("bulk2", Class::Bulk);
        let mut order = Vec::new();
        for round in 0..20 {
            if round == 10 {
                drr.insert("state", Class::State);
            }
            drr.run(|key| {
                order.push(*key);
                Turn::Sent(15_000)
            });
        }
        let waited = order[10..].iter().position(|key| *key == "state");
        assert!(waited.is_some_and(|slices| slices <= 2), "{order:?}");
    }

    #[test]
    fn blocked_flows_stay_and_empty_ones_leave() {
        let mut drr = DeficitRoundRobin::default();
        drr.insert("blocked", Class::Bulk);
        drr.insert("empty", Class::State);
        assert!(!drr.run(|key| match *key {
            "blocked" => Turn::Blocked,
            _ => Turn::Empty,
        }));
        assert!(!drr.is_empty());
        assert!(drr.run(|key| {
            assert_eq!(*key, "blocked");
            Turn::Sent(1)
        }));
    }
}
