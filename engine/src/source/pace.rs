//! Waits until a tick's time has come, so that a recording or a simulation plays at its own speed or a multiple.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, Instant},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::tick::EventTime;
use crate::{intake::TickSink, stop::StopToken};

/// The longest sleep in one piece, so that a stop is seen soon.
const SLEEP_SLICE: Duration = Duration::from_millis(50);

/// The longest wait for one tick. A longer silence in a recording, or a clock that jumped, is cut to this.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// How fast event time passes, written `max`, `10` or `0.5x`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// Without waiting.
    Max,
    /// This many event seconds a second; above 0 and finite.
    Times(f64),
}

/// A speed that is neither `max` nor a positive number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("speed {0:?} is neither \"max\" nor a number above 0")]
pub struct BadSpeed(pub String);

impl FromStr for Speed {
    type Err = BadSpeed;

    fn from_str(text: &str) -> Result<Self, BadSpeed> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.strip_suffix('x').unwrap_or(text).parse::<f64>() {
            Ok(times) if times.is_finite() && times > 0.0 => Ok(Self::Times(times)),
            _ => Err(BadSpeed(text.to_owned())),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max => f.write_str("max"),
            Self::Times(times) => write!(f, "{times}"),
        }
    }
}

impl Serialize for Speed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Speed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The clock that a source waits by. Tests have one of their own, by which no time is lost.
pub trait WaitClock {
    /// Time since any fixed instant.
    fn elapsed(&mut self) -> Duration;
    /// Lets `duration` pass.
    fn sleep(&mut self, duration: Duration);
}

/// The machine's monotonic clock.
#[derive(Debug)]
pub struct MonotonicClock(Instant);

impl Default for MonotonicClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl WaitClock for MonotonicClock {
    fn elapsed(&mut self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&mut self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// Ties event time to a clock.
#[derive(Debug)]
pub struct Pacer<C> {
    speed: Speed,
    clock: C,
    anchor: Option<Anchor>,
}

/// An event time and when, on the clock, it was due.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    event_time: EventTime,
    elapsed: Duration,
}

impl<C: WaitClock> Pacer<C> {
    /// A pacer whose first tick is due at once.
    pub fn new(speed: Speed, clock: C) -> Self {
        Self { speed, clock, anchor: None }
    }

    /// Makes `event_time` due now.
    pub fn anchor(&mut self, event_time: EventTime) {
        self.anchor = Some(Anchor { event_time, elapsed: self.clock.elapsed() });
    }

    /// Waits until `event_time` is due, having flushed `sink` if there is anything to wait for. Returns early when
    /// `stop` is told.
    pub fn wait_for(&mut self, event_time: EventTime, sink: &mut dyn TickSink, stop: &StopToken) {
        let Speed::Times(times) = self.speed else { return };
        let Some(anchor) = self.anchor else { return self.anchor(event_time) };
        let mut wait = anchor.wait(event_time, times, self.clock.elapsed());
        match wait {
            Wait::Behind { by } if by > WAIT_MAX => return self.anchor(event_time),
            Wait::Behind { .. } => return,
            Wait::For(_) => {}
        }
        sink.flush();
        let mut left = WAIT_MAX;
        while let Wait::For(duration) = wait {
            if stop.is_stopped() {
                return;
            }
            if left.is_zero() {
                return self.anchor(event_time);
            }
            let slice = duration.min(SLEEP_SLICE).min(left);
            self.clock.sleep(slice);
            left -= slice;
            wait = anchor.wait(event_time, times, self.clock.elapsed());
        }
    }
}

enum Wait {
    For(Duration),
    Behind { by: Duration },
}

impl Anchor {
    fn wait(&self, event_time: EventTime, times: f64, elapsed: Duration) -> Wait {
        let event_nanos = event_time.nanos() - self.event_time.nanos();
        let due_nanos = (event_nanos as f64 / times) as i64;
        let passed = i64::try_from(elapsed.saturating_sub(self.elapsed).as_nanos()).unwrap_or(i64::MAX);
        let ahead = due_nanos.saturating_sub(passed);
        let duration = Duration::from_nanos(ahead.unsigned_abs());
        if ahead > 0 { Wait::For(duration) } else { Wait::Behind { by: duration } }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::collect::Collected, *};
    use crate::tick::NANOS_PER_SECOND;

    /// A clock that moves only by being slept on.
    #[derive(Debug, Default)]
    struct SleptClock {
        elapsed: Duration,
        longest: Duration,
    }

    impl WaitClock for SleptClock {
        fn elapsed(&mut self) -> Duration {
            self.elapsed
        }

        fn sleep(&mut self, duration: Duration) {
            self.elapsed += duration;
            self.longest = self.longest.max(duration);
        }
    }

    fn at(second: i64) -> EventTime {
        EventTime::from_nanos(second * NANOS_PER_SECOND).unwrap()
    }

    /// Seconds on the clock after each tick.
    fn waits(speed: Speed, seconds: &[i64]) -> (Vec<u64>, usize) {
        let mut pacer = Pacer::new(speed, SleptClock::default());
        let mut sink = Collected::default();
        let passed = seconds.iter().map(|&second| {
            pacer.wait_for(at(second), &mut sink, &StopToken::default());
            pacer.clock.elapsed.as_secs()
        });
        let passed = passed.collect();
        assert!(pacer.clock.longest <= SLEEP_SLICE);
        (passed, sink.flushes)
    }

    #[test]
    fn event_time_passes_at_the_speed_asked_for() {
        assert_eq!(waits(Speed::Times(1.0), &[100, 101, 101, 105]), (vec![0, 1, 1, 5], 2));
        assert_eq!(waits(Speed::Times(2.0), &[100, 104, 120]), (vec![0, 2, 10], 2));
        assert_eq!(waits(Speed::Max, &[100, 104, 120]), (vec![0, 0, 0], 0));
    }

    #[test]
    fn a_long_silence_is_cut_and_a_late_tick_waits_for_nothing() {
        assert_eq!(waits(Speed::Times(1.0), &[100, 100_000, 100_002]).0, [0, 60, 62]);
        assert_eq!(waits(Speed::Times(1.0), &[100, 110, 105, 111]).0, [0, 10, 10, 11]);
        assert_eq!(waits(Speed::Times(1.0), &[1_000, 1_010, 100, 103]).0, [0, 10, 10, 13]);
    }

    #[test]
    fn a_stop_ends_the_wait() {
        let mut pacer = Pacer::new(Speed::Times(1.0), SleptClock::default());
        let (mut sink, stop) = (Collected::default(), StopToken::default());
        pacer.wait_for(at(0), &mut sink, &stop);
        stop.stop();
        pacer.wait_for(at(50), &mut sink, &stop);
        assert_eq!(pacer.clock.elapsed, Duration::ZERO);
    }

    #[test]
    fn speeds_are_read_strictly() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("10".parse(), Ok(Speed::Times(10.0)));
        assert_eq!("0.5x".parse(), Ok(Speed::Times(0.5)));
        for text in ["0", "-1", "nan", "inf", "fast", ""] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }
}
