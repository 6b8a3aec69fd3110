//! What a metric is: how it is declared, and what it gives when it is read.

/// How a metric's values behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Buckets, count and sum.
    Histogram,
}

/// A declared metric that is read from an `S`.
#[derive(Debug)]
pub struct Metric<S: 'static> {
    /// Its name; unit and `_total` last.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub shape: Shape,
    /// What it means, in one sentence.
    pub help: &'static str,
    /// Its values now.
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

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// Of a counter or gauge.
    Number(f64),
    /// Of a histogram.
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

/// A list of metrics, a row each: `Shape "name": "help" => how it is read;`.
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
