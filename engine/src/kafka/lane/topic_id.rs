//! The id that the cluster gives a topic when it is created (KIP-516). It distinguishes two topics of the same name.
//!
//! A topic that is deleted and created again keeps its name and its partition numbers, but its offsets count other
//! records. The consumer follows the name: once its metadata show the new topic it goes on fetching there, at the old
//! offset, without an error if the new log is long enough (librdkafka 2.12, `rd_kafka_topic_metadata_update`). So a
//! position is an offset and a topic id, and the lane asks for the id itself:
//!
//! 1. when it takes partitions over, to compare it with the id that was committed with the offset;
//! 2. before each commit, after the last record of that commit was polled;
//! 3. every few seconds while nothing is read, because a new topic as long as the old one returns no record.
//!
//! The second check is made at every broker that a record of the commit was fetched from. A broker serves records of a
//! topic only once its own metadata show that topic, and an id is never used again. So if such a broker still returns
//! the old id, the records were the old topic's; if it returns another one, or none, nothing is committed. How long the
//! process stood still in between, and how far another broker's metadata lag, makes no difference.
//!
//! Brokers before 2.8 have no ids: a topic that was created again is noticed there only if its offsets do not fit. The
//! binding has no call for this, so this module calls librdkafka itself.
#![allow(unsafe_code)]

use std::{
    ffi::{CString, c_char, c_int},
    fmt,
    ptr::NonNull,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rdkafka::{
    bindings,
    client::{Client, ClientContext},
    error::{KafkaError, KafkaResult},
    message::BorrowedMessage,
    types::{RDKafkaErrorCode, RDKafkaRespErr},
};

/// Size of the buffer for librdkafka's error text.
const ERROR_BYTES: usize = 512;
/// How much longer than the broker's timeout to wait for librdkafka's own timeout event.
const GRACE: Duration = Duration::from_millis(500);

/// The id of a topic, displayed in base64 as Kafka's own tools do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TopicId([u8; 16]);

impl TopicId {
    /// The id made of two halves; `None` for zero, which stands for no id.
    fn new(most_significant: i64, least_significant: i64) -> Option<Self> {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&most_significant.to_be_bytes());
        bytes[8..].copy_from_slice(&least_significant.to_be_bytes());
        (bytes != [0; 16]).then_some(Self(bytes))
    }

    /// Parses the output of [`fmt::Display`].
    pub(crate) fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Whether two positions can belong to one log: their ids are equal, or one of them has no id.
    pub(crate) fn may_be_same(one: Option<Self>, other: Option<Self>) -> bool {
        one.is_none() || other.is_none() || one == other
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// The brokers that records were fetched from since the last check of the topic's id.
#[derive(Debug, Default)]
pub(crate) struct Sources(Vec<i32>);

impl Sources {
    /// Adds the broker that the record was fetched from.
    pub(crate) fn note(&mut self, message: &BorrowedMessage<'_>) {
        // SAFETY: the pointer is that of a message which lives as long as `message`; the call only reads it.
        let broker = unsafe { bindings::rd_kafka_message_broker_id(message.ptr()) };
        if !self.0.contains(&broker) {
            self.0.push(broker);
        }
    }

    /// Takes the brokers noted so far, leaving none.
    pub(crate) fn take(&mut self) -> Vec<i32> {
        std::mem::take(&mut self.0)
    }
}

/// An object of librdkafka that is freed when it goes out of scope.
struct Owned<T> {
    pointer: NonNull<T>,
    destroy: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// # Safety
    /// `pointer` is null or was made by librdkafka for the caller, and `destroy` is librdkafka's function that frees
    /// it.
    unsafe fn new(pointer: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> KafkaResult<Self> {
        let pointer = NonNull::new(pointer);
        let pointer = pointer.ok_or(KafkaError::MetadataFetch(RDKafkaErrorCode::OperationTimedOut))?;
        Ok(Self { pointer, destroy })
    }

    fn get(&self) -> *mut T {
        self.pointer.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `new` was promised that this call frees this pointer, and nobody else does.
        unsafe { (self.destroy)(self.get()) }
    }
}

/// The id that `broker` reports for a topic; any broker if none is named. `None` if brokers have no ids.
///
/// # Errors
/// When the broker does not answer within `timeout`, or has no topic of this name.
pub(crate) fn topic_id<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    broker: Option<i32>,
    timeout: Duration,
) -> KafkaResult<Option<TopicId>> {
    let name = CString::new(topic)?;
    let mut names = [name.as_ptr()];
    let handle = client.native_ptr();
    // SAFETY: the client outlives the call. What the library makes is checked for null and freed by its own call, in the
    // reverse order. It copies the name, which outlives the call all the same, and keeps its own hold on the queue for an
    // answer that comes late. `event` owns everything that `described` reads.
    unsafe {
        let queue = Owned::new(bindings::rd_kafka_queue_new(handle), bindings::rd_kafka_queue_destroy)?;
        let options = options(handle, broker, timeout)?;
        let topics = Owned::new(
            bindings::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()),
            bindings::rd_kafka_TopicCollection_destroy,
        )?;
        bindings::rd_kafka_DescribeTopics(handle, topics.get(), options.get(), queue.get());
        let event = Owned::new(
            bindings::rd_kafka_queue_poll(queue.get(), milliseconds(timeout + GRACE)),
            bindings::rd_kafka_event_destroy,
        )?;
        described(event.get())
    }
}

fn milliseconds(time: Duration) -> c_int {
    c_int::try_from(time.as_millis()).unwrap_or(c_int::MAX)
}

/// # Safety
/// `client` is a live client of librdkafka.
unsafe fn options(
    client: *mut bindings::rd_kafka_t,
    broker: Option<i32>,
    timeout: Duration,
) -> KafkaResult<Owned<bindings::rd_kafka_AdminOptions_t>> {
    let mut error: [c_char; ERROR_BYTES] = [0; ERROR_BYTES];
    let operation = bindings::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
    // SAFETY: the client lives, as the caller promises; the options are freed by their own call; the library writes at
    // most `ERROR_BYTES` into `error`.
    unsafe {
        let made = bindings::rd_kafka_AdminOptions_new(client, operation);
        let options = Owned::new(made, bindings::rd_kafka_AdminOptions_destroy)?;
        let (text, room) = (error.as_mut_ptr(), error.len());
        checked(bindings::rd_kafka_AdminOptions_set_request_timeout(
            options.get(),
            milliseconds(timeout),
            text,
            room,
        ))?;
        if let Some(broker) = broker.filter(|&broker| broker >= 0) {
            checked(bindings::rd_kafka_AdminOptions_set_broker(options.get(), broker, text, room))?;
        }
        Ok(options)
    }
}

/// # Safety
/// `event` is a live event of librdkafka.
unsafe fn described(event: *mut bindings::rd_kafka_event_t) -> KafkaResult<Option<TopicId>> {
    // SAFETY: the event lives, as the caller promises, and what is read here is a part of it. The list has `count`
    // elements. An event that is no description has none of the result, and that is null; so is a missing error or id.
    unsafe {
        checked(bindings::rd_kafka_event_error(event))?;
        let unknown = KafkaError::MetadataFetch(RDKafkaErrorCode::UnknownTopicOrPartition);
        let result = bindings::rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return Err(unknown);
        }
        let mut count = 0;
        let topics = bindings::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if topics.is_null() || count == 0 || (*topics).is_null() {
            return Err(unknown);
        }
        let error = bindings::rd_kafka_TopicDescription_error(*topics);
        if !error.is_null() {
            checked(bindings::rd_kafka_error_code(error))?;
        }
        let id = bindings::rd_kafka_TopicDescription_topic_id(*topics);
        if id.is_null() {
            return Ok(None);
        }
        let most_significant = bindings::rd_kafka_Uuid_most_significant_bits(id);
        Ok(TopicId::new(most_significant, bindings::rd_kafka_Uuid_least_significant_bits(id)))
    }
}

