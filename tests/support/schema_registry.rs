//! A Schema Registry: the part of its documented protocol that readers use, with a switch.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// It serves `GET /schemas/ids/{id}` to whoever gives the right user and password.
pub(crate) struct SchemaRegistry {
    pub(crate) url: String,
    is_up: Arc<AtomicBool>,
    questions: Arc<AtomicU64>,
}

impl SchemaRegistry {
    /// Starts it, down: it takes connections and closes them. `user` is `USER:PASSWORD` in base64.
    pub(crate) fn start(user: &'static str, schemas: BTreeMap<u32, serde_json::Value>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (is_up, questions) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (up, asked) = (is_up.clone(), questions.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                asked.fetch_add(1, Ordering::Relaxed);
                if up.load(Ordering::Relaxed) {
                    // A client that hangs up in the middle is its own affair.
                    let _ = answer(&stream.unwrap(), user, &schemas);
                }
            }
        });
        Self { url, is_up, questions }
    }

    pub(crate) fn set_up(&self, is_up: bool) {
        self.is_up.store(is_up, Ordering::Relaxed);
    }

    /// Connections so far.
    pub(crate) fn questions(&self) -> u64 {
        self.questions.load(Ordering::Relaxed)
    }
}

fn answer(
    mut stream: &TcpStream,
    user: &str,
    schemas: &BTreeMap<u32, serde_json::Value>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut is_known = false;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        is_known |= line.eq_ignore_ascii_case(&format!("authorization: basic {user}"));
    }
    let id = request.strip_prefix("GET /schemas/ids/").and_then(|rest| rest.split([' ', '?']).next());
    let schema = id.and_then(|id| id.parse().ok()).and_then(|id: u32| schemas.get(&id));
    let (status, body) = match schema {
        _ if !is_known => {
            ("401 Unauthorized", serde_json::json!({"error_code": 401, "message": "Unauthorized"}))
        }
        Some(schema) => ("200 OK", schema.clone()),
        None => ("404 Not Found", serde_json::json!({"error_code": 40403, "message": "Schema not found"})),
    };
    let body = body.to_string();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/vnd.schemaregistry.v1+json\r\nContent-Length: {}\r\nConnection: \
         close\r\n\r\n{body}",
        body.len()
    )
}
