//! The rows that golden models were scored on, and what their libraries answered.

use stormglass_model::import::{Imported, import};

use crate::golden_files::{bytes, options, path};

/// A table of numbers with a header.
pub(crate) struct Table {
    pub(crate) names: Vec<String>,
    pub(crate) rows: Vec<Vec<f64>>,
}

impl Table {
    /// The columns `name`, or `name_0`, `name_1`, ...; a row's values in that order.
    pub(crate) fn columns(&self, name: &str) -> Option<Vec<Vec<f64>>> {
        let numbered = |column: &str| {
            column
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('_'))
                .is_some_and(|rest| rest.parse::<u32>().is_ok())
        };
        let places: Vec<usize> =
            (0..self.names.len()).filter(|&at| self.names[at] == name || numbered(&self.names[at])).collect();
        (!places.is_empty())
            .then(|| self.rows.iter().map(|row| places.iter().map(|&at| row[at]).collect()).collect())
    }
}

/// A golden table; `None` where there is none.
pub(crate) fn table(file: &str) -> Option<Table> {
    path(file).exists().then(|| {
        let text = String::from_utf8(bytes(file)).unwrap();
        let mut lines = text.lines();
        let names = lines.next().unwrap().split(',').map(str::to_owned).collect();
        let row = |line: &str| line.split(',').map(|value| value.parse().unwrap()).collect();
        Table { names, rows: lines.map(row).collect() }
    })
}

/// The rows that a model was scored on, shared or near its own thresholds.
pub(crate) fn inputs(name: &str, edges: bool) -> Option<Vec<Vec<f64>>> {
    let file = match name {
        _ if edges && name != "lgb_constant" => format!("edges/{name}.csv"),
        _ if name.starts_with("xgb_cat") || name == "cb_one_hot" => "inputs_cat_xgb.csv".to_owned(),
        _ if name.starts_with("lgb_cat") || name == "sk_hist_category" => "inputs_cat_lgbm.csv".to_owned(),
        _ => "inputs.csv".to_owned(),
    };
    let mut rows = table(&file)?.rows;
    if !edges && name.starts_with("xgb_cat") {
        // The library refuses categories that it never saw: they were clipped before.
        rows.iter_mut().filter(|row| !row[7].is_nan()).for_each(|row| row[7] = row[7].clamp(0.0, 49.0));
    }
    if matches!(
        name,
        "cb_bin_100x6"
            | "cb_small"
            | "sk_gbc"
            | "sk_gbc_refit"
            | "sk_gbc_multi"
            | "sk_gbr"
            | "sk_calibrated_boosted"
    ) && !edges
    {
        // Trained without missing values: those were replaced.
        rows.iter_mut().flatten().filter(|value| value.is_nan()).for_each(|value| *value = 0.0);
    }
    match name {
        // The library takes no missing category.
        "cb_one_hot" => rows.iter_mut().filter(|row| row[7].is_nan()).for_each(|row| row[7] = 0.0),
        // Scaled, the extremes are beyond f32, which the library refuses.
        "sk_pipeline_forest" => {
            rows.iter_mut().flatten().filter(|value| value.abs() > 1e30).for_each(|value| *value = 0.0);
        }
        _ => {}
    }
    Some(rows)
}

pub(crate) fn imported(file: &str) -> Imported {
    import(&bytes(&format!("models/{file}")), &options()).unwrap_or_else(|error| panic!("{file}: {error}"))
}
