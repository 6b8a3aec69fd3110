//! The configuration: keys, layers and checks.
//!
//! Four layers, the later one wins: built-in defaults, the file of `--config`, the environment (first the variables of
//! the service this one replaces, then `STORMGLASS__SECTION__KEY`), flags. Every value keeps its [`Origin`]. An unknown
//! key is an error that names its nearest neighbour; relations between values are checked once, here.
//!
//! - [`sections`]: the keys, their types, defaults and bounds, many of them the engine's; `config/stormglass.toml` explains them
//! - [`load`]: the layers
//! - [`environment`]: the environment as a trait, and the older variables
//! - [`check`]: bounds of values, and relations between them
//! - [`places`]: checks folders and secrets that a start needs; [`secret`]: a secret, or a reference to one
//! - [`show`]: prints the effective configuration as TOML with origins

pub mod check;
pub mod environment;
pub mod load;
pub mod places;
pub mod secret;
pub mod sections;
pub mod show;
#[cfg(test)]
mod tests;

pub use environment::{Environment, ProcessEnvironment};
pub use load::{ConfigError, Layers, Loaded, Origin};
pub use sections::Config;
