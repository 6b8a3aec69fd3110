//! One symbol's state: a deterministic function of the symbol's own ticks.
//!
//! # The clock
//! A symbol's clock advances only by its accepted ticks. A tick first closes the seconds before it, in order, scores
//! each 5-second grid instant that passed, then is applied and scored. Reading changes nothing, and neither the wall
//! clock nor another symbol enters.
//!
//! # Gaps
//! A silence longer than the limit (10 s with quotes, 60 s with trades only) invalidates its seconds: they hold
//! nothing, no return spans them, no grid instant inside them is scored, and the outcomes that would look into them
//! stay undefined. Since the clock stands still in a silence, its length is known before its seconds are closed.

mod clock;
pub mod effect;
pub mod guard;
pub mod history;
pub mod label;
pub mod outcome;
#[cfg(test)]
mod outvoted;
#[cfg(test)]
mod scales;
pub mod settings;
pub mod size;
mod standing;
pub mod tau;
#[cfg(test)]
pub(crate) mod twin;

use rkyv::{Archive, Deserialize, Serialize};

pub use effect::{Effect, GridRow};
pub use label::LabelSettings;
pub use settings::{GapSettings, StateSettings};
pub use tau::Tau;

use crate::{
    book::Book,
    decay::{Arrivals, DecayingVariance},
    features::{self, EMPTY_ROW, OpenPart, Row, View},
    feedback::{Feedback, recalibration::Line},
    prediction::{Scored, StateFrom, TauSource},
    scoring::Scoring,
    state::{
        guard::{Admission, Guard, JUMP_NS, PriceMove},
        history::{History, Instant, Told},
        outcome::{Outcome, Outcomes, Pending},
        size::TradeSizes,
        standing::Standing,
    },
    symbol::Position,
    tick::{EventTime, NANOS_PER_SECOND, Price, Scale, Side, Tick},
    volatility::{Volatility, har::Inputs},
    window::{Bins, Bucket, Extremes, Seconds, Slots},
};

/// A symbol's state.
#[derive(Clone, Debug, PartialEq, Archive, Serialize, Deserialize)]
pub struct SymbolState {
    /// Offset of the first record this state saw.
    pub origin: u64,
    /// Whether the state goes back to the symbol's first tick.
    pub state_from: StateFrom,
    /// Ticks accepted since the origin.
    pub ticks_accepted: u64,
    /// Event time of the newest accepted tick, ns: the symbol's clock. `None` before the first.
    newest_ns: Option<i64>,
    /// Event time of the newest trade, ns.
    newest_trade_ns: Option<i64>,
    /// The second being filled.
    open_second: i64,
    /// Up to when time-weighted sums are complete, ns.
    accumulated_ns: i64,
    /// Log mid at the end of the last closed second, 1e-9; `None` after a gap.
    closed_log_mid: Option<i64>,
    open: Bucket,
    open_high: i64,
    open_low: i64,
    open_spread_max: Option<i64>,
    seconds: Seconds,
    slots: Slots,
    bins: Bins,
    extremes: Extremes,
    book: Book,
    variance: DecayingVariance,
    arrivals: Arrivals,
    sizes: TradeSizes,
    tau: Tau,
    outcomes: Outcomes,
    volatility: Volatility,
    feedback: Feedback,
    guard: Guard,
    row: Row,
    newest: Option<Scored>,
    newest_price: i64,
    /// The decimals of all prices and quantities in the state; set by the first tick.
    scale: Scale,
    history: History,
}

impl SymbolState {
    /// The state before its first tick, which is at `origin`.
    pub fn new(origin: u64, state_from: StateFrom, settings: &StateSettings) -> Self {
        Self {
            origin,
            state_from,
            ticks_accepted: 0,
            newest_ns: None,
            newest_trade_ns: None,
            open_second: 0,
            accumulated_ns: 0,
            closed_log_mid: None,
            open: Bucket::default(),
            open_high: i64::MIN,
            open_low: i64::MAX,
            open_spread_max: None,
            seconds: Seconds::default(),
            slots: Slots::default(),
            bins: Bins::default(),
            extremes: Extremes::default(),
            book: Book::default(),
            variance: DecayingVariance::default(),
            arrivals: Arrivals::default(),
            sizes: TradeSizes::default(),
            tau: Tau::new(&settings.label),
            outcomes: Outcomes::default(),
            volatility: Volatility::default(),
            feedback: Feedback::default(),
            guard: Guard::default(),
            row: EMPTY_ROW,
            newest: None,
            newest_price: 0,
            scale: Scale::COMMON,
            history: History::default(),
        }
    }

