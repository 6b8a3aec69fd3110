//! Does the consumer group have members, and how far is it behind?

use std::collections::BTreeMap;

use super::kafka_bootstrap::Broker;
use crate::doctor::finding::Finding;

/// Lag in records above which a working group gets a warning.
const LAG_MAX: u64 = 10_000;

pub(super) fn check(broker: &Broker) -> Vec<Finding> {
    let (report, settings) = (&broker.report, &broker.settings);
    if report.ticks.is_empty() {
        return vec![Finding::skipped(format!("{} does not exist yet", settings.topic_raw))];
    }
    let lag: u64 = report.ticks.iter().map(|partition| partition.lag).sum();
    let members = report.group.as_ref().map_or(&[][..], |group| &group.members);
    let state = report.group.as_ref().map_or("absent", |group| group.state.as_str());
    let seen = format!("group {}: {state}, {} members, {lag} records behind", settings.group, members.len());
    let mut found = Vec::new();
    if members.is_empty() {
        let fix = "start an instance (stormglass serve); if one runs, compare its kafka.group with this one";
        found.push(match lag {
            0 => Finding::ok(format!("{seen}: nobody works, and nothing waits")),
            _ => Finding::warning(format!("{seen}: nobody works"), fix),
        });
    } else if !report.standing.is_empty() {
        found.push(Finding::warning(
            format!("{seen}; nothing is committed in partitions {:?}, where records wait", report.standing),
            "while state is restored this passes; if it stays, their owner gets nowhere: its /health and its log line \"the \
             lane begins anew\" say why, and RUNBOOK, StormglassLaneRestarts, what to do",
        ));
    } else if lag > LAG_MAX {
        found.push(Finding::warning(
            seen,
            "if it grows: add instances up to the number of partitions, or see RUNBOOK, StormglassConsumerLag",
        ));
    } else {
        found.push(Finding::ok(seen));
    }
    if !matches!(state, "Stable" | "Empty" | "absent") {
        found.push(Finding::warning(
            format!("the group is {state}"),
            "members are coming or going; if it stays, one of them does not answer: look at kafka.session_timeout_s",
        ));
    }
    // All lanes of a process have the same client name.
    let mut hosts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for member in members {
        let of_client = hosts.entry(&member.client).or_default();
        if !of_client.contains(&member.host.as_str()) {
            of_client.push(&member.host);
        }
    }
    for (client, hosts) in hosts.iter().filter(|(_, hosts)| hosts.len() > 1) {
        found.push(Finding::warning(
            format!("{client} is at several hosts: {}", hosts.join(", ")),
            "two processes share a kafka.instance, and the older will end with 75: give each its own",
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use engine::kafka::{BrokerReport, GroupReport, KafkaSettings, MemberReport, PartitionReport};

    use super::*;
    use crate::doctor::finding::Outcome;

    fn broker(members: &[(&str, &str)], committed: Option<u64>) -> Broker {
        let member =
            |&(client, host): &(&str, &str)| MemberReport { client: client.into(), host: host.into() };
        let group = GroupReport { state: "Stable".to_owned(), members: members.iter().map(member).collect() };
        let report = BrokerReport {
            brokers: Vec::new(),
            topics: Vec::new(),
            ticks: vec![PartitionReport {
                partition: 0,
                first: 100,
                end: 50_000,
                committed,
                lag: 50_000 - committed.unwrap_or(100),
            }],
            standing: Vec::new(),
            group: Some(group),
            held_back: BTreeMap::new(),
            ahead: Vec::new(),
        };
        Broker { settings: KafkaSettings::new("127.0.0.1:1", "a", "coinbase"), report }
    }

    #[test]
    fn two_processes_of_one_name_are_told_and_two_lanes_of_one_are_not() {
        let lanes = broker(&[("stormglass-a", "10.0.0.1"), ("stormglass-a", "10.0.0.1")], Some(50_000));
        assert_eq!(check(&lanes).iter().map(|f| f.outcome).collect::<Vec<_>>(), [Outcome::Ok]);
        let namesakes = broker(&[("stormglass-a", "10.0.0.1"), ("stormglass-a", "10.0.0.2")], Some(50_000));
        let found = check(&namesakes);
        assert!(found[1].what.contains("10.0.0.1, 10.0.0.2"), "{found:?}");
    }

    #[test]
    fn members_that_commit_nothing_while_records_wait_are_told() {
        let mut stuck = broker(&[("stormglass-a", "10.0.0.1")], Some(49_990));
        assert_eq!(check(&stuck)[0].outcome, Outcome::Ok);
        stuck.report.standing = vec![0];
        let found = check(&stuck);
        assert!(
            found[0].outcome == Outcome::Warning && found[0].what.contains("in partitions [0]"),
            "{found:?}"
        );
    }

    #[test]
    fn a_group_that_is_far_behind_is_told_with_how_far() {
        let found = check(&broker(&[("stormglass-a", "10.0.0.1")], Some(20_000)));
        assert!(found[0].outcome == Outcome::Warning && found[0].what.contains("30000 records"), "{found:?}");
        let found = check(&broker(&[], None));
        assert!(found[0].what.contains("49900 records behind: nobody works"), "{found:?}");
    }
}
