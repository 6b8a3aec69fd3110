//! Gathers questions about single symbols on a front thread: questions that arrive together go to a shard in one
//! message and come back in one answer.
//!
//! Waking a shard, and being woken by it, costs far more than the question. Under load many requests become ready in
//! one turn of the front's event loop; they wait for the end of that turn and are sent together. A lone question does
//! not wait.
//!
//! A prediction changes only with its symbol's next tick or with the model. A front thread keeps the newest prediction
//! of each symbol and answers from it until the shard marks it superseded; the next question goes to the shard.

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

/// Greatest delay before a passed deadline is noticed. One ticker serves all questions of a thread, because a timer for
/// each would write to the event loop's wake-up descriptor once a request.
const TICK: Duration = Duration::from_millis(20);

type Reply = Result<Option<Arc<Answer>>, AskError>;

/// Most symbols in one message. It bounds a shard's work between two looks at its ticks.
const SYMBOLS_PER_MESSAGE_MAX: usize = 64;

/// A question that waits for the end of its turn.
struct Waiting {
    mailbox: Arc<Mailbox<Message>>,
    symbol: SymbolKey,
    deadline: Instant,
    reply: oneshot::Sender<Reply>,
}

/// A prediction that a shard gave to this thread.
struct Kept {
    /// Mailbox of the shard that gave the answer: several engines can live in one process.
    mailbox: Arc<Mailbox<Message>>,
    answer: Arc<Answer>,
}

thread_local! {
    /// The newest answer of each symbol.
    static KEPT: RefCell<FxHashMap<SymbolKey, Kept>> = RefCell::default();
    static WAITING: RefCell<Vec<Waiting>> = const { RefCell::new(Vec::new()) };
    /// Whether a task of this thread is about to send the waiting questions.
    static SENDING: Cell<bool> = const { Cell::new(false) };
    /// Messages of this thread that a shard has not answered yet.
    static IN_FLIGHT: Cell<usize> = const { Cell::new(0) };
    static TICKED: Arc<Notify> = Arc::new(Notify::new());
}

/// Asks the shard behind `mailbox` for the newest prediction of `symbol`. The caller must run on a current-thread
/// runtime.
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
    // The task that took the question answers it by its deadline. Only the end of the runtime drops it.
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

/// Marks the one task of a thread that will send the waiting questions. If it is dropped with its runtime, the
/// questions are dropped too.
struct Turn;

impl Turn {
    fn begin() -> Option<Self> {
        // Lazily, because dropping a `Turn` ends the current turn.
        (!SENDING.replace(true)).then(|| Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        SENDING.set(false);
        WAITING.with_borrow_mut(Vec::clear);
    }
}

/// Yields once so that every request that is ready can add its question, then sends.
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

/// Sends the questions of one shard in one message. A task of its own distributes the answer, so that a slow shard does
/// not hold up the others.
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

/// Gives each asker its prediction, or the error if the deadline of all of them passes first.
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

/// Wakes the thread regularly while a message is unanswered, so that passed deadlines are noticed.
async fn tick() {
    while IN_FLIGHT.get() > 0 {
        tokio::time::sleep(TICK).await;
        TICKED.with(|ticked| ticked.notify_waiters());
    }
}
