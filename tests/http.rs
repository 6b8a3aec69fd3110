//! The service over real sockets.

mod command;
mod errors;
mod life;
mod limits;
mod metrics;
mod predictions;
mod quality;
mod stream;
