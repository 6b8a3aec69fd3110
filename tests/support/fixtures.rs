//! Models for stories about the engine.

use std::sync::Arc;

use engine::features;
use model::{
    MemberDraft, Model, ModelDraft, ModelInfo,
    forest::{CanonicalForest, CanonicalNode, CanonicalTree, Missing, SumKind},
};

/// A forest of 62 stumps over all of the engine's features: every feature's bits reach the score.
pub(crate) fn small_model() -> Arc<Model> {
    small_model_named("small", -1.5)
}

/// The small model under another name and with another base score.
pub(crate) fn small_model_named(name: &str, base: f64) -> Arc<Model> {
    Arc::new(Model::from_bytes(&small_model_bytes(name, base)).unwrap())
}

/// The bytes of that model's file.
pub(crate) fn small_model_bytes(name: &str, base: f64) -> Vec<u8> {
    small_version_bytes(name, "1", base)
}

/// The bytes of that model's file in another version.
pub(crate) fn small_version_bytes(name: &str, version: &str, base: f64) -> Vec<u8> {
    let trees = (0..62_u16)
        .map(|i| CanonicalTree {
            nodes: vec![
                CanonicalNode::Split {
                    feature: i % features::FEATURE_COUNT as u16,
                    threshold: f32::from(i % 7) * 0.35 - 1.0,
                    missing: if i % 2 == 0 { Missing::Left } else { Missing::Right },
                    left: 1,
                    right: 2,
                },
                CanonicalNode::Leaf(f64::from(-0.01 * f32::from(i % 11))),
                CanonicalNode::Leaf(f64::from(0.02 * f32::from(i % 13))),
            ],
            cover: Vec::new(),
        })
        .collect();
    let mut info = ModelInfo::new(name, version, "ml", features::schema());
    (info.horizon_s, info.label_quantile, info.tau_bp, info.threshold) = (60, 0.9, 0.5, 0.3);
    let forest = CanonicalForest { trees, base, sum: SumKind::F64 };
    let draft = ModelDraft::new(info, vec![(1.0, MemberDraft::Forest(forest))]).unwrap();
    draft.to_bytes().unwrap()
}
