//! The models, each looked for once.

use std::{collections::HashMap, sync::Arc};

use model::Model;

use crate::bound_model::BoundModel;

/// Finds models by the SHA-256 of their file.
pub trait Models {
    /// The model, if there is one.
    fn find(&mut self, sha256: &str) -> Option<Arc<Model>>;
}

/// What was looked for.
pub(super) struct Shelf<'a> {
    models: &'a mut dyn Models,
    bound: HashMap<String, Option<Arc<BoundModel>>>,
}

impl<'a> Shelf<'a> {
    pub(super) fn new(models: &'a mut dyn Models) -> Self {
        Self { models, bound: HashMap::new() }
    }

    /// The model of this hash, bound to the engine's row; `None` where there is none, or it cannot drive the stream.
    pub(super) fn find(&mut self, sha256: &str) -> Option<Arc<BoundModel>> {
        if let Some(known) = self.bound.get(sha256) {
            return known.clone();
        }
        let found = self.models.find(sha256).and_then(|model| BoundModel::new(model).ok()).map(Arc::new);
        self.bound.insert(sha256.to_owned(), found.clone());
        found
    }
}
