//! The shard's side of the mailbox: wait for one lane in a task, or for both on a plain thread.

use std::{
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
};

use super::{Lane, Mailbox, gate::Sleeper};

/// Waits for one lane. One per lane and shard: two would steal each other's wake.
#[derive(Debug)]
pub struct LaneWatch<M> {
    mailbox: Arc<Mailbox<M>>,
    lane: Lane,
    sleeper: Sleeper,
}

impl<M> LaneWatch<M> {
    /// The watch of a lane.
    pub fn new(mailbox: Arc<Mailbox<M>>, lane: Lane) -> Self {
        Self { mailbox, lane, sleeper: Sleeper::default() }
    }

    /// Ready when the lane may hold a message or the mailbox is closed; otherwise the next push wakes `cx`.
    pub fn poll_mail(&mut self, cx: &Context<'_>) -> Poll<()> {
        let (mailbox, lane) = (&self.mailbox, self.lane);
        mailbox.lane(lane).gate.poll_news(&mut self.sleeper, cx, || mailbox.has_news(lane))
    }

    fn disarm(&mut self) {
        self.mailbox.lane(self.lane).gate.disarm(&mut self.sleeper);
    }
}

/// Parks the current thread until either lane has mail: the same protocol, with a waker that unparks.
#[derive(Debug)]
pub struct ThreadParker<M> {
    control: LaneWatch<M>,
    ticks: LaneWatch<M>,
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
    /// A parker for the thread that calls this.
    pub fn for_current_thread(mailbox: &Arc<Mailbox<M>>) -> Self {
        Self {
            control: LaneWatch::new(mailbox.clone(), Lane::Control),
            ticks: LaneWatch::new(mailbox.clone(), Lane::Ticks),
            waker: Waker::from(Arc::new(Unpark(std::thread::current()))),
        }
    }

    /// Returns when a lane may hold a message or the mailbox is closed.
    pub fn park(&mut self) {
        let cx = Context::from_waker(&self.waker);
        loop {
            let control = self.control.poll_mail(&cx);
            let ticks = self.ticks.poll_mail(&cx);
            if control.is_ready() || ticks.is_ready() {
                break;
            }
            // An unpark between the polls and here is kept as a token; a stray one only costs another look.
            std::thread::park();
        }
        // The lane without mail must not stay armed: its next push would pay for a wake that nobody needs.
        self.control.disarm();
        self.ticks.disarm();
    }
}
