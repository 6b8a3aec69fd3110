//! From declared metrics to Prometheus text.

use engine::metrics::Kind;
use prometheus::{
    Encoder, TextEncoder,
    proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric as Sample, MetricFamily, MetricType},
};

use super::list::METRICS;
use crate::http::App;

/// What a metric's values look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Buckets, count and sum.
    Histogram,
}

/// One labelled value.
#[derive(Clone, Debug)]
pub struct Series {
    /// Label names and values.
    pub labels: Vec<(&'static str, String)>,
    /// What it is now.
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// Of a counter or gauge.
    Number(f64),
    /// Of a histogram.
    Distribution {
        /// Bound, count at or below it.
        cumulative: Vec<(f64, u64)>,
        /// Count of all.
        count: u64,
        /// Sum of all.
        sum: f64,
    },
}

/// Everything in Prometheus text, the service's list first, then the engine's.
///
/// # Errors
/// If the encoder refuses a family.
pub fn render(app: &App) -> Result<Vec<u8>, prometheus::Error> {
    let mut families: Vec<MetricFamily> =
        METRICS.iter().map(|m| family(m.name, m.help, m.shape, (m.read)(app))).collect();
    for metric in engine::metrics::METRICS {
        let shape = match metric.kind {
            Kind::Counter => Shape::Counter,
            Kind::Gauge => Shape::Gauge,
        };
        let series = |s: engine::metrics::Sample| Series {
            labels: s.label.into_iter().collect(),
            value: Value::Number(s.value),
        };
        let all = (metric.read)(&app.engine.metrics).into_iter().map(series).collect();
        families.push(family(metric.name, metric.help, shape, all));
    }
    // A metric by shard has no series where there is no shard, and the encoder takes no empty family.
    families.retain(|f| !f.get_metric().is_empty());
    let mut text = Vec::with_capacity(16 * 1024);
    TextEncoder::new().encode(&families, &mut text)?;
    Ok(text)
}

fn family(name: &str, help: &str, shape: Shape, series: Vec<Series>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(match shape {
        Shape::Counter => MetricType::COUNTER,
        Shape::Gauge => MetricType::GAUGE,
        Shape::Histogram => MetricType::HISTOGRAM,
    });
    family.set_metric(series.into_iter().map(|s| sample(shape, s)).collect());
    family
}

fn sample(shape: Shape, series: Series) -> Sample {
    let mut sample = Sample::default();
    let label = |(name, value): (&str, String)| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value);
        pair
    };
    sample.set_label(series.labels.into_iter().map(label).collect());
    match series.value {
        Value::Number(number) if shape == Shape::Counter => {
            let mut counter = Counter::default();
            counter.set_value(number);
            sample.set_counter(counter);
        }
        Value::Number(number) => {
            let mut gauge = Gauge::default();
            gauge.set_value(number);
            sample.set_gauge(gauge);
        }
        Value::Distribution { cumulative, count, sum } => {
            let bucket = |(bound, count)| {
                let mut bucket = Bucket::default();
                bucket.set_upper_bound(bound);
                bucket.set_cumulative_count(count);
                bucket
            };
            let mut histogram = Histogram::default();
            histogram.set_bucket(cumulative.into_iter().map(bucket).collect());
            histogram.set_sample_count(count);
            histogram.set_sample_sum(sum);
            sample.set_histogram(histogram);
        }
    }
    sample
}
