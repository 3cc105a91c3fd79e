//! Reports to participants about messages that they did not get.

mod drop_log;
mod drop_report;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::ChannelId;
use tracing::info;

use crate::channels::Channels;
use crate::counters::Drops;
use crate::ids::ParticipantId;
use crate::send::receiver::Receiver;
use crate::send::routes::Routes;
use drop_log::DropLog;
use drop_report::DropReport;

/// Time between two reports of the same thing.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Most reports that one participant gets at a time, so that they never fill its link.
const REPORTS_AT_ONCE: usize = 32;

/// The reports of drops.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    due: Option<Instant>,
    log: DropLog,
    participants: BTreeMap<ParticipantId, ParticipantReports>,
}

/// The reports to one participant.
#[derive(Debug, Default)]
struct ParticipantReports {
    reports: BTreeMap<ChannelId, DropReport>,
    /// The channel that the last report was about.
    last: Option<ChannelId>,
}

impl Reports {
    /// Notes that messages were dropped: there is something to report in a while.
    pub(crate) fn schedule(&mut self, now: Instant) {
        self.due.get_or_insert(now + REPORT_INTERVAL);
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Forgets the report about a subscription. Returns what withdraws it, if one stands.
    pub(crate) fn unsubscribe(&mut self, id: ParticipantId, channel: ChannelId) -> Option<Bytes> {
        let reports = self.participants.get_mut(&id)?;
        reports.reports.remove(&channel)?.withdrawal(channel)
    }

    /// Forgets the reports about a channel that exists no more.
    pub(crate) fn remove_channel(&mut self, channel: ChannelId) {
        for reports in self.participants.values_mut() {
            reports.reports.remove(&channel);
        }
    }

    pub(crate) fn leave(&mut self, id: ParticipantId) {
        self.participants.remove(&id);
    }

    /// The reports that are due, each with its participant.
    pub(crate) fn handle_timeout(
        &mut self,
        now: Instant,
        routes: &Routes,
        channels: &Channels,
    ) -> Vec<(ParticipantId, Bytes)> {
        if self.due.is_none_or(|at| at > now) {
            return Vec::new();
        }
        self.due = None;
        let mut frames = Vec::new();
        let mut open = false;
        let mut drops = Drops::default();
        for (&id, receiver) in &routes.receivers {
            let reports = self.participants.entry(id).or_default();
            let (due, is_open) = reports.of(now, receiver, channels);
            frames.extend(due.into_iter().map(|frame| (id, frame)));
            open |= is_open;
            drops.add(&receiver.drops());
        }
        self.log(now, &drops);
        if open {
            self.schedule(now);
        }
        frames
    }

    /// Logs the drops of all participants, once in a while.
    fn log(&mut self, now: Instant, drops: &Drops) {
        if let Some(news) = self.log.news(now, drops.total()) {
            let Drops { rate_limit, .. } = drops;
            let too_slow = drops.by_slowness();
            info!(
                news,
                too_slow, rate_limit, "messages were dropped; viewers were told"
            );
        }
    }
}

impl ParticipantReports {
    /// The reports that are due, and whether there will be more.
    fn of(&mut self, now: Instant, receiver: &Receiver, channels: &Channels) -> (Vec<Bytes>, bool) {
        // One that takes nothing gets its reports when it does again.
        let stuck = receiver.flow.stopped_sending(now) && !receiver.flow.has_window();
        let limit = if stuck { 0 } else { REPORTS_AT_ONCE };
        let mut frames = Vec::new();
        let mut open = false;
        let last = self.last;
        let after_last = |&(&channel, _): &(&ChannelId, _)| Some(channel) > last;
        let subscriptions = receiver.subscriptions.iter();
        let (later, earlier): (Vec<_>, Vec<_>) = subscriptions.partition(after_last);
        for (&channel, subscription) in later.into_iter().chain(earlier) {
            let Some(state) = channels.get(channel) else {
                continue;
            };
            let drops = &subscription.queue.drops;
            if drops.total() == 0 {
                continue;
            }
            let report = self.reports.entry(channel).or_default();
            if frames.len() < limit {
                let topic = &state.info.channel.topic;
                if let Some(frame) = report.update(now, channel, topic, drops) {
                    frames.push(frame);
                    self.last = Some(channel);
                }
            }
            open |= report.is_open() || report.is_news(drops);
        }
        (frames, open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::channel::tests::latched;
    use crate::config::SessionConfig;
    use crate::counters::DropReason;
    use std::sync::Arc;

    const VIEWER: ParticipantId = ParticipantId(1);

    /// A participant that missed one message of each of so many channels.
    fn missed(now: Instant, count: u64) -> (Routes, Channels) {
        let mut routes = Routes::new(Arc::new(SessionConfig::default()));
        let mut channels = Channels::new(0, Duration::ZERO);
        routes.join(now, VIEWER);
        let receiver = routes.receivers.get_mut(&VIEWER).unwrap();
        for id in (0..count).map(ChannelId) {
            let mut info = latched(1).info;
            info.channel.id = id;
            channels.add(now, vec![info]);
            receiver.subscribe(now, id);
            let subscription = receiver.subscriptions.get_mut(&id).unwrap();
            subscription.queue.drops.count(DropReason::TooOld);
        }
        (routes, channels)
    }

    #[test]
    fn reports_come_a_few_at_a_time_and_all_come() {
        let start = Instant::now();
        let (routes, channels) = missed(start, 40);
        let mut reports = Reports::default();
        let count =
            |reports: &mut Reports, at| reports.handle_timeout(at, &routes, &channels).len();
        assert_eq!(count(&mut reports, start), 0);
        reports.schedule(start);
        assert_eq!(count(&mut reports, start), 0);
        let first = reports.next_timeout().unwrap();
        assert_eq!(count(&mut reports, first), REPORTS_AT_ONCE);
        let second = reports.next_timeout().unwrap();
        assert_eq!(count(&mut reports, second), 40 - REPORTS_AT_ONCE);
    }

    #[test]
    fn what_is_over_is_withdrawn_or_forgotten() {
        let start = Instant::now();
        let (routes, channels) = missed(start, 2);
        let mut reports = Reports::default();
        reports.schedule(start);
        let due = reports.next_timeout().unwrap();
        reports.handle_timeout(due, &routes, &channels);
        assert!(reports.unsubscribe(VIEWER, ChannelId(0)).is_some());
        assert!(reports.unsubscribe(VIEWER, ChannelId(0)).is_none());
        reports.remove_channel(ChannelId(1));
        assert!(reports.unsubscribe(VIEWER, ChannelId(1)).is_none());
        reports.leave(VIEWER);
        assert!(reports.participants.is_empty());
    }
}
