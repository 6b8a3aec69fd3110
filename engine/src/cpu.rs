//! Assigns a CPU to each thread. The plan is a pure function of what the machine allows and what was requested.
//!
//! The rules: the front end gets a quarter of the CPUs, the shards the rest. A thread is pinned only if it has its
//! CPU for itself and there is no quota: under a quota every container of a machine sees the same CPUs, and all
//! would pin to the first ones. Spinning is for pinned shards alone: on a CPU that others use it made the idle
//! latency worse than any parking (p50 8 ms, measured).

use std::time::Duration;

use crate::limits::SHARDS_MAX;

/// The requested counts; `None` leaves the choice to [`plan`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuRequest {
    /// Number of shards.
    pub shards: Option<usize>,
    /// Number of front-end threads.
    pub fronts: Option<usize>,
    /// How long an idle shard polls its mailbox before it sleeps.
    pub spin: Duration,
}

/// The CPU of each thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuPlan {
    /// One entry for each shard; `None` for one that is not pinned.
    pub shard_cpus: Vec<Option<usize>>,
    /// One entry for each front-end thread; `None` for one that is not pinned.
    pub front_cpus: Vec<Option<usize>>,
    /// How long an idle shard polls its mailbox before it sleeps; zero unless every shard has its CPU for itself.
    pub spin: Duration,
    /// The decision and its reasons in one sentence, for the log.
    pub sentence: String,
}

/// Divides the allowed CPUs (`allowed`, as from [`allowed_cpus`](crate::sys::allowed_cpus)) among the threads.
pub fn plan(allowed: &[usize], quota_cpus: Option<f64>, asked: &CpuRequest) -> CpuPlan {
    let cpus = allowed.len().max(1);
    // A quota of the whole machine or more limits nothing.
    let quota = quota_cpus.filter(|&quota| quota > 0.0 && quota < cpus as f64);
    // Threads that can make progress at the same time; more would not help.
    let threads = quota.map_or(cpus, |quota| (quota.ceil() as usize).max(1));
    let fronts = match asked.fronts {
        Some(fronts) => fronts.clamp(1, cpus),
        None => threads.div_ceil(4),
    };
    let shards = match asked.shards {
        Some(shards) => shards.clamp(1, SHARDS_MAX),
        None => threads.saturating_sub(fronts).clamp(1, SHARDS_MAX),
    };
    let own_cpu = quota.is_none() && shards + fronts <= allowed.len();
    let cpu = |index: usize| own_cpu.then(|| allowed[index]);
    let spin = if own_cpu { asked.spin } else { Duration::ZERO };
    CpuPlan {
        front_cpus: (0..fronts).map(cpu).collect(),
        shard_cpus: (fronts..fronts + shards).map(cpu).collect(),
        spin,
        sentence: sentence(&Decision { cpus: allowed.len(), quota, fronts, shards, own_cpu, spin }, asked),
    }
}

struct Decision {
    cpus: usize,
    quota: Option<f64>,
    fronts: usize,
    shards: usize,
    own_cpu: bool,
    spin: Duration,
}

