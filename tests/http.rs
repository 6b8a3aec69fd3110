//! The service over real sockets.

mod command;
mod errors;
mod forwarding;
mod life;
mod limits;
mod metrics;
mod predictions;
mod quality;
mod replay;
mod stream;
