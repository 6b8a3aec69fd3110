//! Holds an imported model to its library's answers, in every layout that can hold it.

use stormglass_model::{
    Model, ModelDraft,
    forest::{Layout, Precision},
};

use crate::golden::{inputs, table};

/// Whether a row may have another raw score than its library gave: the row, the library's scores, ours.
pub(crate) type Excuse = fn(&[f64], &[f64], &[f64]) -> bool;

/// What a model's rows showed.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) rows: usize,
    /// Rows whose raw score has other bits.
    pub(crate) raw_differs: usize,
    /// The greatest distance of an answer, in units in the last place of the library's type.
    pub(crate) answer_ulps: u64,
}

/// Steps between two values of one type.
pub(crate) fn ulps(a: f64, b: f64, precision: Precision) -> u64 {
    let order = |bits: i64, least: i64| if bits < 0 { least.wrapping_sub(bits) } else { bits };
    let place = |value: f64| match precision {
        Precision::Single => order(i64::from((value as f32).to_bits() as i32), i64::from(i32::MIN)),
        Precision::Double => order(value.to_bits() as i64, i64::MIN),
    };
    place(a).abs_diff(place(b))
}

pub(crate) fn tally(
    name: &str,
    draft: &ModelDraft,
    raw_column: &str,
    answer_column: &str,
    edges: bool,
    excuse: Excuse,
) -> Option<Tally> {
    let suffix = if edges { ".edges" } else { "" };
    let expected = table(&format!("preds/{name}{suffix}.csv"))?;
    let model = Model::from_bytes(&draft.to_bytes().unwrap()).unwrap();
    assert!(model.verify().unwrap() > 0, "{name} carries rows of its own");
    let others = in_each_layout(draft);
    assert!(!others.is_empty(), "{name} fits a layout");
    let precision = model.outputs().unwrap().precision;
    let (raw, answers) = (expected.columns(raw_column), expected.columns(answer_column));
    let mut tally = Tally { rows: expected.rows.len(), ..Tally::default() };
    let (mut scores, mut got) = (vec![0.0; model.raw_count()], vec![0.0; model.answer_count()]);
    for (at, row) in inputs(name, edges)?.iter().take(expected.rows.len()).enumerate() {
        model.predict_raw(row, &mut scores);
        let plain = draft.predict_raw(row);
        assert_eq!(bits(&scores), bits(&plain), "{name}{suffix} row {at}: the plain walk");
        let singles: Vec<f32> = row.iter().map(|&value| value as f32).collect();
        let plain_of_singles = bits(&draft.predict_raw(&singles));
        for other in &others {
            let layout = other.layouts().next().unwrap();
            other.predict_raw(row, &mut scores);
            assert_eq!(bits(&scores), bits(&plain), "{name}{suffix} row {at}: {layout}");
            other.predict_raw(&singles, &mut scores);
            assert_eq!(bits(&scores), plain_of_singles, "{name} row {at}: {layout}");
            other.predict_raw_checked(&singles, &mut scores);
            assert_eq!(bits(&scores), plain_of_singles, "{name} row {at}: {layout}, checked");
        }
        scores.copy_from_slice(&plain);
        if let Some(raw) = &raw {
            assert_eq!(raw[at].len(), scores.len(), "{name}: {raw_column}");
            // Equal as numbers: -0 and 0 are the same margin.
            if raw[at] != scores {
                let excused = excuse(row, &raw[at], &scores);
                assert!(excused, "{name}{suffix} row {at}: {:?}, not {scores:?}", raw[at]);
                tally.raw_differs += 1;
                continue;
            }
        }
        model.predict_batch(row, &mut got);
        let Some(answers) = &answers else { continue };
        // A probability alone is that of the second of two classes.
        let expected = &answers[at][answers[at].len() - got.len()..];
        for (&got, &expected) in got.iter().zip(expected) {
            tally.answer_ulps = tally.answer_ulps.max(ulps(got, expected, precision));
        }
    }
    assert!(raw.is_some() || answers.is_some(), "{name}{suffix}: nothing to compare");
    Some(tally)
}

pub(crate) fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// The model in each layout that can hold it.
fn in_each_layout(draft: &ModelDraft) -> Vec<Model> {
    let fitting = Layout::ALL.into_iter().filter_map(|layout| draft.clone().with_layout(layout).ok());
    fitting.map(|draft| Model::from_bytes(&draft.to_bytes().unwrap()).unwrap()).collect()
}
