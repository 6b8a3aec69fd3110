//! Measures the processor time of scoring a row, alone and in a batch.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use engine::{features, handle::EngineHandle};
use model::Model;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use super::{
    settings::{CapacityError, Sizes},
    spread::Spread,
};

/// Rows of a batch.
const BATCH_ROWS: usize = 1_000;

/// Processor time that scoring a row takes.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RowsReport {
    /// Distinct rows, scored in turn.
    pub distinct: usize,
    /// Whether the rows are the symbols' features. Otherwise they are random, because the model reads other features or
    /// no symbol has any yet.
    pub is_real: bool,
    /// Nanoseconds of processor time a row, when rows are scored one by one.
    pub nanos_per_row: Spread,
    /// Rows of a batch.
    pub batch_rows: usize,
    /// Nanoseconds of processor time a row in such a batch.
    pub nanos_per_row_in_batch: Spread,
}

/// The newest features of each symbol, one row after another, in the model's order. `None` if the model reads features
/// that the engine does not compute, or no symbol has any yet.
fn live_rows(handle: &EngineHandle, model: &Model) -> Result<Option<Vec<f64>>, CapacityError> {
    let schema = features::schema();
    let find = |wanted| schema.iter().position(|have| have == wanted);
    let Some(places) = model.info().features.iter().map(find).collect::<Option<Vec<usize>>>() else {
        return Ok(None);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut rows = Vec::new();
    for symbol in handle.symbols.all() {
        let Some(key) = handle.routes.key_of(symbol.id) else { continue };
        let deadline = Instant::now() + Duration::from_secs(10);
        let answer = runtime.block_on(handle.features(key, None, deadline));
        let answer = answer.map_err(|error| CapacityError::Invalid(format!("{}: {error}", symbol.name)))?;
        let Some(answer) = answer else { continue };
        rows.extend(places.iter().map(|&place| f64::from(answer.row[place])));
    }
    Ok((!rows.is_empty()).then_some(rows))
}

/// Rows of pseudo-random numbers from -3 to 3, the same on every run.
fn made_up_rows(width: usize, count: usize) -> Vec<f64> {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 * 6.0 - 3.0
    };
    (0..width * count).map(|_| next()).collect()
}

/// Processor time that this thread has used; time spent waiting for a processor is not in it.
fn thread_processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

pub(super) fn measure(
    handle: &EngineHandle,
    model: &Model,
    sizes: &Sizes,
) -> Result<RowsReport, CapacityError> {
    let width = model.info().features.len();
    let own = live_rows(handle, model)?;
    let is_real = own.is_some();
    let rows = own.unwrap_or_else(|| made_up_rows(width, sizes.symbols));
    let distinct = rows.len() / width;
    let batch: Vec<f64> = rows.iter().copied().cycle().take(BATCH_ROWS * width).collect();

    let answers = model.answer_count();
    let mut one = vec![0.0; answers];
    let mut expected = Vec::with_capacity(BATCH_ROWS * answers);
    for row in batch.chunks_exact(width) {
        model.predict_batch(row, &mut one);
        expected.extend_from_slice(&one);
    }
    let mut given = vec![0.0; BATCH_ROWS * answers];
    let rounds = sizes.rows.div_ceil(BATCH_ROWS);
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for _ in 0..sizes.repetitions {
        let begun = thread_processor_time();
        for _ in 0..rounds {
            for row in batch.chunks_exact(width) {
                model.predict_batch(black_box(row), &mut one);
                black_box(&one);
            }
        }
        alone.push((thread_processor_time() - begun).as_nanos() as f64 / (rounds * BATCH_ROWS) as f64);
        let begun = thread_processor_time();
        for _ in 0..rounds {
            model.predict_batch(black_box(&batch), &mut given);
        }
        together.push((thread_processor_time() - begun).as_nanos() as f64 / (rounds * BATCH_ROWS) as f64);
        let bits = |answers: &[f64]| answers.iter().map(|answer| answer.to_bits()).collect::<Vec<u64>>();
        if bits(&given) != bits(&expected) || given.iter().any(|answer| answer.is_nan()) {
            return Err(CapacityError::Invalid("a batch gives other answers than its rows alone".to_owned()));
        }
    }
    Ok(RowsReport {
        distinct,
        is_real,
        nanos_per_row: Spread::new(alone),
        batch_rows: BATCH_ROWS,
        nanos_per_row_in_batch: Spread::new(together),
    })
}
