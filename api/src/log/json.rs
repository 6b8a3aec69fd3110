//! Formats an event as one JSON object on a line, in which no key occurs twice.
//!
//! The keys are `timestamp`, `level`, `message`, the event's fields, and `target`. A field whose key is taken gets a
//! number after it: readers of duplicate keys differ in the value they keep, and some refuse the line.

use std::{borrow::Cow, fmt};

use serde::{Serialize, Serializer};
use serde_json::Value;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime, SystemTime},
    },
    registry::LookupSpan,
};

/// Field with the target of a library that logs by the crate `log`.
const LOG_TARGET: &str = "log.target";
/// Fields with such a library's places in source code, which do not help an operator. They are left out.
const LOG_PLACES: [&str; 3] = ["log.module_path", "log.file", "log.line"];

#[derive(Debug)]
pub(super) struct JsonLine;

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let mut fields = Fields { target: event.metadata().target().into(), ..Fields::default() };
        event.record(&mut fields);
        let mut line = UniqueKeys::default();
        // The line's own keys first, so that no field takes one.
        line.push("timestamp".into(), timestamp.into());
        line.push("level".into(), event.metadata().level().as_str().into());
        line.push("target".into(), fields.target.into());
        for (key, value) in fields.all {
            line.push(key.into(), value);
        }
        let text = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
        writeln!(writer, "{text}")
    }
}

/// An event's target, and its fields in their order.
#[derive(Default)]
struct Fields {
    target: String,
    all: Vec<(&'static str, Value)>,
}

impl Fields {
    fn push(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            (LOG_TARGET, Value::String(target)) => self.target = target,
            (name, _) if LOG_PLACES.contains(&name) => {}
            (name, value) => self.all.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push(field, format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, value.into());
    }
}

/// A JSON object whose keys keep the order in which they were pushed. A key that is taken gets a number after it.
#[derive(Default)]
struct UniqueKeys(Vec<(Cow<'static, str>, Value)>);

impl UniqueKeys {
    fn push(&mut self, key: Cow<'static, str>, value: Value) {
        let is_taken = |key: &str| self.0.iter().any(|(taken, _)| taken == key);
        let mut unique = key.clone();
        let mut number = 2;
        while is_taken(&unique) {
            unique = format!("{key}_{number}").into();
            number += 1;
        }
        self.0.push((unique, value));
    }
}

impl Serialize for UniqueKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}
