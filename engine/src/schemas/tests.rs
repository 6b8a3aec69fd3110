//! Schemas by their ids, against a registry on loopback that says what a test wants.

#![cfg(feature = "schema-registry")]

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::mpsc::{Receiver, Sender, channel},
};

use super::*;
use crate::{
    decode::Unreadable,
    intake::{RecordFormat, RecordRules},
};

const LIMIT: Duration = Duration::from_secs(20);

/// Status and body, or nothing for a connection that is closed.
type Reply = Option<(u16, String)>;

/// A registry whose answers the test gives one by one; and the requests that it hears.
fn registry() -> (String, Sender<Reply>, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (answers, next) = channel::<Reply>();
    let (heard, requests) = channel();
    std::thread::spawn(move || {
        for (stream, answer) in listener.incoming().zip(next) {
            let Some((status, body)) = answer else { continue };
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(&stream).lines().map(Result::unwrap);
            let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            heard.send(head.join("\n")).unwrap();
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
            .unwrap();
        }
    });
    (url, answers, requests)
}

fn open(url: &str, auth: &str) -> Schemas {
    let settings = SchemaSettings {
        files: String::new(),
        registry_url: format!("{url}/"),
        registry_auth: auth.to_owned(),
    };
    Schemas::open(&settings).unwrap()
}

fn registered(schema: &str) -> String {
    serde_json::json!({ "schema": schema }).to_string()
}

#[test]
fn a_schema_is_asked_for_once_and_with_the_password() {
    let (url, answers, requests) = registry();
    answers.send(Some((200, registered("\"long\"")))).unwrap();
    let schemas = open(&url, "ann:secret");
    assert!(matches!(schemas.lookup_within(7, LIMIT), Lookup::Avro(_)));
    assert!(matches!(schemas.lookup(7), Lookup::Avro(_)));
    let request = requests.recv().unwrap();
    assert!(request.starts_with("GET /schemas/ids/7 HTTP/1.1"), "{request}");
    let has = |header: &str| request.lines().any(|line| line.eq_ignore_ascii_case(header));
    assert!(has("authorization: Basic YW5uOnNlY3JldA=="), "{request}");
    assert!(requests.try_recv().is_err());
    assert!(!format!("{schemas:?}").contains("secret"));
}

