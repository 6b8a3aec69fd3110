//! The models of a verification, each looked up once.

use std::{collections::HashMap, sync::Arc};

use model::Model;

use crate::bound_model::BoundModel;

/// Finds models by the SHA-256 of their file.
pub trait Models {
    /// The model of this SHA-256, if there is one.
    fn find(&mut self, sha256: &str) -> Option<Arc<Model>>;
}

/// The models that were looked up, bound to the engine's row.
pub(super) struct Shelf<'a> {
    models: &'a mut dyn Models,
    bound: HashMap<String, Option<Arc<BoundModel>>>,
}

impl<'a> Shelf<'a> {
    pub(super) fn new(models: &'a mut dyn Models) -> Self {
        Self { models, bound: HashMap::new() }
    }

    /// The model of this SHA-256; `None` if it is missing or cannot drive the stream.
    pub(super) fn find(&mut self, sha256: &str) -> Option<Arc<BoundModel>> {
        if let Some(known) = self.bound.get(sha256) {
            return known.clone();
        }
        let found = self.models.find(sha256).and_then(|model| BoundModel::new(model).ok()).map(Arc::new);
        self.bound.insert(sha256.to_owned(), found.clone());
        found
    }
}
