//! The service over real sockets.

mod activation;
mod capacity;
mod command;
mod disks;
mod doctor;
mod documents;
mod errors;
mod feed;
mod forwarding;
mod half_close;
mod history;
mod inference;
mod invocations;
mod life;
mod limits;
mod load_test;
mod log_lines;
mod metrics;
mod overwritten;
mod predictions;
mod python;
mod quality;
mod quiet;
mod replay;
mod sources;
mod stream;
