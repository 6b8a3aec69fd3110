//! The self-test: scores the rows in the file and compares the bits with those that the file was made with.

use super::Model;
use crate::{error::ModelError, self_test::SelfTest};

/// A number whose bits differ from the file's.
struct Difference {
    /// The row, from 0.
    row: usize,
    /// `raw score` or `answer`, with its position if a row has several.
    number: String,
    /// The number in the file.
    expected: f64,
    /// The number that this build computes.
    found: f64,
}

impl Model {
    /// Scores the self-test's rows and compares the bits with the file's. Returns the number of rows; 0 for a file
    /// without a self-test.
    ///
    /// # Errors
    /// [`ModelError::SelfTest`] with the first row that differs: this build or machine computes other scores than the
    /// one that made the file.
    pub fn verify(&self) -> Result<usize, ModelError> {
        let Some(test) = &self.self_test else { return Ok(0) };
        self.rescore(test).map_err(|Difference { row, number, expected, found }| ModelError::SelfTest {
            file: self.file.clone(),
            row,
            number,
            expected,
            found,
        })?;
        Ok(test.rows().len() / self.info.features.len())
    }

    /// The self-test's rows, row-major; empty if the file has none.
    #[doc(hidden)]
    pub fn self_test_rows(&self) -> Vec<f64> {
        self.self_test.as_ref().map_or_else(Vec::new, SelfTest::rows)
    }

    fn rescore(&self, test: &SelfTest) -> Result<(), Difference> {
        let rows = test.rows();
        let rows = rows.chunks_exact(self.info.features.len()).enumerate();
        let mut scores = vec![0.0; self.raw_count()];
        match test {
            SelfTest::Last { log_odds, .. } => {
                for ((row, values), log_odds) in rows.zip(log_odds.iter()) {
                    self.predict_raw(&singles(values), &mut scores);
                    compare(row, "log-odds", &[log_odds.to_native()], &scores[scores.len() - 1..])?;
                }
            }
            SelfTest::All { raw_scores, answers, .. } => {
                let native = |numbers: &[rkyv::rend::f64_le]| -> Vec<f64> {
                    numbers.iter().map(|number| number.to_native()).collect()
                };
                let expected = native(raw_scores);
                let expected = expected.chunks_exact(self.raw_count());
                for (((row, values), raw_scores), answers) in
                    rows.zip(expected).zip(native(answers).chunks_exact(self.answer_count()))
                {
                    self.rescore_row(row, values, raw_scores, answers)?;
                }
            }
        }
        Ok(())
    }

    /// Compares every number of a row; if its values fit f32, also by the f32 path.
    fn rescore_row(
        &self,
        row: usize,
        values: &[f64],
        raw_scores: &[f64],
        answers: &[f64],
    ) -> Result<(), Difference> {
        let (mut raw_found, mut found) = (vec![0.0; raw_scores.len()], vec![0.0; answers.len()]);
        self.predict_raw(values, &mut raw_found);
        compare(row, "raw score", raw_scores, &raw_found)?;
        self.predict_batch(values, &mut found);
        compare(row, "answer", answers, &found)?;
        let singles = singles(values);
        let exact = |(single, value): (&f32, &f64)| f64::from(*single) == *value || value.is_nan();
        if !singles.iter().zip(values).all(exact) {
            return Ok(());
        }
        self.predict_raw(&singles, &mut raw_found);
        compare(row, "raw score from f32", raw_scores, &raw_found)?;
        self.predict_batch(&singles, &mut found);
        compare(row, "answer from f32", answers, &found)
    }
}

/// Returns the first number of a row whose bits differ as an error.
fn compare(row: usize, name: &str, expected: &[f64], found: &[f64]) -> Result<(), Difference> {
    let differs = |(expected, found): (&f64, &f64)| expected.to_bits() != found.to_bits();
    let Some(at) = expected.iter().zip(found).position(differs) else { return Ok(()) };
    let number = if expected.len() > 1 { format!("{name} {at}") } else { name.to_owned() };
    Err(Difference { row, number, expected: expected[at], found: found[at] })
}

fn singles(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}