    /// Takes a tick: decides whether it enters and, if so, moves the clock, applies it and scores it. What this causes
    /// besides the prediction is appended to `effects`.
    pub fn accept(
        &mut self,
        tick: &Tick,
        position: Position,
        settings: &StateSettings,
        scoring: &Scoring,
        effects: &mut Vec<Effect>,
    ) -> Admission {
        let now_ns = tick.event_time.nanos();
        if self.ticks_accepted == 1 && self.newest_ns.is_some_and(|first| first - now_ns > JUMP_NS) {
            // Nothing vouched for the first tick, and the second says that its clock was an hour off: begin again.
            *self = Self::new(position.offset.0, self.state_from, settings);
        }
        if self.newest_ns.is_some_and(|newest_ns| self.guard.is_clock_refuted(tick, newest_ns)) {
            // Wrong ticks had set the clock ahead, and the feed's own outvote them.
            *self = Self::new(position.offset.0, self.state_from, settings);
        }
        let mut is_in_scale = tick.is_in(self.scale);
        if !is_in_scale || self.ticks_accepted <= 1 {
            if self.is_price_refuted(tick, position.offset.0, settings) {
                *self = Self::new(position.offset.0, self.state_from, settings);
            }
            if self.newest_ns.is_none() {
                self.scale = Scale::of_price(tick.price);
            }
            is_in_scale = tick.is_in(self.scale);
        }
        let rescaled = if is_in_scale { None } else { tick.rescaled(self.scale) };
        let fitting = if is_in_scale { Some(tick) } else { rescaled.as_ref().map(|rescaled| &rescaled.tick) };
        let step = self.price_move(fitting, settings);
        let admission = self.guard.admit(tick, self.newest_ns, step, position.offset.0);
        if admission != Admission::Accepted {
            return admission;
        }
        let tick = match &rescaled {
            Some(rescaled) => {
                effects.extend(rescaled.has_dropped_digits.then_some(Effect::DigitsDropped));
                effects.extend(rescaled.has_clipped_quantity.then_some(Effect::QuantityClipped));
                &rescaled.tick
            }
            None => tick,
        };
        match self.newest_ns {
            None => self.begin(tick.event_time),
            Some(newest_ns) => {
                let gap_ns =
                    if self.book.quote.is_some() { settings.gaps.quoted_ns } else { settings.gaps.trades_ns };
                let silence_ns = now_ns - newest_ns;
                if silence_ns > gap_ns {
                    self.skip_gap(tick.event_time);
                    self.history.gap();
                    effects.push(Effect::Gap { silence_ns });
                } else {
                    self.advance(tick.event_time, settings, scoring, effects);
                }
            }
        }
        self.apply(tick, settings, effects);
        self.newest_ns = Some(now_ns);
        self.ticks_accepted += 1;
        self.newest_price = tick.price.units();

        let mut row = EMPTY_ROW;
        let scored =
            self.scored(tick.event_time, (position.offset.0, position.index), &mut row, settings, scoring);
        self.row = row;
        self.newest = Some(scored);
        admission
    }

    /// The step from the newest mid to the price of this tick in the scale of the state, `None` if it is too large for it;
    /// no step if there is no mid yet, or the tick leaves it as it is.
    fn price_move(&self, tick: Option<&Tick>, settings: &StateSettings) -> Option<PriceMove> {
        let from = self.book.doubled_mid()?;
        let to = match tick {
            None => i64::MAX,
            Some(Tick { quote: Some(quote), .. }) => quote.bid.units() + quote.ask.units(),
            Some(Tick { is_trade: true, price, .. }) => price.units() * 2,
            Some(_) => return None,
        };
        Some(PriceMove { from, to, factor_thousandths: settings.gaps.outlier_factor_thousandths() })
    }

