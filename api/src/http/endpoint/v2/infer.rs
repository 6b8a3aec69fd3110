//! `POST /v2/models/{model}/infer`: scores rows given as tensors.

use std::{sync::atomic::Ordering::Relaxed, time::Instant};

use hyper::{Method, Response, StatusCode, header::CONTENT_ENCODING};

use serde_json::{Value, json};

use super::{Answering, Call, Endpoint, Observed, Problem, of_model, of_version};
use crate::{
    http::{
        app::App,
        body,
        describe::{self, Content, Doc, Examples, Media, Parameter, Place, Tag, of, row_of},
        explain::{check_count, explain_rows},
        inference::{
            HEADER_LENGTH, INPUT, OUTPUT, TREESHAP_OUTPUT,
            request::{self, Wanted},
            response::{self, OCTETS, Output},
        },
        loaded::{self, Loaded},
        reply::{Body, JSON},
        scoring::{missing_by_row, rules, score},
    },
    metrics::ModelInferences,
};

const DOC: Doc = Doc {
    tag: Tag::OtherProtocols,
    summary: "Rows scored, by tensors.",
    description: "Rows come as one tensor input__0 [rows, features], or as one tensor [rows] a feature by its name; outputs \
                  are output__0, and treeshap_output where it is asked for.",
    parameters: &[Parameter {
        name: "Inference-Header-Content-Length",
        place: Place::Header,
        description: "Bytes of JSON before the data of binary tensors; 0 where the body is bare rows.",
        schema: of::<Option<u32>>,
    }],
    body: Some(Content {
        required: true,
        media: &[
            Media {
                content_type: JSON,
                schema: request::schema,
                examples: &[("one tensor", tensor_example), ("a tensor a feature", columns_example)],
            },
            Media { content_type: OCTETS, schema: describe::bytes, examples: &[] },
        ],
    }),
    answers: &[describe::Answer {
        status: 200,
        description: "The tensors that were asked for; binary ones behind the JSON, whose length a header says.",
        media: &[
            Media { content_type: JSON, schema: of::<response::Answer<'_>>, examples: &[] },
            Media { content_type: OCTETS, schema: describe::bytes, examples: &[] },
        ],
    }],
    errors: &[400, 404, 408, 413, 500, 501, 503, 504],
};

pub(in crate::http::endpoint) const ENDPOINT: Endpoint = Endpoint {
    method: Method::POST,
    route: of_model("/v2/models/{model}/infer", "/infer"),
    observed: Observed::Prediction,
    doc: &DOC,
    handle,
};

pub(in crate::http::endpoint) const VERSION: Endpoint =
    Endpoint { route: of_version("/v2/models/{model}/versions/{version}/infer", "/infer"), ..ENDPOINT };

fn tensor_example(examples: &Examples<'_>) -> Option<Value> {
    let (_, row) = row_of(examples.model?);
    let outputs = [json!({"name": OUTPUT})];
    let input = json!({"name": INPUT, "shape": [1, row.len()], "datatype": "FP64", "data": row});
    Some(json!({"id": "1", "inputs": [input], "outputs": outputs}))
}

fn columns_example(examples: &Examples<'_>) -> Option<Value> {
    let (names, row) = row_of(examples.model?);
    let input = |(name, value)| json!({"name": name, "shape": [1], "datatype": "FP64", "data": [value]});
    let inputs: Vec<Value> = names.into_iter().zip(row).map(input).collect();
    Some(json!({"inputs": inputs}))
}

fn handle(call: Call<'_>) -> Answering<'_> {
    Box::pin(async move { infer(call).await.map_err(Problem::for_inference) })
}

async fn infer(call: Call<'_>) -> Result<Response<Body>, Problem> {
    let app: &App = call.app;
    let bytes = body::read(call.body, app).await?;
    let begun_at = Instant::now();
    let loaded = loaded::find(app, &call.symbol, call.version.as_deref())?;
    let headers = &call.head.headers;
    if let Some(encoding) = headers.get(CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        return Err(Problem::new(
            StatusCode::NOT_IMPLEMENTED,
            "Unsupported encoding",
            format!("Content-Encoding is {encoding:?}; send the body as it is"),
        ));
    }
    let header_length = headers.get(HEADER_LENGTH).map(|length| length.as_bytes());
    let counts = app.metrics.inferences.of(loaded.name(), &loaded.version);
    let answered = answer(app, &loaded, &bytes, header_length, &counts, begun_at).await;
    let timed = if answered.is_ok() { &counts.success } else { &counts.fail };
    timed.add(begun_at.elapsed());
    answered
}

async fn answer(
    app: &App,
    loaded: &Loaded,
    body: &[u8],
    header_length: Option<&[u8]>,
    counts: &ModelInferences,
    begun_at: Instant,
) -> Result<Response<Body>, Problem> {
    let (model, deadline) = (&loaded.model, app.deadline(begun_at));
    let mut request = request::read(body, header_length, rules(app, model))?;
    let missing = missing_by_row(&mut request.rows);
    let row_count = request.rows.count;
    let read_at = Instant::now();
    counts.input.add(read_at - begun_at);

    let is_explained = request.outputs.iter().any(|wanted| wanted.name == TREESHAP_OUTPUT);
    let mut contributions = Vec::new();
    if is_explained {
        check_count(app, row_count)?;
        let explained = explain_rows(app, model.clone(), request.rows.values.clone(), deadline).await?;
        contributions = explained.iter().flat_map(|row| row.line()).collect();
    }
    let mut scores = score(app, model, &loaded.version, request.rows.values, deadline).await?;
    let scored_at = Instant::now();
    counts.infer.add(scored_at - read_at);

    let fill = |wanted: &Wanted| match wanted.name {
        TREESHAP_OUTPUT => {
            let width = model.info().features.len() + 1;
            Output { wanted: *wanted, width, values: std::mem::take(&mut contributions) }
        }
        _ => Output { wanted: *wanted, width: model.answer_count(), values: std::mem::take(&mut scores) },
    };
    let outputs: Vec<Output> = request.outputs.iter().map(fill).collect();
    let response = response::write(loaded, request.id.as_deref(), &missing, &outputs);
    counts.output.add(scored_at.elapsed());
    counts.rows.fetch_add(row_count as u64, Relaxed);
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    counts.last_at_ms.store(now_ms.as_millis() as u64, Relaxed);
    Ok(response)
}
