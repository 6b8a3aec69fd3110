//! C's way to call a mapped model, so that `benches/peers` times us and our peers by one loop.

use std::{
    ffi::{CStr, c_char},
    path::Path,
    slice,
};

use stormglass_model::Model;

/// Opens a model file; null, with the reason on standard error, where it cannot be opened. Never closed.
///
/// # Safety
/// `path` ends with a zero byte.
#[allow(unsafe_code)]
// SAFETY: no other symbol of the library has this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stormglass_open(path: *const c_char) -> *const Model {
    // SAFETY: the caller's promise.
    let path = unsafe { CStr::from_ptr(path) }.to_string_lossy();
    match Model::open(Path::new(path.as_ref())) {
        Ok(model) => Box::leak(Box::new(model)),
        Err(error) => {
            eprintln!("{error}");
            std::ptr::null()
        }
    }
}

/// The raw score of a row: before the link.
///
/// # Safety
/// `model` is from [`stormglass_open`], `row` has as many values as it has features.
#[allow(unsafe_code)]
// SAFETY: no other symbol of the library has this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stormglass_raw(model: *const Model, row: *const f32) -> f64 {
    // SAFETY: the caller's promise.
    unsafe {
        let mut score = [0.0];
        (*model).predict_raw(slice::from_raw_parts(row, (*model).info().features.len()), &mut score);
        score[0]
    }
}

/// The probability of a row.
///
/// # Safety
/// As [`stormglass_raw`].
#[allow(unsafe_code)]
// SAFETY: no other symbol of the library has this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stormglass_score(model: *const Model, row: *const f32) -> f64 {
    // SAFETY: the caller's promise.
    unsafe { (*model).predict(slice::from_raw_parts(row, (*model).info().features.len())) }
}

/// The probabilities of `count` rows, row-major.
///
/// # Safety
/// As [`stormglass_raw`], for `count` rows and answers.
#[allow(unsafe_code)]
// SAFETY: no other symbol of the library has this name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stormglass_score_rows(
    model: *const Model,
    rows: *const f32,
    count: usize,
    out: *mut f64,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let width = (*model).info().features.len();
        (*model)
            .predict_batch(slice::from_raw_parts(rows, count * width), slice::from_raw_parts_mut(out, count));
    }
}
