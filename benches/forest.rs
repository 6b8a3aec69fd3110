//! What does a row cost in each layout of a forest, from the mapped file, and how soon does a file score?
//!
//! Other libraries' models from `tests/golden` and a random forest of 100 trees of 10 levels, 73,000 nodes. Distinct rows
//! in turn, one thread, its own CPU time, the least of several rounds (and the median). "Chain": each row waits for the
//! answer before it. `cargo bench -p stormglass-model --bench forest [-- NAME]`

#![allow(clippy::unwrap_used)]

use std::{fs, hint::black_box, io::Read, path::Path, time::Instant};

use stormglass_model::{
    Link, MemberDraft, Model, ModelDraft, ModelInfo, Outputs,
    forest::{
        CanonicalForest, CanonicalNode, CanonicalTree, Kernel, Layout, Missing, Precision, SumKind,
        WideForest,
    },
    import,
    schema::FeatureName,
};

const LAYOUTS: [Layout; 4] = [Layout::Narrow, Layout::ByteBlock, Layout::Oblivious, Layout::Ragged];
const ROWS: usize = 1000;

/// Whether it runs as a test: once, small. Cargo passes `--bench` only to `cargo bench`.
fn is_test() -> bool {
    !std::env::args().any(|argument| argument == "--bench")
}

fn main() {
    let only: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|only| name.contains(only.as_str()));
    println!(
        "| model | layout | kernel | nodes | file, bytes | row, ns (median) | margin, ns | chain, ns | batch of 1,000, ns a row | ns a tree | ns a visit | open, us |"
    );
    println!("|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (name, draft, rows) in models() {
        if !wanted(&name) {
            continue;
        }
        let visits = visits(&draft, &rows);
        for layout in LAYOUTS {
            if let Ok(draft) = draft.clone().with_layout(layout) {
                let kernels = Kernel::ALL.into_iter().filter(|kernel| kernel.is_here());
                for kernel in kernels.take(if layout == Layout::Narrow { 1 } else { usize::MAX }) {
                    measure(&name, &draft, &rows, visits, kernel);
                }
            }
        }
    }
    if wanted("live") {
        model_to_live();
    }
    if wanted("slow") {
        slow_rows();
    }
}

/// Every benchmarked model with its rows.
fn models() -> Vec<(String, ModelDraft, Vec<f32>)> {
    let rows = golden_rows();
    let golden = |name: &str, file: &str| {
        let imported = import::import(&golden(file), &import::Options::new("bench")).unwrap();
        (name.to_owned(), imported.draft, rows.clone())
    };
    vec![
        golden("XGBoost 100 x depth 6", "models/xgb_bin_100x6.json"),
        golden("LightGBM 100 x 63 leaves", "models/lgb_bin_100x6.txt"),
        golden("CatBoost 100 x depth 6", "models/cb_bin_100x6.json"),
        ("random forest 100 x depth 10".to_owned(), random_forest(), rows.clone()),
        ("leaf-wise 100 x 63 leaves".to_owned(), leaf_wise(63), rows.clone()),
        ("engine 100 x depth 6, 36 features".to_owned(), engine_forest(), wide_rows()),
    ]
}

fn golden(file: &str) -> Vec<u8> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden")).join(format!("{file}.gz"));
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// The rows on which the golden models were scored, without missing values.
fn golden_rows() -> Vec<f32> {
    let text = String::from_utf8(golden("inputs.csv")).unwrap();
    let rows = text.lines().skip(1).take(ROWS);
    let value = |value: &str| value.parse::<f64>().map(|value| value as f32).unwrap();
    rows.flat_map(|row| row.split(',').map(value))
        .map(|value| if value.is_nan() { 0.0 } else { value })
        .collect()
}

/// A generator of fixed numbers in 0..1 (PCG's multiplier), so that every run builds the same forests.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() * bound as f64) as usize
    }

    /// Normal enough: the sum of twelve uniforms.
    fn normal(&mut self) -> f32 {
        ((0..12).map(|_| self.next()).sum::<f64>() - 6.0) as f32
    }
}

fn wide_rows() -> Vec<f32> {
    let mut numbers = Numbers(3);
    (0..36 * ROWS).map(|_| if numbers.below(20) == 0 { f32::NAN } else { numbers.normal() }).collect()
}

