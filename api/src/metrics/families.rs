//! Renders declared metrics as Prometheus text.

use engine::metrics::{Metric, Series, Shape, Value};
use prometheus::{
    Encoder, TextEncoder,
    proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric as Sample, MetricFamily, MetricType},
};

use super::list::METRICS;
use crate::http::App;

/// All metrics as Prometheus text, the service's list first, then the engine's.
///
/// # Errors
/// If the encoder refuses a family.
pub fn render(app: &App) -> Result<Vec<u8>, prometheus::Error> {
    let own = METRICS.iter().map(|metric| family(metric, app));
    let engines = engine::metrics::METRICS.iter().map(|metric| family(metric, &app.engine.metrics));
    let mut families: Vec<MetricFamily> = own.chain(engines).collect();
    // A metric by shard has no series where there is no shard, and the encoder takes no empty family.
    families.retain(|f| !f.get_metric().is_empty());
    let mut text = Vec::with_capacity(16 * 1024);
    TextEncoder::new().encode(&families, &mut text)?;
    Ok(text)
}

fn family<S>(metric: &Metric<S>, from: &S) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(metric.name.to_owned());
    family.set_help(metric.help.to_owned());
    family.set_field_type(match metric.shape {
        Shape::Counter => MetricType::COUNTER,
        Shape::Gauge => MetricType::GAUGE,
        Shape::Histogram => MetricType::HISTOGRAM,
    });
    family.set_metric((metric.read)(from).into_iter().map(|series| sample(metric.shape, series)).collect());
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
