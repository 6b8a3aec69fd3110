//! Configuration: what can be set, and how a value comes to be in force.
//!
//! Four layers, the later one wins: built-in defaults, the file of `--config`, the environment (first the variables
//! of the service this one replaces, then `STORMGLASS__SECTION__KEY`), flags. Every value remembers its [`Origin`].
//! An unknown key is an error that names its nearest neighbour; relations between values are checked once, here.
//!
//! - [`sections`]: the keys, their types and defaults; `config/stormglass.toml` explains them
//! - [`load`]: the layers
//! - [`environment`]: the environment behind a trait, and the older variables
//! - [`check`]: what must hold between values
//! - [`places`]: what it refers to, and a start needs
//! - [`show`]: what is in force, as TOML with origins
//! - [`unread`]: keys that nothing reads yet

pub mod check;
pub mod environment;
pub mod load;
mod nearest;
pub mod places;
pub mod sections;
pub mod show;
#[cfg(test)]
mod tests;
pub mod unread;
pub mod values;

pub use environment::{Environment, ProcessEnvironment};
pub use load::{ConfigError, Layers, Loaded, Origin};
pub use sections::Config;
