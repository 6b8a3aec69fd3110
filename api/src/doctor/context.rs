//! What checks share, each looked up once.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use model::Model;

use super::service::Service;
use crate::{
    client::{BlockingClient, ClientError, Target, reachable},
    config::{ConfigError, Loaded},
    models::{self, ModelReport},
};

/// Longer than a service that is well takes.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The configuration, the running service, the broker.
pub(crate) struct Context {
    pub(super) loaded: Result<Loaded, ConfigError>,
    /// What `serve` would begin with; `None` where the configuration does not load.
    pub(super) start: Option<Start>,
    /// Whom the user named.
    pub(super) url: Option<Target>,
    /// Who was asked, and what it said.
    pub(super) service: Result<Service, NoService>,
    /// `None` where Kafka is not configured.
    #[cfg(feature = "kafka")]
    pub(super) broker: Option<Result<super::checks::Broker, String>>,
}

/// The model that a process would begin with, by the record or by the configuration.
pub(super) struct Start {
    pub(super) model: Option<Arc<Model>>,
    pub(super) report: ModelReport,
}

/// Why no service was asked.
#[derive(Debug)]
pub(super) enum NoService {
    /// Nobody said where, and the configuration does not load.
    Unknown,
    /// Nobody listens where one is configured: it does not run.
    NotRunning(SocketAddr),
    /// It does not answer as one.
    Silent(Target, String),
}

impl Context {
    /// Looks at everything that several checks need.
    pub(crate) fn look(loaded: Result<Loaded, ConfigError>, url: Option<Target>) -> Self {
        let service = Self::service(loaded.as_ref().ok(), url.as_ref());
        #[cfg(feature = "kafka")]
        let broker = loaded.as_ref().ok().and_then(|loaded| super::checks::broker(&loaded.config));
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

    fn service(loaded: Option<&Loaded>, url: Option<&Target>) -> Result<Service, NoService> {
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
        Service::look(&client).map_err(|error| match (error, url, listen) {
            (ClientError::Refused, None, Some(listen)) => NoService::NotRunning(listen),
            (error, _, _) => silent(error.to_string()),
        })
    }

    pub(super) fn running(&self) -> Option<&Service> {
        self.service.as_ref().ok()
    }
}