    /// Whether the state must begin anew with this tick because of its price: two ticks say that the price of the first one
    /// was wrong, or the price has outgrown the scale of the state, at least 4,611-fold. Only a second tick, or one that is not
    /// in the scale of the state, can say either.
    fn is_price_refuted(&self, tick: &Tick, offset: u64, settings: &StateSettings) -> bool {
        let is_first_alone = self.ticks_accepted == 1;
        if self.clock().is_none_or(|clock| tick.event_time < clock) {
            return false;
        }
        let rescaled = tick.rescaled(self.scale);
        let Some(step) = self.price_move(rescaled.as_ref().map(|rescaled| &rescaled.tick), settings) else {
            return false;
        };
        let is_confirmed = self.guard.is_outlier_confirmed(tick, step, offset);
        is_first_alone && is_confirmed || rescaled.is_none() && (is_confirmed || !step.is_far())
    }

    /// Scores the newest tick again by these models; `None` before the first tick. The state is the one that the tick
    /// left, so the bits are those that these models would have given then. Nothing of the state changes: neither a
    /// later prediction nor a snapshot depends on whether anybody asked.
    pub fn rescored(&self, settings: &StateSettings, scoring: &Scoring) -> Option<Scored> {
        let newest = self.newest.as_ref()?;
        let mut row = EMPTY_ROW;
        Some(self.scored(newest.as_of, (newest.offset, newest.index), &mut row, settings, scoring))
    }

    /// Scores the state as it is right after the tick at `as_of`, whose offset and index are `tick`.
    #[inline]
    fn scored(
        &self,
        as_of: EventTime,
        tick: (u64, u32),
        row: &mut Row,
        settings: &StateSettings,
        scoring: &Scoring,
    ) -> Scored {
        let standing = self.score(as_of.nanos(), false, row, settings, scoring);
        Scored {
            as_of,
            status: standing.status,
            tau_bp: standing.tau * 1e4,
            tau_source: standing.tau_source,
            forecast: standing.forecast,
            line: standing.given.map_or(Line::IDENTITY, |given| given.line),
            model_hash: standing.given.map_or_else(|| scoring.model_hash(), |given| given.model_hash),
            features_hash: features::row_hash(row),
            offset: tick.0,
            index: tick.1,
        }
    }

    /// The result of scoring the newest tick; `None` before the first.
    pub fn newest(&self) -> Option<&Scored> {
        self.newest.as_ref()
    }

    /// Event time of the newest accepted tick.
    pub fn clock(&self) -> Option<EventTime> {
        EventTime::from_nanos(self.newest_ns?)
    }

    /// The features of the newest tick.
    pub fn row(&self) -> &Row {
        &self.row
    }

    /// Price of the newest trade, in quote currency.
    pub fn newest_price(&self) -> Option<f64> {
        Some(Price::new(self.newest_price, self.scale.price)?.value())
    }

    fn apply(&mut self, tick: &Tick, settings: &StateSettings, effects: &mut Vec<Effect>) {
        let (side, inferred) = if tick.is_trade { self.book.side_of(tick) } else { (Side::Buy, false) };
        if inferred {
            effects.push(Effect::SideInferred);
        }
        let change = self.book.apply(tick, side, settings.gaps.quoted_ns);
        let log_mid = self.book.log_mid;
        self.open_high = self.open_high.max(log_mid);
        self.open_low = self.open_low.min(log_mid);
        if let Some(spread_ppb) = self.book.quote.and_then(|quote| quote.spread_ppb()) {
            self.open_spread_max = Some(self.open_spread_max.map_or(spread_ppb, |s| s.max(spread_ppb)));
        }
        self.open.order_flow += change.order_flow;
        self.open.quote_changes += u32::from(change.changed);
        if tick.is_trade {
            self.apply_trade(tick, side);
        }
    }

    fn apply_trade(&mut self, tick: &Tick, side: Side) {
        self.newest_trade_ns = Some(tick.event_time.nanos());
        self.open.trades = self.open.trades.saturating_add(1);
        if let Some(size) = tick.size {
            let size = size.units();
            let signed = if side == Side::Buy { size } else { -size };
            self.open.volume = self.open.volume.saturating_add(size);
            self.open.signed_volume = self.open.signed_volume.saturating_add(signed);
            if self.sizes.threshold.is_some_and(|threshold| size >= threshold) {
                self.open.big_volume = self.open.big_volume.saturating_add(size);
            }
            self.sizes.push(size);
        }
        self.arrivals.push(tick.event_time.nanos(), side);
    }

