//! Learn: training is honest about time, repeatable to the byte, and better than the baseline it ships beside.

use api::training;
use engine::{sim::SimConfig, state::StateSettings};
use model::learn::{self, Dataset, TrainOptions};

/// Ten simulated hours of three symbols: eight of them after tau is ready.
fn data(seed: u64) -> Dataset {
    let mut collector = training::collector(StateSettings::default(), 64);
    training::simulate(SimConfig { seed, ..SimConfig::default() }, 10, &mut collector, |_| ());
    training::dataset(&collector.out).unwrap()
}

#[test]
fn the_same_ticks_and_seed_give_the_same_file() {
    let data = data(3);
    let options = TrainOptions { seed: 3, ..TrainOptions::default() };
    let bytes = || learn::train_default(&data, &options).unwrap().to_bytes().unwrap();
    assert_eq!(bytes(), bytes());
    let other = TrainOptions { seed: 4, ..options.clone() };
    assert_ne!(bytes(), learn::train_default(&data, &other).unwrap().to_bytes().unwrap(), "the seed is used");
}

/// The same rows with the label of `shift` rows later, within each symbol.
pub(crate) fn shifted(data: &Dataset, shift: isize) -> Dataset {
    let width = data.features().len();
    let (mut rows, mut labels, mut times, mut groups) = (vec![], vec![], vec![], vec![]);
    let groups_count = data.groups().iter().max().unwrap() + 1;
    for group in 0..groups_count {
        let members: Vec<usize> = (0..data.len()).filter(|&i| data.groups()[i] == group).collect();
        for (place, &i) in members.iter().enumerate() {
            let Some(&j) = place.checked_add_signed(shift).and_then(|p| members.get(p)) else { continue };
            rows.extend_from_slice(&data.row(j)[..width]);
            labels.push(data.labels()[i]);
            times.push(data.times_s()[i]);
            groups.push(group);
        }
    }
    Dataset::new(data.features().to_vec(), rows, labels, times, groups).unwrap()
}

fn average_precision(data: &Dataset) -> f64 {
    let model = learn::train_default(data, &TrainOptions::default()).unwrap();
    model.info().metrics.iter().find(|(name, _)| name == "average_precision").unwrap().1
}

/// Features from a minute later have seen the label: if that did not show, rows and labels would be misaligned.
#[test]
fn features_from_the_future_show_at_once_and_from_the_past_know_less() {
    let data = data(5);
    let (now, future, past) = (
        average_precision(&data),
        average_precision(&shifted(&data, 12)),
        average_precision(&shifted(&data, -12)),
    );
    println!("average precision: features now {now:.3}, 60 s later {future:.3}, 60 s earlier {past:.3}");
    assert!(future > now + 0.3, "{future} with features from 60 s later, {now} now");
    assert!(past < now, "{past} with features from 60 s earlier, {now} now");
}
