//! A forest file larger than a reader would like to hold: opened in place, it keeps only the pages that are touched later.
//!
//! 128 MiB; with STORMGLASS_LONG set, 1 GiB.
#![allow(clippy::unwrap_used, unsafe_code)]

#[path = "support/forests.rs"]
mod forests;

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

use forests::{Random, Shape, draft, forest, row};
use stormglass_model::{
    MemberDraft, Model, ModelDraft,
    forest::{Layout, SumKind},
};

const FEATURES: usize = 4;
const NODE_BYTES: usize = 8;
/// Complete trees of seven levels.
const TREE_NODES: usize = 255;

/// Memory that this process has in it, bytes.
fn resident_bytes() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = pages.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * rustix::param::page_size()
}

#[test]
fn a_large_file_is_opened_without_being_kept_in_memory() {
    let long = std::env::var("STORMGLASS_LONG").is_ok_and(|long| !long.is_empty());
    let node_bytes = if long { 1 << 30 } else { 128 << 20 };
    let trees = node_bytes / (TREE_NODES * NODE_BYTES);
    let mut random = Random(17);
    let shape = Shape { trees: 1, depth_max: 7, features: FEATURES, complete: true, sum: SumKind::F32 };
    let one = draft(FEATURES, vec![(1.0, MemberDraft::Forest(forest(&mut random, shape)))])
        .with_layout(Layout::Narrow)
        .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large.sgm");
    write_repeated(&one, trees, &path);
    assert!(fs::metadata(&path).unwrap().len() as usize > trees * TREE_NODES * NODE_BYTES);

    let before = resident_bytes();
    let begun = std::time::Instant::now();
    // SAFETY: the file is this test's own, and nothing writes to it any more.
    let model = unsafe { Model::open_in_place(&path) }.unwrap();
    let (seconds, opened) = (begun.elapsed().as_secs_f64(), resident_bytes());
    assert_eq!(model.info().tree_count, trees);
    let row = row(&mut random, FEATURES);
    let mut answer = [0.0];
    model.predict_raw(&row, &mut answer);
    let walked = resident_bytes();
    println!(
        "{node_bytes} bytes of nodes, {trees} trees: opened in {seconds:.2} s with {} KiB, {} KiB after a row of all trees",
        opened.saturating_sub(before) / 1024,
        walked.saturating_sub(before) / 1024,
    );
    // The plan of the walk takes some 16 bytes a tree.
    let most = 16 * 1024 * 1024 + 32 * trees;
    assert!(
        opened.saturating_sub(before) < most,
        "{before} bytes before, {opened} after, at most {most} more"
    );

    let [(_, MemberDraft::Forest(tree))] = one.members() else { panic!("it has one forest") };
    let leaf = tree.trees[0].leaf(&row) as f32;
    let plain = (0..trees).fold(tree.base as f32, |sum, _| sum + leaf);
    assert_eq!(answer[0].to_bits(), f64::from(plain).to_bits());
}

/// A file as FORMAT.md says, whose forest is a model's one tree many times.
fn write_repeated(one: &ModelDraft, trees: usize, path: &Path) {
    let small = one.to_bytes().unwrap();
    let word = |at: usize| u64::from_le_bytes(small[at..at + 8].try_into().unwrap()) as usize;
    let section = |number: usize| {
        let entry = 64 + 32 * number;
        &small[word(entry + 8)..word(entry + 8) + word(entry + 16)]
    };
    let (meta, forest) = (section(0), section(1));
    let tree = &forest[..TREE_NODES * NODE_BYTES];
    // The root: four vectors (relative pointer, length), base, fingerprint, sum.
    let root = &forest[forest.len() - 56..];
    let slots_at = forest.len() - 56 + 24;
    let relative = i32::from_le_bytes(root[24..28].try_into().unwrap());
    let slot_count = u32::from_le_bytes(root[28..32].try_into().unwrap()) as usize;
    let slots = &forest[(slots_at as i64 + i64::from(relative)) as usize..][..4 * slot_count];

    let nodes_bytes = trees * tree.len();
    let roots: Vec<u8> = (0..trees).flat_map(|tree| ((tree * TREE_NODES) as u32).to_le_bytes()).collect();
    let mut tail = roots.clone();
    tail.extend(slots);
    tail.resize(tail.len().next_multiple_of(8), 0);
    let root_at = nodes_bytes + tail.len();
    let vectors = [
        (0, trees * TREE_NODES),
        (nodes_bytes, 0),
        (nodes_bytes, trees),
        (nodes_bytes + roots.len(), slot_count),
    ];
    for (number, (at, count)) in vectors.into_iter().enumerate() {
        let pointer = at as i64 - (root_at + 8 * number) as i64;
        tail.extend((pointer as i32).to_le_bytes());
        tail.extend((count as u32).to_le_bytes());
    }
    tail.extend(&root[32..]);

    let forest_checksum =
        crc32c::crc32c_append((0..trees).fold(0, |checksum, _| crc32c::crc32c_append(checksum, tree)), &tail);
    let meta_at = 128;
    let forest_at = (meta_at + meta.len()).next_multiple_of(64);
    let forest_bytes = nodes_bytes + tail.len();
    let mut head = small[..128].to_vec();
    head[16..24].copy_from_slice(&((forest_at + forest_bytes) as u64).to_le_bytes());
    head[96 + 8..96 + 16].copy_from_slice(&(forest_at as u64).to_le_bytes());
    head[96 + 16..96 + 24].copy_from_slice(&(forest_bytes as u64).to_le_bytes());
    head[96 + 24..96 + 28].copy_from_slice(&forest_checksum.to_le_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&head[..60]), &head[64..]);
    head[60..64].copy_from_slice(&checksum.to_le_bytes());

    let mut file = BufWriter::new(File::create(path).unwrap());
    file.write_all(&head).unwrap();
    file.write_all(meta).unwrap();
    file.write_all(&vec![0; forest_at - meta_at - meta.len()]).unwrap();
    (0..trees).for_each(|_| file.write_all(tree).unwrap());
    file.write_all(&tail).unwrap();
    file.flush().unwrap();
}
