use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(200);
/// The numbers start again at zero after it.
const FIRST: u32 = u32::MAX - 3;

fn chunk(kind: u8, value: &[u8]) -> Vec<u8> {
    let mut chunk = vec![0; 12];
    chunk.extend([kind, 0]);
    chunk.extend((4 + value.len() as u16).to_be_bytes());
    chunk.extend(value);
    chunk
}

fn data(tsn: u32) -> Bytes {
    large_data(tsn, 1)
}

/// A chunk with so many bytes of user data.
fn large_data(tsn: u32, length: usize) -> Bytes {
    let mut value = tsn.to_be_bytes().to_vec();
    value.extend(vec![0; 8 + length]);
    chunk(0, &value).into()
}

/// Two chunks in a packet.
fn two(tsn: u32) -> Bytes {
    let mut packet = large_data(tsn, 4).to_vec();
    packet.extend(&large_data(tsn + 1, 4)[12..]);
    packet.into()
}

fn sack(cumulative: u32, gaps: &[(u16, u16)]) -> Vec<u8> {
    let mut value = cumulative.to_be_bytes().to_vec();
    value.extend([0; 4]);
    value.extend((gaps.len() as u16).to_be_bytes());
    value.extend([0; 2]);
    for (start, end) in gaps {
        value.extend(start.to_be_bytes());
        value.extend(end.to_be_bytes());
    }
    chunk(3, &value)
}

/// Sends these packets once more.
fn resend(packets: impl IntoIterator<Item = Bytes>) -> Remedy {
    Remedy {
        resend: packets.into_iter().collect(),
        time_out: false,
    }
}

const TIME_OUT: Remedy = Remedy {
    resend: Vec::new(),
    time_out: true,
};

/// Takes in an acknowledgement, and leaves what is lost to the crate.
fn received(recovery: &mut Recovery, sack: &[u8], now: Instant) {
    assert_eq!(recovery.received(sack, false, now), Vec::<Bytes>::new());
}

/// Ten chunks, one each millisecond, of which the first was acknowledged after 20 ms.
fn ten(start: Instant) -> Recovery {
    let mut recovery = Recovery::default();
    for index in 0..10 {
        recovery.sent(&data(FIRST.wrapping_add(index)), false, start + index * MS);
    }
    received(&mut recovery, &sack(FIRST, &[]), start + 20 * MS);
    recovery
}

#[test]
fn a_silent_peer_is_tried_again_and_a_speaking_one_is_not() {
    let start = Instant::now();
    let mut recovery = ten(start);
    let silent = LONGEST + 40 * MS;
    assert_eq!(recovery.deadline(LONGEST), Some(start + 20 * MS + silent));
    received(&mut recovery, &sack(u32::MAX, &[]), start + 23 * MS);
    let due = recovery.deadline(LONGEST).unwrap();
    assert!(due > start + 20 * MS + silent, "it acknowledged some more");
    received(&mut recovery, &sack(5, &[]), start + 30 * MS);
    assert_eq!(recovery.deadline(LONGEST), None, "all has arrived");
}

#[test]
fn a_lost_copy_is_noticed_by_what_was_sent_after_it() {
    let start = Instant::now();
    let mut recovery = ten(start);
    // All but the oldest arrive. The crate sends that one again, and three new ones.
    received(&mut recovery, &sack(FIRST, &[(2, 9)]), start + 29 * MS);
    let again = start + 30 * MS;
    assert!(recovery.deadline(LONGEST).unwrap() > again + 200 * MS);
    recovery.sent(&data(FIRST + 1), false, again);
    for index in 0..3 {
        recovery.sent(&data(6 + index), false, again + 20 * MS);
    }
    assert!(recovery.deadline(LONGEST).unwrap() > again + 200 * MS);
    received(&mut recovery, &sack(FIRST, &[(2, 12)]), again + 30 * MS);
    assert_eq!(recovery.deadline(LONGEST), Some(again), "long overdue");
    let remedy = recovery.remedy(CrateTimer::Running, again + 31 * MS);
    assert_eq!(remedy, resend([data(FIRST + 1)]));
    assert!(recovery.deadline(LONGEST).unwrap() > again + 200 * MS);
}

