//! Scores callers' rows: requests of one step for the same model are scored as one block.
//!
//! A forest that does not fit the cache is then read once for a block instead of once for every request. Results do not
//! depend on the other rows in the block.

use std::sync::Arc;

use model::Model;
use tokio::sync::oneshot;

/// The rows of one request.
struct Request {
    model: Arc<Model>,
    /// The row values, row-major.
    rows: Vec<f64>,
    reply: oneshot::Sender<Vec<f64>>,
}

/// The requests of one step. Their number is bounded by what a turn takes from the mailbox.
#[derive(Default)]
pub(super) struct PendingRows {
    requests: Vec<Request>,
}

impl PendingRows {
    /// Adds a request, whose rows hold all features of the model.
    pub(super) fn push(&mut self, model: Arc<Model>, rows: Vec<f64>, reply: oneshot::Sender<Vec<f64>>) {
        self.requests.push(Request { model, rows, reply });
    }

    /// Scores all requests and sends the replies. A reply is dropped if the asker is gone.
    pub(super) fn answer(&mut self) {
        while let Some(first) = self.requests.first() {
            let model = first.model.clone();
            let block: Vec<Request> =
                self.requests.extract_if(.., |request| Arc::ptr_eq(&request.model, &model)).collect();
            answer_block(&model, block);
        }
    }
}

fn answer_block(model: &Model, mut block: Vec<Request>) {
    let width = model.info().features.len();
    let counts: Vec<usize> = block.iter().map(|request| request.rows.len() / width).collect();
    let mut rows = Vec::new();
    for (request, count) in block.iter_mut().zip(&counts) {
        request.rows.truncate(count * width);
        if rows.is_empty() {
            rows = std::mem::take(&mut request.rows);
        } else {
            rows.append(&mut request.rows);
        }
    }
    let mut answers = vec![0.0; counts.iter().sum::<usize>() * model.answer_count()];
    model.predict_batch(&rows, &mut answers);
    let mut rest = answers.as_slice();
    for (request, count) in block.into_iter().zip(counts) {
        let (own, others) = rest.split_at(count * model.answer_count());
        rest = others;
        let _ = request.reply.send(own.to_vec());
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::{
        limits::ROWS_PER_TURN_MAX,
        mailbox::{Mailbox, Queue},
        message::{Control, Message},
        metrics::ShardMetrics,
        runtime::{InlineShard, ShardStep},
        shard::{NoOut, ShardCore},
        state::StateSettings,
    };

    /// A core that notes how many control messages each step had.
    struct Noting {
        core: ShardCore,
        steps: Vec<usize>,
    }

    impl ShardStep for Noting {
        type Message = Message;

        fn step(&mut self, now: Instant, messages: &mut Vec<Message>) {
            self.steps.push(messages.len());
            self.core.step(now, messages, &mut NoOut);
        }

        fn rows_of(message: &Message) -> usize {
            message.rows()
        }
    }

    fn shard() -> InlineShard<Noting> {
        let core = ShardCore::new(StateSettings::default(), None, Arc::new(ShardMetrics::default()));
        InlineShard::new(Noting { core, steps: Vec::new() }, Arc::new(Mailbox::new(256, 1)))
    }

    fn model(name: &str, slope: f64) -> Arc<Model> {
        use model::{
            MemberDraft, ModelDraft, ModelInfo,
            linear::{LinearDraft, LinearTerm},
            schema::FeatureName,
        };
        let term =
            LinearTerm { coefficient: slope, low: -9.0, high: 9.0, imputed: 0.0, missing_coefficient: 0.0 };
        let linear = LinearDraft { terms: vec![term; 2], intercept: 0.5 };
        let features = vec![FeatureName::new("a", 0), FeatureName::new("b", 0)];
        let info = ModelInfo::new(name, "1", "ml", features);
        let draft = ModelDraft::new(info, vec![(1.0, MemberDraft::Linear(linear))]).unwrap();
        Arc::new(Model::from_bytes(&draft.to_bytes().unwrap()).unwrap())
    }

    fn ask(shard: &InlineShard<Noting>, model: &Arc<Model>, rows: Vec<f64>) -> oneshot::Receiver<Vec<f64>> {
        let (reply, answer) = oneshot::channel();
        let deadline = Instant::now() + Duration::from_secs(60);
        let question = Control::ScoreRows { model: model.clone(), rows, deadline, reply };
        assert!(shard.mailbox().push(Queue::Control, Message::Control(question)).is_ok());
        answer
    }

    #[test]
    fn requests_of_one_turn_are_answered_each_with_its_own_rows_scores() {
        let (mut shard, models) = (shard(), [model("one", 1.0), model("other", -2.0)]);
        let mut asked = Vec::new();
        for request in 0..20 {
            let model = &models[request % 3 % 2];
            let count = request % 4;
            let rows: Vec<f64> = (0..2 * count).map(|at| (request * 7 + at) as f64 * 0.01 - 0.5).collect();
            asked.push((model.clone(), rows.clone(), ask(&shard, model, rows)));
        }
        shard.run_until_idle(Instant::now());
        assert_eq!(shard.core().steps, [20], "one block");
        for (model, rows, mut answer) in asked {
            let expected: Vec<f64> =
                rows.chunks_exact(2).map(|row| model.predict(&[row[0] as f32, row[1] as f32])).collect();
            assert_eq!(answer.try_recv().unwrap(), expected);
        }
    }

    #[test]
    fn ticks_wait_for_a_bounded_number_of_rows() {
        let (mut shard, model) = (shard(), model("one", 1.0));
        let answers: Vec<_> = (0..10).map(|_| ask(&shard, &model, vec![0.25; 2 * 500])).collect();
        shard.run_until_idle(Instant::now());
        let requests = ROWS_PER_TURN_MAX.div_ceil(500);
        assert_eq!(shard.core().steps[0], requests, "then ticks have their turn");
        assert_eq!(shard.core().steps.iter().sum::<usize>(), 10);
        for mut answer in answers {
            assert_eq!(answer.try_recv().unwrap().len(), 500);
        }
    }
}
