//! The schema of a prediction, whose JSON the engine writes itself.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::http::explain::Explained;

/// A prediction as HTTP returns it.
#[derive(Debug)]
pub(in crate::http) struct Prediction;

impl JsonSchema for Prediction {
    fn schema_name() -> Cow<'static, str> {
        "Prediction".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let explanation = generator.subschema_for::<Option<Explained>>();
        json_schema!({
            "type": "object",
            "required": [
                "symbol", "probability", "spike", "threshold", "tau_bp", "tau_source", "horizon_s", "status", "as_of",
                "volatility", "calibration", "model", "receipt", "age_ms"
            ],
            "properties": {
                "symbol": {"type": "string", "description": "venue:product"},
                "probability": {
                    "type": ["number", "null"], "minimum": 0, "maximum": 1,
                    "description": "That volatility exceeds tau_bp within horizon_s; null while warming."
                },
                "spike": {"type": ["boolean", "null"], "description": "probability >= threshold"},
                "threshold": {"type": ["number", "null"], "description": "On the probability."},
                "tau_bp": {
                    "type": ["number", "null"],
                    "description": "The event's threshold, basis points per square-root second; null until there are \
                                    enough volatilities for one."
                },
                "tau_source": {
                    "enum": ["own", "model"],
                    "description": "own: the quantile of label.warm_up_s and more of the symbol's volatilities, or \
                                    label.threshold_bp. model: there are fewer, and a provisional quantile of them \
                                    stands in; a probability that contradicts the interval is then withheld."
                },
                "horizon_s": {"type": ["integer", "null"]},
                "status": {"enum": ["ok", "warming", "stale"]},
                "reason": {"type": "string", "description": "Why it is warming."},
                "as_of": {"type": "string", "format": "date-time", "description": "Event time."},
                "volatility": {
                    "type": ["object", "null"],
                    "description": "The forecast of the volatility itself, in the unit of tau_bp, and its interval.",
                    "required": ["forecast_bp", "low_bp", "high_bp", "coverage"],
                    "properties": {
                        "forecast_bp": {"type": "number"},
                        "low_bp": {"type": "number"},
                        "high_bp": {"type": "number"},
                        "coverage": {"type": "number", "description": "Share of outcomes that the interval holds."}
                    }
                },
                "calibration": {
                    "type": ["object", "null"],
                    "description": "The line on the log-odds that was applied.",
                    "required": ["a", "b"],
                    "properties": {"a": {"type": "number"}, "b": {"type": "number"}}
                },
                "model": {
                    "type": ["object", "null"],
                    "required": ["name", "version", "variant", "sha256"],
                    "properties": {
                        "name": {"type": "string"},
                        "version": {"type": "string"},
                        "variant": {"type": "string"},
                        "sha256": {"type": "string"}
                    }
                },
                "simulated": {"type": "boolean", "description": "Present where prices are made up."},
                "receipt": {
                    "type": "object",
                    "description": "What is needed to compute it again from the log, bit for bit.",
                    "required": [
                        "origin", "partition", "offset", "index", "features_hash", "config_hash", "state_from"
                    ],
                    "properties": {
                        "origin": {"type": "integer"},
                        "partition": {"type": "integer"},
                        "offset": {"type": "integer"},
                        "index": {"type": "integer"},
                        "features_hash": {"type": "string"},
                        "config_hash": {"type": "string"},
                        "state_from": {"type": "string"}
                    }
                },
                "age_ms": {"type": "integer", "description": "Since as_of, by the wall clock."},
                "explanation": explanation,
                "explanation_reason": {
                    "type": "string", "description": "Present where an explanation was asked for and is null: why."
                }
            }
        })
    }
}