#[test]
fn a_silent_peer_is_probed_with_the_last_packet() {
    let start = Instant::now();
    let mut recovery = ten(start);
    let now = recovery.deadline(LONGEST).unwrap();
    let remedy = recovery.remedy(CrateTimer::Running, now);
    assert_eq!(remedy, resend([data(5)]));
    assert!(recovery.deadline(LONGEST).unwrap() > now + LONGEST);
    // It arrives, and nothing before it did: all of that is lost.
    received(&mut recovery, &sack(FIRST, &[(9, 9)]), now + 20 * MS);
    assert!(recovery.deadline(LONGEST).unwrap() <= now);
    let rest = |timer| ten_probed(start).remedy(timer, now + 20 * MS);
    assert_eq!(rest(CrateTimer::Running), TIME_OUT);
    let three = resend((1..4).map(|index| data(FIRST.wrapping_add(index))));
    assert_eq!(rest(CrateTimer::Expired), three);
    assert_eq!(rest(CrateTimer::MustWait), three);
}

/// The same ten after a probe, which alone arrived.
fn ten_probed(start: Instant) -> Recovery {
    let mut recovery = ten(start);
    let now = recovery.deadline(LONGEST).unwrap();
    recovery.remedy(CrateTimer::Running, now);
    received(&mut recovery, &sack(FIRST, &[(9, 9)]), now + 20 * MS);
    recovery
}

#[test]
fn what_may_be_given_up_is_not_sent_again_from_here() {
    let start = Instant::now();
    let mut recovery = Recovery::default();
    recovery.sent(&data(1), false, start);
    received(&mut recovery, &sack(1, &[]), start + 20 * MS);
    recovery.sent(&data(2), true, start + 20 * MS);
    let now = recovery.deadline(LONGEST).unwrap();
    assert_eq!(recovery.remedy(CrateTimer::Running, now), Remedy::default());
    assert!(recovery.deadline(LONGEST).unwrap() > now);
    // A pause is over by now.
    let now = recovery.deadline(LONGEST).unwrap();
    assert_eq!(
        recovery.remedy(CrateTimer::MustWait, now),
        Remedy::default()
    );
    let remedy = recovery.remedy(CrateTimer::Running, now);
    assert_eq!(remedy, TIME_OUT);
}

#[test]
fn packets_that_overtake_each_other_a_little_are_no_loss() {
    let start = Instant::now();
    let mut recovery = ten(start);
    received(&mut recovery, &sack(FIRST, &[(2, 9)]), start + 29 * MS);
    let due = recovery.deadline(LONGEST).unwrap();
    assert!(due > start + 200 * MS, "the crate is to notice that itself");
}

/// The acknowledgement that the crate reads: how far all has arrived, and the gaps.
fn for_crate(recovery: &Recovery, packet: &[u8]) -> Option<(u32, Vec<(u16, u16)>)> {
    let packet = recovery.for_crate(packet)?;
    let sack = sacks(&packet).next().unwrap();
    Some((sack.cumulative, sack.gaps().collect()))
}

#[test]
fn a_loss_without_a_queue_is_taken_over_until_it_arrives() {
    let start = Instant::now();
    let mut recovery = ten(start);
    let two_later = sack(FIRST, &[(2, 3)]);
    assert_eq!(
        recovery.received(&two_later, true, start + 23 * MS),
        [] as [Bytes; 0]
    );
    assert_eq!(
        for_crate(&recovery, &two_later),
        None,
        "it may be late only"
    );
    let three_later = sack(FIRST, &[(2, 4)]);
    let lost = data(FIRST + 1);
    assert_eq!(
        recovery.received(&three_later, true, start + 24 * MS),
        std::slice::from_ref(&lost)
    );
    assert_eq!(for_crate(&recovery, &three_later), Some((0, vec![])));
    // Further acknowledgements say the same of it, whatever else is missing.
    let another = sack(FIRST, &[(2, 4), (6, 6)]);
    assert_eq!(
        recovery.received(&another, true, start + 26 * MS),
        [] as [Bytes; 0]
    );
    assert_eq!(for_crate(&recovery, &another), Some((0, vec![(2, 2)])));
    // The copy is lost, too: what was sent after it has arrived.
    recovery.sent(&data(6), false, start + 40 * MS);
    let copy_lost = sack(FIRST, &[(2, 10)]);
    assert_eq!(recovery.received(&copy_lost, true, start + 60 * MS), [lost]);
    assert!(recovery.has_taken_over());
    let all = sack(6, &[]);
    recovery.received(&all, true, start + 80 * MS);
    assert!(!recovery.has_taken_over());
    assert_eq!(for_crate(&recovery, &all), None);
}