fn split(numbers: &mut Numbers, features: usize, threshold: f32, left: usize) -> CanonicalNode {
    let missing = if numbers.next() < 0.5 { Missing::Left } else { Missing::Right };
    let missing = if features == 10 { Missing::Right } else { missing };
    let feature = numbers.below(features) as u16;
    CanonicalNode::Split { feature, threshold, missing, left: left as u32, right: left as u32 + 1 }
}

/// A tree that always splits the leaf that `choose` points at, until it has `leaves`.
fn grow(
    numbers: &mut Numbers,
    features: usize,
    leaves: usize,
    threshold: impl Fn(&mut Numbers) -> f32,
    choose: impl Fn(&mut Numbers, &[(usize, u32)]) -> usize,
) -> CanonicalTree {
    let mut nodes = vec![CanonicalNode::Leaf(0.0)];
    let mut open = vec![(0, 0_u32)];
    while open.len() < leaves {
        let choice = choose(numbers, &open);
        let (at, depth) = open.swap_remove(choice);
        let left = nodes.len();
        let threshold = threshold(numbers);
        nodes[at] = split(numbers, features, threshold, left);
        nodes.extend([CanonicalNode::Leaf(0.0); 2]);
        open.extend([(left, depth + 1), (left + 1, depth + 1)]);
    }
    for (at, _) in open {
        nodes[at] = CanonicalNode::Leaf(numbers.next() * 0.02 - 0.01);
    }
    CanonicalTree { nodes, cover: Vec::new() }
}

fn native(features: usize, forest: CanonicalForest) -> ModelDraft {
    let features = (0..features).map(|at| FeatureName::new(format!("f{at}"), 0)).collect();
    let outputs = Outputs::plain(1, Precision::Double, Link::Sigmoid { slope: 1.0 });
    ModelDraft::new(ModelInfo::new("bench", "1", "ml", features), vec![(1.0, MemberDraft::Forest(forest))])
        .and_then(|draft| draft.with_outputs(outputs))
        .unwrap()
}

/// 100 trees of at most 10 levels and 366 leaves, thresholds all different, f64 leaves.
fn random_forest() -> ModelDraft {
    let mut numbers = Numbers(5);
    let shallow = |numbers: &mut Numbers, open: &[(usize, u32)]| loop {
        let choice = numbers.below(open.len());
        if open[choice].1 < 10 {
            return choice;
        }
    };
    let trees = (0..100).map(|_| grow(&mut numbers, 10, 366, Numbers::normal, shallow)).collect();
    native(10, CanonicalForest { trees, base: 0.0, sum: SumKind::F64Leaves })
}

/// A threshold of a histogram of some 200 bins.
fn binned(numbers: &mut Numbers) -> f32 {
    (numbers.normal() * 40.0).round() / 40.0
}

/// Trees without a limit of depth, as LightGBM grows them: ragged.
fn leaf_wise(leaves: usize) -> ModelDraft {
    let mut numbers = Numbers(6);
    let any = |numbers: &mut Numbers, open: &[(usize, u32)]| numbers.below(open.len());
    let trees = (0..100).map(|_| grow(&mut numbers, 10, leaves, binned, any)).collect();
    native(10, CanonicalForest { trees, base: 0.0, sum: SumKind::F64Leaves })
}

/// Complete trees over as many features as the engine has, missing values going either way.
fn engine_forest() -> ModelDraft {
    let mut numbers = Numbers(7);
    let first =
        |_: &mut Numbers, open: &[(usize, u32)]| (0..open.len()).min_by_key(|&at| open[at].1).unwrap();
    let trees = (0..100).map(|_| grow(&mut numbers, 36, 64, binned, first)).collect();
    native(36, CanonicalForest { trees, base: 0.0, sum: SumKind::F64Leaves })
}

/// Splits a row meets, on average.
fn visits(draft: &ModelDraft, rows: &[f32]) -> f64 {
    let width = draft.info().features.len();
    let mut visits = 0_u64;
    for (_, member) in draft.members() {
        let forest = match member {
            MemberDraft::Forest(forest) => forest.clone(),
            // The rows are f32, for which f64 thresholds can be narrowed.
            MemberDraft::Wide(forest) => {
                WideForest { values: Precision::Single, ..forest.clone() }.narrowed().unwrap()
            }
            MemberDraft::Linear(_) => continue,
        };
        for row in rows.chunks_exact(width) {
            for tree in &forest.trees {
                let mut at = 0;
                while let CanonicalNode::Split { feature, threshold, missing, left, right } =
                    tree.nodes[at as usize]
                {
                    let value = row[usize::from(feature)];
                    let value =
                        if value.is_nan() && missing == Missing::Left { f32::NEG_INFINITY } else { value };
                    at = if value < threshold { left } else { right };
                    visits += 1;
                }
            }
        }
    }
    visits as f64 / (rows.len() / width) as f64
}