fn sentence(decided: &Decision, asked: &CpuRequest) -> String {
    let Decision { cpus, quota, fronts, shards, own_cpu, spin } = *decided;
    let mut text = format!("{shards} shard(s) and {fronts} front-end thread(s) on {cpus} allowed CPU(s)");
    if let Some(quota) = quota {
        text += &format!(" under a quota of {quota} CPU(s)");
    }
    text += match (own_cpu, quota) {
        (true, _) => ", each pinned to its own",
        (false, Some(_)) => ", not pinned: the other containers of this machine see the same CPUs",
        (false, None) => ", not pinned: more threads than CPUs",
    };
    for (what, asked, got) in [("shards", asked.shards, shards), ("front-end threads", asked.fronts, fronts)]
    {
        match asked {
            Some(asked) if asked != got => text += &format!("; {asked} {what} were asked for"),
            Some(_) => text += &format!("; {what} as asked"),
            None => {}
        }
    }
    if asked.spin != spin {
        text += "; no spinning on CPUs that others use";
    } else if !spin.is_zero() {
        text += &format!("; shards spin {} us before they sleep", spin.as_micros());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{CpuRequest, plan};

    fn asked(shards: usize, fronts: usize) -> CpuRequest {
        CpuRequest { shards: Some(shards), fronts: Some(fronts), spin: Duration::ZERO }
    }

    fn counts(allowed: usize, quota: Option<f64>) -> (usize, usize) {
        let allowed: Vec<usize> = (0..allowed).collect();
        let plan = plan(&allowed, quota, &CpuRequest::default());
        (plan.front_cpus.len(), plan.shard_cpus.len())
    }

    #[test]
    fn one_cpu_gets_one_shard_that_is_not_pinned_and_never_spins() {
        let request = CpuRequest { spin: Duration::from_micros(20), ..CpuRequest::default() };
        let plan = plan(&[3], None, &request);
        assert_eq!(
            (&*plan.shard_cpus, &*plan.front_cpus, plan.spin),
            (&[None][..], &[None][..], Duration::ZERO)
        );
        assert!(plan.sentence.contains("no spinning"), "{}", plan.sentence);
    }

    #[test]
    fn two_cpus_are_front_then_shard() {
        let plan = plan(&[4, 9], None, &CpuRequest::default());
        assert_eq!((plan.front_cpus, plan.shard_cpus), (vec![Some(4)], vec![Some(9)]));
    }

    #[test]
    fn the_front_gets_a_quarter_rounded_up() {
        for (cpus, fronts, shards) in [(3, 1, 2), (4, 1, 3), (5, 2, 3), (8, 2, 6), (16, 4, 12), (64, 16, 48)]
        {
            assert_eq!(counts(cpus, None), (fronts, shards), "{cpus} CPUs");
        }
    }

    #[test]
    fn a_quota_caps_the_sum_and_unpins() {
        for (quota, fronts, shards) in [(0.5, 1, 1), (1.5, 1, 1), (2.0, 1, 1), (3.5, 1, 3), (6.0, 2, 4)] {
            assert_eq!(counts(8, Some(quota)), (fronts, shards), "quota {quota}");
        }
        let allowed: Vec<usize> = (0..8).collect();
        let request = CpuRequest { spin: Duration::from_micros(20), ..CpuRequest::default() };
        let plan = plan(&allowed, Some(4.0), &request);
        assert!(plan.shard_cpus.iter().all(Option::is_none) && plan.spin.is_zero());
        assert!(plan.sentence.contains("quota of 4"), "{}", plan.sentence);
    }

    #[test]
    fn a_quota_of_the_whole_machine_changes_nothing() {
        assert_eq!(counts(4, Some(4.0)), counts(4, None));
        assert_eq!(counts(4, Some(100.0)), counts(4, None));
    }

    #[test]
    fn more_shards_than_cpus_share_them_unpinned() {
        let plan = plan(&[0, 1], None, &asked(4, 1));
        assert_eq!(plan.shard_cpus, [None; 4]);
        assert!(plan.sentence.contains("more threads than CPUs"), "{}", plan.sentence);
    }

    #[test]
    fn what_was_asked_and_not_granted_is_said() {
        let plan = plan(&[0, 1], None, &asked(100_000, 9));
        assert!(plan.sentence.contains("100000 shards were asked for"), "{}", plan.sentence);
        assert!(plan.sentence.contains("9 front-end threads were asked for"), "{}", plan.sentence);
    }

    #[test]
    fn a_machine_that_tells_no_cpus_still_gets_a_plan() {
        assert_eq!(counts(0, None), (1, 1));
    }

    proptest! {
        #[test]
        fn every_plan_can_run(
            allowed in proptest::collection::btree_set(0_usize..1024, 0..80),
            quota in proptest::option::of(0.01_f64..100.0),
            shards in proptest::option::of(0_usize..500),
            fronts in proptest::option::of(0_usize..100),
            spin_us in 0_u64..100,
        ) {
            let allowed: Vec<usize> = allowed.into_iter().collect();
            let request = CpuRequest { shards, fronts, spin: Duration::from_micros(spin_us) };
            let plan = plan(&allowed, quota, &request);
            prop_assert!(!plan.shard_cpus.is_empty() && !plan.front_cpus.is_empty());
            let pinned: Vec<usize> = plan.front_cpus.iter().chain(&plan.shard_cpus).flatten().copied().collect();
            prop_assert!(pinned.iter().all(|cpu| allowed.contains(cpu)), "a CPU that is not ours");
            let mut distinct = pinned.clone();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(distinct.len(), pinned.len(), "two threads pinned to one CPU");
            let threads = plan.front_cpus.len() + plan.shard_cpus.len();
            prop_assert!(pinned.is_empty() || pinned.len() == threads, "half pinned");
            prop_assert!(plan.spin.is_zero() || pinned.len() == threads, "spins on a shared CPU");
        }
    }
}
