//! The name of a finished file: topic, partition, first and last offset.

/// A finished file of a series: `ticks.raw.p0003.00000000000000000000-00000000000000000999.ndjson.gz`. The names sort
/// by partition and offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileName {
    pub(super) topic: String,
    pub(super) partition: u32,
    pub(super) first: u64,
    pub(super) last: u64,
}

impl FileName {
    /// Parses a name made by [`to_string`](std::string::ToString::to_string).
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (rest, range) = name.strip_suffix(".ndjson.gz")?.rsplit_once('.')?;
        let (topic, partition) = rest.rsplit_once(".p")?;
        let (first, last) = range.split_once('-')?;
        let digits = |text: &str, count: usize| (text.len() == count).then(|| text.parse().ok()).flatten();
        let parsed = Self {
            topic: topic.to_owned(),
            partition: u32::try_from(digits(partition, 4)?).ok()?,
            first: digits(first, 20)?,
            last: digits(last, 20)?,
        };
        (parsed.first <= parsed.last && !parsed.topic.is_empty()).then_some(parsed)
    }
}

impl std::fmt::Display for FileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { topic, partition, first, last } = self;
        write!(f, "{topic}.p{partition:04}.{first:020}-{last:020}.ndjson.gz")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_it_was_made_of() {
        let name = FileName { topic: "ticks.p1.raw".to_owned(), partition: 3, first: 17, last: 999 };
        assert_eq!(FileName::parse(&name.to_string()), Some(name.clone()));
        for other in ["ticks.ndjson.gz", "", "t.p3.1-2.ndjson.gz", &format!("{name}.tmp")] {
            assert_eq!(FileName::parse(other), None, "{other}");
        }
    }
}
