//! Metrics of probabilities and forecasts. Live quality and offline evaluation use these same formulas.
//!
//! A row has a label (the event occurred or not) and a score, the probability. Functions over slices take both in the
//! same order, whichever that is; [`Tally`] can add and remove single rows.
//!
//! | metric | definition | range |
//! |---|---|---|
//! | base rate | share of true labels: what a random score's average precision is | 0..1 |
//! | [average precision](average_precision) | area under the precision-recall curve, without interpolation | 0..1 |
//! | [recall at precision](recall_at_precision) | most events found while this share of the alarms is right | 0..1 |
//! | [Brier score](brier) | mean of `(probability - label)^2` | 0..1, lower is better |
//! | [Brier skill](brier_skill) | `1 - brier / brier of the base rate` | below 1, 0 = the base rate |
//! | [calibration error](expected_calibration_error) | mean gap in [`RELIABILITY_BINS`] bins of equal width | 0..1, lower is better |
//! | [the same in bins of equally many rows](equal_mass_calibration_error) | such bins move with every row, so a rolling window cannot keep them | 0..1, lower is better |
//! | [log loss](log_loss) | mean surprise, nats | above 0, lower is better |
//! | [alerts](Alerts) | how many, how many right, crossings caught, how long before | |
//! | [QLIKE](qlike) | loss of a variance forecast | above 0, lower is better |
//! | [interval score](interval_score) | width of an interval, and what its misses cost | above 0, lower is better |

mod alerts;
mod interval;
mod precision;
mod probability;
mod tally;
mod variance;

pub use alerts::{AlertRow, Alerts};
pub use interval::{IntervalTally, JudgedInterval, interval_score};
pub use precision::{PrecisionRecall, average_precision, precision_recall, recall_at_precision};
pub use probability::{base_rate, brier, brier_skill, equal_mass_calibration_error, log_loss};
pub use tally::{RELIABILITY_BINS, ReliabilityBin, Tally, expected_calibration_error};
pub use variance::{QLIKE_FLOOR_SHARE, qlike};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_labels_and_one_outcome_give_numbers() {
        for labels in [&[][..], &[false, false], &[true, true]] {
            let probabilities = vec![0.3; labels.len()];
            for value in [
                base_rate(labels),
                recall_at_precision(labels, &probabilities, 0.5),
                brier(labels, &probabilities),
                brier_skill(labels, &probabilities),
                log_loss(labels, &probabilities),
                expected_calibration_error(labels, &probabilities),
            ] {
                assert!(value.is_finite() && !value.to_string().starts_with("-0"), "{labels:?}: {value}");
            }
            let precision = average_precision(labels, &probabilities);
            assert_eq!(precision, labels.first().filter(|&&label| label).map(|_| 1.0), "{labels:?}");
        }
    }

    #[test]
    fn the_base_rate_has_no_skill_and_certainty_has_all() {
        let labels = [true, false, false, false];
        assert_eq!(brier_skill(&labels, &[0.25; 4]), 0.0);
        assert_eq!(brier_skill(&labels, &[1.0, 0.0, 0.0, 0.0]), 1.0);
        assert!(expected_calibration_error(&labels, &[0.25; 4]) < 1e-15);
    }
}
