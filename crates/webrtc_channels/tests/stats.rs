//! Statistics by `get_stats`, compared with the traffic of a connection.

#[path = "support/pair.rs"]
mod pair;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use pair::Pair;
use webrtc_channels::data_channel::{DataChannelInit, DataChannelState};
use webrtc_channels::ice_candidate::IceCandidate;
use webrtc_channels::peer_connection::PeerConnection;
use webrtc_channels::stats::{
    DtlsRole, DtlsTransportState, IceCandidatePairState, IceRole, IceTransportState, RtcStats,
};

/// The first report that fits.
async fn find<T>(connection: &PeerConnection, pick: impl Fn(&RtcStats) -> Option<T>) -> T {
    let reports = connection.get_stats().await.unwrap();
    let found = reports.iter().find_map(pick);
    found.unwrap_or_else(|| panic!("there is no such report among {reports:?}"))
}

macro_rules! one {
    ($connection:expr, $kind:ident) => {
        find($connection, |report| match report {
            RtcStats::$kind(report) => Some(report.clone()),
            _ => None,
        })
        .await
    };
}

#[tokio::test]
async fn channels_are_counted_to_the_byte() {
    let pair = Pair::connected().await;
    let init = DataChannelInit {
        protocol: "p".to_owned(),
        ..DataChannelInit::default()
    };
    let (near, far) = pair.open_channel("counted", init).await;
    let arrived = Arc::new(AtomicU32::new(0));
    let count = arrived.clone();
    far.on_message(Some(Box::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    })));
    for size in [0, 1, 5_000, 100_000] {
        pair::send(&near, &vec![7; size], true).await;
    }
    pair::until("all arrived", || arrived.load(Ordering::SeqCst) == 4).await;
    let sent = one!(&pair.near, DataChannel).dc;
    assert_eq!(
        (sent.label.as_str(), sent.protocol.as_str()),
        ("counted", "p")
    );
    assert_eq!(sent.data_channel_identifier, near.id());
    assert_eq!(sent.state, Some(DataChannelState::Open));
    assert_eq!((sent.messages_sent, sent.bytes_sent), (4, 105_001));
    assert_eq!((sent.messages_received, sent.bytes_received), (0, 0));
    let received = one!(&pair.far, DataChannel).dc;
    assert_eq!(
        (received.messages_received, received.bytes_received),
        (4, 105_001)
    );

    let before = one!(&pair.near, PeerConnection).pc;
    assert_eq!(
        (before.data_channels_opened, before.data_channels_closed),
        (1, 0)
    );
    near.close();
    pair::until("it is closed", || near.state() == DataChannelState::Closed).await;
    let after = one!(&pair.near, PeerConnection).pc;
    assert_eq!(
        (after.data_channels_opened, after.data_channels_closed),
        (1, 1)
    );
    let reports = pair.near.get_stats().await.unwrap();
    let channels = reports
        .iter()
        .filter(|report| matches!(report, RtcStats::DataChannel(_)));
    assert_eq!(channels.count(), 0, "a closed channel has no report");
}

