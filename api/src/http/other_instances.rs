//! Answers for symbols whose state is in another instance, or in several: picks the instances to ask, and the answer to
//! return.
//!
//! A symbol whose only partition is here does not need this module. Otherwise the owners of its partitions are asked,
//! one hop away. A split symbol has a state in each of its partitions: the one with the newest tick is returned, of
//! equal ones that of the lowest partition, so every instance returns the same answer.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use bytes::Bytes;
use engine::{
    owners::Owner,
    prediction::Prediction,
    route::Place,
    settings::ForeignSymbols,
    symbol::{Partition, ResolveError, Symbol, SymbolKey},
};
use hyper::{
    Method, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::task::JoinSet;

use super::{
    app::App,
    describe,
    endpoint::no_state,
    forward::{Asker, url},
    problem::Problem,
    reply::{Body, json},
    route::Route,
};
use crate::client::Answer;

/// Orders the answers for a split symbol: the greatest is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp {
    as_of_ns: i128,
    partition: Reverse<u32>,
}

impl Stamp {
    /// The stamp of a shard's prediction.
    pub(super) fn of(prediction: &Prediction) -> Self {
        let as_of_ns = i128::from(prediction.scored.as_of.nanos());
        Self { as_of_ns, partition: Reverse(prediction.position().partition.0) }
    }

    /// The stamp of another instance's answer; `None` if it is not a prediction.
    fn read(json: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Stamped {
            as_of: String,
            partition: Option<u32>,
            receipt: Option<Receipt>,
        }
        #[derive(Deserialize)]
        struct Receipt {
            partition: u32,
        }
        let stamped: Stamped = serde_json::from_slice(json).ok()?;
        let as_of: jiff::Timestamp = stamped.as_of.parse().ok()?;
        let partition = stamped.partition.or(stamped.receipt.map(|receipt| receipt.partition))?;
        Some(Self { as_of_ns: as_of.as_nanosecond(), partition: Reverse(partition) })
    }
}

/// The keys of a symbol in this process, one for each partition.
pub(super) fn keys(app: &App, symbol: &Symbol) -> Vec<SymbolKey> {
    let key = |partition| SymbolKey { partition, symbol: symbol.id };
    app.engine.routes.partitions_of(symbol.id).into_iter().map(key).collect()
}

/// The keys under which this process may have the symbol's state: one, or of a split symbol several.
pub(super) fn keys_here(app: &App, symbol: &Symbol, place: &Place) -> Vec<SymbolKey> {
    if place.is_split {
        return keys(app, symbol);
    }
    vec![SymbolKey { partition: place.partition, symbol: symbol.id }]
}

/// The problem for a name that is not known here.
pub(super) fn unknown_symbol(asker: Asker<'_>, error: ResolveError) -> Problem {
    match error {
        ResolveError::Unknown(name) if asker.is_forwarded() => not_here(&name),
        ResolveError::Unknown(name) if asker.app.engine.owners.is_awaited() => Problem::busy(
            "Owners not known",
            format!(
                "{name} may be another instance's: who owns what is not read from Kafka yet; retry after a second"
            ),
        ),
        other => other.into(),
    }
}

/// The problem for another instance that asked the wrong one.
fn not_here(name: &str) -> Problem {
    let detail =
        format!("{name} is not with this instance; a new owner is not known yet, retry after a second");
    Problem::busy("Not here", detail)
}

/// The other instances that own partitions of a symbol, by URL.
fn owners(app: &App, symbol: &Symbol) -> BTreeMap<String, Arc<Owner>> {
    let mut owners = BTreeMap::new();
    for partition in app.engine.routes.partitions_of(symbol.id) {
        if let Some(owner) = app.engine.owners.of(partition).filter(|owner| !owner.is_here) {
            owners.insert(owner.url.clone(), owner);
        }
    }
    owners
}

/// The problem for a symbol whose owners are unknown.
pub(super) fn no_owner(asker: Asker<'_>, symbol: &Symbol) -> Problem {
    if asker.is_forwarded() {
        return not_here(&symbol.name);
    }
    let table = &asker.app.engine.owners;
    let is_owned = |partition: &Partition| table.of(*partition).is_some();
    if asker.app.engine.routes.partitions_of(symbol.id).iter().any(is_owned) {
        let detail = format!("the partition of {} is being taken over; retry after a second", symbol.name);
        return Problem::busy("Taken over", detail);
    }
    no_state(&symbol.name)
}

fn path_and_query(route: Route, symbol: &Symbol, query: Option<&str>) -> String {
    let mut path = route.with_symbol(&symbol.name);
    if let Some(query) = query {
        path.push('?');
        path.push_str(query);
    }
    path
}

