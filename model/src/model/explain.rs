//! The model's explanations, by [`crate::explain`].

use super::{Member, Model};
use crate::{
    explain::{
        ExplainError, Explainer, Explanation,
        reference::{forest_part, linear_part},
    },
    row::Row,
};

impl Model {
    /// The explainer of this model's scores. The first call builds it, which may take as long as scoring thousands of
    /// rows.
    ///
    /// # Errors
    /// [`ExplainError`] if the model cannot be explained.
    pub fn explainer(&self) -> Result<&Explainer, ExplainError> {
        self.explainer.get_or_init(|| self.make_explainer()).as_ref().map_err(Clone::clone)
    }

    /// The contribution of each feature to a row's raw scores: see [`Explanation`] and [`crate::explain`].
    ///
    /// # Errors
    /// As [`Model::explainer`].
    ///
    /// # Panics
    /// If the row's length is not the number of features.
    pub fn explain(&self, row: &[f64]) -> Result<Explanation, ExplainError> {
        let explainer = self.explainer()?;
        let mut scores = vec![0.0; self.raw_count()];
        self.predict_raw(row, &mut scores);
        let mut explanation = match &self.preparation {
            None => explainer.explain(row),
            Some(preparation) => {
                let prepared = preparation.over(row);
                explainer.explain(&(0..row.len()).map(|at| prepared.double(at)).collect::<Vec<_>>())
            }
        };
        for (output, score) in scores.iter().enumerate() {
            // The base value absorbs what an f32 sum rounds away, and sometimes the last bit of an f64 sum.
            let sum: f64 = explanation.of_output(output).iter().sum();
            explanation.base_values[output] += score - (explanation.base_values[output] + sum);
        }
        Ok(explanation)
    }

    fn make_explainer(&self) -> Result<Explainer, ExplainError> {
        let (scales, offsets) = match (&self.outputs, self.info.calibration) {
            (Some(outputs), _) => (outputs.factors(), outputs.bias.clone()),
            (None, Some(platt)) => (vec![platt.a], vec![platt.b]),
            (None, None) => (vec![1.0], vec![0.0]),
        };
        let mut parts = Vec::with_capacity(self.members.len());
        for ((weight, member), reference) in self.members.iter().zip(&self.references) {
            let reference = reference.as_ref();
            let part = match member {
                Member::Forest(forest) => forest_part(|most| forest.unpack(most), reference)?,
                Member::Wide(forest) => forest_part(|most| forest.unpack(most), reference)?,
                Member::Linear(linear) => {
                    let (terms, intercept) = linear.unpack();
                    linear_part(terms, intercept, reference)
                }
            };
            parts.push((*weight, part));
        }
        Ok(Explainer::new(parts, scales, offsets, self.info.features.len()))
    }
}
