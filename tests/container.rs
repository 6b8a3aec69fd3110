//! Container: `deploy/` as a site uses it. The image in a real engine, the manifests against what the service is, the rules
//! and the dashboard against what it exposes.

mod compose;
mod docker;
mod files;
mod image;
mod kubernetes;
mod live;
mod promql;
mod rules;
