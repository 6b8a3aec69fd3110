//! Configuration: what can be set, and how a value comes to be in force.
//!
//! Four layers, the later one wins: built-in defaults, the file of `--config`, the environment (first the variables
//! of the service this one replaces, then `STORMGLASS__SECTION__KEY`), flags. Every value remembers its [`Origin`].
//! An unknown key is an error that names its nearest neighbour; relations between values are checked once, here.
//!
//! - [`sections`]: the keys, their types, defaults and bounds, many of them the engine's; `config/stormglass.toml` explains them
//! - [`load`]: the layers
//! - [`environment`]: the environment behind a trait, and the older variables
//! - [`check`]: what must hold of values and between them
//! - [`places`]: folders and secrets that it refers to and a start needs; [`secret`]: where a secret is
//! - [`show`]: what is in force, as TOML with origins

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
