//! Damaged, truncated, foreign and newer files: an error that says what is wrong and where, never a crash.
#![allow(clippy::unwrap_used)]

#[path = "support/forests.rs"]
mod forests;
#[path = "support/golden_files.rs"]
#[allow(dead_code)]
mod golden_files;

use std::fs;

use forests::{Random, Shape, draft, features, forest, oblivious_forest, row};
use stormglass_model::{
    Bins, DriftReference, Link, MemberDraft, Model, ModelDraft, ModelError, ModelInfo, Outputs,
    forest::{
        CanonicalForest, CanonicalNode, CanonicalTree, Layout, Missing, MissingRule, Precision, SumKind,
        WideForest, WideNode, WideTree,
    },
    linear::{LinearDraft, LinearTerm},
    preparation::{Preparation, PreparedFeature},
};

const FEATURES: usize = 5;
const BYTES_OR_NODES: [Layout; 4] = [Layout::Narrow, Layout::ByteBlock, Layout::Oblivious, Layout::Ragged];

/// A file with a forest of narrow nodes, and with every other kind of section.
fn file() -> Vec<u8> {
    file_of(Layout::Narrow)
}

/// The same with the forest in some layout.
fn file_of(layout: Layout) -> Vec<u8> {
    let mut random = Random(11);
    let shape =
        Shape { trees: 30, depth_max: 4, features: FEATURES, complete: false, sum: SumKind::F64Leaves };
    let made = match layout {
        Layout::Oblivious => oblivious_forest(&mut random, shape),
        _ => forest(&mut random, shape),
    };
    file_with(&mut random, made, layout)
}

fn file_with(random: &mut Random, forest: CanonicalForest, layout: Layout) -> Vec<u8> {
    let term = LinearTerm { coefficient: 0.5, low: -9.0, high: 9.0, imputed: 0.1, missing_coefficient: 0.2 };
    let linear = LinearDraft { terms: vec![term; FEATURES], intercept: -1.0 };
    let members = vec![(0.5, MemberDraft::Forest(forest)), (0.5, MemberDraft::Linear(linear))];
    let rows: Vec<f32> = (0..24).flat_map(|_| row(random, FEATURES)).collect();
    draft(FEATURES, members).with_self_test(rows).with_layout(layout).unwrap().to_bytes().unwrap()
}

/// A file with a wide forest of three outputs and every section that `file` has not.
fn wide_file() -> Vec<u8> {
    let mut random = Random(21);
    let shape =
        Shape { trees: 30, depth_max: 4, features: FEATURES, complete: false, sum: SumKind::F64Leaves };
    let mut forest = widened(&forest(&mut random, shape));
    for (number, tree) in forest.trees.iter_mut().enumerate() {
        tree.output = Some(number as u16 % 3);
        tree.cover = vec![1.0; tree.nodes.len()];
        for at in (0..tree.nodes.len()).rev() {
            if let WideNode::Split { left, right, .. } = tree.nodes[at] {
                tree.cover[at] = tree.cover[left as usize] + tree.cover[right as usize];
            }
        }
    }
    forest.base = vec![0.25; 3];
    let outputs =
        Outputs { scales: vec![0.5, 1.5, 2.5], ..Outputs::plain(3, Precision::Double, Link::Softmax) };
    let part = PreparedFeature { imputed: 0.125, center: 0.25, scale: 2.0 };
    let bins = Bins::by_quantiles((0..400).map(f64::from));
    let drift = DriftReference { features: vec![bins.clone(); FEATURES], answers: bins, rows: 400 };
    let rows: Vec<f32> = (0..24).flat_map(|_| row(&mut random, FEATURES)).collect();
    draft(FEATURES, vec![(1.0, MemberDraft::Wide(forest))])
        .with_outputs(outputs)
        .and_then(|draft| draft.with_preparation(Preparation { features: vec![part; FEATURES] }))
        .and_then(|draft| draft.with_drift_reference(drift))
        .unwrap()
        .with_self_test(rows)
        .to_bytes()
        .unwrap()
}

/// The number of the section with a tag.
fn tagged(bytes: &[u8], tag: &[u8; 4]) -> usize {
    let count = u32::from_le_bytes(bytes[24..28].try_into().unwrap()) as usize;
    (0..count).find(|number| bytes[64 + 32 * number..].starts_with(tag)).expect("there is such a section")
}