#[test]
fn a_chunk_is_lost_when_one_that_was_sent_well_after_it_has_arrived() {
    let start = Instant::now();
    let mut recovery = ten(start);
    recovery.received(&sack(3, &[]), true, start + 28 * MS);
    recovery.sent(&data(6), false, start + 40 * MS);
    let two_later = sack(3, &[(2, 3)]);
    assert_eq!(
        recovery.received(&two_later, true, start + 60 * MS),
        [data(4)]
    );
}

#[test]
fn a_packet_is_sent_again_once_for_all_its_chunks() {
    let start = Instant::now();
    let mut recovery = Recovery::default();
    recovery.sent(&data(1), false, start);
    received(&mut recovery, &sack(1, &[]), start + 20 * MS);
    recovery.sent(&two(2), false, start + 20 * MS);
    for tsn in 4..8 {
        recovery.sent(&data(tsn), false, start + 21 * MS);
    }
    let rest = sack(1, &[(3, 6)]);
    assert_eq!(recovery.received(&rest, true, start + 41 * MS), [two(2)]);
    assert_eq!(for_crate(&recovery, &rest), Some((7, vec![])));
}

#[test]
fn what_was_taken_over_stays_so_if_the_crate_sends_it_too() {
    let start = Instant::now();
    let mut recovery = ten(start);
    let gap = sack(FIRST, &[(2, 4)]);
    recovery.received(&gap, true, start + 24 * MS);
    recovery.sent(&data(FIRST + 1), false, start + 25 * MS);
    assert!(recovery.has_taken_over());
    assert_eq!(for_crate(&recovery, &gap), Some((0, vec![])));
    // An older acknowledgement, which was overtaken, tells nothing new.
    assert_eq!(for_crate(&recovery, &sack(FIRST - 1, &[(2, 2)])), None);
}

#[test]
fn a_silent_peer_also_gets_the_first_chunk_that_was_taken_over() {
    let start = Instant::now();
    let mut recovery = ten(start);
    recovery.received(&sack(FIRST, &[(2, 4)]), true, start + 24 * MS);
    let now = recovery.deadline(LONGEST).unwrap();
    let remedy = recovery.remedy(CrateTimer::Running, now);
    assert_eq!(remedy, resend([data(FIRST + 1), data(5)]));
}

#[test]
fn what_the_crate_is_about_to_send_again_is_not_lost_once_more() {
    let start = Instant::now();
    let mut recovery = ten_probed(start);
    let now = start + 500 * MS;
    assert_eq!(recovery.remedy(CrateTimer::Running, now), TIME_OUT);
    // Its window is small: a new chunk and the first of the old ones are all that it sends.
    recovery.sent(&data(FIRST + 1), false, now);
    recovery.sent(&data(6), false, now + 30 * MS);
    received(&mut recovery, &sack(FIRST + 1, &[(8, 9)]), now + 50 * MS);
    assert!(recovery.deadline(LONGEST).unwrap() > now + LONGEST);
}

#[test]
fn an_answer_that_is_too_quick_is_none_to_the_copy() {
    let start = Instant::now();
    let mut recovery = ten(start);
    let now = recovery.deadline(LONGEST).unwrap();
    recovery.remedy(CrateTimer::Running, now);
    // The first copy of the last chunk has arrived, and what was sent before it is on the way.
    received(&mut recovery, &sack(FIRST, &[(9, 9)]), now + 5 * MS);
    assert!(recovery.deadline(LONGEST).unwrap() > now + LONGEST);
}

/// Forty chunks of 1,000 bytes after one whose round trip was 20 ms.
fn forty(start: Instant) -> Recovery {
    let mut recovery = Recovery::default();
    recovery.sent(&data(0), false, start);
    received(&mut recovery, &sack(0, &[]), start + 20 * MS);
    for tsn in 1..=40 {
        recovery.sent(&large_data(tsn, 1000), false, start + 20 * MS);
    }
    recovery
}

