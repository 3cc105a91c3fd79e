//! Shares of the uplink: viewers take turns, and what each is sent takes turns within its share.
//!
//! Deficit round robin in two levels. So the number of channels that a viewer subscribes to, or how
//! much it makes the robot tell it, decides nothing for the others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::drr::{DeficitRoundRobin, Turn, Wait, QUANTUM};
use super::source::Source;
use crate::class::Class;
use crate::ids::ParticipantId;

/// Bytes beyond its share that a viewer may be sent at once since they are state that has just come.
const MAX_DEBT: i64 = 8 * QUANTUM;

/// Bytes that were sent, and who pays for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    payer: ParticipantId,
    bytes: i64,
}

/// The sources that have something to send, by the viewer that pays for each.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    accounts: BTreeMap<ParticipantId, Account>,
    /// Viewers in the order of their turns.
    ring: VecDeque<ParticipantId>,
    /// Viewers that have state which has just come. It comes first: it must not wait for a slice of
    /// each of the others.
    urgent: VecDeque<ParticipantId>,
    next_place: u64,
}

#[derive(Debug)]
struct Account {
    sources: DeficitRoundRobin<Source>,
    deficit: i64,
    in_ring: bool,
    is_urgent: bool,
    /// Its place among those that cannot send, kept until it sends something.
    place: Option<u64>,
}

impl Shares {
    /// Adds a source, or updates its class if it is there. One that was blocked may try again.
    pub(crate) fn insert(&mut self, payer: ParticipantId, source: Source, class: Class) {
        let account = self.accounts.entry(payer).or_insert_with(|| Account {
            sources: DeficitRoundRobin::default(),
            deficit: QUANTUM,
            in_ring: false,
            is_urgent: false,
            place: None,
        });
        account.sources.insert(source, class);
        if account.sources.has_new() && !account.is_urgent {
            account.is_urgent = true;
            self.urgent.push_back(payer);
        }
        if !account.in_ring {
            account.in_ring = true;
            self.ring.push_back(payer);
        }
    }

    /// Removes a source that another viewer pays for from now on.
    pub(crate) fn remove(&mut self, payer: ParticipantId, source: Source) {
        if let Some(account) = self.accounts.get_mut(&payer) {
            account.sources.remove(source);
        }
    }

    /// Whether sources wait for [`Self::unpark`].
    pub(crate) fn has_parked(&self) -> bool {
        self.accounts.values().any(|each| each.sources.has_parked())
    }

    /// Lets the blocked sources try again for which `is_over` says so of what they wait for. Viewers
    /// that could send nothing come first, in the order in which they were blocked.
    pub(crate) fn unpark(&mut self, mut is_over: impl FnMut(Wait) -> bool) {
        let mut ready = BTreeSet::new();
        for (&id, account) in &mut self.accounts {
            account.sources.unpark(&mut is_over);
            if !account.in_ring && account.sources.has_ready() {
                account.in_ring = true;
                ready.insert((account.place, id));
            }
        }
        for (_, id) in ready.into_iter().rev() {
            self.ring.push_front(id);
        }
    }

    /// Gives turns until one source has sent something or none can.
    pub(crate) fn run(&mut self, mut turn: impl FnMut(&Source) -> Turn) -> Option<Sent> {
        let mut bytes = 0;
        let mut turn = |source: &Source| {
            let turn = turn(source);
            if let Turn::Sent(sent) = turn {
                bytes = i64::try_from(sent).unwrap_or(i64::MAX);
            }
            turn
        };
        let payer = self
            .run_urgent(&mut turn)
            .or_else(|| self.run_ring(&mut turn))?;
        self.charge(payer, bytes);
        Some(Sent { payer, bytes })
    }

    /// Splits the price of bytes that went to these viewers at once: each pays its part, as far as it waits for turns.
    pub(crate) fn split(&mut self, sent: Sent, among: &[ParticipantId]) {
        let Sent { payer, bytes } = sent;
        let part = bytes / i64::try_from(among.len().max(1)).unwrap_or(i64::MAX);
        self.charge(payer, part - bytes);
        for &id in among.iter().filter(|&&id| id != payer) {
            self.charge(id, part);
        }
    }

    fn charge(&mut self, id: ParticipantId, bytes: i64) {
        if let Some(account) = self.accounts.get_mut(&id) {
            account.deficit = account.deficit.saturating_sub(bytes);
        }
    }

    fn run_urgent(&mut self, turn: &mut impl FnMut(&Source) -> Turn) -> Option<ParticipantId> {
        while let Some(id) = self.urgent.pop_front() {
            let Some(account) = self.accounts.get_mut(&id) else {
                continue;
            };
            if account.deficit > -MAX_DEBT && account.sources.run_new(&mut *turn) {
                account.place = None;
                self.urgent.push_back(id);
                return Some(id);
            }
            account.is_urgent = false;
        }
        None
    }

