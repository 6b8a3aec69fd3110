//! The list of checks, in RUNBOOK's order.

mod alive;
mod clock;
mod configuration;
mod counters;
mod health;
mod instructions;
#[cfg(feature = "kafka")]
mod kafka_bootstrap;
#[cfg(feature = "kafka")]
mod kafka_clock;
#[cfg(feature = "kafka")]
mod kafka_group;
#[cfg(feature = "kafka")]
mod kafka_listeners;
#[cfg(feature = "kafka")]
mod kafka_properties;
#[cfg(feature = "kafka")]
mod kafka_topics;
#[cfg(feature = "kafka")]
mod kafka_transactions;
mod memory;
mod memory_lock;
mod model;
mod model_changes;
mod model_file;
mod open_files;
mod port;
mod processors;
mod quality;
mod ready;
mod runtime;
mod same_build;
mod state_directory;
mod symbols;

#[cfg(feature = "kafka")]
pub(super) use kafka_bootstrap::{Broker, query_broker};

use super::{
    context::{Context, NoService, Start},
    finding::Finding,
    service::Service,
};
use crate::config::Loaded;

/// A check with the input that it needs. Without that it is skipped.
#[derive(Clone, Copy)]
enum Needs {
    /// No input.
    Always(fn(&Context) -> Vec<Finding>),
    /// A configuration that loads.
    Configured(fn(&Loaded) -> Vec<Finding>),
    /// A configuration that loads, and the model that `serve` would start with.
    Started(fn(&Loaded, &Start) -> Vec<Finding>),
    /// A service that answers.
    Running(fn(&Service) -> Vec<Finding>),
    /// A broker that answers.
    #[cfg(feature = "kafka")]
    Connected(fn(&Broker) -> Vec<Finding>),
}

/// The checks by name: first the machine, then the service that runs on it, then the broker.
const CHECKS: &[(&str, Needs)] = &[
    ("configuration", Needs::Always(configuration::check)),
    ("model file", Needs::Started(model_file::check)),
    ("model", Needs::Started(model::check)),
    ("model changes", Needs::Configured(model_changes::check)),
    ("instructions", Needs::Always(instructions::check)),
    ("processors", Needs::Configured(processors::check)),
    ("runtime", Needs::Configured(runtime::check)),
    ("memory lock", Needs::Configured(memory_lock::check)),
    ("open files", Needs::Configured(open_files::check)),
    ("memory", Needs::Configured(memory::check)),
    ("state directory", Needs::Configured(state_directory::check)),
    ("port", Needs::Always(port::check)),
    ("alive", Needs::Always(alive::check)),
    ("ready", Needs::Running(ready::check)),
    ("health", Needs::Running(health::check)),
    ("same build", Needs::Always(same_build::check)),
    ("symbols", Needs::Running(symbols::check)),
    ("quality", Needs::Running(quality::check)),
    ("counters", Needs::Running(counters::check)),
    ("clock", Needs::Running(clock::check)),
    #[cfg(feature = "kafka")]
    ("kafka settings", Needs::Configured(kafka_properties::check)),
    #[cfg(feature = "kafka")]
    ("kafka bootstrap", Needs::Always(kafka_bootstrap::check)),
    #[cfg(feature = "kafka")]
    ("kafka listeners", Needs::Connected(kafka_listeners::check)),
    #[cfg(feature = "kafka")]
    ("kafka topics", Needs::Connected(kafka_topics::check)),
    #[cfg(feature = "kafka")]
    ("kafka group", Needs::Connected(kafka_group::check)),
    #[cfg(feature = "kafka")]
    ("transactions", Needs::Connected(kafka_transactions::check)),
    #[cfg(feature = "kafka")]
    ("kafka clock", Needs::Connected(kafka_clock::check)),
];

/// Runs all checks, in the order of the list.
pub(crate) fn examine(context: &Context) -> Vec<Finding> {
    let mut all = Vec::new();
    for (name, needs) in CHECKS {
        let found = match needs {
            Needs::Always(check) => check(context),
            Needs::Configured(check) => match &context.loaded {
                Ok(loaded) => check(loaded),
                Err(_) => vec![Finding::skipped("the configuration does not load")],
            },
            Needs::Started(check) => match (&context.loaded, &context.start) {
                (Ok(loaded), Some(start)) => check(loaded, start),
                _ => vec![Finding::skipped("the configuration does not load")],
            },
            Needs::Running(check) => match &context.service {
                Ok(service) => check(service),
                Err(NoService::Unknown) => vec![Finding::skipped("it is not known where a service would be")],
                Err(NoService::NotRunning(_)) => vec![Finding::skipped("no service runs here")],
                Err(NoService::Silent(..)) => vec![Finding::skipped("the service does not answer")],
            },
            #[cfg(feature = "kafka")]
            Needs::Connected(check) => match &context.broker {
                Some(Ok(broker)) => check(broker),
                Some(Err(_)) => vec![Finding::skipped("no broker answers")],
                None => vec![Finding::skipped("Kafka is not configured")],
            },
        };
        all.extend(found.into_iter().map(|finding| Finding { check: name, ..finding }));
    }
    all
}
