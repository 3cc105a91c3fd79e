//! Deficit round robin: shares the uplink among sources by weight.
//!
//! M. Shreedhar and G. Varghese, "Efficient Fair Queuing Using Deficit Round Robin", 1996.

use std::collections::{BTreeMap, VecDeque};

use crate::class::Class;
use crate::config::SLICE_SIZE;
use crate::ids::ParticipantId;

/// Bytes that a source of weight 1 may send in one round: one slice.
pub(crate) const QUANTUM: i64 = SLICE_SIZE as i64;

/// Bytes that a source of this class may send in one round.
fn quantum(class: Class) -> i64 {
    match class {
        Class::State => 8 * QUANTUM,
        Class::Periodic => 3 * QUANTUM,
        Class::Bulk => QUANTUM,
    }
}

#[derive(Debug)]
struct Entry<K> {
    key: K,
    deficit: i64,
    /// Its place among those that are blocked, kept until it sends something.
    place: Option<u64>,
    precedence: Precedence,
}

/// Precedence of an entry in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Precedence {
    /// It comes when its turn does.
    Regular,
    /// It has just got something to send, and came first in the ring.
    New,
    /// It came first and has nothing more to send. It stays until its turn comes, lest it come
    /// first again and again.
    Served,
}

/// The entries that have something to send, in the order of their turns.
#[derive(Debug)]
pub(crate) struct DeficitRoundRobin<K> {
    ring: VecDeque<Entry<K>>,
    /// Entries that could not send, by what they wait for and the time since when. They take no
    /// turns until [`Self::unpark`].
    parked: BTreeMap<Wait, BTreeMap<u64, Entry<K>>>,
    next_place: u64,
    /// Every entry in `ring` or `parked`, with its class and its place in the latter.
    entries: BTreeMap<K, (Class, Option<(Wait, u64)>)>,
}

impl<K> Default for DeficitRoundRobin<K> {
    fn default() -> Self {
        Self {
            ring: VecDeque::new(),
            parked: BTreeMap::new(),
            next_place: 0,
            entries: BTreeMap::new(),
        }
    }
}

/// Outcome of an entry's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It sent so many bytes.
    Sent(usize),
    /// It has something to send, but not now.
    Blocked(Wait),
    /// It has nothing to send and leaves the ring.
    Empty,
}

/// Event that a blocked entry waits for.
///
/// A viewer that takes nothing may have thousands of entries: they are asked again only when what
/// they wait for may have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wait {
    /// The next try.
    Retry,
    /// That the participant has credit for messages of this class.
    Credit(ParticipantId, Class),
    /// That the participant acknowledges more than so many bytes.
    Arrival(ParticipantId, u64),
}

impl<K: Copy + Ord> DeficitRoundRobin<K> {
    /// Adds an entry, or updates its class if it is there. One that was blocked may try again.
    pub(crate) fn insert(&mut self, key: K, class: Class) {
        match self.entries.insert(key, (class, None)) {
            None => self.insert_new(key, class),
            Some((_, Some((wait, place)))) => {
                if let Some(entries) = self.parked.get_mut(&wait) {
                    self.ring.extend(entries.remove(&place));
                    if entries.is_empty() {
                        self.parked.remove(&wait);
                    }
                }
            }
            Some((_, None)) => {}
        }
    }

    /// Adds an entry to the ring. State comes first: it must not wait for a slice of each of
    /// hundreds of bulk channels.
    fn insert_new(&mut self, key: K, class: Class) {
        let first = class == Class::State;
        let entry = Entry {
            key,
            deficit: quantum(class),
            place: None,
            precedence: if first {
                Precedence::New
            } else {
                Precedence::Regular
            },
        };
        if first {
            self.ring.push_front(entry);
        } else {
            self.ring.push_back(entry);
        }
    }