/// Answers a GET for a symbol that has no state here, by asking its owners.
///
/// # Errors
/// The owner's problem, or 503 if no owner answers.
pub(super) async fn answer_of_owner(
    asker: Asker<'_>,
    route: Route,
    symbol: &Symbol,
    query: Option<&str>,
) -> Result<Response<Body>, Problem> {
    let owners = if asker.is_forwarded() { BTreeMap::new() } else { owners(asker.app, symbol) };
    let path = path_and_query(route, symbol, query);
    let Some(owner) = owners.values().next() else { return Err(no_owner(asker, symbol)) };
    if owners.len() == 1
        && let Some(response) = redirect(asker.app, owner, &path)
    {
        return Ok(response);
    }
    let mut newest: Option<(Option<Stamp>, Response<Body>)> = None;
    let mut problem = None;
    for answered in ask_all(asker, &owners, &path).await {
        match answered {
            Ok(answer) => {
                let stamp = is_ok(&answer).then(|| Stamp::read(&answer.body)).flatten();
                if newest.as_ref().is_none_or(|(newest, _)| *newest < stamp) {
                    newest = Some((stamp, passed_on(answer)));
                }
            }
            Err(error) => problem = Some(error),
        }
    }
    match (newest, problem) {
        (Some((Some(_), response)), _) | (Some((None, response)), None) => Ok(response),
        (_, Some(problem)) => Err(problem),
        (None, None) => Err(no_owner(asker, symbol)),
    }
}

/// Another instance's answer to a GET for a split symbol, if its state has a newer tick than the one here. An owner
/// that does not answer is left out.
pub(super) async fn newer_answer(
    asker: Asker<'_>,
    route: Route,
    symbol: &Symbol,
    query: Option<&str>,
    here: Stamp,
) -> Option<Response<Body>> {
    if asker.is_forwarded() {
        return None;
    }
    let owners = owners(asker.app, symbol);
    let path = path_and_query(route, symbol, query);
    let answers = ask_all(asker, &owners, &path).await.into_iter().flatten().filter(is_ok);
    let stamped = answers.filter_map(|answer| Some((Stamp::read(&answer.body)?, answer)));
    let (stamp, answer) = stamped.max_by_key(|(stamp, _)| *stamp)?;
    (stamp > here).then(|| passed_on(answer))
}

fn is_ok(answer: &Answer) -> bool {
    answer.status == StatusCode::OK
}

/// Asks all owners at the same time; their answers come in the order of their URLs.
async fn ask_all(
    asker: Asker<'_>,
    owners: &BTreeMap<String, Arc<Owner>>,
    path: &str,
) -> Vec<Result<Answer, Problem>> {
    let questions = owners.values().map(|owner| asker.question(owner, Method::GET, path, Bytes::new()));
    let mut asked = JoinSet::new();
    for (i, question) in questions.enumerate() {
        asked.spawn(async move { (i, question.ask().await) });
    }
    let mut answers = asked.join_all().await;
    answers.sort_by_key(|(i, _)| *i);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Extension that marks a response as another instance's.
#[derive(Clone, Copy)]
pub(super) struct FromOtherInstance;

fn passed_on(answer: Answer) -> Response<Body> {
    let mut response = Response::new(Body::Full(answer.body));
    *response.status_mut() = answer.status;
    response.extensions_mut().insert(FromOtherInstance);
    let headers = response.headers_mut();
    for name in [CONTENT_TYPE, RETRY_AFTER] {
        headers.extend(answer.headers.get(&name).cloned().map(|value| (name, value)));
    }
    response
}

/// The instance that owns a symbol, and the URL to ask there.
#[derive(JsonSchema, Serialize)]
pub(super) struct OwnedElsewhere<'a> {
    instance: &'a str,
    url: &'a str,
}

/// Documentation of the redirect.
pub(super) const REDIRECT: describe::Answer = describe::Answer {
    status: 307,
    description: "Another instance owns it, and kafka.foreign_symbols is \"redirect\": ask that one.",
    media: &[describe::json_of::<OwnedElsewhere<'_>>()],
};

/// A redirect (307) to the owner; `None` if questions are forwarded instead.
fn redirect(app: &App, owner: &Owner, path: &str) -> Option<Response<Body>> {
    if app.config.kafka.foreign_symbols != ForeignSymbols::Redirect {
        return None;
    }
    let location = url(owner, path);
    let header = HeaderValue::from_str(&location).ok()?;
    app.metrics.forwards.redirected.fetch_add(1, Ordering::Relaxed);
    let body = OwnedElsewhere { instance: &owner.instance, url: &location };
    let mut response = json(StatusCode::TEMPORARY_REDIRECT, &body);
    response.headers_mut().insert(LOCATION, header);
    Some(response)
}

/// The fields of a list request except its symbols.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListForm<'a> {
    pub(super) model: Option<&'a str>,
    pub(super) explain: bool,
}

/// A symbol of a list for which others are asked, and its index in the list.
pub(super) struct Wanted<'a> {
    pub(super) index: usize,
    pub(super) symbol: &'a Symbol,
    /// The stamp of the state here; `None` without state.
    pub(super) here: Option<Stamp>,
}

