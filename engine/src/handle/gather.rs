//! Questions about single symbols, gathered on their front thread: one message to a shard and one answer back for all
//! that arrive together.
//!
//! Waking a shard, and being woken by it, costs far more than the question. Under load many requests become ready in
//! one turn of the front's event loop; they wait for the end of that turn and travel together. Alone, a question
//! waits for nothing.
//!
//! A prediction changes only with its symbol's next tick or with the model. A front thread keeps the newest prediction
//! of each symbol and answers by it until the shard marks it superseded; then the next question goes to the shard.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
    time::{Duration, Instant},
};

use rustc_hash::FxHashMap;
use tokio::sync::{Notify, oneshot};

use super::{AskError, push};
use crate::{
    limits::CONTROL_QUEUE_CAPACITY,
    mailbox::Mailbox,
    message::{Answer, Control, Message},
    symbol::SymbolKey,
};

/// Greatest delay with which a deadline is noticed. One ticker serves all questions of a thread, because a timer for
/// each would write to the event loop's wake-up descriptor once a request.
const TICK: Duration = Duration::from_millis(20);

type Reply = Result<Option<Arc<Answer>>, AskError>;

/// Symbols in one message at most: it bounds the work of a shard before it looks at its ticks again.
const SYMBOLS_PER_MESSAGE_MAX: usize = 64;

/// A question that waits for its turn to end.
struct Waiting {
    mailbox: Arc<Mailbox<Message>>,
    symbol: SymbolKey,
    deadline: Instant,
    reply: oneshot::Sender<Reply>,
}

/// A prediction as a shard last gave it to this thread.
struct Kept {
    /// Mailbox of the shard that gave the answer: several engines can live in one process.
    mailbox: Arc<Mailbox<Message>>,
    answer: Arc<Answer>,
}

thread_local! {
    /// The newest answer of each symbol.
    static KEPT: RefCell<FxHashMap<SymbolKey, Kept>> = RefCell::default();
    static WAITING: RefCell<Vec<Waiting>> = const { RefCell::new(Vec::new()) };
    /// Whether a task of this thread is about to send them.
    static SENDING: Cell<bool> = const { Cell::new(false) };
    /// Messages of this thread that wait for an answer of a shard.
    static IN_FLIGHT: Cell<usize> = const { Cell::new(0) };
    static TICKED: Arc<Notify> = Arc::new(Notify::new());
}

/// Asks the shard behind `mailbox` for the newest prediction of `symbol`. The caller's runtime must be one that stays
/// on its thread.
pub(super) async fn ask(mailbox: &Arc<Mailbox<Message>>, symbol: SymbolKey, deadline: Instant) -> Reply {
    if let Some(answer) = kept(mailbox, symbol) {
        return Ok(Some(answer));
    }
    let (reply, answer) = oneshot::channel();
    let waiting = Waiting { mailbox: mailbox.clone(), symbol, deadline, reply };
    let is_full = WAITING.with_borrow_mut(|all| {
        let is_full = all.len() >= CONTROL_QUEUE_CAPACITY;
        if !is_full {
            all.push(waiting);
        }
        is_full
    });
    if is_full {
        return Err(AskError::Full);
    }
    if let Some(turn) = Turn::begin() {
        tokio::spawn(send_all(turn));
    }
    // Whoever took the question answers it by its deadline; only the end of the runtime drops it.
    answer.await.unwrap_or(Err(AskError::Closed))
}

fn kept(mailbox: &Arc<Mailbox<Message>>, symbol: SymbolKey) -> Option<Arc<Answer>> {
    KEPT.with_borrow(|all| {
        let kept = all.get(&symbol)?;
        (kept.answer.is_newest() && Arc::ptr_eq(&kept.mailbox, mailbox)).then(|| kept.answer.clone())
    })
}

fn keep(waiting: &Waiting, answer: &Option<Arc<Answer>>) {
    let Some(answer) = answer else { return };
    KEPT.with_borrow_mut(|all| {
        let kept = Kept { mailbox: waiting.mailbox.clone(), answer: answer.clone() };
        all.insert(waiting.symbol, kept);
    });
}

/// Held by the one task of a thread that will send the waiting questions. If it is dropped with its runtime, the
/// questions are dropped too.
struct Turn;

impl Turn {
    fn begin() -> Option<Self> {
        // Lazily: a turn that is made and dropped would end the one that runs.
        (!SENDING.replace(true)).then(|| Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        SENDING.set(false);
        WAITING.with_borrow_mut(Vec::clear);
    }
}

/// Lets every request that is ready ask first, then sends.
async fn send_all(turn: Turn) {
    tokio::task::yield_now().await;
    let mut rest = WAITING.take();
    drop(turn);
    rest.retain(|waiting| !waiting.reply.is_closed());
    while let Some(first) = rest.first() {
        let mailbox = first.mailbox.clone();
        let (mine, others): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|waiting| Arc::ptr_eq(&waiting.mailbox, &mailbox));
        rest = others;
        let mut mine = mine.into_iter().peekable();
        while mine.peek().is_some() {
            send(&mailbox, mine.by_ref().take(SYMBOLS_PER_MESSAGE_MAX).collect());
        }
    }
}

/// One message for all these questions of one shard; its answer is dealt out by a task of its own, so that a slow
/// shard does not hold up the others.
fn send(mailbox: &Mailbox<Message>, questions: Vec<Waiting>) {
    let deadline = questions.iter().map(|waiting| waiting.deadline).max().expect("there is a first question");
    let symbols = questions.iter().map(|waiting| waiting.symbol).collect();
    match push(mailbox, |reply| Control::Predict { symbols, model: None, deadline, reply }) {
        Err(error) => refuse(questions, error),
        Ok(answer) => {
            let in_flight = IN_FLIGHT.replace(IN_FLIGHT.get() + 1);
            if in_flight == 0 {
                tokio::spawn(tick());
            }
            tokio::spawn(deal_out(answer, questions));
        }
    }
}

/// Hands each asker its prediction, or the error if the deadline of all of them passes first.
async fn deal_out(mut answer: oneshot::Receiver<Vec<Option<Arc<Answer>>>>, mut questions: Vec<Waiting>) {
    let ticked = TICKED.with(Arc::clone);
    loop {
        tokio::select! {
            biased;
            answered = &mut answer => {
                match answered {
                    Ok(predictions) => {
                        for (waiting, prediction) in questions.into_iter().zip(predictions) {
                            keep(&waiting, &prediction);
                            let _ = waiting.reply.send(Ok(prediction));
                        }
                    }
                    // A shard drops the sender of an expired question.
                    Err(_) => {
                        let late = questions.iter().all(|waiting| waiting.deadline <= Instant::now());
                        refuse(questions, if late { AskError::Deadline } else { AskError::Closed });
                    }
                }
                break;
            }
            () = ticked.notified() => {
                let now = Instant::now();
                if questions.iter().all(|waiting| waiting.deadline <= now) {
                    refuse(std::mem::take(&mut questions), AskError::Deadline);
                    break;
                }
            }
        }
    }
    IN_FLIGHT.set(IN_FLIGHT.get() - 1);
}

fn refuse(questions: Vec<Waiting>, error: AskError) {
    for waiting in questions {
        let _ = waiting.reply.send(Err(error));
    }
}

/// Lets deadlines be noticed while anything is in flight.
async fn tick() {
    while IN_FLIGHT.get() > 0 {
        tokio::time::sleep(TICK).await;
        TICKED.with(|ticked| ticked.notify_waiters());
    }
}
