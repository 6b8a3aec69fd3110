//! Detectors that take values one by one and say when their distribution changed, held to river's answers.

mod adwin;
mod page_hinkley;

pub use adwin::{Adwin, AdwinOptions};
pub use page_hinkley::{PageHinkley, PageHinkleyOptions};
