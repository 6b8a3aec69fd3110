//! The HTTP front.
//!
//! A request passes [`server`] (threads and listeners) -> `front` (connections and their bounds) -> `service` (one
//! request) -> `route` -> one file of [`endpoint`] -> the engine's mailbox and back -> `reply`. No shard code runs on a
//! front thread, and every wait has a bound: header, body, deadline, write, drain.
//!
//! For symbols that another instance owns, `other_instances` decides which instances to ask and which answer to return,
//! and `forward` asks one of them.
//!
//! Each endpoint documents itself (`describe`); `openapi` makes the OpenAPI document from the list of endpoints.
//! `inference` and `endpoint/invocations` implement other protocols over the same rows and scores (`loaded` names the
//! models). `admin` authorizes clients to change the model.
//!
//! All errors are [`problem::Problem`]s; `rows` parses features, `scoring` scores them, `answer` writes predictions,
//! `live` sends them to all watchers, `quality` caches the newest report, `condition` reports the service's health,
//! `feed` the freshness of its ticks, `source_report` the state of the source.

mod admin;
pub mod answer;
pub mod app;
mod body;
pub mod condition;
mod describe;
pub mod endpoint;
mod explain;
pub mod feed;
mod forward;
mod front;
mod inference;
mod json_text;
pub mod live;
mod loaded;
mod openapi;
mod other_instances;
pub mod problem;
pub mod quality;
pub mod reply;
mod request_id;
pub mod route;
pub mod rows;
mod scoring;
pub mod server;
mod service;
pub mod source_report;

pub use crate::models::ModelReport;
pub use app::App;
pub use front::REFUSALS_MAX;
pub use server::{Server, open_files_wanted};
pub use source_report::{SourceReport, SourceState};
