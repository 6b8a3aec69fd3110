//! The whole mailbox under threads: order, bounds, the end, and a parked reader that misses nothing.

use std::{
    sync::{Arc, Barrier},
    thread,
};

use super::{Mailbox, PushError, Queue, ThreadParker};

fn push_until_taken(mailbox: &Mailbox<(usize, u64)>, queue: Queue, mut message: (usize, u64)) {
    while let Err(PushError::Full(back)) = mailbox.push(queue, message) {
        message = back;
        thread::yield_now();
    }
}

/// Reads both queues until closed and empty, checking each sender's order.
fn read_all(mailbox: &Arc<Mailbox<(usize, u64)>>, senders: usize) -> u64 {
    let mut parker = ThreadParker::for_current_thread(mailbox);
    let mut next = vec![[0_u64; 2]; senders];
    let mut taken = 0;
    loop {
        for queue in Queue::ALL {
            while let Some((sender, number)) = mailbox.pop(queue) {
                assert_eq!(number, next[sender][queue as usize], "sender {sender} out of order");
                next[sender][queue as usize] += 1;
                taken += 1;
            }
        }
        if mailbox.is_closed() && mailbox.is_empty() {
            return taken;
        }
        parker.park();
    }
}

#[test]
fn a_parked_reader_gets_every_message_in_each_senders_order() {
    const SENDERS: usize = 4;
    const EACH: u64 = 20_000;
    let mailbox = Arc::new(Mailbox::new(64, 8));
    let reader = {
        let mailbox = mailbox.clone();
        thread::spawn(move || read_all(&mailbox, SENDERS))
    };
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let mailbox = mailbox.clone();
            thread::spawn(move || {
                for number in 0..EACH {
                    push_until_taken(&mailbox, Queue::Control, (sender, number));
                    push_until_taken(&mailbox, Queue::Ticks, (sender, number));
                }
            })
        })
        .collect();
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    mailbox.close();
    assert_eq!(reader.join().unwrap(), 2 * EACH * SENDERS as u64);
    for queue in Queue::ALL {
        assert_eq!(mailbox.pops(queue), EACH * SENDERS as u64);
    }
}

#[test]
fn a_full_queue_hands_the_message_back_and_the_other_queue_still_takes() {
    let mailbox = Mailbox::new(1, 1);
    assert!(mailbox.push(Queue::Control, 1).is_ok());
    assert!(matches!(mailbox.push(Queue::Control, 2), Err(PushError::Full(2))));
    assert!(mailbox.push(Queue::Ticks, 3).is_ok());
    assert_eq!((mailbox.depth(Queue::Control), mailbox.depth(Queue::Ticks)), (1, 1));
}

#[test]
fn a_closed_mailbox_refuses_but_can_be_drained() {
    let mailbox = Mailbox::new(4, 4);
    assert!(mailbox.push(Queue::Ticks, 7).is_ok());
    mailbox.close();
    assert!(matches!(mailbox.push(Queue::Control, 8), Err(PushError::Closed(8))));
    assert_eq!(mailbox.pop(Queue::Ticks), Some(7));
}

/// Whoever asks a shard that is ending gets an error or a closed reply channel, never silence.
#[test]
fn no_reply_channel_is_left_behind_by_a_shard_that_goes() {
    for _ in 0..2_000 {
        let mailbox = Arc::new(Mailbox::new(4, 4));
        let together = Arc::new(Barrier::new(2));
        let shard = {
            let (mailbox, together) = (mailbox.clone(), together.clone());
            thread::spawn(move || {
                together.wait();
                mailbox.abandon();
            })
        };
        let (reply, answer) = std::sync::mpsc::channel::<()>();
        together.wait();
        drop(mailbox.push(Queue::Control, reply));
        shard.join().unwrap();
        assert_eq!(answer.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected));
    }
}
