//! `GET /predict/{symbol}/history`: what was predicted, and what came of it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::process::Process;

const LIMIT: Duration = Duration::from_secs(60);

fn points(body: &Value) -> &[Value] {
    body["points"].as_array().map(Vec::as_slice).unwrap_or_default()
}

#[test]
fn the_last_hour_and_the_last_day_are_told_as_json_and_as_a_table() {
    let service = Process::serve(&["--source", "simulator"], |_| ());
    let path = "/predict/BTC-USD";
    // Once the hours before the start are made, the newest tick is of now.
    let is_of_now = |_: u16, body: &str| {
        let answer: Value = serde_json::from_str(body).unwrap_or_default();
        answer["status"] == "ok" && answer["age_ms"].as_i64().is_some_and(|age_ms| age_ms < 2_000)
    };
    let (_, newest) = service.get_until(path, LIMIT, is_of_now);
    let newest: Value = serde_json::from_str(&newest).unwrap();
    let (status, hour) = service.get("/predict/BTC-USD/history").unwrap();
    let hour: Value = serde_json::from_str(&hour).unwrap();
    assert_eq!((status, &hour["symbol"]), (200, &json!("simulator:BTC-USD")), "{hour}");
    assert_eq!((&hour["step_s"], &hour["horizon_s"], points(&hour).len()), (&json!(5), &json!(60), 720));
    let second =
        |point: &Value| point["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
    for pair in points(&hour).windows(2) {
        assert_eq!(second(&pair[1]), second(&pair[0]) + 5);
    }
    let as_of: jiff::Timestamp = hour["as_of"].as_str().unwrap().parse().unwrap();
    assert!((0..=5).contains(&(as_of.as_second() - second(&points(&hour)[719]))), "{hour}");
    let sha256 = newest["model"]["sha256"].as_str().unwrap();
    let threshold = newest["threshold"].as_f64().unwrap();
    let (mut scored, mut outcomes) = (0, 0);
    for point in points(&hour) {
        let number = |name: &str| point[name].as_f64();
        let Some(probability) = number("probability") else {
            // Too few of its last seconds had a tick.
            assert_eq!((&point["model"], &point["alert"]), (&Value::Null, &json!(false)));
            continue;
        };
        scored += 1;
        assert!((0.0..=1.0).contains(&probability), "{point}");
        // A 32-bit float may be rounded to the other side of the threshold.
        assert!(
            (probability >= threshold) == (point["alert"] == true) || (probability - threshold).abs() < 1e-6
        );
        assert_eq!(point["model"].as_str(), sha256.get(..16));
        assert!(
            number("low_bp") <= number("forecast_bp") && number("forecast_bp") <= number("high_bp"),
            "{point}"
        );
        assert!((10_000.0..1_000_000.0).contains(&number("price").unwrap()), "{point}");
        let spike = number("realised_bp").map(|realised| realised > number("tau_bp").unwrap());
        assert_eq!(point["spike"], json!(spike));
        outcomes += usize::from(spike.is_some());
    }
    assert!(scored >= 680, "{scored} of 720 have a probability");
    assert!(
        (600..=708).contains(&outcomes),
        "{outcomes} outcomes; those of the last minute are not known yet"
    );

    let minutes = |query: &str| {
        let (status, body) = service.get(&format!("/predict/BTC-USD/history?{query}")).unwrap();
        (status, serde_json::from_str::<Value>(&body).unwrap_or(Value::String(body)))
    };
    assert_eq!(points(&minutes("minutes=1").1).len(), 12);
    let (_, day) = minutes("minutes=1440");
    // The simulator has made two and a half hours.
    assert!(day["step_s"] == 300 && (29..=32).contains(&points(&day).len()), "{day}");
    for (query, words) in [
        ("minutes=0", "minutes=0: it is a number from 1 to 1440"),
        ("minutes=1441", "from 1 to 1440"),
        ("minutes=many", "minutes=many"),
        ("format=xml", "format=xml: it is json or csv"),
    ] {
        let (status, problem) = minutes(query);
        assert!(status == 422 && problem["detail"].as_str().unwrap().contains(words), "{query}: {problem}");
    }
    assert_eq!(service.get("/predict/NO-USD/history").unwrap().0, 404);

    let (_, table) = service.get("/predict/BTC-USD/history?minutes=60&format=csv").unwrap();
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 721);
    let (_, again) = service.get("/predict/BTC-USD/history").unwrap();
    let again: Value = serde_json::from_str(&again).unwrap();
    // Both are of the same hour, but for a point or two that came between them.
    let first =
        points(&again).iter().find(|point| point["time"] == lines[1][0]).or(points(&again).first()).unwrap();
    let line = lines.iter().find(|line| *line[0] == *first["time"].as_str().unwrap()).unwrap();
    for (name, cell) in lines[0].iter().zip(line) {
        let told = match &first[*name] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        assert!(
            told == *cell || told.parse::<f64>().ok() == cell.parse::<f64>().ok(),
            "{name}: {told} {cell}"
        );
    }
    assert!(service.terminate().success());
}
