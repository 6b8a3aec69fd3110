//! How a tick becomes a prediction.

pub mod board;
pub mod decode;
pub mod features;
pub mod grid;
pub mod handle;
pub mod ingest;
pub mod limits;
pub mod mailbox;
pub mod message;
pub mod metrics;
pub mod offline;
pub mod predict;
pub mod route;
pub mod shard;
pub mod snapshot;
pub mod source;
pub mod state;
pub mod symbol;
pub mod tick;
pub mod window;