#[test]
fn a_queue_is_that_of_a_path() {
    let start = Instant::now();
    let mut recovery = forty(start);
    for count in 1..=4 {
        let late = start + (400 + count) * MS;
        received(&mut recovery, &sack(2 * count, &[]), late);
    }
    assert!(recovery.is_crowded());
    recovery.path_changed(start + 410 * MS);
    assert!(!recovery.is_crowded());
}

#[test]
fn a_round_trip_on_the_old_path_says_nothing_of_the_new_one() {
    let start = Instant::now();
    let mut recovery = ten(start);
    recovery.path_changed(start + 25 * MS);
    received(&mut recovery, &sack(5, &[]), start + 30 * MS);
    assert_eq!(recovery.cause.shortest(), None);
    recovery.sent(&data(6), false, start + 30 * MS);
    received(&mut recovery, &sack(6, &[]), start + 100 * MS);
    assert_eq!(recovery.cause.shortest(), Some(70 * MS));
}

#[test]
fn a_new_path_may_be_slower_than_the_old_one() {
    let start = Instant::now();
    let mut recovery = ten(start);
    recovery.path_changed(start + 25 * MS);
    let first = recovery.deadline(LONGEST).unwrap();
    assert!(first < start + LONGEST + 100 * MS);
    recovery.remedy(CrateTimer::Running, first);
    let second = recovery.deadline(LONGEST).unwrap();
    assert_eq!(second, first + LONGEST + 2 * FIRST_RTT);
}

#[test]
fn an_acknowledgement_that_may_have_waited_tells_of_no_queue() {
    let start = Instant::now();
    let mut recovery = forty(start);
    for count in 1..=4 {
        let late = start + (400 + count) * MS;
        received(&mut recovery, &sack(count, &[]), late);
    }
    assert!(!recovery.is_crowded());
}

#[test]
fn a_loss_in_a_queue_is_left_to_the_crate() {
    let start = Instant::now();
    let mut recovery = ten(start);
    let sack = sack(FIRST, &[(2, 9)]);
    // The first took 20 ms; these took 60 and more.
    assert_eq!(
        recovery.received(&sack, true, start + 70 * MS),
        [] as [Bytes; 0]
    );
    assert_eq!(for_crate(&recovery, &sack), None);
}

#[test]
fn what_was_taken_over_is_sent_again_when_all_counts_as_lost() {
    let start = Instant::now();
    let mut recovery = ten(start);
    recovery.received(&sack(FIRST, &[(2, 4)]), true, start + 24 * MS);
    let remedy = recovery.time_out(start + 30 * MS);
    assert!(remedy.time_out);
    assert_eq!(remedy.resend, [data(FIRST + 1)]);
}

#[test]
fn numbers_that_were_never_sent_are_neither_lost_nor_told_as_arrived() {
    let start = Instant::now();
    let mut recovery = Recovery::default();
    for tsn in [1, 2, 4, 5, 6, 7] {
        recovery.sent(&data(tsn), false, start + tsn * MS);
    }
    recovery.received(&sack(1, &[]), true, start + 21 * MS);
    let gaps = sack(1, &[(3, 6)]);
    assert_eq!(recovery.received(&gaps, true, start + 27 * MS), [data(2)]);
    assert_eq!(for_crate(&recovery, &gaps), Some((2, vec![(2, 5)])));
}

proptest! {
    #[test]
    fn whatever_the_peer_says_is_no_harm(
        sent in prop::collection::vec(0u32..40, 0..60),
        said in prop::collection::vec((any::<u32>(), 0u32..40, any::<bool>(), prop::collection::vec(any::<(u16, u16)>(), 0..20)), 0..60),
    ) {
        let start = Instant::now();
        let mut recovery = Recovery::default();
        for (index, tsn) in sent.iter().enumerate() {
            recovery.sent(&data(*tsn), index % 3 == 0, start + index as u32 * MS);
            if let Some((wild, near, is_wild, gaps)) = said.get(index) {
                let cumulative = if *is_wild { *wild } else { *near };
                let sack = sack(cumulative, gaps);
                recovery.received(&sack, true, start + index as u32 * MS);
                let _ = recovery.for_crate(&sack);
            }
            prop_assert!(recovery.chunks.len() <= MAX_CHUNKS);
            if recovery.deadline(LONGEST).is_some() {
                let _ = recovery.remedy(CrateTimer::Running, start + index as u32 * MS);
            }
        }
    }
}
