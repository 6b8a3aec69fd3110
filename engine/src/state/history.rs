//! What was predicted for a symbol at each grid instant, and what came of it: for people, who look back.
//!
//! Two rings: every instant of the last hour, 5 s apart, and one in five minutes of the last day. Together they have at most
//! [`HISTORY_BYTES_MAX`] a symbol, and nothing that is predicted depends on them.

use rkyv::{Archive, Deserialize, Serialize};

use crate::window::GRID_S;

/// Instants of the fine ring.
const FINE_POINTS: usize = 720;
/// Seconds between two instants of the coarse ring.
const COARSE_STEP_S: i64 = 300;
/// Instants of the coarse ring.
const COARSE_POINTS: usize = 288;
/// Models that are told apart at a time. An older one is forgotten with the points that it has scored.
const MODELS_MAX: usize = 16;
/// The longest history, in minutes.
pub const HISTORY_MINUTES_MAX: u32 = (COARSE_POINTS as i64 * COARSE_STEP_S / 60) as u32;
/// Bytes of a symbol's history at most.
pub const HISTORY_BYTES_MAX: usize =
    (FINE_POINTS + COARSE_POINTS) * size_of::<Point>() + MODELS_MAX * size_of::<u64>();

/// A grid instant, with its prediction and its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Archive, Serialize, Deserialize)]
pub struct Point {
    /// The instant, seconds since 1970.
    pub second: i64,
    /// The mid at the instant, or the newest trade's price where there is no quote.
    pub price: f64,
    /// The probability; NaN while the symbol warms up.
    pub probability: f32,
    /// The volatility that counts as a spike, basis points per square-root second; NaN while there is none.
    pub tau_bp: f32,
    /// The forecast of the volatility of the horizon after the instant, and its interval, in the same unit; NaN if there was none.
    pub forecast_bp: f32,
    /// The lower end of the interval.
    pub low_bp: f32,
    /// The upper end of the interval.
    pub high_bp: f32,
    /// What the volatility of the horizon after the instant was; NaN until it is over, and where ticks were missing.
    pub realised_bp: f32,
    /// The number of the model among those of the history; [`NO_MODEL`] without one.
    model: u8,
    /// Whether the probability had reached the model's threshold.
    pub is_alert: bool,
    /// Whether a gap of the feed is between this instant and the one before.
    pub is_after_gap: bool,
}

/// The number of no model.
const NO_MODEL: u8 = u8::MAX;

/// The newest instants that are `step_s` apart.
#[derive(Clone, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
struct Ring {
    points: Vec<Point>,
    /// Where the next point goes once the ring is full.
    next: u32,
}

impl Ring {
    fn push(&mut self, point: Point, most: usize) {
        if self.points.len() < most {
            self.points.push(point);
            return;
        }
        let next = self.next as usize;
        self.points[next] = point;
        self.next = ((next + 1) % most) as u32;
    }

    /// The points, oldest first.
    fn iter(&self) -> impl DoubleEndedIterator<Item = &Point> {
        let (newer, older) = self.points.split_at(self.next as usize);
        older.iter().chain(newer)
    }

    /// Sets the outcome of an instant, which is among the newest.
    fn settle(&mut self, second: i64, realised_bp: f32) {
        let next = self.next as usize;
        let (newer, older) = self.points.split_at_mut(next);
        let newest_first = newer.iter_mut().rev().chain(older.iter_mut().rev());
        if let Some(point) =
            newest_first.take_while(|point| point.second >= second).find(|point| point.second == second)
        {
            point.realised_bp = realised_bp;
        }
    }
}

/// The history of a symbol.
#[derive(Clone, Debug, Default, PartialEq, Archive, Serialize, Deserialize)]
pub struct History {
    fine: Ring,
    coarse: Ring,
    /// First eight bytes of the SHA-256 of each model, by its number.
    models: Vec<u64>,
    /// Whether a gap has come since the newest point of either ring.
    gap_since: [bool; 2],
}

