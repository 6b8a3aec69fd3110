//! Collects rows, value by value, in the model's order, and names missing features and every fault.

use std::borrow::Cow;

use model::schema::FeatureName;

use super::{RowRules, Rows};
use crate::{
    config::sections::{MissingPolicy, UnknownPolicy},
    http::problem::{FAULTS_LISTED_MAX, FieldFault, Problem},
};

/// Reads rows of any form.
pub(in crate::http) struct Reader<'a> {
    pub(super) rules: RowRules<'a>,
    rows: Rows,
    /// Which features the current row has had.
    seen: Vec<bool>,
    /// Index at which the next name is looked up first: rows tend to keep one order.
    hint: usize,
    row: Option<usize>,
    faults: Vec<FieldFault>,
    fault_count: usize,
}

impl<'a> Reader<'a> {
    pub(in crate::http) fn new(rules: RowRules<'a>) -> Self {
        let seen = vec![false; rules.features.len()];
        Self { rules, rows: Rows::default(), seen, hint: 0, row: None, faults: Vec::new(), fault_count: 0 }
    }

    /// Begins a row, with all values missing. Without a number it is the only one.
    pub(in crate::http) fn begin(&mut self, number: Option<usize>) {
        self.row = number;
        self.seen.fill(false);
        let filled = self.rows.values.len() + self.rules.features.len();
        self.rows.values.resize(filled, f64::NAN);
    }

    /// Sets a value of the current row; `None` is a missing one.
    pub(in crate::http) fn take(&mut self, key: &str, value: Result<Option<f64>, String>) {
        let Some(index) = self.place(key) else { return };
        if std::mem::replace(&mut self.seen[index], true) {
            return self.fault(key, "is given twice; send it once");
        }
        self.put(index, key, value);
    }

    /// Sets the value of the feature at `index`, which `key` names.
    pub(in crate::http) fn put(&mut self, index: usize, key: &str, value: Result<Option<f64>, String>) {
        self.seen[index] = true;
        match value {
            Ok(Some(value)) => {
                let start = self.rows.values.len() - self.rules.features.len();
                self.rows.values[start + index] = value;
            }
            Ok(None) => self.seen[index] = false,
            Err(message) => self.fault(key, message),
        }
    }

    /// Ends the current row.
    pub(in crate::http) fn end(&mut self) {
        for index in 0..self.seen.len() {
            if self.seen[index] {
                continue;
            }
            let name = self.rules.features[index].to_string();
            match self.rules.missing {
                MissingPolicy::Error => self.fault(&name, IS_MISSING),
                MissingPolicy::Nan => self.rows.missing.push((self.row.unwrap_or(0), name)),
            }
        }
    }

    /// All rows, or 422 with every fault.
    pub(in crate::http) fn finish(mut self, count: usize) -> Result<Rows, Problem> {
        if self.fault_count == 0 {
            self.rows.count = count;
            return Ok(self.rows);
        }
        let first = &self.faults[0];
        let place = first.row.map(|row| format!("row {row}: ")).unwrap_or_default();
        let more = match self.fault_count {
            1 => String::new(),
            n => format!("; {} more under \"errors\"", n - 1),
        };
        let detail = format!("{place}{} {}{more}", first.field, first.message);
        Err(Problem::faults("Invalid features", detail, self.faults, self.fault_count))
    }

    /// Notes a fault of the current row.
    pub(in crate::http) fn fault(&mut self, field: &str, message: impl Into<Cow<'static, str>>) {
        self.fault_count += 1;
        if self.faults.len() < FAULTS_LISTED_MAX {
            self.faults.push(FieldFault { row: self.row, field: field.to_owned(), message: message.into() });
        }
    }

    /// The feature index of each column, for columns named once for all rows; `None` for one that is ignored.
    ///
    /// # Errors
    /// 422 if a name is unknown or repeated, or a feature has no column, and that is not allowed.
    pub(in crate::http) fn columns<'n>(
        mut self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<(Self, Vec<Option<usize>>), Problem> {
        let mut places = Vec::new();
        for name in names {
            let place = self.place(name);
            if let Some(place) = place
                && std::mem::replace(&mut self.seen[place], true)
            {
                self.fault(name, "is given twice; send it once");
            }
            places.push(place);
        }
        if self.rules.missing == MissingPolicy::Error {
            for index in (0..self.seen.len()).filter(|&index| !self.seen[index]).collect::<Vec<_>>() {
                let name = self.rules.features[index].to_string();
                self.fault(&name, IS_MISSING);
            }
        }
        if self.fault_count > 0 {
            return Err(self.finish(0).expect_err("a fault was noted"));
        }
        Ok((self, places))
    }

    /// The index of the feature that `key` names; a fault if there is none and that is not allowed.
    fn place(&mut self, key: &str) -> Option<usize> {
        let found = self.find(key);
        if found.is_none() && self.rules.unknown == UnknownPolicy::Error {
            self.fault(
                key,
                "is not a feature of the model; leave it out (or set predict.unknown = \"ignore\")",
            );
        }
        found
    }

    /// The index of the feature that `key` names, with or without its version.
    fn find(&mut self, key: &str) -> Option<usize> {
        let (name, version) = match key.rsplit_once('@').map(|(name, version)| (name, version.parse::<u16>()))
        {
            Some((name, Ok(version))) => (name, Some(version)),
            _ => (key, None),
        };
        let is_it = |f: &FeatureName| {
            (f.name == name && version.is_none_or(|v| v == f.version)) || (f.version == 0 && f.name == key)
        };
        let count = self.rules.features.len();
        let found =
            (self.hint..count).chain(0..self.hint.min(count)).find(|&i| is_it(&self.rules.features[i]))?;
        self.hint = found + 1;
        Some(found)
    }
}

const IS_MISSING: &str = "is missing; send a number (or set predict.missing = \"nan\")";

/// A feature's value as the model compares it; `None` for NaN, which means missing.
///
/// # Errors
/// A sentence, if the value is not finite.
pub(in crate::http) fn comparable(value: f64, doubles: bool) -> Result<Option<f64>, String> {
    if value.is_nan() {
        return Ok(None);
    }
    let value = if doubles { value } else { f64::from(value as f32) };
    match value.is_finite() {
        true => Ok(Some(value)),
        false if doubles => Err("is not finite as a 64-bit float; send a number within +-1.7e308".to_owned()),
        false => Err("is not finite as a 32-bit float; send a number within +-3.4e38".to_owned()),
    }
}
