//! The HTTP front.
//!
//! A request's way: [`server`] (threads and listeners) -> `front` (connections and their bounds) -> `service` (one
//! request) -> `route` -> one file of [`endpoint`] -> the engine's mailbox and back -> `reply`. Nothing of a shard
//! runs on a front thread, and every wait has a bound: header, body, deadline, write, drain.
//!
//! Requests about symbols that another instance owns: `other_instances` says which instances to ask and which answer
//! counts, `forward` asks one.
//!
//! An endpoint says of itself what it does (`describe`); the list of them is the OpenAPI document (`openapi`). `inference`
//! and `endpoint/invocations` are other people's protocols, over the same rows and scores (`loaded` names the models).
//! `admin` lets in who may change the model.
//!
//! Errors are [`problem::Problem`]s everywhere; `rows` reads features, `scoring` scores them, `answer` writes predictions, `live` fans
//! them out, `quality` keeps the newest report, `condition` says how the service stands, `feed` how fresh
//! its ticks are, `source_report` what became of the source.

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