    /// Scores the state at `now_ns`.
    #[inline]
    fn score(
        &self,
        now_ns: i64,
        on_grid: bool,
        row: &mut Row,
        settings: &StateSettings,
        scoring: &Scoring,
    ) -> Standing {
        let view = self.view(now_ns);
        features::compute(&view, row);
        let inputs = Inputs::read(&view, row);
        let forecast = inputs.and_then(|inputs| self.volatility.forecast(&inputs));
        let give = || self.feedback.give(row, on_grid, settings.feedback, scoring);
        Standing::new(&view, &self.tau, inputs, forecast, give)
    }

    /// The view that features are computed from at `now_ns`, which is not before the newest tick.
    pub fn view(&self, now_ns: i64) -> View<'_> {
        let open = OpenPart {
            bucket: self.open_with_return(),
            elapsed_ns: now_ns - self.open_second * NANOS_PER_SECOND,
            high: self.open_high,
            low: self.open_low,
            spread_max: self.open_spread_max,
        };
        let since_s = |newest: i64| (now_ns - newest) as f64 / NANOS_PER_SECOND as f64;
        View::new(
            &self.seconds,
            &self.slots,
            &self.bins,
            &self.extremes,
            open,
            self.book.quote,
            self.variance.per_second,
            self.arrivals.at(now_ns),
            self.newest_trade_ns.map_or(f64::NAN, since_s),
            self.tau.threshold().map(|(tau, _)| tau),
            self.sizes.threshold.is_some(),
        )
    }

    /// The mid, or the newest price where there is none.
    fn price_at_hand(&self) -> f64 {
        let decimals = self.scale.price;
        self.book
            .doubled_mid()
            .map_or_else(|| decimals.value(self.newest_price), |doubled| decimals.value(doubled) / 2.0)
    }

    /// What was predicted in the last `minutes` of the history, and what came of it: see [`History::last`].
    pub fn history(&self, minutes: u32) -> (i64, Vec<Told>) {
        self.history.last(minutes)
    }

    /// A 5-second grid instant: the outcome of the prediction one horizon ago becomes known, tau takes a sample, and
    /// the row is scored.
    fn grid_instant(&mut self, settings: &StateSettings, scoring: &Scoring, effects: &mut Vec<Effect>) {
        let label = &settings.label;
        let second = self.open_second;
        let trailing = label.completed_volatility(&self.seconds, second);
        let pending = self.outcomes.take(second - i64::from(label.horizon_s));
        if let (Some(realised), Some(pending)) = (trailing, pending.filter(|pending| pending.tau.is_finite()))
        {
            let outcome = Outcome { pending, realised };
            self.history.settle(pending.second, realised * 1e4);
            effects.push(Effect::Outcome(outcome));
            // What another horizon or a provisional threshold calls a spike teaches nothing of the symbol's event.
            let is_own = pending.tau_source == TauSource::Own && scoring.predicts_horizon(label.horizon_s);
            if let Some(lesson) = pending.lesson.as_ref().filter(|_| is_own) {
                let changed = |change| effects.push(Effect::Feedback(change));
                self.feedback.learn(lesson, outcome.spike(), settings.feedback, changed);
            }
        }
        self.volatility.learn(second - i64::from(label.horizon_s), trailing);
        self.tau.push(trailing);
        let mut row = EMPTY_ROW;
        let standing = self.score(second * NANOS_PER_SECOND, true, &mut row, settings, scoring);
        let pending = Pending {
            second,
            tau: standing.tau,
            tau_source: standing.tau_source,
            probability: standing.given.map(|given| given.probability),
            trailing,
            model_hash: standing.given.map_or(0, |given| given.model_hash),
            forecast: self.volatility.wait(second, standing.inputs, label.steps()),
            lesson: standing.given.and_then(|given| given.lesson),
        };
        self.history.push(Instant {
            second,
            price: self.price_at_hand(),
            given: standing.given.map(|given| {
                let threshold = scoring.info(given.model_hash).map_or(f64::INFINITY, |info| info.threshold);
                (given.probability, given.model_hash, given.probability >= threshold)
            }),
            tau_bp: standing.tau * 1e4,
            forecast_bp: standing
                .forecast
                .map(|forecast| [forecast.sigma, forecast.low, forecast.high].map(|v| v * 1e4)),
        });
        self.outcomes.put(pending, label.steps());
        effects.push(Effect::GridRow(GridRow { row, pending }));
    }
}
