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
mod kafka_future;
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
mod live;
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

#[cfg(feature = "kafka")]
pub(super) use kafka_bootstrap::{Broker, broker};

use super::{
    context::{Context, NoService, Start},
    finding::Finding,
    service::Service,
};
use crate::config::Loaded;

/// What a check wants to see.
#[derive(Clone, Copy)]
enum Asks {
    /// Whatever there is.
    Always(fn(&Context) -> Vec<Finding>),
    /// A configuration that loads.
    Configured(fn(&Loaded) -> Vec<Finding>),
    /// Such a configuration, and the model that a start with it has.
    Started(fn(&Loaded, &Start) -> Vec<Finding>),
    /// A service that answers.
    Running(fn(&Service) -> Vec<Finding>),
    /// A broker that answers.
    #[cfg(feature = "kafka")]
    Connected(fn(&Broker) -> Vec<Finding>),
}

/// One question.
struct Check {
    name: &'static str,
    asks: Asks,
}

const fn check(name: &'static str, asks: Asks) -> Check {
    Check { name, asks }
}

/// What the machine gives, then what runs on it, then what it is connected to.
const CHECKS: &[Check] = &[
    check("configuration", Asks::Always(configuration::look)),
    check("model file", Asks::Started(model_file::look)),
    check("model", Asks::Started(model::look)),
    check("model changes", Asks::Configured(model_changes::look)),
    check("instructions", Asks::Always(instructions::look)),
    check("processors", Asks::Configured(processors::look)),
    check("runtime", Asks::Configured(runtime::look)),
    check("memory lock", Asks::Configured(memory_lock::look)),
    check("open files", Asks::Configured(open_files::look)),
    check("memory", Asks::Configured(memory::look)),
    check("state directory", Asks::Configured(state_directory::look)),
    check("port", Asks::Always(port::look)),
    check("alive", Asks::Always(alive::look)),
    check("ready", Asks::Running(ready::look)),
    check("health", Asks::Running(health::look)),
    check("same build", Asks::Always(same_build::look)),
    check("symbols", Asks::Running(live::look)),
    check("quality", Asks::Running(quality::look)),
    check("counters", Asks::Running(counters::look)),
    check("clock", Asks::Running(clock::look)),
    #[cfg(feature = "kafka")]
    check("kafka settings", Asks::Configured(kafka_properties::look)),
    #[cfg(feature = "kafka")]
    check("kafka bootstrap", Asks::Always(kafka_bootstrap::look)),
    #[cfg(feature = "kafka")]
    check("kafka listeners", Asks::Connected(kafka_listeners::look)),
    #[cfg(feature = "kafka")]
    check("kafka topics", Asks::Connected(kafka_topics::look)),
    #[cfg(feature = "kafka")]
    check("kafka group", Asks::Connected(kafka_group::look)),
    #[cfg(feature = "kafka")]
    check("transactions", Asks::Connected(kafka_transactions::look)),
    #[cfg(feature = "kafka")]
    check("kafka clock", Asks::Connected(kafka_future::look)),
];

/// Asks all.
pub(crate) fn examine(context: &Context) -> Vec<Finding> {
    let mut all = Vec::new();
    for check in CHECKS {
        let found = match check.asks {
            Asks::Always(look) => look(context),
            Asks::Configured(look) => match &context.loaded {
                Ok(loaded) => look(loaded),
                Err(_) => vec![Finding::skipped("the configuration does not load")],
            },
            Asks::Started(look) => match (&context.loaded, &context.start) {
                (Ok(loaded), Some(start)) => look(loaded, start),
                _ => vec![Finding::skipped("the configuration does not load")],
            },
            Asks::Running(look) => match &context.service {
                Ok(service) => look(service),
                Err(NoService::Unknown) => vec![Finding::skipped("it is not known where a service would be")],
                Err(NoService::NotRunning(_)) => vec![Finding::skipped("no service runs here")],
                Err(NoService::Silent(..)) => vec![Finding::skipped("the service does not answer")],
            },
            #[cfg(feature = "kafka")]
            Asks::Connected(look) => match &context.broker {
                Some(Ok(broker)) => look(broker),
                Some(Err(_)) => vec![Finding::skipped("no broker answers")],
                None => vec![Finding::skipped("Kafka is not configured")],
            },
        };
        all.extend(found.into_iter().map(|finding| Finding { check: check.name, ..finding }));
    }
    all
}