    /// Removes an entry.
    pub(crate) fn remove(&mut self, key: K) {
        match self.entries.remove(&key) {
            Some((_, Some((wait, place)))) => {
                if let Some(entries) = self.parked.get_mut(&wait) {
                    entries.remove(&place);
                    if entries.is_empty() {
                        self.parked.remove(&wait);
                    }
                }
            }
            Some((_, None)) => self.ring.retain(|entry| entry.key != key),
            None => {}
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether some entry takes turns.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ring.is_empty()
    }

    /// Whether the next turn is that of an entry which has just come and goes first.
    pub(crate) fn has_new(&self) -> bool {
        let first = self.ring.front();
        first.is_some_and(|entry| entry.precedence == Precedence::New)
    }

    /// Whether entries wait for [`Self::unpark`].
    pub(crate) fn has_parked(&self) -> bool {
        !self.parked.is_empty()
    }

    /// Lets the blocked entries try again for which `is_over` says so of what they wait for. They come
    /// first in the ring, in the order in which they were blocked.
    pub(crate) fn unpark(&mut self, mut is_over: impl FnMut(Wait) -> bool) {
        let mut ready = BTreeMap::new();
        self.parked.retain(|&wait, entries| {
            let over = is_over(wait);
            if over {
                ready.append(entries);
            }
            !over
        });
        for (_, entry) in ready.into_iter().rev() {
            if let Some((_, place)) = self.entries.get_mut(&entry.key) {
                *place = None;
            }
            self.ring.push_front(entry);
        }
    }

    /// Gives turns until one entry has sent something or none can.
    ///
    /// A blocked entry keeps its credit and is parked. Returns whether something was sent.
    pub(crate) fn run(&mut self, mut turn: impl FnMut(&K) -> Turn) -> bool {
        while !self.ring.is_empty() {
            if self.first(&mut turn) {
                return true;
            }
        }
        false
    }

    /// As [`Self::run`], for entries of state that have just come and not yet had their turn.
    pub(crate) fn run_new(&mut self, mut turn: impl FnMut(&K) -> Turn) -> bool {
        while self.has_new() {
            if self.first(&mut turn) {
                return true;
            }
        }
        false
    }

    /// Gives a turn to the first entry in the ring. Returns whether it sent something.
    fn first(&mut self, turn: &mut impl FnMut(&K) -> Turn) -> bool {
        let Some(mut entry) = self.ring.pop_front() else {
            return false;
        };
        if entry.deficit <= 0 {
            let class = self.entries.get(&entry.key).map(|&(class, _)| class);
            entry.deficit += quantum(class.unwrap_or(Class::Bulk));
            entry.precedence = Precedence::Regular;
            self.ring.push_back(entry);
            return false;
        }
        match turn(&entry.key) {
            Turn::Sent(bytes) => {
                entry.deficit -= i64::try_from(bytes).unwrap_or(i64::MAX);
                entry.place = None;
                self.ring.push_front(entry);
                return true;
            }
            Turn::Blocked(wait) => {
                let place = *entry.place.get_or_insert(self.next_place);
                self.next_place = self.next_place.max(place + 1);
                if let Some((_, parked)) = self.entries.get_mut(&entry.key) {
                    *parked = Some((wait, place));
                }
                self.parked.entry(wait).or_default().insert(place, entry);
            }
            Turn::Empty if entry.precedence == Precedence::New => {
                entry.precedence = Precedence::Served;
                self.ring.push_back(entry);
            }
            Turn::Empty => {
                self.entries.remove(&entry.key);
            }
        }
        false
    }

    /// Like [`Self::run`] for what is left of a slice: no entry earns credit by it, and one that
    /// cannot use the rest keeps its place.
    pub(crate) fn run_rest(&mut self, mut turn: impl FnMut(&K) -> Turn) -> bool {
        let mut index = 0;
        while let Some(entry) = self.ring.get_mut(index) {
            if entry.deficit <= 0 {
                index += 1;
                continue;
            }
            match turn(&entry.key) {
                Turn::Sent(bytes) => {
                    entry.deficit -= i64::try_from(bytes).unwrap_or(i64::MAX);
                    return true;
                }
                Turn::Blocked(_) => index += 1,
                Turn::Empty if entry.precedence != Precedence::Regular => index += 1,
                Turn::Empty => {
                    self.entries.remove(&entry.key);
                    self.ring.remove(index);
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
    fn state_comes_first_but_not_again_and_again() {
        let mut drr = DeficitRoundRobin::default();
        for bulk in 0..50 {
            drr.insert(bulk, Class::Bulk);
        }
        let mut order = Vec::new();
        for round in 0..2000 {
            // A message of state that is all there is, again and again.
            let mut waiting = round % 2 == 0;
            if waiting {
                drr.insert(99, Class::State);
            }
            drr.run(|&key| {
                if key == 99 && !std::mem::take(&mut waiting) {
                    return Turn::Empty;
                }
                order.push(key);
                Turn::Sent(15_000)
            });
        }
        assert_eq!(order[0], 99);
        let state = order.iter().filter(|&&key| key == 99).count();
        assert!(state < 100, "{state} of {}", order.len());
        let bulk: Vec<usize> = (0..50)
            .map(|bulk| order.iter().filter(|&&key| key == bulk).count())
            .collect();
        assert!(bulk.iter().max().unwrap() - bulk.iter().min().unwrap() < 3);
    }

    #[test]
    fn blocked_flows_stay_and_empty_ones_leave() {
        let mut drr = DeficitRoundRobin::default();
        drr.insert("blocked", Class::Bulk);
        drr.insert("empty", Class::State);
        assert!(!drr.run(|key| match *key {
            "blocked" => Turn::Blocked(Wait::Retry),
            _ => Turn::Empty,
        }));
        assert!(drr.has_parked());
        assert!(!drr.run(|_| Turn::Sent(1)), "a parked entry takes no turn");
        drr.unpark(|_| true);
        assert!(drr.run(|key| {
            assert_eq!(*key, "blocked");
            Turn::Sent(1)
        }));
        assert!(!drr.run(|_| Turn::Blocked(Wait::Retry)));
        drr.insert("blocked", Class::Bulk);
        assert!(drr.run(|_| Turn::Sent(1)), "it has something new");
    }

    #[test]
    fn blocked_flows_keep_their_order_whatever_is_new() {
        let mut drr = DeficitRoundRobin::default();
        for key in ["b", "c", "a"] {
            drr.insert(key, Class::Bulk);
        }
        for _ in 0..3 {
            assert!(!drr.run(|_| Turn::Blocked(Wait::Retry)));
            drr.insert("b", Class::Bulk);
            assert!(!drr.run(|_| Turn::Blocked(Wait::Retry)));
            drr.unpark(|_| true);
        }
        let mut order = Vec::new();
        for _ in 0..6 {
            drr.run(|key| {
                order.push(*key);
                Turn::Sent(15_000)
            });
        }
        assert_eq!(order, ["b", "c", "a", "b", "c", "a"]);
    }

    #[test]
    fn only_flows_whose_wait_is_over_try_again_in_the_order_in_which_they_were_blocked() {
        let mut drr = DeficitRoundRobin::default();
        let credit = |id| Wait::Credit(ParticipantId(id), Class::Bulk);
        let waits = [
            ("a", credit(1)),
            ("b", credit(2)),
            ("c", Wait::Retry),
            ("d", credit(1)),
        ];
        for (key, _) in waits {
            drr.insert(key, Class::Bulk);
        }
        let wait_of = |key: &str| waits.iter().find(|wait| wait.0 == key).map(|wait| wait.1);
        assert!(!drr.run(|key| wait_of(key).map_or(Turn::Empty, Turn::Blocked)));
        drr.unpark(|wait| wait != credit(2));
        let mut order = Vec::new();
        while drr.run(|key| {
            order.push(*key);
            Turn::Empty
        }) {}
        assert_eq!(order, ["a", "c", "d"]);
        assert!(drr.has_parked());
        drr.insert("b", Class::Bulk);
        assert!(!drr.has_parked() && drr.run(|_| Turn::Sent(1)));
    }

    #[test]
    fn filling_up_a_slice_forgives_no_debt() {
        let mut drr = DeficitRoundRobin::default();
        drr.insert("cloud", Class::Bulk);
        drr.insert("image", Class::Bulk);
        assert!(drr.run(|_| Turn::Sent(1_000_000)));
        assert!(!drr.run_rest(|_| Turn::Blocked(Wait::Retry)));
        for _ in 0..10 {
            drr.run(|key| {
                assert_eq!(*key, "image", "the cloud had its share");
                Turn::Sent(15_000)
            });
        }
    }

    #[test]
    fn a_flow_is_in_the_ring_once() {
        let mut drr = DeficitRoundRobin::default();
        for _ in 0..3 {
            drr.insert("a", Class::Bulk);
        }
        let mut turns = 0;
        drr.run(|_| {
            turns += 1;
            Turn::Empty
        });
        assert_eq!(turns, 1);
        assert!(drr.is_empty());
    }
}