/// One symbol's item in the answer.
pub(super) enum Item {
    /// The owner's bytes: a prediction, or a problem.
    Written(Bytes),
    /// The problem, if no owner gave an item.
    Problem(Problem),
}

/// The answers for those symbols of a list that other instances own.
pub(super) enum Listed {
    /// By index in the list, the item that replaces the state here.
    Items(BTreeMap<usize, Item>),
    /// A redirect to the one owner that has all of them.
    Redirect(Response<Body>),
}

/// Asks the owners of these symbols of a list of `count` symbols, each owner once.
pub(super) async fn ask_for_list(
    asker: Asker<'_>,
    wanted: &[Wanted<'_>],
    count: usize,
    form: ListForm<'_>,
) -> Listed {
    let mut items = BTreeMap::new();
    let mut parts: BTreeMap<String, Part<'_>> = BTreeMap::new();
    for symbol in wanted {
        let owners = if asker.is_forwarded() { BTreeMap::new() } else { owners(asker.app, symbol.symbol) };
        if owners.is_empty() && symbol.here.is_none() {
            items.insert(symbol.index, Item::Problem(no_owner(asker, symbol.symbol)));
        }
        for (url, owner) in owners {
            parts.entry(url).or_insert_with(|| Part { owner, wanted: Vec::new() }).wanted.push(symbol);
        }
    }
    if parts.len() == 1
        && let Some(part) = parts.values().next()
        && part.wanted.len() == count
        && part.wanted.iter().all(|symbol| symbol.here.is_none())
        && let Some(response) = redirect(asker.app, &part.owner, "/predict")
    {
        return Listed::Redirect(response);
    }
    let mut asked = JoinSet::new();
    for (i, part) in parts.values().enumerate() {
        let body = ListBody {
            symbols: part.wanted.iter().map(|symbol| &*symbol.symbol.name).collect(),
            model: form.model,
            explain: form.explain,
        };
        let body = serde_json::to_vec(&body).expect("text is always JSON");
        let question = asker.question(&part.owner, Method::POST, "/predict", body.into());
        asked.spawn(async move { (i, question.ask().await) });
    }
    let mut answers = asked.join_all().await;
    answers.sort_by_key(|(i, _)| *i);
    let mut stamps = BTreeMap::new();
    for (part, (_, answer)) in parts.values().zip(answers) {
        for (symbol, item) in part.wanted.iter().zip(part.read(answer)) {
            let stamp = match &item {
                Item::Written(bytes) => Stamp::read(bytes),
                Item::Problem(_) => None,
            };
            // The state here, or a former owner's answer, stays unless this one is newer.
            let best = stamps.entry(symbol.index).or_insert(symbol.here);
            if stamp > *best || (best.is_none() && !items.contains_key(&symbol.index)) {
                *best = stamp;
                items.insert(symbol.index, item);
            }
        }
    }
    Listed::Items(items)
}

#[derive(Serialize)]
struct ListBody<'a> {
    symbols: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    explain: bool,
}

/// The part of a list that one owner is asked for.
struct Part<'a> {
    owner: Arc<Owner>,
    wanted: Vec<&'a Wanted<'a>>,
}

impl Part<'_> {
    /// One item for each symbol.
    fn read(&self, answer: Result<Answer, Problem>) -> Vec<Item> {
        #[derive(Deserialize)]
        struct Predictions<'a> {
            #[serde(borrow)]
            predictions: Vec<&'a RawValue>,
        }
        #[derive(Deserialize)]
        struct Refusal {
            error: String,
            detail: String,
        }
        let everywhere = |problem: &dyn Fn() -> Problem| {
            self.wanted.iter().map(|_| Item::Problem(problem())).collect::<Vec<_>>()
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(problem) => {
                return everywhere(&|| {
                    Problem::new(problem.status(), problem.error().to_owned(), problem.detail())
                });
            }
        };
        if !is_ok(&answer) {
            let refusal = serde_json::from_slice::<Refusal>(&answer.body).unwrap_or_else(|_| Refusal {
                error: "Owner does not answer".to_owned(),
                detail: format!("instance {} answered {}", self.owner.instance, answer.status),
            });
            return everywhere(&|| {
                Problem::new(answer.status, refusal.error.clone(), refusal.detail.clone())
            });
        }
        match serde_json::from_slice::<Predictions<'_>>(&answer.body) {
            Ok(list) if list.predictions.len() == self.wanted.len() => {
                let item = |raw: &&RawValue| Item::Written(answer.body.slice_ref(raw.get().as_bytes()));
                list.predictions.iter().map(item).collect()
            }
            _ => everywhere(&|| {
                Problem::busy(
                    "Owner does not answer",
                    format!("instance {} gave no list of predictions", self.owner.instance),
                )
            }),
        }
    }
}