#[test]
fn a_registry_that_fails_is_asked_again_until_it_answers() {
    let (url, answers, _requests) = registry();
    answers.send(None).unwrap();
    answers.send(Some((500, r#"{"error_code":50001,"message":"Error in the backend"}"#.to_owned()))).unwrap();
    answers.send(Some((401, r#"{"error_code":401,"message":"Unauthorized"}"#.to_owned()))).unwrap();
    // Not the registry's own 404: the address may be wrong, and nothing is said of the schema.
    answers.send(Some((404, "<html>not found</html>".to_owned()))).unwrap();
    let schemas = open(&url, "");
    assert_eq!(schemas.lookup(7), Lookup::Unavailable);
    let mut said = Vec::new();
    let began = Instant::now();
    while schemas.metrics().unwrap().failed.load(Relaxed) < 4 {
        assert_eq!(schemas.lookup(7), Lookup::Unavailable);
        said.extend(schemas.trouble());
        said.dedup();
        assert!(began.elapsed() < LIMIT, "{said:?}");
        std::thread::yield_now();
    }
    said.extend(schemas.trouble());
    for words in ["answers 500", "Error in the backend", "answers 401", "answers 404", "is that its address?"]
    {
        assert!(said.iter().any(|said| said.contains(words) && said.contains(&url)), "{words}: {said:?}");
    }
    answers.send(Some((200, registered("\"long\"")))).unwrap();
    assert!(matches!(schemas.lookup_within(7, LIMIT), Lookup::Avro(_)));
    assert_eq!(schemas.trouble(), None);
}

#[test]
fn what_a_registry_says_of_a_schema_decides_how_its_data_is_read() {
    let (url, answers, _requests) = registry();
    let schemas = open(&url, "");
    let ask = |id, status, body: &str| {
        answers.send(Some((status, body.to_owned()))).unwrap();
        schemas.lookup_within(id, LIMIT)
    };
    assert_eq!(ask(1, 404, r#"{"error_code":40403,"message":"Schema not found"}"#), Lookup::Unknown);
    assert_eq!(ask(2, 200, r#"{"schemaType":"JSON","schema":"{}"}"#), Lookup::Json);
    assert_eq!(ask(3, 200, r#"{"schemaType":"PROTOBUF","schema":"syntax"}"#), Lookup::Unusable);
    assert_eq!(ask(4, 200, r#"{"schema":"\"nonsense\""}"#), Lookup::Unusable);
}

#[test]
fn a_schema_brings_those_that_it_refers_to() {
    let (url, answers, requests) = registry();
    let tick = r#"{"type":"record","name":"T","namespace":"m","fields":[{"name":"s","type":"Side"}]}"#;
    let references = serde_json::json!([{"name": "m.Side", "subject": "market side", "version": 3}]);
    let body = serde_json::json!({"schema": tick, "references": references}).to_string();
    answers.send(Some((200, body))).unwrap();
    let side = r#"{"type":"enum","name":"Side","namespace":"m","symbols":["buy","sell"]}"#;
    answers.send(Some((200, registered(side)))).unwrap();
    let Lookup::Avro(schema) = open(&url, "").lookup_within(7, LIMIT) else { panic!("it is Avro") };
    assert_eq!(schema.json(&[2], 100).unwrap(), r#"{"s":"sell"}"#);
    requests.recv().unwrap();
    assert!(requests.recv().unwrap().starts_with("GET /subjects/market%20side/versions/3 "));
}

#[test]
fn an_address_that_is_none_is_refused_without_its_password() {
    for (url, words) in [
        ("registry:8081", "write it as http://HOST:PORT"),
        ("http://", "write it as http://HOST:PORT"),
        ("http://a:1,https://ann:secret@b", "put USER:PASSWORD into source.schema_registry_auth"),
    ] {
        let settings = SchemaSettings { registry_url: url.to_owned(), ..SchemaSettings::default() };
        let error = Schemas::open(&settings).unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("secret"), "{error}");
    }
}

#[test]
fn a_framed_record_is_read_by_its_schema_or_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let schema = r#"{"type":"record","name":"T","fields":[
        {"name":"timestamp","type":{"type":"long","logicalType":"timestamp-millis"}},
        {"name":"symbol","type":"string"},
        {"name":"price","type":["null","double"]}]}"#;
    std::fs::write(folder.path().join("7.avsc"), schema).unwrap();
    let files = folder.path().to_str().unwrap().to_owned();
    let schemas = Schemas::open(&SchemaSettings { files, ..SchemaSettings::default() }).unwrap();
    let (mut reader, mut format) =
        (RecordRules { schemas, ..RecordRules::default() }.reader(), RecordFormat::json("v".to_owned()));
    let data = [&[0xa6, 0xde, 0xbd, 0x97, 0xab, 0x67, 6][..], b"A-B", &[2], &1.5_f64.to_le_bytes()].concat();
    let frame = |id: u8, data: &[u8]| [&[0, 0, 0, 0, id][..], data].concat();
    reader.read(&frame(7, &data), &mut format);
    assert!(reader.outcome().is_ok(), "{:?}", reader.outcome());
    let tick = reader.decoded().ticks().next().unwrap();
    assert_eq!((tick.product, tick.tick.price.units()), ("A-B", 150_000_000));
    let mut refused = |record: &[u8]| {
        reader.read(record, &mut format);
        assert_eq!(reader.decoded().ticks().len(), 0);
        reader.outcome().unwrap_err()
    };
    assert_eq!(refused(&frame(8, &data)), Unreadable::UnknownSchema { id: 8 });
    assert_eq!(refused(&frame(7, &data[..18])), Unreadable::BadAvro { id: 7 }, "it was cut");
    assert_eq!(refused(&frame(7, &[&data[..], b"x"].concat())), Unreadable::BadAvro { id: 7 });
    // Avro's null where a price is due.
    let no_price = [&data[..10], &[0]].concat();
    assert_eq!(refused(&frame(7, &no_price)), Unreadable::MissingField { name: "price" });
}
