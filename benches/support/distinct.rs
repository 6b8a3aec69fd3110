//! Distinct messages from one example: other times, prices, sizes and numbers in the same places.

/// Distinct messages of one example at most.
pub(crate) const DISTINCT_MAX: usize = 1_000_000;

/// Message `number` of an example: the same text with other digits, as long and as readable as the example.
///
/// Every number that is a value of its own gets other digits in its middle. Its first digit stays, so its magnitude does, and
/// its last digits stay, so bids stay below asks. All numbers of a message get the same digits, so that times which were equal
/// stay equal. In a time that is written out, the minute, the second and the millisecond change.
pub(crate) fn message(example: &str, number: usize) -> String {
    assert!(number < DISTINCT_MAX);
    // Odd and no multiple of 5: each number below a million gives others.
    let number = number * 617_321 % DISTINCT_MAX;
    let digits = format!("{number:06}").into_bytes();
    let mut bytes = example.as_bytes().to_vec();
    let is_around = |byte: u8| matches!(byte, b'"' | b':' | b',' | b'[' | b']' | b'{' | b'}');
    let is_end = |byte: u8| matches!(byte, b'"' | b',' | b']' | b'}');
    let mut start = 0;
    while start < bytes.len() {
        if is_around(bytes[start]) {
            start += 1;
            continue;
        }
        let length = bytes[start..].iter().take_while(|&&byte| !is_end(byte)).count();
        rewrite(&mut bytes[start..start + length], number, &digits);
        start += length;
    }
    String::from_utf8(bytes).expect("digits were replaced by digits")
}

/// Writes other digits into one value.
fn rewrite(value: &mut [u8], number: usize, digits: &[u8]) {
    let is_written_time = value.len() >= 19 && value[10] == b'T' && value[13] == b':' && value[16] == b':';
    if is_written_time {
        let (second, millisecond) = (number % 3_600, number / 3_600);
        value[14..19].copy_from_slice(format!("{:02}:{:02}", second / 60, second % 60).as_bytes());
        if value.len() >= 23 && value[20..23].iter().all(u8::is_ascii_digit) {
            value[20..23].copy_from_slice(format!("{millisecond:03}").as_bytes());
        }
    } else if value.starts_with(b"0x") || (value.len() == 36 && value[8] == b'-') {
        let places = value[2..].iter_mut().filter(|byte| byte.is_ascii_digit());
        places.zip(digits.iter().cycle()).for_each(|(place, digit)| *place = *digit);
    } else if value.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') {
        let whole = value.iter().take_while(|&&byte| byte != b'.').count();
        // Of a number such as 26675 the middle, of one such as 0.46688654 what follows the hundredths.
        let (first, end) = if whole >= 3 {
            (1.max(whole.saturating_sub(7)), whole - 1)
        } else {
            (whole + 3, value.len().saturating_sub(1))
        };
        if first < end {
            value[first..end].iter_mut().zip(digits).for_each(|(place, digit)| *place = *digit);
        }
    }
}
