//! The runtime whose caller drives the turns and passes the time: tests, benches, training, replay.

use std::{sync::Arc, time::Instant};

use super::{
    ShardStep,
    turn::{ShardLoop, Turn},
};
use crate::mailbox::Mailbox;

/// A shard on the caller's thread.
pub struct InlineShard<S: ShardStep> {
    shard: ShardLoop<S>,
}

impl<S: ShardStep> InlineShard<S> {
    /// A shard with this core and mailbox.
    pub fn new(core: S, mailbox: Arc<Mailbox<S::Message>>) -> Self {
        Self { shard: ShardLoop::new(core, mailbox, Arc::default()) }
    }

    /// Takes one turn at `now`. Returns whether it handled a message.
    pub fn turn(&mut self, now: Instant) -> bool {
        self.shard.turn(|| now) == Turn::Worked
    }

    /// Takes turns until both queues are empty. Returns the number of turns that handled messages.
    pub fn run_until_idle(&mut self, now: Instant) -> usize {
        std::iter::from_fn(|| self.turn(now).then_some(())).count()
    }

    /// The core.
    pub fn core(&self) -> &S {
        self.shard.core()
    }

    /// The core, for calls without the mailbox.
    pub fn core_mut(&mut self) -> &mut S {
        self.shard.core_mut()
    }

    /// The mailbox of the shard.
    pub fn mailbox(&self) -> &Arc<Mailbox<S::Message>> {
        self.shard.mailbox()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Instant};

    use super::InlineShard;
    use crate::{
        limits::{CONTROL_PER_TURN_MAX, TICK_BATCHES_PER_TURN_MAX},
        mailbox::{Mailbox, Queue},
        runtime::ShardStep,
    };

    #[derive(Default)]
    struct Record {
        steps: Vec<(Instant, Vec<Queue>)>,
    }

    impl ShardStep for Record {
        type Message = Queue;

        fn step(&mut self, now: Instant, messages: &mut Vec<Queue>) {
            self.steps.push((now, std::mem::take(messages)));
        }
    }

    fn shard_with(control: usize, ticks: usize) -> InlineShard<Record> {
        let mailbox = Arc::new(Mailbox::new(1_024, 64));
        (0..ticks).for_each(|_| mailbox.push(Queue::Ticks, Queue::Ticks).unwrap());
        (0..control).for_each(|_| mailbox.push(Queue::Control, Queue::Control).unwrap());
        InlineShard::new(Record::default(), mailbox)
    }

    #[test]
    fn control_goes_first_and_ticks_get_their_share_of_each_turn() {
        let mut shard = shard_with(2 * CONTROL_PER_TURN_MAX, 3 * TICK_BATCHES_PER_TURN_MAX);
        let now = Instant::now();
        assert_eq!(shard.run_until_idle(now), 3);
        let steps: Vec<(Queue, usize)> =
            shard.core().steps.iter().map(|(_, messages)| (messages[0], messages.len())).collect();
        let control = (Queue::Control, CONTROL_PER_TURN_MAX);
        let ticks = (Queue::Ticks, TICK_BATCHES_PER_TURN_MAX);
        assert_eq!(steps, [control, ticks, control, ticks, ticks]);
        assert!(shard.core().steps.iter().all(|(at, _)| *at == now), "the caller's time is the only time");
    }
}
