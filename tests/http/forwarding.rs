//! Questions about symbols that another instance owns, with owners that behave badly.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::{Arc, mpsc::channel},
    time::{Duration, Instant},
};

use engine::{
    owners::{Owner, Owners},
    symbol::Partition,
};
use serde_json::json;

use crate::support::service::Service;

/// Another instance's partition, which has no shard here.
const FAR: u32 = 7;

/// Tells a service that `far:X` and `far:Y` are with the instance "b" at this url.
fn tell(service: &Service, url: &str) {
    let engine = &service.app.engine;
    for product in ["X", "Y"] {
        let symbol = engine.symbols.intern_told("far", product).unwrap();
        engine.routes.learn_elsewhere(symbol.id, Partition(FAR));
    }
    let owner = Owner { instance: "b".to_owned(), lane: 0, url: url.to_owned(), is_here: false };
    engine.owners.publish(Owners::from([(FAR, Arc::new(owner))]));
}

/// An owner that gives each connection this answer to its one request, and tells the request.
fn owner(answer: &'static str) -> (SocketAddr, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (requests, asked) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut some = [0; 4096];
            // To the end of the head, and the body of a POST, which is an object.
            while !request.ends_with(b"\r\n\r\n") && !request.ends_with(b"}") {
                let count = stream.read(&mut some).unwrap();
                request.extend_from_slice(&some[..count]);
            }
            if requests.send(String::from_utf8(request).unwrap()).is_err() {
                return;
            }
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (address, asked)
}

fn answer(status: &str, body: &str) -> &'static str {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n");
    Box::leak(format!("{head}content-length: {length}\r\n\r\n{body}").into_boxed_str())
}

#[test]
fn an_owner_that_is_silent_or_cannot_be_reached_is_named_in_time() {
    let service = Service::with(|config| config.server.deadline_ms = 400);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    for (url, why) in [
        (format!("http://{}", silent.local_addr().unwrap()), "no answer within server.deadline_ms"),
        (format!("http://{closed}"), "onnection refused"),
        ("https://127.0.0.1:1".to_owned(), "http"),
        ("nonsense nonsense".to_owned(), "url cannot be used"),
    ] {
        tell(&service, &url);
        let asked = Instant::now();
        let answer = service.get("/predict/far:X");
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{}", answer.text());
        assert!(answer.text().contains("instance b") && answer.text().contains(why), "{}", answer.text());
        assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
        let list = service.post("/predict", r#"{"symbols":["far:X","BTC-USD","Y"]}"#);
        let items = &list.json()["predictions"];
        assert_eq!((list.status, &items[0]["status"], &items[2]["status"]), (200, &json!(503), &json!(503)));
        assert_eq!((&items[0]["symbol"], &items[2]["symbol"]), (&json!("far:X"), &json!("Y")), "as asked");
        assert_eq!(items[1]["symbol"], json!("coinbase:BTC-USD"), "what is here is answered");
    }
    let metrics = service.get("/metrics");
    let unanswered = r#"stormglass_http_forwards_total{outcome="unanswered"} 8"#;
    assert!(metrics.text().contains(unanswered), "{}", metrics.text());
}

#[test]
fn what_the_owner_answers_is_passed_on_and_what_is_no_answer_is_told() {
    let service = Service::plain();
    let (address, asked) =
        owner(answer("504 Gateway Timeout", r#"{"error":"Deadline passed","detail":"late"}"#));
    // A slash at the end is no part of the path.
    tell(&service, &format!("http://{address}/"));
    let passed_on = service.get("/symbols/far:X/features?a=b");
    assert_eq!((passed_on.status, passed_on.json()["error"].as_str()), (504, Some("Deadline passed")));
    let request = asked.recv().unwrap().to_ascii_lowercase();
    assert!(request.starts_with("get /symbols/far%3ax/features?a=b http/1.1\r\n"), "{request}");
    assert!(request.contains("x-stormglass-forwarded: 1\r\n"), "{request}");
    let id = passed_on.header("x-request-id").unwrap();
    assert!(request.contains(&format!("x-request-id: {id}\r\n")), "{request}");
    let items = service.post("/predict", r#"{"symbols":["far:X"]}"#).json();
    assert_eq!(
        items["predictions"][0],
        json!({"symbol": "far:X", "status": 504, "error": "Deadline passed", "detail": "late"})
    );

    for body in ["[]", r#"{"predictions":[{"symbol":"far:X"}]}"#, "<html>"] {
        let (address, asked) = owner(answer("200 OK", body));
        tell(&service, &format!("http://{address}"));
        let items = service.post("/predict", r#"{"symbols":["Y","BTC-USD","far:X"],"explain":false}"#).json();
        let request = asked.recv().unwrap();
        assert!(request.ends_with(r#"{"symbols":["far:Y","far:X"]}"#), "each owner once: {request}");
        for place in [0, 2] {
            let item = &items["predictions"][place];
            assert_eq!((&item["status"], &item["error"]), (&json!(503), &json!("Owner does not answer")));
        }
        assert_eq!(items["predictions"][1]["symbol"], json!("coinbase:BTC-USD"));
    }
}

#[test]
fn a_name_is_unknown_only_once_the_owners_are_known() {
    let service = Service::plain();
    assert_eq!(service.get("/predict/far:X").status, 404);
    service.app.engine.owners.expect();
    let answer = service.get("/predict/far:X");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{}", answer.text());
    assert_eq!(service.get("/predict/BTC-USD").status, 200, "what is here needs no owner");
    let list = service.post("/predict", r#"{"symbols":["far:X","BTC-USD"]}"#).json();
    assert_eq!(
        (&list["predictions"][0]["status"], &list["predictions"][1]["horizon_s"]),
        (&json!(503), &json!(60))
    );
    tell(&service, "http://127.0.0.1:1");
    assert_eq!(service.get("/predict/far:Z").status, 404);
    let all = service.get("/symbols?all").json();
    let elsewhere = all["elsewhere"].as_array().unwrap();
    let far = |product: &str| json!({"symbol": format!("far:{product}"), "partition": FAR, "instance": "b", "url": "http://127.0.0.1:1"});
    assert_eq!(elsewhere, &[far("X"), far("Y")]);
    assert!(service.get("/symbols").json().get("elsewhere").is_none());

    // Nobody has it at the moment: it is known, so it is not "unknown".
    service.app.engine.owners.publish(BTreeMap::new());
    assert_eq!(service.get("/predict/far:X").status, 404);
    let own = Owner { instance: "a".to_owned(), lane: 0, url: String::new(), is_here: true };
    service.app.engine.owners.publish(Owners::from([(FAR, Arc::new(own))]));
    let answer = service.get("/predict/far:X");
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{}", answer.text());
}

#[test]
fn a_bare_product_of_two_instances_is_ambiguous_on_both() {
    let service = Service::plain();
    let engine = &service.app.engine;
    let symbol = engine.symbols.intern_told("far", "BTC-USD").unwrap();
    engine.routes.learn_elsewhere(symbol.id, Partition(FAR));
    let answer = service.get("/predict/BTC-USD");
    assert_eq!(
        (answer.status, &answer.json()["candidates"]),
        (409, &json!(["coinbase:BTC-USD", "far:BTC-USD"]))
    );
    assert_eq!(service.get("/predict/coinbase:BTC-USD").status, 200);
}
