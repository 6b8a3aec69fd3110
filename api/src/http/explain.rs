//! Explains rows: off the shards, for one request at a time, until the request's deadline.

use std::{borrow::Cow, sync::Arc, time::Instant};

use engine::handle::AskError;
use hyper::StatusCode;
use model::{Link, Model};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::{Serialize, SerializeMap, Serializer};
use tokio::time::timeout_at;

use super::{app::App, problem::Problem};

/// One row's explanation as JSON.
#[derive(Clone, Debug)]
pub(super) struct Explained {
    model: Arc<Model>,
    raw_score: f64,
    base_value: f64,
    contributions: Vec<f64>,
}

/// `{"method","class"?,"raw_score","base_value","contributions":{feature:number}}`.
impl Serialize for Explained {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Contributions<'a>(&'a Explained);
        impl Serialize for Contributions<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let features = self.0.model.info().features.iter();
                serializer.collect_map(features.map(|feature| &feature.name).zip(&self.0.contributions))
            }
        }
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("method", &self.model.explainer().map(model::Explainer::method_name).ok())?;
        if let Some(class) = self.model.outputs().and_then(|outputs| outputs.classes.last()) {
            body.serialize_entry("class", class)?;
        }
        body.serialize_entry("raw_score", &self.raw_score)?;
        body.serialize_entry("base_value", &self.base_value)?;
        body.serialize_entry("contributions", &Contributions(self))?;
        body.end()
    }
}

impl JsonSchema for Explained {
    fn schema_name() -> Cow<'static, str> {
        "Explanation".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "base_value and contributions add up to raw_score, in log-odds.",
            "required": ["method", "raw_score", "base_value", "contributions"],
            "properties": {
                "method": {"type": ["string", "null"]},
                "class": {"type": "string", "description": "Of several, the one that is explained."},
                "raw_score": {"type": "number"},
                "base_value": {"type": "number"},
                "contributions": {"type": "object", "additionalProperties": {"type": "number"}}
            }
        })
    }
}

impl Explained {
    /// The contributions in the order of the model's features, then the base value.
    pub(super) fn line(&self) -> impl Iterator<Item = f64> {
        self.contributions.iter().copied().chain([self.base_value])
    }
}

/// Checks that one request may have this many rows explained.
///
/// # Errors
/// 422 with the limit.
pub(super) fn check_count(app: &App, rows: usize) -> Result<(), Problem> {
    let most = app.config.predict.explain_rows_max;
    if rows <= most {
        return Ok(());
    }
    Err(Problem::unprocessable(
        "Too many rows",
        format!("explanations are for at most {most} rows or symbols (predict.explain_rows_max), not {rows}"),
    ))
}

/// Explains rows (row-major, the model's features). Of several outputs it explains the last, which is the answered
/// score.
///
/// # Errors
/// 422 for a model that cannot be explained, 504 after the deadline.
pub(super) async fn explain_rows(
    app: &App,
    model: Arc<Model>,
    rows: Vec<f64>,
    deadline: Instant,
) -> Result<Vec<Explained>, Problem> {
    check_sum(&model)?;
    let permit = timeout_at(deadline.into(), app.explaining.clone().acquire_owned());
    let permit = permit.await.map_err(|_| Problem::from(AskError::Deadline))?;
    let permit = permit.map_err(|_| Problem::from(AskError::Closed))?;
    let work = move || {
        // Held until the work is done, even if nobody waits for it any more.
        let _permit = permit;
        let width = model.info().features.len();
        rows.chunks_exact(width).map(|row| explain_row(&model, row, deadline)).collect()
    };
    let panicked = |_| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "No explanation",
            "the explanation was given up; ask without one",
        )
    };
    tokio::task::spawn_blocking(work).await.map_err(panicked)?
}

/// Whether the model's rows can be explained. The first call for a model may take as long as scoring thousands of rows,
/// so it runs off the front's threads.
pub(super) async fn is_explainable(model: Arc<Model>) -> bool {
    let look = move || check_sum(&model).is_ok() && model.explainer().is_ok();
    tokio::task::spawn_blocking(look).await.unwrap_or(false)
}

/// Checks that the model's answer is the link of one sum, to which contributions can add up.
fn check_sum(model: &Model) -> Result<(), Problem> {
    match model.outputs().map(|outputs| outputs.link) {
        Some(Link::ArgMax) => Err(not_explained("it answers a class's position, which is no sum")),
        Some(Link::MeanSigmoid) if model.raw_count() > 1 => {
            Err(not_explained("it answers the mean of several probabilities, which is no sum"))
        }
        _ => Ok(()),
    }
}

fn explain_row(model: &Arc<Model>, row: &[f64], deadline: Instant) -> Result<Explained, Problem> {
    if Instant::now() > deadline {
        return Err(AskError::Deadline.into());
    }
    let explanation = model.explain(row).map_err(|error| not_explained(&error.to_string()))?;
    let last = explanation.base_values.len() - 1;
    let mut scores = vec![0.0; model.raw_count()];
    model.predict_raw(row, &mut scores);
    Ok(Explained {
        model: model.clone(),
        raw_score: scores[last],
        base_value: explanation.base_values[last],
        contributions: explanation.of_output(last).to_vec(),
    })
}

fn not_explained(why: &str) -> Problem {
    Problem::unprocessable(
        "Not explained",
        format!("the model cannot be explained: {why}; ask without an explanation"),
    )
}
