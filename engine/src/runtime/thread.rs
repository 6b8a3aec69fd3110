//! The runtime on a plain OS thread: take a turn, poll a little longer if configured, park.
//!
//! The glommio runtime parks in the same way. An unpark leaves a token that the next park takes, so no wake-up is lost
//! between the last poll and the sleep.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    ShardStep,
    turn::{ShardLoop, Turn},
};
use crate::mailbox::{Mailbox, ThreadParker};

/// Serves until the mailbox is closed and drained.
pub(super) fn serve<S: ShardStep>(shard: &mut ShardLoop<S>, spin: Duration) {
    let mailbox = shard.mailbox().clone();
    let mut parker = ThreadParker::for_current_thread(&mailbox);
    loop {
        match shard.turn(Instant::now) {
            Turn::Worked => {}
            Turn::Ended => return,
            Turn::Idle => {
                if !spin_for_mail(&mailbox, spin) {
                    parker.park();
                }
            }
        }
    }
}

/// Polls the queues for this long. Returns whether there is a message.
pub(super) fn spin_for_mail<M>(mailbox: &Arc<Mailbox<M>>, spin: Duration) -> bool {
    if spin.is_zero() {
        return false;
    }
    let start = Instant::now();
    while start.elapsed() < spin {
        if !mailbox.is_empty() || mailbox.is_closed() {
            return true;
        }
        std::hint::spin_loop();
    }
    false
}