fn checked(code: RDKafkaRespErr) -> KafkaResult<()> {
    match code {
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        code => Err(KafkaError::MetadataFetch(code.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_as_the_tools_of_kafka_write_it_and_read_again() {
        // `kafka-topics --describe` of the topic with the halves of java.util.UUID 8c9f6b3e-0f5d-4b0c-fbff-fe0102030405.
        let id = TopicId::new(0x8c9f_6b3e_0f5d_4b0c_u64 as i64, 0xfbff_fe01_0203_0405_u64 as i64).unwrap();
        assert_eq!(id.to_string(), "jJ9rPg9dSwz7__4BAgMEBQ");
        assert_eq!(TopicId::parse(&id.to_string()), Some(id));
        assert_eq!(TopicId::new(0, 0), None, "no id");
        for other in ["", "jJ9rPg9dSwz7__4BAgMEBQ==", "jJ9rPg9dSwz7__4BAgME", "not an id"] {
            assert_eq!(TopicId::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn positions_without_an_id_may_be_of_any_log() {
        let (one, other) = (TopicId::new(1, 2), TopicId::new(1, 3));
        assert!(TopicId::may_be_same(one, one) && !TopicId::may_be_same(one, other));
        assert!(TopicId::may_be_same(None, one) && TopicId::may_be_same(one, None));
    }
}
