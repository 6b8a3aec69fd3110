//! Corrects p-values of many columns, some of which drift by chance.

/// The false discovery rate of each p-value (Benjamini and Hochberg 1995), in the order given: if the columns with a
/// rate of at most `q` are reported, at most a share `q` of them is false on average.
///
/// ```
/// use stormglass_model::drift::false_discovery_rates;
/// // Of three, the second is the smallest: 0.01 * 3 / 1.
/// let rates = false_discovery_rates(&[0.04, 0.01, 0.5]);
/// assert!((rates[1] - 0.03).abs() < 1e-15 && (rates[0] - 0.06).abs() < 1e-15 && rates[2] == 0.5);
/// ```
pub fn false_discovery_rates(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_unstable_by(|&one, &other| p_values[one].total_cmp(&p_values[other]));
    let mut rates = vec![1.0; p_values.len()];
    let mut least: f64 = 1.0;
    for (place, &at) in order.iter().enumerate().rev() {
        least = least.min(p_values[at] * p_values.len() as f64 / (place + 1) as f64);
        rates[at] = least;
    }
    rates
}
