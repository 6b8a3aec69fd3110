//! A metric: its declaration, and the values it gives when it is read.

/// The Prometheus type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A number that only rises.
    Counter,
    /// A number that rises and falls.
    Gauge,
    /// A distribution with buckets, count and sum.
    Histogram,
}

/// A declared metric whose values are read from an `S`.
#[derive(Debug)]
pub struct Metric<S: 'static> {
    /// Its name, ending in its unit or `_total`.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub shape: Shape,
    /// Its meaning, in one sentence.
    pub help: &'static str,
    /// Reads its present values.
    pub read: fn(&S) -> Vec<Series>,
}

/// One labelled value.
#[derive(Clone, Debug)]
pub struct Series {
    /// Label names and values.
    pub labels: Vec<(&'static str, String)>,
    /// The value, in the metric's unit.
    pub value: Value,
}

/// The value of one series.
#[derive(Clone, Debug)]
pub enum Value {
    /// The value of a counter or gauge.
    Number(f64),
    /// The value of a histogram.
    Distribution {
        /// Upper bound of each bucket, and the count at or below it.
        cumulative: Vec<(f64, u64)>,
        /// Count of all observations.
        count: u64,
        /// Sum of all observations.
        sum: f64,
    },
}

impl Series {
    /// A number with these labels.
    pub fn new<const N: usize>(labels: [(&'static str, String); N], value: f64) -> Self {
        Self { labels: labels.into(), value: Value::Number(value) }
    }

    /// All series of a metric without labels.
    pub fn one(value: f64) -> Vec<Self> {
        vec![Self::new([], value)]
    }

    /// All series of a metric with one label, by the label's values.
    pub fn by<T: Into<String>>(label: &'static str, values: impl IntoIterator<Item = (T, f64)>) -> Vec<Self> {
        values.into_iter().map(|(text, value)| Self::new([(label, text.into())], value)).collect()
    }
}

/// Declares a list of metrics, one row for each: `Shape "name": "help" => how it is read;`.
#[doc(hidden)]
#[macro_export]
macro_rules! metric_rows {
    ($($shape:ident $name:literal: $help:literal => $read:expr;)*) => {
        &[$($crate::metrics::Metric {
            name: $name,
            shape: $crate::metrics::Shape::$shape,
            help: $help,
            read: $read,
        }),*]
    };
}
