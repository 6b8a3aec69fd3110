//! A prediction: the result of scoring a tick, and its JSON.
//!
//! [`Scored`] is plain data kept in the symbol's state; [`Prediction`] adds the names and can be encoded. Nothing
//! in either depends on the wall clock, on another symbol, on a shard or on the process.

use std::{borrow::Cow, sync::Arc};

use model::ModelInfo;
use rkyv::{Archive, Deserialize, Serialize};
use serde::ser::{Serialize as SerdeSerialize, SerializeStruct, Serializer};

use crate::{
    feedback::recalibration::Line,
    symbol::{Offset, Partition, Position, Symbol},
    tick::EventTime,
    volatility::{COVERAGE, Forecast},
};

/// The origin of the threshold that defines the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub enum TauSource {
    /// The symbol's own trailing quantile, of the whole warm-up and more; or a fixed one, where that is configured.
    Own,
    /// A provisional quantile of the fewer volatilities that the symbol has shown so far. Written as `model`.
    Model,
}

/// A separate module, because rkyv's derive makes public types whose fields carry no docs.
#[allow(missing_docs)]
mod status {
    use rkyv::{Archive, Deserialize, Serialize};

    /// The reason why there is no probability yet.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
    #[rkyv(derive(Clone, Copy, Debug))]
    pub enum WarmingReason {
        /// Too few valid seconds in the last 60.
        Coverage60,
        /// Too few valid seconds in the last 300.
        Coverage300,
        /// No model is loaded.
        NoModel,
        /// The symbol has shown too few volatilities for a threshold.
        NoThreshold {
            /// Further seconds of volatility that are needed.
            missing_s: u32,
        },
        /// The threshold is provisional, and the model's probability contradicts the interval of the volatility
        /// forecast.
        Contradiction {
            /// Further seconds of volatility until the threshold is the symbol's own.
            missing_s: u32,
        },
    }

    /// The outcome of scoring one row.
    #[derive(Clone, Copy, Debug, PartialEq, Archive, Serialize, Deserialize)]
    #[rkyv(derive(Clone, Copy, Debug))]
    pub enum Status {
        /// The row has a probability.
        Ok {
            /// Probability of a spike within the horizon, 0 to 1.
            probability: f64,
        },
        /// The row has no probability yet.
        Warming(WarmingReason),
    }
}

pub use status::{Status, WarmingReason};

impl WarmingReason {
    /// The reason in words: the field `reason` of a JSON answer.
    pub fn text(self) -> Cow<'static, str> {
        match self {
            Self::Coverage60 => "fewer than 80 % of the last 60 seconds are covered by ticks".into(),
            Self::Coverage300 => "fewer than 50 % of the last 300 seconds are covered by ticks".into(),
            Self::NoModel => "no model is loaded".into(),
            Self::NoThreshold { missing_s } => format!(
                "the symbol has no threshold yet: it takes {missing_s} more seconds of completed volatilities"
            )
            .into(),
            Self::Contradiction { missing_s } => format!(
                "the model contradicts the interval of the volatility forecast at a provisional threshold; the symbol's \
                 own takes {missing_s} more seconds of completed volatilities"
            )
            .into(),
        }
    }
}

/// The beginning of the state that was scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Archive, Serialize, Deserialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub enum StateFrom {
    /// The state includes every tick since the symbol's first, in this or an earlier process.
    Origin,
    /// The state starts at a later tick, because the earlier state is lost.
    NewOrigin,
}

/// The result of scoring one tick, as plain data.
#[derive(Clone, Copy, Debug, PartialEq, Archive, Serialize, Deserialize)]
#[rkyv(derive(Clone, Copy, Debug))]
pub struct Scored {
    /// Event time of the tick.
    pub as_of: EventTime,
    /// The probability, or the reason why there is none.
    pub status: Status,
    /// The event's threshold, basis points per square-root second; NaN while there is none.
    pub tau_bp: f64,
    /// The origin of that threshold.
    pub tau_source: TauSource,
    /// Forecast of the volatility of the next 60 seconds; `None` until enough outcomes are known.
    pub forecast: Option<Forecast>,
    /// The recalibration of the model's log-odds, learned from the symbol's outcomes; the identity if it is off.
    pub line: Line,
    /// First eight bytes of the SHA-256 of the model that scored; 0 without one.
    pub model_hash: u64,
    /// XXH3-64 of the row's bytes (f32, little-endian, NaN canonical), in the engine's order.
    pub features_hash: u64,
    /// Offset of the tick's record.
    pub offset: u64,
    /// Position of the tick among those of its record, from 0.
    pub index: u32,
}