/// What is known at a grid instant.
#[derive(Clone, Copy, Debug)]
pub struct Instant {
    /// Seconds since 1970.
    pub second: i64,
    /// The price of [`Point`].
    pub price: f64,
    /// The probability, the hash of the model that gave it, and whether it has reached the model's threshold.
    pub given: Option<(f64, u64, bool)>,
    /// The threshold of volatility, basis points.
    pub tau_bp: f64,
    /// The forecast and its interval, basis points.
    pub forecast_bp: Option<[f64; 3]>,
}

/// A point, and the model that scored it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// The point.
    pub point: Point,
    /// First eight bytes of the model's SHA-256.
    pub model: Option<u64>,
}

impl History {
    /// Adds a grid instant.
    pub fn push(&mut self, instant: Instant) {
        let [forecast_bp, low_bp, high_bp] = instant.forecast_bp.unwrap_or([f64::NAN; 3]);
        let mut point = Point {
            second: instant.second,
            price: instant.price,
            probability: instant.given.map_or(f32::NAN, |(probability, ..)| probability as f32),
            tau_bp: instant.tau_bp as f32,
            forecast_bp: forecast_bp as f32,
            low_bp: low_bp as f32,
            high_bp: high_bp as f32,
            realised_bp: f32::NAN,
            model: instant.given.map_or(NO_MODEL, |(_, hash, _)| self.number(hash)),
            is_alert: instant.given.is_some_and(|(.., is_alert)| is_alert),
            is_after_gap: self.gap_since[0],
        };
        self.fine.push(point, FINE_POINTS);
        self.gap_since[0] = false;
        if instant.second.rem_euclid(COARSE_STEP_S) < GRID_S {
            point.is_after_gap = self.gap_since[1];
            self.coarse.push(point, COARSE_POINTS);
            self.gap_since[1] = false;
        }
    }

    /// Notes the volatility of the horizon after an instant, in basis points.
    pub fn settle(&mut self, second: i64, realised_bp: f64) {
        self.fine.settle(second, realised_bp as f32);
        self.coarse.settle(second, realised_bp as f32);
    }

    /// Notes a gap of the feed.
    pub fn gap(&mut self) {
        self.gap_since = [true; 2];
    }

    /// The points of the last `minutes` before the newest one, oldest first, and the seconds between two: 5 up to an hour, 300
    /// beyond it.
    pub fn last(&self, minutes: u32) -> (i64, Vec<Told>) {
        let fine_minutes = (FINE_POINTS as i64 * GRID_S / 60) as u32;
        let (step_s, ring) =
            if minutes <= fine_minutes { (GRID_S, &self.fine) } else { (COARSE_STEP_S, &self.coarse) };
        let Some(newest) = ring.iter().next_back() else { return (step_s, Vec::new()) };
        let after = newest.second - i64::from(minutes) * 60;
        let model = |point: &Point| self.models.get(usize::from(point.model)).copied();
        let told = |point: &Point| Told { point: *point, model: model(point) };
        (step_s, ring.iter().filter(|point| point.second > after).map(told).collect())
    }