/// CPU time of this thread, nanoseconds.
fn thread_cpu_ns() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Nanoseconds an item of rounds of work over `items`: least and median.
fn time(items: usize, mut round: impl FnMut()) -> (f64, f64) {
    let rounds = if is_test() { 1 } else { 15 };
    let repeats = if is_test() { 1 } else { 10 };
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let begun = thread_cpu_ns();
            (0..repeats).for_each(|_| round());
            (thread_cpu_ns() - begun) / (repeats * items) as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    (times[0], times[times.len() / 2])
}

fn measure(name: &str, draft: &ModelDraft, rows: &[f32], visits: f64, kernel: Kernel) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bench.sgm");
    draft.write(&path).unwrap();
    let mut model = Model::open(&path).unwrap();
    assert!(model.set_kernel(kernel));
    let (width, trees) = (model.info().features.len(), model.info().tree_count as f64);
    let count = rows.len() / width;
    let mut raw = [0.0];
    for row in rows.chunks_exact(width) {
        model.predict_raw(row, &mut raw);
        let (mapped, plain) = (raw[0], draft.predict_raw(row)[0]);
        assert_eq!(mapped.to_bits(), plain.to_bits(), "{name}: the answer is the plain walk's");
    }
    let (single, single_median) = time(count, || {
        for row in rows.chunks_exact(width) {
            black_box(model.predict(black_box(row)));
        }
    });
    let doubles: Vec<f64> = rows.iter().map(|&value| f64::from(value)).collect();
    let (margin, _) = time(count, || {
        let mut margin = [0.0];
        for row in doubles.chunks_exact(width) {
            model.predict_raw(black_box(row), &mut margin);
            black_box(margin);
        }
    });
    let (chain, _) = time(count, || {
        let mut at = 0_usize;
        for row in 0..count {
            // Where the next row starts depends on this one's answer, though it never changes.
            let answer = model.predict(black_box(&rows[at..at + width]));
            at = (row + 1) % count * width + usize::from(answer.is_nan());
        }
        black_box(at);
    });
    let mut out = vec![0.0; count];
    let (batch, _) = time(count, || {
        model.predict_batch(black_box(rows), &mut out);
        black_box(&out);
    });
    let (open, _) = time(1, || {
        black_box(Model::open(&path).unwrap());
    });
    println!(
        "| {name} | {} | {kernel:?} | {} | {} | {single:.0} ({single_median:.0}) | {margin:.0} | {chain:.0} | {batch:.0} | {:.2} | {:.2} | {:.0} |",
        model.layouts().next().unwrap(),
        model.info().node_count,
        fs::metadata(&path).unwrap().len(),
        single / trees,
        single / visits,
        open / 1e3,
    );
}

/// From another library's bytes to the first score.
fn model_to_live() {
    let bytes = golden("models/xgb_bin_100x6.json");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("live.sgm");
    let row = [0.0; 10];
    let (least, median) = time(1, || {
        let imported = import::import(&bytes, &import::Options::new("bench")).unwrap();
        imported.draft.write(&path).unwrap();
        black_box(Model::open(&path).unwrap().predict(&row));
    });
    println!(
        "\nXGBoost JSON of {} bytes to the first score: {:.1} ms ({:.1})",
        bytes.len(),
        least / 1e6,
        median / 1e6
    );
}

/// Wall time of single rows, one by one: the slow ones.
fn slow_rows() {
    println!("\n| model | layout | p50, ns | p99, ns | p99.9, ns |\n|---|---|---:|---:|---:|");
    for (name, draft, rows) in models() {
        let model = Model::from_bytes(&draft.to_bytes().unwrap()).unwrap();
        let width = model.info().features.len();
        let mut times = hdrhistogram::Histogram::<u64>::new(3).unwrap();
        for _ in 0..if is_test() { 1 } else { 200 } {
            for row in rows.chunks_exact(width) {
                let begun = Instant::now();
                black_box(model.predict(black_box(row)));
                times.record(begun.elapsed().as_nanos() as u64).unwrap();
            }
        }
        let at = |quantile| times.value_at_quantile(quantile);
        println!(
            "| {name} | {} | {} | {} | {} |",
            model.layouts().next().unwrap(),
            at(0.5),
            at(0.99),
            at(0.999)
        );
    }
}
