//! Page: what a person sees at `/`, in a real browser.

use std::{
    net::{SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::process::{Process, get, send};

/// A browser behind its WebDriver, ended with the test.
struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
}

impl Browser {
    fn open() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={}", address.port()))
            .stdout(Stdio::null())
            .spawn()
            .expect("the page suite needs chromedriver; tests/run.sh page installs it");
        let mut browser = Self { driver, address, session: String::new() };
        let limit = Instant::now() + Duration::from_secs(30);
        while get(address, "/status").is_none_or(|(status, _)| status != 200) {
            assert!(Instant::now() < limit, "chromedriver does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        let options = json!({"args": ["--headless", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,900"]});
        let capabilities = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}});
        browser.session =
            browser.call("POST", "/session", &capabilities)["sessionId"].as_str().unwrap().to_owned();
        browser
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, text) =
            send(self.address, method, path, &body.to_string()).expect("chromedriver answers");
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(status, 200, "{answer}");
        answer["value"].clone()
    }

    fn go(&self, url: &str) {
        self.call("POST", &format!("/session/{}/url", self.session), &json!({ "url": url }));
    }

    fn run(&self, script: &str) -> Value {
        let path = format!("/session/{}/execute/sync", self.session);
        self.call("POST", &path, &json!({"script": script, "args": []}))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = send(self.address, "DELETE", &format!("/session/{}", self.session), "");
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[test]
fn the_page_draws_each_symbols_live_probability() {
    let service = Process::serve(&[], |_| ());
    service.get_until("/readyz", Duration::from_secs(60), |status, _| status == 200);
    let browser = Browser::open();
    browser.go(&format!("http://{}/", service.address));

    let limit = Instant::now() + Duration::from_secs(30);
    let drawn = "return [...document.querySelectorAll('.card')].filter(card => /\\d/.test(card.querySelector('.figure \
                 strong').textContent) && (card.querySelector('.curve').getAttribute('d') || '').length > 20).length";
    while browser.run(drawn).as_u64() < Some(3) {
        let page = browser.run("return document.body.innerText");
        assert!(Instant::now() < limit, "three cards with a figure and a curve are not drawn: {page}");
        std::thread::sleep(Duration::from_millis(100));
    }
    // The hour before the page was opened is drawn at once.
    let points = "return Math.min(...[...document.querySelectorAll('.curve')].map(curve => \
                  (curve.getAttribute('d') || '').split('L').length))";
    while browser.run(points).as_u64() < Some(500) {
        assert!(Instant::now() < limit, "{} points of the last hour are drawn", browser.run(points));
        std::thread::sleep(Duration::from_millis(100));
    }
    let text = browser.run("return document.body.innerText").as_str().unwrap().to_lowercase();
    for expected in ["btc-usd", "eth-usd", "sol-usd", "simulated"] {
        assert!(text.contains(expected), "{expected:?} is not on the page: {text}");
    }
    let outside = browser.run(
        "return performance.getEntriesByType('resource').map(r => r.name).filter(n => !n.startsWith(location.origin))",
    );
    assert_eq!(outside, json!([]), "the page loads from outside");
    let table = "return document.getElementById('quality').innerText";
    let limit = Instant::now() + Duration::from_secs(30);
    while !browser.run(table).as_str().unwrap().contains("inside their interval") {
        assert!(Instant::now() < limit, "no quality is shown: {}", browser.run(table));
        std::thread::sleep(Duration::from_millis(100));
    }
    let table = browser.run(table).as_str().unwrap().to_lowercase();
    let shipped = api::shipped::model("ml").unwrap().unwrap();
    let model = format!("{} {} (ml)", shipped.info().name, shipped.info().version);
    for expected in [&*model, "average precision", "90 % promised"] {
        assert!(table.contains(expected), "{expected:?} is not in {table}");
    }
    println!("3 cards and the table of quality drawn, nothing loaded from outside");
}

#[test]
fn a_card_turns_stale_by_itself_and_is_drawn_without_tau() {
    let service = Process::serve(&["--source", "none"], |command| {
        command.env("STORMGLASS__PREDICT__STALE_AFTER_S", "3");
    });
    service.get_until("/livez", Duration::from_secs(60), |status, _| status == 200);
    let browser = Browser::open();
    browser.go(&format!("http://{}/", service.address));
    browser.run(
        "take({symbol: 'coinbase:BTC-USD', probability: 0.25, spike: false, threshold: 0.5, tau_bp: null, tau_source: \
         'model', horizon_s: 60, status: 'ok', age_ms: 0})",
    );
    let said = "return document.querySelector('.card').innerText";
    let limit = Instant::now() + Duration::from_secs(30);
    for word in ["calm", "stale"] {
        while !browser.run(said).as_str().unwrap().contains(word) {
            assert!(Instant::now() < limit, "{word} is not said: {}", browser.run(said));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    assert_eq!(browser.run("return document.querySelector('.card').className"), "card wait");
}

#[test]
fn the_documentation_lists_every_operation_and_sends_one() {
    let service = Process::serve(&["--source", "none"], |_| ());
    service.get_until("/livez", Duration::from_secs(60), |status, _| status == 200);
    let (_, document) = service.get("/openapi.json").unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let operations: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|methods| methods.as_object().unwrap().len())
        .sum();
    let browser = Browser::open();
    browser.go(&format!("http://{}/docs", service.address));
    let until = |script: &str, enough: &dyn Fn(&Value) -> bool| {
        let limit = Instant::now() + Duration::from_secs(30);
        loop {
            let found = browser.run(script);
            if enough(&found) {
                return found;
            }
            assert!(Instant::now() < limit, "{script}: {found}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    until("return document.querySelectorAll('.operation').length", &|found| *found == json!(operations));
    browser.run("document.getElementById('post_predict').open = true");
    until("return document.querySelectorAll('#post_predict button').length", &|found| *found == json!(1));
    browser.run("document.querySelector('#post_predict button').click()");
    let answer = "return [...document.querySelectorAll('#post_predict pre')].pop().textContent";
    until(answer, &|found| found.as_str().unwrap().contains("\"probability\""));
    browser.run("document.getElementById('get_version').open = true");
    until("return document.querySelectorAll('#get_version button').length", &|found| *found == json!(1));
    browser.run("document.querySelector('#get_version button').click()");
    let answer = "return [...document.querySelectorAll('#get_version pre')].pop().textContent";
    until(answer, &|found| found.as_str().unwrap().contains("\"feature_schema\""));
    let outside = browser.run(
        "return performance.getEntriesByType('resource').map(r => r.name).filter(n => !n.startsWith(location.origin))",
    );
    assert_eq!(outside, json!([]), "the page loads from outside");
    println!("{operations} operations shown, two of them sent");
}
