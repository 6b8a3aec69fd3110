//! The shard's side of the mailbox: waits for one queue in a task, or for both on a plain thread.

use std::{
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
};

use super::{Mailbox, Queue, gate::Sleeper};

/// Waits for one queue. One per queue and shard: two would steal each other's wake.
#[derive(Debug)]
pub struct QueueWatch<M> {
    mailbox: Arc<Mailbox<M>>,
    queue: Queue,
    sleeper: Sleeper,
}

impl<M> QueueWatch<M> {
    /// The watch of a queue.
    pub fn new(mailbox: Arc<Mailbox<M>>, queue: Queue) -> Self {
        Self { mailbox, queue, sleeper: Sleeper::default() }
    }

    /// Ready when the queue may hold a message or the mailbox is closed; otherwise the next push wakes `cx`.
    pub fn poll_mail(&mut self, cx: &Context<'_>) -> Poll<()> {
        let (mailbox, queue) = (&self.mailbox, self.queue);
        mailbox.queue(queue).gate.poll_news(&mut self.sleeper, cx, || mailbox.has_news(queue))
    }

    fn disarm(&mut self) {
        self.mailbox.queue(self.queue).gate.disarm(&mut self.sleeper);
    }
}

/// Parks the current thread until either queue has a message, by the same protocol with a waker that unparks.
#[derive(Debug)]
pub struct ThreadParker<M> {
    control: QueueWatch<M>,
    ticks: QueueWatch<M>,
    waker: Waker,
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

impl<M> ThreadParker<M> {
    /// A parker for the calling thread.
    pub fn for_current_thread(mailbox: &Arc<Mailbox<M>>) -> Self {
        Self {
            control: QueueWatch::new(mailbox.clone(), Queue::Control),
            ticks: QueueWatch::new(mailbox.clone(), Queue::Ticks),
            waker: Waker::from(Arc::new(Unpark(std::thread::current()))),
        }
    }

    /// Returns when a queue may hold a message or the mailbox is closed.
    pub fn park(&mut self) {
        let cx = Context::from_waker(&self.waker);
        loop {
            let control = self.control.poll_mail(&cx);
            let ticks = self.ticks.poll_mail(&cx);
            if control.is_ready() || ticks.is_ready() {
                break;
            }
            // An unpark between the polls and here is kept as a token; a stray one only costs one more poll.
            std::thread::park();
        }
        // The empty queue must not stay armed: its next push would pay for a needless wake.
        self.control.disarm();
        self.ticks.disarm();
    }
}
