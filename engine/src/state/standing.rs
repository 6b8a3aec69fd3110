//! A symbol's scores at one instant: the threshold of the event, the probability, the volatility forecast, and whether
//! they can be answered.

use super::tau::Tau;
use crate::{
    features::View,
    feedback::Given,
    prediction::{Status, TauSource, WarmingReason},
    volatility::{Forecast, har::Inputs},
    window::Window,
};

/// A symbol's scores at one instant.
pub(super) struct Standing {
    pub(super) status: Status,
    /// The event's threshold, per square-root second; NaN while there is none.
    pub(super) tau: f64,
    /// The origin of that threshold.
    pub(super) tau_source: TauSource,
    /// The probability and how it was made; `None` while the symbol warms up.
    pub(super) given: Option<Given>,
    /// The inputs of the volatility forecast.
    pub(super) inputs: Option<Inputs>,
    /// The volatility forecast.
    pub(super) forecast: Option<Forecast>,
}

impl Standing {
    /// Decides what can be answered. `give` scores the row; it is not called if the ticks cover too little.
    pub(super) fn new(
        view: &View<'_>,
        tau: &Tau,
        inputs: Option<Inputs>,
        forecast: Option<Forecast>,
        give: impl FnOnce() -> Option<Given>,
    ) -> Self {
        let (threshold, tau_source) = tau.threshold().unwrap_or((f64::NAN, TauSource::Model));
        let covered = if view.coverage(Window::S60) < 0.8 {
            Err(WarmingReason::Coverage60)
        } else if view.coverage(Window::S300) < 0.5 {
            Err(WarmingReason::Coverage300)
        } else {
            give().ok_or(WarmingReason::NoModel)
        };
        let given = covered.and_then(|given| match tau.threshold() {
            None => Err(WarmingReason::NoThreshold { missing_s: tau.missing_s() }),
            // An own threshold is what the model has learned with: there its probability stands for itself.
            Some((threshold, TauSource::Model))
                if forecast.is_some_and(|forecast| !forecast.agrees(given.probability, threshold)) =>
            {
                Err(WarmingReason::Contradiction { missing_s: tau.own_missing_s() })
            }
            Some(_) => Ok(given),
        });
        let status = match given {
            Ok(Given { probability, .. }) => Status::Ok { probability },
            Err(reason) => Status::Warming(reason),
        };
        Self { status, tau: threshold, tau_source, given: given.ok(), inputs, forecast }
    }
}
