//! Scoring allocates nothing, and a model can be shared between threads.
#![allow(clippy::unwrap_used, unsafe_code)]

#[path = "support/forests.rs"]
mod forests;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use forests::{Random, Shape, draft, forest, oblivious_forest, row};
use model::{
    MemberDraft, Model, ModelDraft,
    forest::{Layout as ForestLayout, SumKind},
    linear::{LinearDraft, LinearTerm},
};

thread_local! {
    /// Allocations of this thread; others belong to the test harness.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is the system allocator's own; counting touches a constant-initialised thread-local only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const FEATURES: usize = 36;

#[test]
fn scoring_allocates_nothing() {
    let mut random = Random(2);
    let shape = Shape { trees: 250, depth_max: 6, features: FEATURES, complete: false, sum: SumKind::F64 };
    let term = LinearTerm { coefficient: 0.5, low: -9.0, high: 9.0, imputed: 0.1, missing_coefficient: 0.2 };
    let linear = LinearDraft { terms: vec![term; FEATURES], intercept: -1.0 };
    let members =
        vec![(0.5, MemberDraft::Linear(linear)), (0.5, MemberDraft::Forest(forest(&mut random, shape)))];
    let rows: Vec<f32> = (0..64).flat_map(|_| row(&mut random, FEATURES)).collect();
    allocates_nothing(&draft(FEATURES, members), &rows);

    let shape = Shape { depth_max: 8, ..shape };
    let oblivious = MemberDraft::Forest(oblivious_forest(&mut random, shape));
    let draft = draft(FEATURES, vec![(1.0, oblivious)]);
    for layout in
        [ForestLayout::Narrow, ForestLayout::ByteBlock, ForestLayout::Oblivious, ForestLayout::Ragged]
    {
        allocates_nothing(&draft.clone().with_layout(layout).unwrap(), &rows);
    }
}

fn allocates_nothing(draft: &ModelDraft, rows: &[f32]) {
    let model = Model::from_bytes(&draft.to_bytes().unwrap()).unwrap();
    let mut out = vec![0.0; 64];

    let before = ALLOCATIONS.with(Cell::get);
    model.score_rows(rows, &mut out);
    let first = model.score_row(&rows[..FEATURES]);
    let allocated = ALLOCATIONS.with(Cell::get) - before;
    assert_eq!(allocated, 0);
    assert_eq!(first.probability, out[0]);
    assert!(before > 0, "the counter counts");
}

#[test]
fn a_model_is_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Model>();
}
