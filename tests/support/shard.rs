//! A shard under the test's control: it answers from a fixed state, or holds still until it is told to go on.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex},
    thread::JoinHandle,
};

use engine::{
    mailbox::{Mailbox, Queue, ThreadParker},
    message::{Answer, Control, FeaturesAnswer, HistoryAnswer, Message, SymbolSummary},
    metrics::ShardMetrics,
    prediction::Prediction,
    quality::ShardQuality,
    state::history::{History, Instant},
    symbol::SymbolKey,
};

#[derive(Default)]
pub(crate) struct Hold {
    held: Mutex<bool>,
    changed: Condvar,
}

impl Hold {
    pub(crate) fn set(&self, held: bool) {
        *self.held.lock().unwrap() = held;
        self.changed.notify_all();
    }

    /// Runs `take` while nothing is held. The lock is kept meanwhile: once `set(true)` returns, nothing is taken.
    fn when_free<T>(&self, take: impl FnOnce() -> T) -> T {
        let free = self.changed.wait_while(self.held.lock().unwrap(), |held| *held).unwrap();
        let taken = take();
        drop(free);
        taken
    }
}

pub(crate) struct Shard {
    pub(crate) mailbox: Arc<Mailbox<Message>>,
    pub(crate) hold: Arc<Hold>,
    thread: Option<JoinHandle<()>>,
}

impl Shard {
    pub(crate) fn start(
        control_capacity: usize,
        state: HashMap<SymbolKey, Prediction>,
        metrics: &ShardMetrics,
    ) -> Self {
        let mailbox = Arc::new(Mailbox::new(control_capacity, 1));
        let hold = Arc::new(Hold::default());
        // Before the thread: a request may come before its first turn.
        metrics.symbols.set(state.len() as u64);
        metrics.predictions_calm.set(1);
        let (mail, held) = (mailbox.clone(), hold.clone());
        let run = move || {
            let mut parker = ThreadParker::for_current_thread(&mail);
            loop {
                match held.when_free(|| mail.pop(Queue::Control)) {
                    Some(Message::Control(question)) => answer(&state, question),
                    Some(Message::Ticks(_) | Message::Partition(_) | Message::Marker(_)) => {}
                    None if mail.is_closed() => return,
                    None => parker.park(),
                }
            }
        };
        Self { mailbox, hold, thread: Some(std::thread::spawn(run)) }
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        self.hold.set(false);
        self.mailbox.close();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn answer(state: &HashMap<SymbolKey, Prediction>, question: Control) {
    // A client that went away has dropped its receiver: nothing to do about it.
    match question {
        Control::Predict { symbols, reply, .. } => {
            let _ = reply.send(
                symbols.iter().map(|key| Some(Arc::new(Answer::new(state.get(key)?.clone())))).collect(),
            );
        }
        Control::ScoreRows { model, rows, reply, .. } => {
            let mut answers = vec![0.0; rows.len() / model.info().features.len() * model.answer_count()];
            model.predict_batch(&rows, &mut answers);
            let _ = reply.send(answers);
        }
        Control::Features { symbol, reply, .. } => {
            let found = state.get(&symbol).map(|prediction| FeaturesAnswer {
                row: (0..engine::features::specs().len()).map(|i| i as f32).collect(),
                prediction: prediction.clone(),
                summary: summary(symbol, prediction),
            });
            let _ = reply.send(found);
        }
        Control::History { symbol, minutes, reply } => {
            let found = state.get(&symbol).map(|prediction| {
                let (step_s, points) = history(prediction).last(minutes);
                HistoryAnswer { prediction: prediction.clone(), step_s, points }
            });
            let _ = reply.send(found);
        }
        Control::Symbols { reply } => {
            let _ = reply.send(state.iter().map(|(key, prediction)| summary(*key, prediction)).collect());
        }
        Control::Quality { reply } => {
            let _ = reply.send(ShardQuality::default());
        }
        other => panic!("the HTTP front never sends {other:?}"),
    }
}

/// Two instants: one that warms up, and one with an outcome.
fn history(prediction: &Prediction) -> History {
    let (mut history, second) = (History::default(), prediction.scored.as_of.second());
    let warming =
        Instant { second: second - 65, price: 65_432.1, given: None, tau_bp: f64::NAN, forecast_bp: None };
    let given = prediction.probability().map(|probability| (probability, prediction.scored.model_hash, true));
    history.push(warming);
    history.push(Instant {
        second: second - 60,
        given,
        tau_bp: 1.5,
        forecast_bp: Some([1.0, 0.5, 2.0]),
        ..warming
    });
    history.settle(second - 60, 1.75);
    history
}

fn summary(key: SymbolKey, prediction: &Prediction) -> SymbolSummary {
    SymbolSummary {
        symbol: prediction.symbol.clone(),
        key,
        newest_tick: prediction.scored.as_of,
        ticks_accepted: 7,
        warm: 1.0,
        ready: prediction.probability().is_some(),
        price: 65_432.1,
    }
}