fn refusal(bytes: &[u8]) -> ModelError {
    Model::from_bytes(bytes).map(|model| model.info().clone()).expect_err("the file is damaged")
}

/// The place of section `number` in the table, and its start and end in the file.
fn section(bytes: &[u8], number: usize) -> (usize, usize, usize) {
    let at = 64 + 32 * number;
    let read = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
    (at, read(at + 8), read(at + 8) + read(at + 16))
}

/// Makes the checksums agree with the bytes again: what damage before writing, or malice, looks like.
fn reseal(bytes: &mut [u8]) {
    let count = u32::from_le_bytes(bytes[24..28].try_into().unwrap()) as usize;
    for number in 0..count {
        let (at, start, end) = section(bytes, number);
        let checksum = crc32c::crc32c(&bytes[start..end.min(bytes.len()).max(start)]);
        bytes[at + 24..at + 28].copy_from_slice(&checksum.to_le_bytes());
    }
    let head = crc32c::crc32c_append(crc32c::crc32c(&bytes[..60]), &bytes[64..64 + 32 * count]);
    bytes[60..64].copy_from_slice(&head.to_le_bytes());
}

#[test]
fn the_undamaged_file_opens_and_verifies() {
    let model = Model::from_bytes(&file()).unwrap();
    assert_eq!(model.verify().unwrap(), 24);
    assert_eq!(model.info().tree_count, 30);
}

#[test]
fn every_flipped_bit_is_noticed() {
    for layout in BYTES_OR_NODES {
        notices_flips(&file_of(layout));
    }
}