    /// The number of a model, which is known or takes that of the oldest one.
    fn number(&mut self, hash: u64) -> u8 {
        if let Some(known) = self.models.iter().position(|&model| model == hash) {
            return known as u8;
        }
        if self.models.len() < MODELS_MAX {
            self.models.push(hash);
            return (self.models.len() - 1) as u8;
        }
        // So many changes within a day are tries: nothing is said of who scored before them.
        self.models.clear();
        self.models.push(hash);
        for point in self.fine.points.iter_mut().chain(&mut self.coarse.points) {
            point.model = NO_MODEL;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use rustc_hash::FxHashMap;

    use super::*;
    use crate::{
        prediction::StateFrom,
        scoring::Scoring,
        sim::{SimConfig, SimSymbol, Simulator},
        snapshot,
        state::{Effect, StateSettings, SymbolState},
        symbol::{Offset, Partition, Position},
    };

    fn instant(second: i64, hash: u64) -> Instant {
        Instant {
            second,
            price: second as f64,
            given: Some((0.25, hash, second % 2 == 0)),
            tau_bp: 1.5,
            forecast_bp: Some([1.0, 0.5, 2.0]),
        }
    }

    #[test]
    fn an_hour_is_told_in_steps_of_5_s_and_a_day_in_steps_of_300_s() {
        let mut history = History::default();
        let begin = 1_775_000_100;
        for step in 0..40_000 {
            let second = begin + step * GRID_S;
            history.push(instant(second, 7));
            history.settle(second - 60, 3.0);
            if step == 39_990 {
                history.gap();
            }
        }
        let (step_s, hour) = history.last(60);
        assert_eq!((step_s, hour.len()), (5, 720));
        assert!(hour.windows(2).all(|pair| pair[1].point.second == pair[0].point.second + 5));
        assert_eq!(hour[719].point.second, begin + 39_999 * GRID_S);
        assert!(hour[..708].iter().all(|told| told.point.realised_bp == 3.0 && told.model == Some(7)));
        assert!(hour[708..].iter().all(|told| told.point.realised_bp.is_nan()));
        let gaps: Vec<usize> = (0..720).filter(|&i| hour[i].point.is_after_gap).collect();
        assert_eq!(gaps, [711]);
        assert_eq!(history.last(1).1.len(), 12);

        let (step_s, day) = history.last(1_440);
        assert_eq!((step_s, day.len()), (300, 288));
        assert!(day.windows(2).all(|pair| pair[1].point.second == pair[0].point.second + 300));
        assert!(day[..287].iter().all(|told| told.point.realised_bp == 3.0));
    }

    #[test]
    fn models_are_told_apart_and_what_is_forgotten_is_not_made_up() {
        let mut history = History::default();
        for hash in 0..MODELS_MAX as u64 + 1 {
            history.push(instant(hash as i64 * GRID_S, hash));
        }
        let models: Vec<_> = history.last(60).1.iter().map(|told| told.model).collect();
        assert_eq!(models[MODELS_MAX], Some(MODELS_MAX as u64));
        assert!(models[..MODELS_MAX].iter().all(Option::is_none));
        assert!(History::default().last(60).1.is_empty());
    }

    #[test]
    fn the_history_is_that_of_the_effects_and_survives_a_snapshot() {
        let settings = StateSettings::default();
        let mut state = SymbolState::new(0, StateFrom::Origin, &settings);
        let (mut effects, mut instants, mut outcomes) = (Vec::new(), Vec::new(), FxHashMap::default());
        let symbols = vec![SimSymbol::named("BTC-USD")];
        let market = Simulator::new(SimConfig { symbols, ..SimConfig::default() });
        for (offset, (_, tick)) in (0..).zip(market.take(60_000)) {
            let position = Position { offset: Offset(offset), index: 0, partition: Partition(0) };
            state.accept(&tick, position, &settings, &Scoring::default(), &mut effects);
            for effect in effects.drain(..) {
                match effect {
                    Effect::GridRow(grid) => instants.push(grid.pending),
                    Effect::Outcome(outcome) => {
                        outcomes.insert(outcome.pending.second, outcome.realised);
                    }
                    _ => {}
                }
            }
        }
        let (_, told) = state.history(60);
        assert_eq!(told.len(), 720);
        let known = |told: &&Told| !told.point.realised_bp.is_nan();
        assert!(told.iter().filter(known).count() > 600, "{}", told.iter().filter(known).count());
        for (told, pending) in told.iter().zip(&instants[instants.len() - 720..]) {
            assert_eq!(told.point.second, pending.second);
            assert!((told.point.tau_bp - (pending.tau * 1e4) as f32).abs() < 1e-4 || pending.tau.is_nan());
            let realised = outcomes.get(&pending.second).map(|realised| (realised * 1e4) as f32);
            assert_eq!((!told.point.realised_bp.is_nan()).then_some(told.point.realised_bp), realised);
            assert!((1_000.0..1_000_000.0).contains(&told.point.price), "{}", told.point.price);
        }
        let again = snapshot::decode("s", 1, &snapshot::encode(&state, 1)).unwrap();
        assert_eq!(format!("{:?}", again.history(60)), format!("{:?}", (5, &told)));
    }
}