    fn run_ring(&mut self, turn: &mut impl FnMut(&Source) -> Turn) -> Option<ParticipantId> {
        while let Some(id) = self.ring.pop_front() {
            let Some(account) = self.accounts.get_mut(&id) else {
                continue;
            };
            if account.deficit <= 0 {
                account.deficit += QUANTUM;
                self.ring.push_back(id);
                continue;
            }
            if account.sources.run(&mut *turn) {
                account.place = None;
                self.ring.push_front(id);
                return Some(id);
            }
            account.in_ring = false;
            if account.sources.is_empty() {
                self.accounts.remove(&id);
            } else {
                account.place.get_or_insert(self.next_place);
                self.next_place += 1;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use remote_access_protocol::ChannelId;

    fn own(viewer: u64, channel: u64) -> (ParticipantId, Source) {
        let id = ParticipantId(viewer);
        (id, Source::Own(id, ChannelId(channel)))
    }

    fn with(sources: impl IntoIterator<Item = (ParticipantId, Source)>, class: Class) -> Shares {
        let mut shares = Shares::default();
        for (payer, source) in sources {
            shares.insert(payer, source, class);
        }
        shares
    }

    /// Slices that each viewer is sent of so many, while all have more to send.
    fn slices(shares: &mut Shares, count: usize) -> BTreeMap<u64, usize> {
        let mut sent = BTreeMap::new();
        for _ in 0..count {
            let payer = shares.run(|_| Turn::Sent(15_000)).unwrap().payer;
            *sent.entry(payer.0).or_default() += 1;
        }
        sent
    }

    #[test]
    fn viewers_have_equal_shares_whatever_the_number_of_their_channels() {
        for class in [Class::State, Class::Periodic, Class::Bulk] {
            let many = (0..200).map(|channel| own(1, channel));
            let mut shares = with(many.chain([own(2, 0)]), class);
            let sent = slices(&mut shares, 1000);
            assert!((450..=550).contains(&sent[&2]), "{class:?} {sent:?}");
        }
    }

    #[test]
    fn state_of_a_viewer_comes_first_within_its_debt() {
        let mut shares = with((1..50).map(|viewer| own(viewer, 0)), Class::Bulk);
        slices(&mut shares, 75);
        let state = own(7, 1);
        shares.insert(state.0, state.1, Class::State);
        let mut first = None;
        shares.run(|source| {
            first = Some(*source);
            Turn::Sent(100)
        });
        assert_eq!(first, Some(state.1));
        // A flood of it is as much as its share in the end.
        for channel in 2..1000 {
            let (payer, source) = own(7, channel);
            shares.insert(payer, source, Class::State);
        }
        let sent = slices(&mut shares, 490);
        assert!(sent[&7] <= 20, "{sent:?}");
        assert_eq!(sent.len(), 49);
    }

    #[test]
    fn what_several_viewers_get_at_once_is_paid_by_all_of_them() {
        let mut shares = with([own(1, 0), own(2, 0), own(3, 0)], Class::Bulk);
        let all = [1, 2].map(ParticipantId);
        let mut sent = BTreeMap::<u64, usize>::new();
        for _ in 0..300 {
            let slice = shares.run(|_| Turn::Sent(15_000)).unwrap();
            *sent.entry(slice.payer.0).or_default() += 1;
            if slice.payer.0 < 3 {
                shares.split(slice, &all);
            }
        }
        // Two thirds of the uplink for two viewers, whoever of them pays.
        let alone = sent.remove(&3);
        assert_eq!((sent.values().sum::<usize>(), alone), (200, Some(100)));
    }

    #[test]
    fn a_viewer_that_is_blocked_keeps_its_place_and_one_without_sources_is_forgotten() {
        let mut shares = with([own(1, 0), own(2, 0), own(3, 0)], Class::Bulk);
        assert_eq!(shares.run(|_| Turn::Blocked(Wait::Retry)), None);
        assert!(shares.has_parked());
        assert_eq!(shares.run(|_| Turn::Sent(1)), None);
        shares.unpark(|_| true);
        let order: Vec<u64> = (0..3)
            .map(|_| shares.run(|_| Turn::Sent(15_000)).unwrap().payer.0)
            .collect();
        assert_eq!(order, [1, 2, 3]);
        assert_eq!(shares.run(|_| Turn::Empty), None);
        assert!(shares.accounts.is_empty() && !shares.has_parked());
    }

    #[test]
    fn a_source_moves_to_another_payer() {
        let mut shares = Shares::default();
        let source = Source::Channel(ChannelId(1));
        shares.insert(ParticipantId(1), source, Class::Bulk);
        shares.remove(ParticipantId(1), source);
        shares.insert(ParticipantId(2), source, Class::Bulk);
        assert_eq!(slices(&mut shares, 10), BTreeMap::from([(2, 10)]));
    }
}