fn notices_flips(whole: &[u8]) {
    let mut damaged = whole.to_vec();
    for bit in 0..whole.len() * 8 {
        damaged[bit / 8] ^= 1 << (bit % 8);
        let error = refusal(&damaged).to_string();
        assert!(error.starts_with("<memory>: "), "bit {bit}: {error}");
        damaged[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn every_truncation_is_noticed() {
    for layout in BYTES_OR_NODES {
        notices_truncation(&file_of(layout));
    }
}

fn notices_truncation(whole: &[u8]) {
    for length in 0..whole.len() {
        match refusal(&whole[..length]) {
            ModelError::NotAModel { .. } => assert!(length < 64),
            ModelError::Length { expected, found, .. } => {
                assert_eq!((expected, found), (whole.len() as u64, length as u64));
            }
            other => panic!("{length} bytes: {other}"),
        }
    }
    let longer = [whole, &[0]].concat();
    assert!(matches!(refusal(&longer), ModelError::Length { .. }));
}

#[test]
fn damage_under_a_valid_checksum_never_crashes_and_never_reads_outside() {
    for layout in BYTES_OR_NODES {
        survives_damage(&file_of(layout), layout.name(), 24..usize::MAX, OFTEN);
    }
    // Deeper than two blocks: with links, on which most of the damage is put.
    let mut random = Random(12);
    let shape = Shape { trees: 9, depth_max: 11, features: FEATURES, complete: false, sum: SumKind::F32 };
    let made = forest(&mut random, shape);
    let ragged = file_with(&mut random, made.clone(), Layout::Ragged);
    let (_, start, end) = section(&ragged, 1);
    survives_damage(&ragged, "ragged, in its section", start..end, OFTEN);
    let linked = file_with(&mut random, made, Layout::ByteBlock);
    survives_damage(&linked, "byte-block with links", 24..usize::MAX, OFTEN);
    let (_, start, end) = section(&linked, 1);
    survives_damage(&linked, "byte-block with links, in its section", start..end, OFTEN);
    let wide = wide_file();
    survives_damage(&wide, "wide", 24..usize::MAX, OFTEN);
    for tag in [b"WIDE", b"LINK", b"SCAL", b"PREP", b"EXPL", b"DRFT", b"TEST"] {
        let (_, start, end) = section(&wide, tagged(&wide, tag));
        // Most of what these hold may be any number; their pointers and lengths may not.
        survives_damage(&wide, &tag.escape_ascii().to_string(), start..end, SELDOM);
    }
}

/// Rounds of damage, and how many at least are refused, and accepted.
const OFTEN: [usize; 2] = [10_000, 1_000];
const SELDOM: [usize; 2] = [4_000, 50];

/// Flips bits in a part of a file, under checksums that agree.
fn survives_damage(whole: &[u8], name: &str, part: std::ops::Range<usize>, [rounds, least]: [usize; 2]) {
    let part = part.start..part.end.min(whole.len());
    let mut random = Random(5);
    let rows: Vec<Vec<f32>> = (0..4).map(|_| row(&mut random, FEATURES)).collect();
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..rounds {
        let mut damaged = whole.to_vec();
        for _ in 0..=random.below(3) {
            // Not the magic, version and length: those refusals are tested above.
            let at = part.start + random.below(part.len());
            damaged[at] ^= 1 << random.below(8);
        }
        // The header's count may be damaged too; only seal what is still a table.
        let sections = u32::from_le_bytes(whole[24..28].try_into().unwrap()) as usize;
        if damaged[24..28] == whole[24..28]
            && (0..sections).all(|n| damaged[64 + 32 * n..][8..24] == whole[64 + 32 * n..][8..24])
        {
            reseal(&mut damaged);
        }
        match Model::from_bytes(&damaged) {
            Err(_) => refused += 1,
            Ok(model) => {
                accepted += 1;
                // What is accepted is sound. The checked twin goes first: it would panic on a node outside, where the
                // unchecked walk would read it.
                for row in rows.iter().filter(|row| row.len() == model.info().features.len()) {
                    let (mut checked, mut scores) =
                        (vec![0.0; model.raw_count()], vec![0.0; model.raw_count()]);
                    model.predict_raw_checked(row, &mut checked);
                    model.predict_raw(row, &mut scores);
                    assert!(
                        scores.iter().zip(&checked).all(|(fast, plain)| fast.to_bits() == plain.to_bits())
                    );
                    let mut answers = vec![0.0; model.answer_count()];
                    model.predict_batch(row, &mut answers);
                    assert!(!answers.iter().any(|answer| answer.is_nan()));
                }
                let _ = model.explain(&vec![0.5; model.info().features.len()]);
                let _ = model.verify();
            }
        }
    }
    println!("{name}: accepted {accepted}, refused {refused}");
    assert!(accepted > least && refused > least, "{name}: accepted {accepted}, refused {refused}");
}

#[test]
fn structural_damage_names_the_section_and_the_rule() {
    // In `file()`, section 1 is the forest; it starts with its nodes, the first of which is a root split.
    let (_, forest_start, _) = section(&file(), 1);
    let cases: [(usize, [u8; 4], &str); 4] = [
        (4, 0xffff_f000_u32.to_le_bytes(), "child"),
        (4, 0x0000_1fff_u32.to_le_bytes(), "slot 4095"),
        (4, 0x0000_0000_u32.to_le_bytes(), "a leaf reads slot 0"),
        (0, f32::NAN.to_le_bytes(), "threshold NaN"),
    ];
    for (at, value, expected) in cases {
        let mut damaged = file();
        damaged[forest_start + at..forest_start + at + 4].copy_from_slice(&value);
        reseal(&mut damaged);
        let error = refusal(&damaged).to_string();
        assert!(
            error.contains("section FRST[1]") && error.contains("node 0") && error.contains(expected),
            "{error}"
        );
    }
}

#[test]
fn damage_of_ragged_trees_names_the_rule() {
    let whole = file_of(Layout::Ragged);
    let (_, start, end) = section(&whole, 1);
    // The section starts with its lines: a block's slots, then 32 bytes on its ranks. Its root of 88 bytes comes last.
    let shapes = end - 88 + 24;
    let distance = i32::from_le_bytes(whole[shapes..shapes + 4].try_into().unwrap());
    let shapes = shapes.checked_add_signed(distance as isize).unwrap();
    let cases: [(usize, u8, &str); 6] = [
        (start, 99, "slot 99"),
        (start + 7, 128, "line 0: an eighth condition"),
        (start + 32 + 7, 0, "line 0: an eighth condition"),
        (start + 32, 255, "split 0 of block 0 asks nothing"),
        (shapes, 2, "is no shape"),
        (end - 88 + 80, 31, "tree 30: it has no end"),
    ];
    for (at, value, expected) in cases {
        let mut damaged = whole.clone();
        assert_ne!(damaged[at], value);
        damaged[at] = value;
        reseal(&mut damaged);
        let error = refusal(&damaged).to_string();
        assert!(error.contains("section RAGD[1]") && error.contains(expected), "{error}");
    }
}

/// A tree of 100 levels, and 99 leaves.
fn a_chain_and_leaves() -> CanonicalForest {
    let split = |level: u32| CanonicalNode::Split {
        feature: 0,
        threshold: level as f32,
        missing: Missing::Left,
        left: 2 * level + 1,
        right: 2 * level + 2,
    };
    let mut chain = Vec::new();
    for level in 0..100 {
        chain.extend([split(level), CanonicalNode::Leaf(0.5)]);
    }
    // The right child follows the left, which is the leaf.
    chain.push(CanonicalNode::Leaf(0.5));
    let mut trees = vec![CanonicalTree { nodes: chain, cover: Vec::new() }];
    trees.resize(100, CanonicalTree { nodes: vec![CanonicalNode::Leaf(0.25)], cover: Vec::new() });
    CanonicalForest { trees, base: 0.0, sum: SumKind::F32 }
}

fn widened(forest: &CanonicalForest) -> WideForest {
    let tree = |tree: &CanonicalTree| {
        let node = |node: &CanonicalNode| match *node {
            CanonicalNode::Leaf(_) => WideNode::Leaf(0),
            CanonicalNode::Split { feature, threshold, left, right, .. } => {
                let (threshold, missing) = (f64::from(threshold), MissingRule::Left);
                WideNode::Split { feature, threshold, missing, left, right }
            }
        };
        let nodes = tree.nodes.iter().map(node).collect();
        WideTree { nodes, output: Some(0), leaves: vec![0.5], lines: Vec::new(), cover: Vec::new() }
    };
    let (values, sum) = (Precision::Double, Precision::Double);
    WideForest { trees: forest.trees.iter().map(tree).collect(), sets: vec![], base: vec![0.0], values, sum }
}

#[test]
fn many_roots_of_one_deep_tree_are_refused() {
    let chain = a_chain_and_leaves();
    let wide = MemberDraft::Wide(widened(&chain));
    let info = ModelInfo::new("wide", "1", "ml", features(1));
    let outputs = Outputs::plain(1, Precision::Double, Link::Identity);
    let wide = ModelDraft::new(info, vec![(1.0, wide)]).unwrap().with_outputs(outputs).unwrap();
    let wide = wide.with_layout(Layout::Wide).unwrap();
    let narrow = draft(1, vec![(1.0, MemberDraft::Forest(chain))]).with_layout(Layout::Narrow).unwrap();
    // In both, a forest's trees are the third array of its root: of 4 bytes each, and of 8.
    for (whole, root_bytes, tree_bytes) in
        [(narrow.to_bytes().unwrap(), 56, 4), (wide.to_bytes().unwrap(), 80, 8)]
    {
        assert!(Model::from_bytes(&whole).is_ok());
        let (_, _, end) = section(&whole, 1);
        let pointer = end - root_bytes + 16;
        let distance = i32::from_le_bytes(whole[pointer..pointer + 4].try_into().unwrap());
        let trees = pointer.checked_add_signed(distance as isize).unwrap();
        let mut damaged = whole.clone();
        for tree in 1..100 {
            damaged.copy_within(trees..trees + 4, trees + tree * tree_bytes);
        }
        reseal(&mut damaged);
        let error = refusal(&damaged).to_string();
        assert!(error.contains("[1]: 10100 ") && error.contains("share"), "{error}");
    }
}

#[test]
fn a_section_of_other_features_is_refused() {
    let whole = file();
    let (_, start, end) = section(&whole, 2);
    let mut damaged = whole.clone();
    // LINR ends with its root: terms (8 bytes), intercept, fingerprint.
    damaged[end - 8] ^= 1;
    assert!(start < end);
    reseal(&mut damaged);
    let error = refusal(&damaged).to_string();
    assert!(error.contains("section LINR[2]: it was made for other features than META lists"), "{error}");
}

#[test]
fn newer_foreign_and_unknown_are_refused_by_name() {
    let mut newer = file();
    newer[8] = 2;
    assert_eq!(
        refusal(&newer).to_string(),
        "<memory>: format version 2 is newer than this build reads (1): use a newer stormglass"
    );
    let mut swapped = file();
    swapped[10..12].reverse();
    assert!(matches!(refusal(&swapped), ModelError::ForeignLayout { .. }));
    let mut wide = file();
    wide[12] = 64;
    assert!(refusal(&wide).to_string().contains("64 bit pointers"));

    let mut unknown = file();
    let (at, ..) = section(&unknown, 1);
    unknown[at + 4] = 9;
    reseal(&mut unknown);
    assert_eq!(
        refusal(&unknown).to_string(),
        "<memory>: section FRST[1]: version 9 is required but not known to this build"
    );
    let mut tagged = file();
    tagged[at..at + 4].copy_from_slice(b"KNOT");
    reseal(&mut tagged);
    assert!(matches!(refusal(&tagged), ModelError::UnknownSection { section, .. } if section == "KNOT[1]"));
    let mut headless = file();
    let (meta, ..) = section(&headless, 0);
    headless[meta..meta + 4].copy_from_slice(b"NOTE");
    headless[meta + 6] = 0;
    reseal(&mut headless);
    assert!(matches!(refusal(&headless), ModelError::MissingSection { section: "META", .. }));
}

#[test]
fn an_unknown_optional_section_is_skipped() {
    let mut later = file();
    let (at, ..) = section(&later, 3);
    later[at..at + 4].copy_from_slice(b"NEXT");
    reseal(&mut later);
    let model = Model::from_bytes(&later).unwrap();
    assert_eq!(model.verify().unwrap(), 0, "the self-test was the section that became unknown");
    let row = vec![0.5; FEATURES];
    assert_eq!(model.predict(&row), Model::from_bytes(&file()).unwrap().predict(&row));
}

#[test]
fn a_wrong_answer_in_the_self_test_is_told() {
    // The rows come first, then their raw scores, then their answers: eight bytes each.
    for (whole, outputs) in [(file(), 1), (wide_file(), 3)] {
        let (_, start, _) = section(&whole, tagged(&whole, b"TEST"));
        for place in 0..24 * 2 * outputs {
            let mut wrong = whole.clone();
            wrong[start + 8 * (24 * FEATURES + place)] ^= 1;
            reseal(&mut wrong);
            let error = Model::from_bytes(&wrong).unwrap().verify().expect_err("a number was changed");
            let (kind, at) = (["raw score", "answer"][place / (24 * outputs)], place % (24 * outputs));
            let number = if outputs == 1 { kind.to_owned() } else { format!("{kind} {}", at % outputs) };
            let told = error.to_string();
            assert!(told.contains(&format!("row {} gives {number} ", at / outputs)), "{place}: {told}");
        }
    }
}

/// A file from before section TEST had a second version.
#[test]
fn a_file_of_the_first_version_opens_verifies_and_tells_a_wrong_answer() {
    let older = golden_files::bytes("versions/1.sgm");
    let (at, start, _) = section(&older, tagged(&older, b"TEST"));
    assert_eq!(older[at + 4..at + 6], [1, 0], "the section's version");
    let model = Model::from_bytes(&older).unwrap();
    let rows = model.verify().unwrap();
    assert_eq!((rows, model.self_test_rows().len()), (32, 32 * model.info().features.len()));
    let mut wrong = older.clone();
    wrong[start + 32 * model.info().features.len() * 4] ^= 1;
    reseal(&mut wrong);
    let error = Model::from_bytes(&wrong).unwrap().verify().expect_err("row 0's answer was changed");
    assert!(error.to_string().contains("row 0 gives log-odds "), "{error}");
}

#[test]
fn files_that_are_no_models_are_recognised() {
    for (bytes, expected) in [
        (&b""[..], "it is empty"),
        (b"\x80\x04\x95pickle", "Python pickle"),
        (b"{\"learner\":{}}", "JSON"),
        (b"PK\x03\x04", "zip"),
        (b"\x89SGM\n\x1a\n", "copied as text"),
        (&[0; 4096], "first bytes"),
    ] {
        let error = refusal(bytes).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn opening_names_the_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.sgm");
    let absent = Model::open(&path).map(|_| ()).expect_err("there is no file");
    assert!(matches!(&absent, ModelError::Io { file, .. } if file.ends_with("m.sgm")), "{absent}");
    fs::write(&path, []).unwrap();
    let empty = Model::open(&path).map(|_| ()).expect_err("there is nothing in it");
    assert!(empty.to_string().ends_with("it is empty (0 bytes)"), "{empty}");
    fs::write(&path, file()).unwrap();
    let opened = Model::open(&path).unwrap();
    assert_eq!(opened.info().sha256.len(), 64);
    assert_eq!(opened.info().sha256, Model::from_bytes(&file()).unwrap().info().sha256);
    // Replaced by rename, as models are, the mapped one goes on.
    fs::rename(directory.path().join("m.sgm"), directory.path().join("gone")).unwrap();
    fs::remove_file(directory.path().join("gone")).unwrap();
    assert_eq!(opened.verify().unwrap(), 24);
}
