//! Loss of a variance forecast.

/// In [`qlike`], volatilities below this share of the event's threshold count as that share: the ratio of two minutes
/// without movement has no meaning.
pub const QLIKE_FLOOR_SHARE: f64 = 0.05;

/// QLIKE (Patton 2011): `r - ln(r) - 1` with `r = (realised / forecast)^2`, both volatilities in the same unit. 0 is
/// perfect; it ranks forecasts as the unobserved true variance would, although the realised one is noisy. Both are
/// raised to at least `floor`, without which a minute without movement would cost infinitely much.
///
/// ```
/// use stormglass_model::evaluation::qlike;
/// assert_eq!(qlike(2.0, 2.0, 1e-9), 0.0);
/// assert!((qlike(2.0, 1.0, 1e-9) - (4.0 - 4.0_f64.ln() - 1.0)).abs() < 1e-15);
/// // Too low a forecast costs more than one too high by the same factor.
/// assert!(qlike(2.0, 1.0, 1e-9) > qlike(1.0, 2.0, 1e-9));
/// ```
pub fn qlike(realised: f64, forecast: f64, floor: f64) -> f64 {
    let ratio = realised.max(floor) / forecast.max(floor);
    let squared = ratio * ratio;
    squared - libm::log(squared) - 1.0
}
