//! The JSON of models and their changes.

use std::sync::Arc;

use hyper::{Response, StatusCode, header::HeaderValue};
use model::ModelInfo;
use schemars::{JsonSchema, json_schema};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    http::{
        admin::authorize,
        body,
        describe::{self, Content, Doc, Media, Tag},
        endpoint::{Call, predict::not_readable},
        problem::Problem,
        reply::{Body, JSON, json},
    },
    models::{
        Asked, ChangeError, Changed, Held, Outcome, Version,
        catalog::{Entry, FindError, Seen},
        comparison::Comparison,
    },
};

/// Most characters of a reason.
pub(super) const REASON_CHARS_MAX: usize = 500;

/// The success answer of every change.
const ANSWERS: &[describe::Answer] = &[describe::Answer {
    status: 200,
    description: "What was changed, or would be.",
    media: &[describe::json_of::<Answer>()],
}];

/// Documentation of a change; 401 and 403 refer to the admin token.
pub(super) const fn change(summary: &'static str, description: &'static str, body: &'static [Media]) -> Doc {
    Doc {
        tag: Tag::Models,
        summary,
        description,
        parameters: &[],
        body: Some(Content { required: false, media: body }),
        answers: ANSWERS,
        errors: &[400, 401, 403, 404, 408, 409, 413, 422, 503, 504],
    }
}

/// The body of a change that takes only a reason.
pub(super) const REASON_MEDIA: &[Media] = &[Media {
    content_type: JSON,
    schema: |_| {
        json_schema!({
            "type": "object",
            "properties": {"reason": {"type": "string", "maxLength": REASON_CHARS_MAX}},
            "additionalProperties": false
        })
    },
    examples: &[],
}];

/// The fields of every change's body.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ReasonBody {
    pub(super) reason: Option<String>,
}

/// Authorizes a change and reads its body; an absent body counts as an empty one.
pub(super) async fn read<T: DeserializeOwned + Default>(
    call: Call<'_>,
    reason: impl Fn(&T) -> Option<&str>,
) -> Result<(T, Asked), Problem> {
    authorize(call.app, &call.head.headers)?;
    let bytes = body::read(call.body, call.app).await?;
    let read = match bytes.trim_ascii() {
        [] => T::default(),
        bytes => serde_json::from_slice(bytes).map_err(|error| not_readable(bytes, &error))?,
    };
    let reason = reason(&read).map(str::to_owned);
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > REASON_CHARS_MAX) {
        let detail = format!("reason is longer than {REASON_CHARS_MAX} characters; say it shorter");
        return Err(Problem::unprocessable("Invalid body", detail));
    }
    Ok((read, Asked { reason, request_id: text(call.request_id) }))
}

