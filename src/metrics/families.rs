//! Families of metrics: a name, a help text, and a value or one for each set of labels.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::MetricType;

/// Writes families of metrics.
pub(super) struct Families<'e>(pub DescriptorEncoder<'e>);

impl Families<'_> {
    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.one(name, help, &ConstCounter::new(value))
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        self.one(name, help, &ConstGauge::new(value))
    }

    pub(super) fn counters<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (L, u64)>,
    ) -> fmt::Result {
        self.labelled(name, help, MetricType::Counter, rows, ConstCounter::new)
    }

    /// Counters of time.
    pub(super) fn seconds<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (L, Duration)>,
    ) -> fmt::Result {
        let rows = rows
            .into_iter()
            .map(|(labels, time)| (labels, time.as_secs_f64()));
        self.labelled(name, help, MetricType::Counter, rows, ConstCounter::new)
    }

    pub(super) fn gauges<L: EncodeLabelSet>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (L, f64)>,
    ) -> fmt::Result {
        self.labelled(name, help, MetricType::Gauge, rows, ConstGauge::new)
    }

    /// A family with one value and no labels.
    pub(super) fn one(
        &mut self,
        name: &str,
        help: &str,
        metric: &impl EncodeMetric,
    ) -> fmt::Result {
        let kind = metric.metric_type();
        metric.encode(self.0.encode_descriptor(name, help, None, kind)?)
    }

    fn labelled<L: EncodeLabelSet, V, M: EncodeMetric>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        rows: impl IntoIterator<Item = (L, V)>,
        metric: fn(V) -> M,
    ) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, None, kind)?;
        for (labels, value) in rows {
            metric(value).encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