#[tokio::test]
async fn the_transport_names_its_pair_and_both_ends_agree() {
    let pair = Pair::connected().await;
    let (near, far) = pair.open_channel("x", DataChannelInit::default()).await;
    let arrived = Arc::new(AtomicU32::new(0));
    let count = arrived.clone();
    far.on_message(Some(Box::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    })));
    pair::send(&near, &[1; 50_000], true).await;
    pair::until("it arrived", || arrived.load(Ordering::SeqCst) == 1).await;

    let transport = one!(&pair.near, Transport).transport;
    assert_eq!(transport.dtls_state, Some(DtlsTransportState::Connected));
    assert!(matches!(
        transport.ice_state,
        Some(IceTransportState::Connected | IceTransportState::Completed)
    ));
    assert!(transport.bytes_sent > 50_000, "{transport:?}");
    assert!(transport.packets_sent > 43, "{transport:?}");
    assert!(transport.packets_received > 0 && transport.bytes_received > 0);
    assert!(["FEFC", "FEFD"].contains(&transport.tls_version.as_str()));
    assert!(!transport.ice_local_username_fragment.is_empty());
    let other = one!(&pair.far, Transport).transport;
    assert!(other.bytes_received > 50_000, "{other:?}");
    assert!(
        transport.dtls_cipher.starts_with("TLS_")
            && transport.dtls_cipher.contains("_WITH_") == (transport.tls_version == "FEFD"),
        "{transport:?}"
    );
    assert_eq!(transport.dtls_cipher, other.dtls_cipher);
    assert!(transport.selected_candidate_pair_changes > 0);
    let roles = [transport.dtls_role, other.dtls_role];
    assert!(roles.contains(&DtlsRole::Client) && roles.contains(&DtlsRole::Server));
    let roles = [transport.ice_role, other.ice_role];
    assert!(roles.contains(&IceRole::Controlling) && roles.contains(&IceRole::Controlled));

    let chosen = find(&pair.near, |report| match report {
        RtcStats::CandidatePair(pair) if pair.rtc.id == transport.selected_candidate_pair_id => {
            Some(pair.candidate_pair.clone())
        }
        _ => None,
    })
    .await;
    assert_eq!(chosen.state, Some(IceCandidatePairState::Succeeded));
    assert!(
        chosen.bytes_sent > 50_000 && chosen.bytes_received > 0,
        "{chosen:?}"
    );
    assert!(
        chosen.last_packet_sent_timestamp > 1.7e12,
        "milliseconds since 1970"
    );
    assert!(chosen.current_round_trip_time > 0.0 && chosen.current_round_trip_time < 60.0);
    assert!(chosen.nominated && chosen.requests_sent > 0 && chosen.responses_received > 0);
    let local = find(&pair.near, |report| match report {
        RtcStats::LocalCandidate(local) if local.rtc.id == chosen.local_candidate_id => {
            Some(local.local_candidate.clone())
        }
        _ => None,
    })
    .await;
    let remote = find(&pair.near, |report| match report {
        RtcStats::RemoteCandidate(remote) if remote.rtc.id == chosen.remote_candidate_id => {
            Some(remote.remote_candidate.clone())
        }
        _ => None,
    })
    .await;
    for candidate in [&local, &remote] {
        assert!(
            candidate.port > 0 && !candidate.foundation.is_empty(),
            "{candidate:?}"
        );
        assert!(candidate.address.parse::<std::net::IpAddr>().is_ok());
        assert_eq!(candidate.protocol, "udp");
    }
    let certificate = find(&pair.near, |report| match report {
        RtcStats::Certificate(own) if own.rtc.id == transport.local_certificate_id => {
            Some(own.certificate.clone())
        }
        _ => None,
    })
    .await;
    let described = pair.near.current_local_description().unwrap().to_string();
    assert!(
        described.contains(&certificate.fingerprint),
        "{certificate:?}"
    );
    let far = one!(&pair.far, Transport).transport;
    assert_eq!(far.remote_certificate_id, transport.local_certificate_id);
    let shown = find(&pair.far, |report| match report {
        RtcStats::Certificate(own) if own.rtc.id == far.remote_certificate_id => {
            Some(own.certificate.clone())
        }
        _ => None,
    })
    .await;
    assert!(shown.base64_certificate.len() > 300, "{shown:?}");
    assert_eq!(shown.base64_certificate, certificate.base64_certificate);
}

#[tokio::test]
async fn pairs_that_are_tried_in_vain_are_told_too() {
    let pair = Pair::connected().await;
    let before = one!(&pair.near, Transport).transport;
    // Nobody lives there.
    let line = "candidate:7 1 udp 2122260223 192.0.2.77 7777 typ host";
    let nowhere = IceCandidate::parse("0", 0, line).unwrap();
    pair.near.add_ice_candidate(nowhere).await.unwrap();
    let began = std::time::Instant::now();
    let tried = loop {
        let reports = pair.near.get_stats().await.unwrap();
        let remote = reports.iter().find_map(|report| match report {
            RtcStats::RemoteCandidate(remote)
                if remote.remote_candidate.address == "192.0.2.77" =>
            {
                Some(remote.rtc.id.clone())
            }
            _ => None,
        });
        let tried = reports.iter().find_map(|report| match report {
            RtcStats::CandidatePair(pair)
                if Some(&pair.candidate_pair.remote_candidate_id) == remote.as_ref()
                    && pair.candidate_pair.requests_sent > 0 =>
            {
                Some(pair.clone())
            }
            _ => None,
        });
        if let Some(tried) = tried {
            break tried;
        }
        assert!(began.elapsed().as_secs() < 60, "never tried: {reports:?}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_ne!(tried.rtc.id, before.selected_candidate_pair_id);
    let tried = tried.candidate_pair;
    assert!(!tried.nominated && tried.requests_sent > 0, "{tried:?}");
    assert_eq!((tried.responses_received, tried.bytes_sent), (0, 0));
    assert!(matches!(
        tried.state,
        Some(IceCandidatePairState::InProgress | IceCandidatePairState::Failed)
    ));
    let after = one!(&pair.near, Transport).transport;
    assert_eq!(
        after.selected_candidate_pair_id,
        before.selected_candidate_pair_id
    );
}

#[tokio::test]
async fn a_closed_connection_says_so() {
    let pair = Pair::connected().await;
    pair.near.close();
    pair::until("the thread has ended", || {
        pair.near
            .create_data_channel("x", DataChannelInit::default())
            .is_err()
    })
    .await;
    let error = pair.near.get_stats().await.unwrap_err();
    assert!(error.message.contains("closed"), "{error}");
}
