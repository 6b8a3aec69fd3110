//! The schema of a model's training data, given beside the file: feature versions, the event, the end of the data.

use crate::{error::DraftError, info::ModelInfo, schema::FeatureName};

/// The schema of a model's training table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainingSchema {
    /// The table's features, in its order.
    pub features: Vec<FeatureName>,
    /// Horizon of the label in seconds; 0 if unknown.
    pub horizon_s: u32,
    /// Quantile of the label's threshold, 0 to 1; 0 if unknown.
    pub label_quantile: f64,
    /// Fixed threshold of the label, basis points per square-root second; 0 if it has none.
    pub threshold_bp: f64,
    /// Event time of the last row, as written in the table; empty if unknown.
    pub training_end: String,
}

impl TrainingSchema {
    /// Names the model's features: by position if it has no names of its own, otherwise by name.
    ///
    /// # Errors
    /// Features without names whose number differs from the schema's.
    pub(super) fn name(
        &self,
        own: &[String],
        notes: &mut Vec<String>,
    ) -> Result<Vec<FeatureName>, DraftError> {
        if own.iter().enumerate().all(|(at, name)| is_numbered(at, name)) {
            if own.len() != self.features.len() {
                let what = format!(
                    "the model reads {} features without names, the schema has {}: list those it was trained on, in order",
                    own.len(),
                    self.features.len()
                );
                return Err(DraftError::Info { field: "schema", what });
            }
            return Ok(self.features.clone());
        }
        let mut unknown = Vec::new();
        let mut find = |(at, name): (usize, &String)| {
            let known = self.features.iter().find(|known| known.name == *name || known.to_string() == *name);
            known.cloned().unwrap_or_else(|| {
                unknown.push(name.clone());
                super::feature_name(at, name.clone())
            })
        };
        let names = own.iter().enumerate().map(&mut find).collect();
        if !unknown.is_empty() {
            notes.push(format!("Not in the schema, so the model's own: {}.", unknown.join(", ")));
        }
        Ok(names)
    }

    /// Copies the event and the end of training to `info`.
    pub(super) fn tell(&self, info: &mut ModelInfo) {
        (info.horizon_s, info.label_quantile, info.tau_bp) =
            (self.horizon_s, self.label_quantile, self.threshold_bp);
        if !self.training_end.is_empty() {
            info.provenance.push(("training end".to_owned(), self.training_end.clone()));
        }
    }
}

/// Whether a library made this name up for a column without one.
fn is_numbered(at: usize, name: &str) -> bool {
    let digits = ["Column_", "f", "x", ""].iter().find_map(|prefix| name.strip_prefix(prefix));
    name.is_empty() || digits.is_some_and(|digits| digits == at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> TrainingSchema {
        let features = vec![FeatureName::new("a", 1), FeatureName::new("b", 2), FeatureName::new("c", 1)];
        TrainingSchema { features, ..TrainingSchema::default() }
    }

    fn named(own: &[&str]) -> Result<(Vec<String>, Vec<String>), DraftError> {
        let own: Vec<String> = own.iter().map(|&name| name.to_owned()).collect();
        let mut notes = Vec::new();
        let names = schema().name(&own, &mut notes)?;
        Ok((names.iter().map(ToString::to_string).collect(), notes))
    }

    #[test]
    fn names_get_their_versions_and_columns_without_names_those_of_the_schema() {
        assert_eq!(named(&["c", "b"]).unwrap().0, ["c@1", "b@2"]);
        assert_eq!(named(&["b@2", "a"]).unwrap().0, ["b@2", "a@1"]);
        for unnamed in
            [["", "", ""], ["f0", "f1", "f2"], ["Column_0", "Column_1", "Column_2"], ["0", "1", "2"]]
        {
            assert_eq!(named(&unnamed).unwrap().0, ["a@1", "b@2", "c@1"]);
        }
        let (names, notes) = named(&["b", "mine"]).unwrap();
        assert_eq!(names, ["b@2", "mine"]);
        assert!(notes[0].contains("mine"), "{notes:?}");
        assert!(
            named(&["", ""]).unwrap_err().to_string().contains("2 features without names, the schema has 3")
        );
    }
}
