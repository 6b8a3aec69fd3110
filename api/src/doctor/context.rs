//! The inputs of the checks, gathered once.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use model::Model;

use super::service::Service;
use crate::{
    client::{BlockingClient, ClientError, Target, reachable},
    config::{ConfigError, Loaded},
    models::{self, ModelReport},
};

/// Longest wait for an answer: more than a healthy service needs.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The configuration, the model, the running service and the broker.
pub(crate) struct Context {
    pub(super) loaded: Result<Loaded, ConfigError>,
    /// The model that `serve` would start with; `None` if the configuration does not load.
    pub(super) start: Option<Start>,
    /// The service named by `--url`.
    pub(super) url: Option<Target>,
    /// The answers of the running service, or the reason why there are none.
    pub(super) service: Result<Service, NoService>,
    /// The broker's report, or the reason why there is none; `None` if Kafka is not configured.
    #[cfg(feature = "kafka")]
    pub(super) broker: Option<Result<super::checks::Broker, String>>,
}

/// The model that a process would start with, by the record or by the configuration.
pub(super) struct Start {
    pub(super) model: Option<Arc<Model>>,
    pub(super) report: ModelReport,
}

/// The reason why a running service gave no answers.
#[derive(Debug)]
pub(super) enum NoService {
    /// Its address is not known: there is no `--url`, and the configuration does not load.
    Unknown,
    /// Nothing listens at the configured address, or the configured port is 0.
    NotRunning(SocketAddr),
    /// It did not answer, or the answer is not this service's; with the reason.
    Silent(Target, String),
}

impl Context {
    /// Opens the model, and asks the service and the broker.
    pub(crate) fn gather(loaded: Result<Loaded, ConfigError>, url: Option<Target>) -> Self {
        let service = Self::query_service(loaded.as_ref().ok(), url.as_ref());
        #[cfg(feature = "kafka")]
        let broker = loaded.as_ref().ok().and_then(|loaded| super::checks::query_broker(&loaded.config));
        let start = loaded.as_ref().ok().map(|loaded| {
            let (model, report) = models::start::load(loaded);
            Start { model, report }
        });
        Self {
            loaded,
            start,
            url,
            service,
            #[cfg(feature = "kafka")]
            broker,
        }
    }

    fn query_service(loaded: Option<&Loaded>, url: Option<&Target>) -> Result<Service, NoService> {
        let listen = loaded.map(|loaded| loaded.config.server.listen);
        let target = match (url, listen) {
            (Some(url), _) => url.clone(),
            (None, Some(listen)) if listen.port() == 0 => return Err(NoService::NotRunning(listen)),
            (None, Some(listen)) => reachable(listen).into(),
            (None, None) => return Err(NoService::Unknown),
        };
        let silent = |why: String| NoService::Silent(target.clone(), why);
        let client =
            BlockingClient::new(target.clone(), TIMEOUT).map_err(|error| silent(error.to_string()))?;
        Service::query(&client).map_err(|error| match (error, url, listen) {
            (ClientError::Refused, None, Some(listen)) => NoService::NotRunning(listen),
            (error, _, _) => silent(error.to_string()),
        })
    }

    pub(super) fn running(&self) -> Option<&Service> {
        self.service.as_ref().ok()
    }
}