/// A prediction with its names, which HTTP and Kafka write as JSON.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The symbol.
    pub symbol: Arc<Symbol>,
    /// The result of scoring the tick.
    pub scored: Scored,
    /// Info of the model that scored; `None` while no model is loaded.
    pub model: Option<Arc<ModelInfo>>,
    /// Partition of the tick's record.
    pub partition: Partition,
    /// Offset of the first record in the state.
    pub origin: Offset,
    /// Fingerprint of the settings that affect these bytes.
    pub config_hash: u64,
    /// Whether the state includes the symbol's first tick.
    pub state_from: StateFrom,
}

impl Prediction {
    /// Partition, offset and index of the tick.
    pub fn position(&self) -> Position {
        Position { partition: self.partition, offset: Offset(self.scored.offset), index: self.scored.index }
    }

    /// The probability; `None` while warming.
    pub fn probability(&self) -> Option<f64> {
        match self.scored.status {
            Status::Ok { probability } => Some(probability),
            Status::Warming(_) => None,
        }
    }

    /// Whether the probability reaches the model's threshold; `None` while warming.
    pub fn spike(&self) -> Option<bool> {
        let threshold = self.model.as_ref()?.threshold;
        self.probability().map(|p| p >= threshold)
    }
}

/// The volatility forecast, in basis points per square-root second like `tau_bp`.
#[derive(serde::Serialize)]
struct VolatilityBody {
    forecast_bp: f64,
    low_bp: f64,
    high_bp: f64,
    coverage: f64,
}

impl From<Forecast> for VolatilityBody {
    fn from(Forecast { sigma, low, high }: Forecast) -> Self {
        Self { forecast_bp: sigma * 1e4, low_bp: low * 1e4, high_bp: high * 1e4, coverage: COVERAGE }
    }
}

#[derive(serde::Serialize)]
struct CalibrationBody {
    a: f64,
    b: f64,
}

impl Prediction {
    /// The line from the model's raw score to the log-odds of the probability: the line in the model's file, followed
    /// by the one learned online.
    fn calibration(&self) -> Option<CalibrationBody> {
        let line = self.scored.line;
        match self.model.as_ref()?.calibration {
            Some(own) => Some(CalibrationBody { a: line.a * own.a, b: line.a * own.b + line.b }),
            None if line == Line::IDENTITY => None,
            None => Some(CalibrationBody { a: line.a, b: line.b }),
        }
    }
}

#[derive(serde::Serialize)]
struct ModelBody<'a> {
    name: &'a str,
    version: &'a str,
    variant: &'a str,
    sha256: &'a str,
}

#[derive(serde::Serialize)]
struct ReceiptBody {
    origin: u64,
    partition: u32,
    offset: u64,
    index: u32,
    features_hash: Hex,
    config_hash: Hex,
    state_from: &'static str,
}

/// Sixteen hexadecimal digits, because readers of JSON lose the low bits of 64-bit numbers.
struct Hex(u64);

impl SerdeSerialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

/// Writes the fields of a prediction in the contract's order. HTTP flattens this and adds `age_ms`; the Kafka record is
/// exactly this.
impl SerdeSerialize for Prediction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let scored = &self.scored;
        let mut body = serializer.serialize_struct("Prediction", 16)?;
        body.serialize_field("symbol", &*self.symbol.name)?;
        body.serialize_field("probability", &self.probability())?;
        body.serialize_field("spike", &self.spike())?;
        body.serialize_field("threshold", &self.model.as_ref().map(|m| m.threshold))?;
        body.serialize_field("tau_bp", &scored.tau_bp)?;
        body.serialize_field(
            "tau_source",
            match scored.tau_source {
                TauSource::Own => "own",
                TauSource::Model => "model",
            },
        )?;
        body.serialize_field("horizon_s", &self.model.as_ref().map(|m| m.horizon_s))?;
        match scored.status {
            Status::Ok { .. } => body.serialize_field("status", "ok")?,
            Status::Warming(reason) => {
                body.serialize_field("status", "warming")?;
                body.serialize_field("reason", &reason.text())?;
            }
        }
        body.serialize_field("as_of", &AsText(scored.as_of))?;
        body.serialize_field("volatility", &scored.forecast.map(VolatilityBody::from))?;
        body.serialize_field("calibration", &self.calibration())?;
        body.serialize_field(
            "model",
            &self.model.as_deref().map(|m| ModelBody {
                name: &m.name,
                version: &m.version,
                variant: &m.variant,
                sha256: &m.sha256,
            }),
        )?;
        if self.symbol.is_simulated() {
            body.serialize_field("simulated", &true)?;
        }
        body.serialize_field(
            "receipt",
            &ReceiptBody {
                origin: self.origin.0,
                partition: self.partition.0,
                offset: scored.offset,
                index: scored.index,
                features_hash: Hex(scored.features_hash),
                config_hash: Hex(self.config_hash),
                state_from: match self.state_from {
                    StateFrom::Origin => "origin",
                    StateFrom::NewOrigin => "new_origin",
                },
            },
        )?;
        body.end()
    }
}

struct AsText(EventTime);

impl SerdeSerialize for AsText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
