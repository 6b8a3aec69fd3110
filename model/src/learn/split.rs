//! The split by time: the one honest way to hold rows back when labels look ahead and windows look back.

use super::{dataset::Dataset, error::LearnError};

/// Rows that a part needs to be learned from or measured on.
const ROWS_MIN: usize = 50;

/// Which rows do what. Rows of neither part lie in the purged gap.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeSplit {
    /// Rows that members are fitted on, in the dataset's order.
    pub fit: Vec<usize>,
    /// Rows that calibrate and measure, all later than the others.
    pub calibration: Vec<usize>,
    /// Event time at which the calibration rows begin, seconds.
    pub cut_s: i64,
}

/// Cuts at the time before which `1 - share` of the rows lie, for all symbols at once; fit rows whose label looks
/// across the cut (`time + horizon_s + embargo_s >= cut`) are left out.
///
/// # Errors
/// [`LearnError::TooLittle`] if a part has fewer than 50 rows or one outcome only.
pub fn split_by_time(
    data: &Dataset,
    share: f64,
    horizon_s: u32,
    embargo_s: u32,
) -> Result<TimeSplit, LearnError> {
    let times_s = data.times_s();
    let mut sorted = times_s.to_vec();
    sorted.sort_unstable();
    let before_cut = ((data.len() as f64) * (1.0 - share)) as usize;
    let cut_s = sorted[before_cut.min(data.len() - 1)];
    let gap_s = i64::from(horizon_s) + i64::from(embargo_s);
    let rows = |keep: &dyn Fn(i64) -> bool| (0..data.len()).filter(|&row| keep(times_s[row])).collect();
    let split = TimeSplit {
        fit: rows(&|time_s| time_s.saturating_add(gap_s) < cut_s),
        calibration: rows(&|time_s| time_s >= cut_s),
        cut_s,
    };
    enough("fit rows", data, &split.fit)?;
    enough("calibration rows", data, &split.calibration)?;
    Ok(split)
}

fn enough(part: &'static str, data: &Dataset, rows: &[usize]) -> Result<(), LearnError> {
    let spikes = rows.iter().filter(|&&row| data.labels()[row]).count();
    if rows.len() < ROWS_MIN || spikes == 0 || spikes == rows.len() {
        return Err(LearnError::TooLittle { part, rows: rows.len(), spikes, needed: ROWS_MIN });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::FeatureName;

    #[test]
    fn no_fit_label_reaches_the_calibration_rows() {
        // Two symbols, 5 s apart, one shifted; the second listed after the first.
        let times: Vec<i64> = (0..2000_i64).map(|row| (row % 1000) * 5 + row / 1000).collect();
        let labels = (0..2000).map(|row| row % 7 == 0).collect();
        let groups = (0..2000).map(|row| row / 1000).collect();
        let data =
            Dataset::new(vec![FeatureName::new("x", 1)], vec![0.0; 2000], labels, times, groups).unwrap();
        let split = split_by_time(&data, 0.15, 60, 300).unwrap();
        assert_eq!(split.calibration.len(), 300);
        let latest = split.fit.iter().map(|&row| data.times_s()[row]).max().unwrap();
        let earliest = split.calibration.iter().map(|&row| data.times_s()[row]).min().unwrap();
        assert_eq!(earliest, split.cut_s);
        assert!(latest + 360 < earliest);
        assert!(latest + 360 + 5 >= earliest, "no more is left out than the purge asks for");
        assert!(split_by_time(&data, 0.15, 60, 5000).is_err(), "nothing is left to fit");
    }
}
