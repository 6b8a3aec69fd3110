//! `stormglass serve`: the engine and the HTTP front, until a signal or until a shard panics.

use std::sync::Arc;

use clap::Args;
use engine::lanes::Verdict;
use model::Model;

use super::{ConfigArgument, Exit, Failure, source::SourceArguments};
use crate::{
    config::{Config, Layers, Loaded, ProcessEnvironment, places, sections::SourceKind},
    disk,
    http::{App, Server, open_files_wanted},
    log, model_file, models,
};

mod banner;
mod engine_start;
mod wait;

/// The error for a regression or a model of several classes as the model of `{"features"}`, whose answer is a
/// probability.
const NOT_A_PROBABILITY: &str =
    "its answer is not the probability of one event; as model.path it scores rows";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  stormglass serve
  stormglass serve --source 'file:data/*.ndjson.gz' --speed max
  gunzip -c trades.csv.gz | stormglass serve --source file:- --symbol kraken:XBTUSD
  stormglass serve --source coinbase --products BTC-USD,ETH-USD --backfill 3h
  stormglass serve mine.sgm --listen 9000
  stormglass serve --source none --listen 127.0.0.1:0")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
    #[command(flatten)]
    source: SourceArguments,
    /// Port to listen on, on all addresses, or address and port; port 0 takes a free one.
    #[arg(long, alias = "port", value_name = "[ADDRESS:]PORT")]
    listen: Option<String>,
    /// The model file; the configured one, or the shipped one, if left out.
    #[arg(value_name = "MODEL")]
    model_file: Option<String>,
    /// The model file, too.
    #[arg(long, value_name = "FILE", conflicts_with = "model_file")]
    model: Option<String>,
}

impl Arguments {
    fn layers(self) -> Layers {
        let mut layers = self.config.layers();
        self.source.lay_over(&mut layers);
        let flags = &mut layers.flags;
        let listen = self.listen.map(|listen| match listen.parse::<u16>() {
            Ok(port) => format!("0.0.0.0:{port}"),
            Err(_) => listen,
        });
        flags.extend(listen.map(|listen| ("server.listen", listen, "--listen")));
        flags.extend(self.model_file.map(|model| ("model.path", model, "MODEL")));
        flags.extend(self.model.map(|model| ("model.path", model, "--model")));
        layers
    }
}

pub(super) fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut loaded = arguments.layers().load(&ProcessEnvironment)?;
    let token = loaded.config.server.admin_token.resolved("server.admin_token");
    loaded.config.server.admin_token = token.map_err(|error| Failure::new(Exit::Configuration, error))?;
    let failed =
        |what: &str, error: &dyn std::fmt::Display| Failure::new(Exit::Failed, format!("{what}: {error}"));
    log::start(&loaded.config.log).map_err(|e| failed("cannot start logging", &e))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| failed("cannot start a runtime", &e))?;
    let signals = runtime
        .block_on(async { wait::Signals::new() })
        .map_err(|e| failed("cannot wait for signals", &e))?;
    raise_open_files(loaded.config.server.connections_max as u64);
    say_what_is_not_here(&loaded);
    check_models(&loaded.config)?;
    let (model, report) = models::start::load(&loaded);
    let legacy_model = load_legacy_model(&loaded.config)?;
    let mut engine = engine_start::start(&loaded.config, model)?;
    let app = App::new(engine.handle(), loaded.config, report, legacy_model, engine.shards_alive());
    disk::watch(&app).map_err(|e| failed("cannot watch the disks", &e))?;
    let server =
        Server::start(app.clone(), engine.front_cpus()).map_err(|e| failed("cannot serve HTTP", &e))?;
    // After the front, because a lane announces its address to the other instances.
    engine.feed(&app)?;
    banner::show(&app, server.address());
    runtime.block_on(wait::until_drain(&app, signals));
    let cut = server.stop();
    let panicked = app.shards_panicked();
    engine.stop();
    tracing::info!(connections_cut = cut, "stopped");
    match app.lanes.verdict() {
        Some(Verdict::Fenced) => {
            let message = "another process has the same kafka.instance and took its place; give each its own";
            return Err(Failure::new(Exit::Fenced, message));
        }
        Some(Verdict::Refused(setting)) => return Err(Failure::new(Exit::Configuration, setting.clone())),
        None => {}
    }
    if panicked.is_empty() {
        return Ok(());
    }
    let message = format!("shards {panicked:?} panicked; a restart brings their symbols back");
    tracing::error!("{message}");
    Err(Failure::new(Exit::Broken, message))
}

/// The baseline model, if `quality.fallback` is on.
pub(super) fn baseline(config: &Config) -> Result<Option<Arc<Model>>, Failure> {
    engine_start::load_baseline(config)
}

/// Raises the soft limit of open files so that `connections_max` connections fit, as far as the hard limit allows.
fn raise_open_files(connections_max: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = open_files_wanted(connections_max);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
        let raised_limit = Rlimit { current: Some(raised), maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised_limit) {
            tracing::warn!(%error, "cannot raise the limit of open files");
        }
        if raised < wanted {
            tracing::warn!(
                open_files_max = raised,
                connections_max,
                "server.connections_max does not fit the limit of open files; raise the limit (ulimit -n)"
            );
        }
    }
}

/// Logs variables that are set and not read, and that prices are simulated if they are.
fn say_what_is_not_here(loaded: &Loaded) {
    for variable in &loaded.ignored_variables {
        tracing::warn!(variable, "the variable is set, but nothing in this version reads it");
    }
    if loaded.config.source.kind == SourceKind::Simulator {
        tracing::warn!("prices are made up (source.kind = \"simulator\"); every answer says so");
    }
}

/// Checks at the start that later model changes can work: the model directory, and the record of activations.
fn check_models(config: &Config) -> Result<(), Failure> {
    places::check_model_directory(config).map_err(|message| Failure::new(Exit::Configuration, message))?;
    if let Some(warning) = places::record_warning(config) {
        tracing::warn!(record = config.model.record.as_deref(), "{warning}");
    }
    Ok(())
}

fn load_legacy_model(config: &Config) -> Result<Option<Arc<Model>>, Failure> {
    let Some(path) = config.predict.legacy_model.as_deref() else { return Ok(None) };
    match model_file::open(path, config.model.map_above_bytes) {
        Ok(model) if !model.gives_probability() => Err(Failure::new(
            Exit::Configuration,
            format!("predict.legacy_model {path}: {NOT_A_PROBABILITY}"),
        )),
        Ok(model) => Ok(Some(Arc::new(model))),
        Err(error) => Err(Failure::new(Exit::Configuration, format!("predict.legacy_model {path}: {error}"))),
    }
}
