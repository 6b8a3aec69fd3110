//! A Schema Registry over HTTP: `GET /schemas/ids/{id}`, and `GET /subjects/{subject}/versions/{version}` for the schemas
//! that one refers to.

use std::{
    collections::BTreeSet,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use crossbeam::channel::{Receiver, RecvTimeoutError};
use serde::Deserialize;
use ureq::{Agent, http::StatusCode};

use super::{Known, SchemaSettings, SchemasError, Store};
use crate::avro::Schema;

/// Longest time of one question, connecting included.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The pause after the first question without an answer. It doubles with each further one.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Bytes of an answer at most.
const ANSWER_BYTES_MAX: u64 = 4 << 20;
/// Schemas that one may refer to, at most.
const REFERENCES_MAX: usize = 64;
/// The registry's own code for a schema that it does not have; a 404 without it comes of a wrong address.
const SCHEMA_NOT_FOUND: u32 = 40_403;

/// The client of a registry.
pub(super) struct Registry {
    agent: Agent,
    /// Without slashes at their ends.
    urls: Vec<String>,
    authorization: Option<String>,
}

/// A schema as the registry gives it.
#[derive(Deserialize)]
struct Registered {
    schema: String,
    #[serde(default, rename = "schemaType")]
    kind: Option<String>,
    #[serde(default)]
    references: Vec<Reference>,
}

/// A schema whose types another one uses.
#[derive(Deserialize)]
struct Reference {
    subject: String,
    version: u32,
}

/// What a registry says when it has no answer.
#[derive(Deserialize)]
struct Refusal {
    error_code: u32,
    #[serde(default)]
    message: String,
}

impl Registry {
    pub(super) fn new(settings: &SchemaSettings) -> Result<Self, SchemasError> {
        let urls: Vec<String> =
            settings.registry_url.split(',').map(|url| url.trim().trim_end_matches('/').to_owned()).collect();
        for url in &urls {
            let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
            let refused = match host {
                None | Some("") => "write it as http://HOST:PORT or https://HOST",
                Some(host) if host.contains('@') => {
                    "it holds a user; put USER:PASSWORD into source.schema_registry_auth"
                }
                Some(_) => continue,
            };
            return Err(SchemasError(format!("source.schema_registry_url: {refused}")));
        }
        let agent = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .user_agent(concat!("stormglass/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let auth = Some(settings.registry_auth.as_str()).filter(|auth| !auth.is_empty());
        let authorization = auth.map(|auth| format!("Basic {}", STANDARD.encode(auth)));
        Ok(Self { agent, urls, authorization })
    }

    /// Starts the thread that answers what is `asked`, until the store is gone.
    pub(super) fn start(self, store: Weak<Store>, asked: Receiver<u32>) -> Result<(), SchemasError> {
        std::thread::Builder::new()
            .name("schema-registry".to_owned())
            .spawn(move || self.run(&store, &asked))
            .map(drop)
            .map_err(|error| SchemasError(format!("no thread for the Schema Registry: {error}")))
    }

    fn run(&self, store: &Weak<Store>, asked: &Receiver<u32>) {
        let (mut pending, mut pause, mut try_at) = (BTreeSet::new(), PAUSE_MIN, Instant::now());
        loop {
            let next = match pending.is_empty() {
                true => asked.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => asked.recv_deadline(try_at),
            };
            match next {
                Ok(id) => drop(pending.insert(id)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            pending.extend(asked.try_iter());
            if Instant::now() < try_at {
                continue;
            }
            let Some(store) = store.upgrade() else { return };
            let before = pending.len();
            pending.retain(|&id| match self.fetch(id) {
                Ok(known) => {
                    store.answer(id, known);
                    false
                }
                Err(reason) => {
                    tracing::warn!(id, reason, "a schema is not to be had");
                    store.fail(reason);
                    true
                }
            });
            if pending.len() < before {
                pause = PAUSE_MIN;
            }
            if !pending.is_empty() {
                try_at = Instant::now() + pause;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }

    /// What the registry knows of an id.
    fn fetch(&self, id: u32) -> Result<Known, String> {
        let Some(registered) = self.get(&format!("/schemas/ids/{id}"))? else {
            return Ok(Known::Unknown { since: Instant::now() });
        };
        match registered.kind.as_deref() {
            None | Some("AVRO") => {}
            Some("JSON") => return Ok(Known::Json),
            Some(kind) => {
                tracing::warn!(id, kind, "the schema is of a kind that is not read; write Avro or JSON");
                return Ok(Known::Unusable);
            }
        }
        let mut texts = Vec::new();
        self.references(&registered.references, &mut BTreeSet::new(), &mut texts)?;
        match Schema::parse_with(&registered.schema, &texts) {
            Ok(schema) => {
                tracing::info!(id, "the Schema Registry gave a schema");
                Ok(Known::Avro(Arc::new(schema)))
            }
            Err(error) => {
                tracing::warn!(id, %error, "the schema cannot be used");
                Ok(Known::Unusable)
            }
        }
    }

    /// Adds the texts of schemas that one refers to, each behind those that it refers to itself.
    fn references(
        &self,
        references: &[Reference],
        seen: &mut BTreeSet<(String, u32)>,
        texts: &mut Vec<String>,
    ) -> Result<(), String> {
        for Reference { subject, version } in references {
            if seen.len() >= REFERENCES_MAX || !seen.insert((subject.clone(), *version)) {
                continue;
            }
            let path = format!("/subjects/{}/versions/{version}", percent_encoded(subject));
            let Some(registered) = self.get(&path)? else {
                return Err(format!(
                    "the schema refers to {subject:?} version {version}, which is not there"
                ));
            };
            self.references(&registered.references, seen, texts)?;
            texts.push(registered.schema);
        }
        Ok(())
    }

    /// Asks one instance after the other; `None` if the registry does not have what the path names.
    fn get(&self, path: &str) -> Result<Option<Registered>, String> {
        let mut failed = String::new();
        for url in &self.urls {
            match self.get_from(url, path) {
                Ok(found) => return Ok(found),
                Err(reason) => failed = format!("the Schema Registry {url}: {reason}"),
            }
        }
        Err(failed)
    }

    fn get_from(&self, url: &str, path: &str) -> Result<Option<Registered>, String> {
        let mut request = self
            .agent
            .get(format!("{url}{path}"))
            .header("Accept", "application/vnd.schemaregistry.v1+json, application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let mut response = request.call().map_err(|error| error.to_string())?;
        let status = response.status();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
        let body = body.map_err(|error| error.to_string())?;
        if status == StatusCode::OK {
            return serde_json::from_slice(&body).map(Some).map_err(|error| format!("answers {error}"));
        }
        match serde_json::from_slice(&body) {
            Ok(Refusal { error_code: SCHEMA_NOT_FOUND, .. }) => Ok(None),
            Ok(Refusal { message, .. }) => Err(format!("answers {status}: {message}")),
            Err(_) => Err(format!("answers {status}; is that its address?")),
        }
    }
}

fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
