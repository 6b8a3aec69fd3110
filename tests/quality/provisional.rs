//! The first two hours of a symbol, in which its threshold is provisional.

use engine::{intake::RecordEvent, message::Answer, prediction::TauSource, shard::Wanted};

use super::*;

/// Keeps the predictions of every tick.
#[derive(Default)]
struct Predictions(Vec<Value>);

impl Out for Predictions {
    fn wanted(&self) -> Wanted {
        Wanted::EveryTick
    }
    fn prediction(&mut self, answer: Arc<Answer>) {
        self.0.push(serde_json::to_value(&answer.prediction).unwrap());
    }
}

/// What an answer says against itself: that the volatility exceeds tau more often than its interval allows, or that it
/// does not, where the whole interval lies above tau.
fn contradicts_itself(answer: &Value) -> bool {
    let number = |value: &Value| value.as_f64();
    let volatility = &answer["volatility"];
    let (Some(probability), Some(tau)) = (number(&answer["probability"]), number(&answer["tau_bp"])) else {
        return false;
    };
    let (Some(low), Some(high)) = (number(&volatility["low_bp"]), number(&volatility["high_bp"])) else {
        return false;
    };
    (high < tau && (probability > 0.1 || answer["spike"] == true)) || (low > tau && probability < 0.5)
}

fn hold_every_answer(what: &str, offline: Offline<Predictions>, ok_share_min: f64) {
    let answers = offline.out.0;
    let provisional: Vec<&Value> = answers.iter().filter(|answer| answer["tau_source"] == "model").collect();
    let of = |reason: &str| {
        let told = |answer: &&&Value| answer["reason"].as_str().is_some_and(|told| told.contains(reason));
        provisional.iter().filter(told).count()
    };
    let ok = provisional.iter().filter(|answer| answer["status"] == "ok").count();
    println!(
        "{what}: {} answers before an own threshold, {ok} ok, {} without a threshold, {} withheld as contradictions",
        provisional.len(),
        of("no threshold yet"),
        of("contradicts")
    );
    assert!(ok as f64 > ok_share_min * provisional.len() as f64, "{what}: {ok} of {}", provisional.len());
    for answer in provisional {
        assert!(!contradicts_itself(answer), "{what}: {answer}");
        assert_eq!(answer["probability"].is_null(), answer["status"] == "warming", "{what}: {answer}");
        assert_eq!(answer["spike"].is_null(), answer["probability"].is_null(), "{what}: {answer}");
    }
}

#[test]
fn no_answer_on_real_ticks_contradicts_its_interval() {
    for variant in ["ml", "baseline"] {
        for (name, ok_share_min) in [
            ("coinbase_BTC_ETH_20260404_2h.ndjson.gz", 0.85),
            ("hyperliquid_BTC_ETH_SOL_WLFI_20250904_35min.ndjson.gz", 0.5),
        ] {
            let Some(path) = real_data(name) else { return };
            let model = bound(Arc::new(shipped::model(variant).unwrap().unwrap()));
            let mut offline = Offline::new(StateSettings::default(), Some(model), 64, Predictions::default());
            replay(&path, &mut offline);
            hold_every_answer(&format!("{variant} on {name}"), offline, ok_share_min);
        }
    }
}

/// Also a model that always says the same: what contradicts is withheld.
#[test]
fn no_answer_on_simulated_ticks_contradicts_its_interval_whatever_the_model() {
    for (base, ok_share_min) in [(-5.0, 0.75), (-1.5, 0.3)] {
        let model = bound(small_model_named("stubborn", base));
        let mut offline = Offline::new(StateSettings::default(), Some(model), 64, Predictions::default());
        feed(&mut offline, &simulated(3, 2), 0);
        hold_every_answer(&format!("a forest from {base}"), offline, ok_share_min);
    }
}

/// A new core whenever this much event time has passed: the first hours of a symbol, again and again.
struct Restarts {
    model: Arc<BoundModel>,
    every_s: i64,
    begun_s: Option<i64>,
    core: Option<Offline<Grid>>,
    outcomes: Vec<Outcome>,
}

impl Restarts {
    fn finish_core(&mut self) {
        let Some(mut core) = self.core.take() else { return };
        core.flush();
        let outcomes = core.out.rows.iter().map(|row| row.outcome);
        self.outcomes.extend(outcomes.filter(|o| o.pending.tau_source == TauSource::Model));
    }
}

impl TickSink for Restarts {
    fn tick(&mut self, venue: &str, product: &str, offset: Offset, index: u32, tick: Tick) {
        let second = tick.event_time.second();
        if self.begun_s.is_none_or(|begun_s| second >= begun_s + self.every_s) {
            self.finish_core();
            self.begun_s = Some(second);
            let model = Some(self.model.clone());
            self.core = Some(Offline::new(StateSettings::default(), model, 64, Grid::default()));
        }
        self.core.as_mut().unwrap().tick(venue, product, offset, index, tick);
    }
    fn event(&mut self, _: Offset, event: RecordEvent) {
        assert!(!matches!(event, RecordEvent::Unreadable(_)), "{event:?}");
    }
}

/// The provisional threshold is on the symbol's own scale: the event is about as frequent as its quantile says, and the
/// probability of it is worth more than the event's share.
#[test]
fn on_real_ticks_the_provisional_event_is_as_frequent_as_its_quantile_says() {
    for name in [BITMEX, "standx_BTC-USD_20260105_47h.ndjson.gz"] {
        let Some(path) = real_data(name) else { return };
        let mut restarts = Restarts {
            model: bound(Arc::new(shipped::model("ml").unwrap().unwrap())),
            every_s: 9_000,
            begun_s: None,
            core: None,
            outcomes: Vec::new(),
        };
        replay(&path, &mut restarts);
        restarts.finish_core();
        let rows: Vec<(bool, f64, f64)> = restarts
            .outcomes
            .iter()
            .filter_map(|o| Some((o.spike(), o.pending.probability?, o.pending.persistence())))
            .collect();
        let labels: Vec<bool> = rows.iter().map(|row| row.0).collect();
        let scores: Vec<f64> = rows.iter().map(|row| row.1).collect();
        let persistence: Vec<f64> = rows.iter().map(|row| row.2).collect();
        let (share, skill) = (evaluation::base_rate(&labels), evaluation::brier_skill(&labels, &scores));
        let precision = evaluation::average_precision(&labels, &scores).unwrap();
        let persistence = evaluation::average_precision(&labels, &persistence).unwrap();
        println!(
            "{name}: {} rows, event's share {share:.3}, Brier skill {skill:.3}, average precision {precision:.3}, of \
             persistence {persistence:.3}",
            rows.len()
        );
        assert!(rows.len() > 10_000, "{name}: {} rows", rows.len());
        assert!((0.07..0.13).contains(&share), "{name}: the event's share is {share}, its quantile says 0.1");
        assert!(skill > 0.03 && precision > 1.1 * persistence, "{name}: {skill}, {precision}, {persistence}");
    }
}
