//! Request ids and trace contexts: `X-Request-Id` is accepted or generated, `traceparent` is passed on.

use std::{
    cell::Cell,
    hash::{BuildHasher, RandomState},
};

use hyper::{
    HeaderMap,
    header::{HeaderName, HeaderValue},
};

/// Longest accepted request id in bytes; a longer one is replaced.
const LENGTH_MAX: usize = 128;

/// The header's name.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The W3C trace context's header.
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

thread_local! {
    static NEXT: Cell<u64> = Cell::new(RandomState::new().hash_one(std::thread::current().id()));
}

/// The id of a request: the client's if it is printable ASCII of at most [`LENGTH_MAX`], otherwise a new one.
pub(super) fn request_id(headers: &HeaderMap) -> HeaderValue {
    match headers.get(X_REQUEST_ID) {
        Some(id) if is_printable(id.as_bytes()) => id.clone(),
        _ => made(),
    }
}

/// The client's trace context, if it has W3C's form: `00-<32 hex>-<16 hex>-<2 hex>`.
pub(super) fn traceparent(headers: &HeaderMap) -> Option<&HeaderValue> {
    let value = headers.get(TRACEPARENT)?;
    let bytes = value.as_bytes();
    let is_dash = |i: usize| matches!(i, 2 | 35 | 52);
    let has_form = bytes.len() == 55
        && bytes.iter().enumerate().all(|(i, b)| if is_dash(i) { *b == b'-' } else { b.is_ascii_hexdigit() });
    has_form.then_some(value)
}

fn is_printable(id: &[u8]) -> bool {
    !id.is_empty() && id.len() <= LENGTH_MAX && id.iter().all(u8::is_ascii_graphic)
}

/// Sixteen hexadecimal digits: a counter from a random start, mixed (SplitMix64's finaliser) so that ids of
/// neighbouring requests look different.
fn made() -> HeaderValue {
    let mut z = NEXT.get();
    NEXT.set(z.wrapping_add(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    let mut digits = [0u8; 16];
    for (i, digit) in digits.iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(z >> (60 - 4 * i)) as usize & 0xf];
    }
    HeaderValue::from_bytes(&digits).expect("hexadecimal digits are a header value")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_ids_differ_and_odd_ones_are_replaced() {
        let mut headers = HeaderMap::new();
        assert_ne!(request_id(&headers), request_id(&headers));
        headers.insert(X_REQUEST_ID, HeaderValue::from_static("abc-1"));
        assert_eq!(request_id(&headers), "abc-1");
        headers.insert(X_REQUEST_ID, HeaderValue::from_static("with space"));
        assert_eq!(request_id(&headers).len(), 16);
    }

    #[test]
    fn a_trace_context_must_have_its_form() {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_static("00-x"));
        assert_eq!(traceparent(&headers), None);
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        headers.insert(TRACEPARENT, HeaderValue::from_static(good));
        assert_eq!(traceparent(&headers).unwrap(), good);
    }
}
