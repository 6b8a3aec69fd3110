//! `GET /events?kind=…`: what happened to the service, the newest first.

use engine::{
    events::{Event, Happening, KINDS},
    quality::{Change, recalibration::Line},
};
use hyper::{Method, StatusCode};
use serde::Serialize;

use super::{Answering, Call, Endpoint, Observed};
use crate::http::{
    problem::Problem,
    reply::json,
    route::{Route, query_value},
};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { method: Method::GET, route: Route::Exact("/events"), observed: Observed::Ordinary, handle };

#[derive(Serialize)]
struct Answer {
    events: Vec<EventBody>,
}

/// What is not said of a kind is absent.
#[derive(Default, Serialize)]
struct EventBody {
    kind: &'static str,
    /// By the wall clock.
    noted_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    symbol: Option<String>,
    /// Event time.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_brier: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline_brier: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    silence_s: Option<f64>,
}

impl From<&Event> for EventBody {
    fn from(event: &Event) -> Self {
        let mut body = Self {
            kind: event.happening.kind(),
            noted_at: event.noted_at.to_string(),
            symbol: event.symbol.as_ref().map(|symbol| symbol.name.to_string()),
            as_of: event.as_of.map(|as_of| as_of.to_string()),
            ..Self::default()
        };
        match &event.happening {
            Happening::ModelSwapped { model } => {
                body.model = Some(model.clone().unwrap_or_else(|| "none".to_owned()));
            }
            Happening::Feedback(Change::Recalibrated(Line { a, b })) => {
                (body.a, body.b) = (Some(*a), Some(*b));
            }
            Happening::Feedback(
                Change::FellBack { model_brier, baseline_brier }
                | Change::Recovered { model_brier, baseline_brier },
            ) => (body.model_brier, body.baseline_brier) = (Some(*model_brier), Some(*baseline_brier)),
            Happening::Gap { silence_s } => body.silence_s = Some(*silence_s),
        }
        body
    }
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move {
        let kind = query_value(call.head.uri.query(), "kind").filter(|kind| !kind.is_empty());
        if let Some(unknown) = kind.filter(|kind| !KINDS.contains(kind)) {
            let detail = format!("kind is {unknown:?}; it is one of {KINDS:?}, or absent for all");
            return Err(Problem::unprocessable("Unknown kind of event", detail));
        }
        let events = call.app.engine.events.read(kind);
        Ok(json(StatusCode::OK, &Answer { events: events.iter().map(EventBody::from).collect() }))
    })
}
