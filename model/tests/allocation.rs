//! Scoring allocates nothing, and a model can be shared between threads.
#![allow(clippy::unwrap_used, unsafe_code)]

#[path = "support/forests.rs"]
mod forests;
#[path = "support/wide.rs"]
mod wide;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use forests::{Random, Shape, draft, forest, oblivious_forest, row};
use stormglass_model::{
    MemberDraft, Model, ModelDraft,
    forest::{Layout as ForestLayout, SumKind},
    linear::{LinearDraft, LinearTerm},
    preparation::{Preparation, PreparedFeature},
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

#[test]
fn scoring_wide_nodes_several_outputs_and_prepared_rows_allocates_nothing() {
    let mut random = Random(3);
    let part = PreparedFeature { imputed: 0.125, center: 0.25, scale: 2.0 };
    let prepared = Preparation { features: vec![part; wide::FEATURES] };
    for outputs in [1, 3, 7] {
        let draft = wide::draft(&mut random, outputs).with_layout(ForestLayout::Wide).unwrap();
        let rows: Vec<f64> = (0..64).flat_map(|_| wide::row(&mut random)).collect();
        answers_without_allocating(&draft, &rows);
        answers_without_allocating(&draft.with_preparation(prepared.clone()).unwrap(), &rows);
    }
}

fn answers_without_allocating(draft: &ModelDraft, rows: &[f64]) {
    let model = Model::from_bytes(&draft.to_bytes().unwrap()).unwrap();
    let count = model.answer_count();
    let (mut out, mut scores) = (vec![0.0; 64 * count], vec![0.0; model.raw_count()]);
    let mut last = vec![0.0; count];
    let singles: Vec<f32> = rows.iter().map(|&value| value as f32).collect();
    let width = wide::FEATURES;

    let before = ALLOCATIONS.with(Cell::get);
    model.predict_batch(rows, &mut out);
    let one = if count == 1 { model.predict(&singles[..width]) } else { 0.0 };
    model.predict_raw(&rows[..width], &mut scores);
    model.predict_raw(&singles[..width], &mut scores);
    model.predict_batch(&rows[63 * width..], &mut last);
    let allocated = ALLOCATIONS.with(Cell::get) - before;
    assert_eq!(allocated, 0);
    assert_eq!(last, &out[63 * count..]);
    assert!(before > 0 && !one.is_nan(), "the counter counts");
}

fn allocates_nothing(draft: &ModelDraft, rows: &[f32]) {
    let model = Model::from_bytes(&draft.to_bytes().unwrap()).unwrap();
    let mut out = vec![0.0; 64];

    let before = ALLOCATIONS.with(Cell::get);
    model.predict_batch(rows, &mut out);
    let first = model.predict(&rows[..FEATURES]);
    let allocated = ALLOCATIONS.with(Cell::get) - before;
    assert_eq!(allocated, 0);
    assert_eq!(first, out[0]);
    assert!(before > 0, "the counter counts");
}

#[test]
fn a_model_is_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Model>();
}