fn text(value: &HeaderValue) -> Option<String> {
    value.to_str().ok().map(str::to_owned)
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ModelCalibration")]
struct CalibrationBody {
    a: f64,
    b: f64,
}

/// A model in the list.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ListedModel")]
pub(super) struct Listed {
    name: String,
    /// `active`, `previous`, `shadow`, `available` or `refused`.
    state: &'static str,
    /// Path of its file; `null` if it is built in.
    path: Option<String>,
    /// The reason why it is refused, or scores posted rows only.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Time since which it has this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(flatten)]
    said: Option<Said>,
}

/// The description in a model's file.
#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ModelFile")]
struct Said {
    model: String,
    version: String,
    variant: String,
    sha256: String,
    drives_stream: bool,
    features: usize,
    /// Horizon in seconds; 0 if the file does not give it.
    horizon_s: u32,
    threshold: f64,
    calibration: Option<CalibrationBody>,
}

impl Said {
    fn of(info: &ModelInfo, drives_stream: bool) -> Self {
        Self {
            model: info.name.clone(),
            version: info.version.clone(),
            variant: info.variant.clone(),
            sha256: info.sha256.clone(),
            drives_stream,
            features: info.features.len(),
            horizon_s: info.horizon_s,
            threshold: info.threshold,
            calibration: info.calibration.map(|line| CalibrationBody { a: line.a, b: line.b }),
        }
    }
}

impl Listed {
    fn of(version: &Version, state: &'static str) -> Self {
        Self {
            name: version.name.clone(),
            state,
            path: version.path.clone(),
            reason: None,
            since: Some(version.since.clone()),
            said: Some(Said::of(version.info(), version.bound.is_some())),
        }
    }
}

/// Lists the models in use first, then the other ones.
pub(super) fn list(held: &Held, seen: Vec<(Entry, Result<Arc<Seen>, String>)>) -> Vec<Listed> {
    let places = [("active", &held.active), ("previous", &held.previous), ("shadow", &held.shadow)];
    let in_use: Vec<(&str, &Version)> =
        places.into_iter().filter_map(|(state, place)| Some((state, place.as_deref()?))).collect();
    let mut listed: Vec<Listed> = in_use.iter().map(|(state, version)| Listed::of(version, state)).collect();
    for (entry, seen) in seen {
        let path = entry.path.as_ref().map(|path| path.display().to_string());
        let is_listed = |seen: &Seen| {
            let is_it = |(_, version): &(&str, &Version)| {
                version.info().sha256 == seen.info.sha256 && version.name == entry.name
            };
            in_use.iter().any(is_it)
        };
        listed.push(match seen {
            Ok(seen) if is_listed(&seen) => continue,
            Ok(seen) => {
                let said = Some(Said::of(&seen.info, seen.rows_only.is_none()));
                let reason = seen.rows_only.clone();
                Listed { name: entry.name, state: "available", path, reason, since: None, said }
            }
            Err(reason) => {
                let reason = Some(reason);
                Listed { name: entry.name, state: "refused", path, reason, since: None, said: None }
            }
        });
    }
    listed
}

#[derive(JsonSchema, Serialize)]
#[schemars(rename = "ModelChange")]
struct Answer {
    outcome: Outcome,
    model: Option<Listed>,
    before: Option<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<Comparison>,
    #[serde(skip_serializing_if = "Option::is_none")]
    self_test_rows: Option<usize>,
    warnings: Vec<String>,
}

/// Runs a change to its end, even if the client goes away meanwhile, and answers.
pub(super) async fn made(
    change: impl Future<Output = Result<Changed, ChangeError>> + Send + 'static,
) -> Result<Response<Body>, Problem> {
    match tokio::spawn(change).await {
        Ok(changed) => answer(changed.map_err(problem)?),
        Err(_) => Err(Problem::busy("Stopping", "the service stopped before the change was over")),
    }
}

fn answer(changed: Changed) -> Result<Response<Body>, Problem> {
    let (state, before) = match changed.outcome {
        Outcome::DryRun => ("available", "active"),
        Outcome::ShadowOn => ("shadow", "available"),
        Outcome::ShadowOff => ("available", "available"),
        Outcome::Unchanged => ("active", "active"),
        Outcome::Activated | Outcome::RolledBack | Outcome::Cleared => ("active", "previous"),
    };
    let answer = Answer {
        outcome: changed.outcome,
        model: changed.version.as_deref().map(|version| Listed::of(version, state)),
        before: changed.before.as_deref().map(|version| Listed::of(version, before)),
        comparison: changed.comparison,
        self_test_rows: changed.self_test_rows,
        warnings: changed.warnings,
    };
    Ok(json(StatusCode::OK, &answer))
}

/// The problem for a failed change.
pub(super) fn problem(error: ChangeError) -> Problem {
    let detail = error.to_string();
    let conflict = |error: &'static str| Problem::new(StatusCode::CONFLICT, error, detail.clone());
    match error {
        ChangeError::Busy => conflict("Change under way"),
        ChangeError::Kafka => conflict("Not with Kafka"),
        ChangeError::Find(FindError::Unknown { .. }) => {
            Problem::new(StatusCode::NOT_FOUND, "Unknown model", detail)
        }
        ChangeError::Find(FindError::Ambiguous { candidates, .. }) => {
            conflict("Ambiguous model").with_candidates(candidates)
        }
        ChangeError::Find(FindError::Folder { .. }) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Folder not read", detail)
        }
        ChangeError::Find(_) | ChangeError::Unfit(_) | ChangeError::Configured(_) => {
            conflict("Model refused")
        }
        ChangeError::BeyondBounds(comparison) => conflict("Beyond the bounds").with_comparison(*comparison),
        ChangeError::NoPrevious => conflict("Nothing to roll back to"),
        ChangeError::NotActive { .. } => conflict("Not active"),
        ChangeError::Record(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Record not written", detail),
        ChangeError::Engine(error) => error.into(),
    }
}
