//! Mutations behind checksums. A changed byte there would be refused before the code of interest sees it.

use std::io::{Cursor, Read, Write};

use libfuzzer_sys::fuzzer_mutate;
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// One of this many mutations leaves the checksums wrong.
const PLAIN_EVERY: u32 = 8;
/// Bytes that a member of an archive may unpack to here.
const MEMBER_BYTES_MAX: u64 = 1 << 20;
const MEMBERS_MAX: usize = 256;
/// The member of a skops archive that says what the others are.
const SKOPS_SCHEMA: &str = "schema.json";

/// Changes a member of a zip archive. Gives the new size.
pub fn zip_archive(bytes: &mut [u8], size: usize, size_max: usize, seed: u32) -> usize {
    let changed = if seed.is_multiple_of(PLAIN_EVERY) { None } else { repacked(&bytes[..size], seed) };
    match changed {
        Some(archive) if archive.len() <= size_max.min(bytes.len()) => {
            bytes[..archive.len()].copy_from_slice(&archive);
            archive.len()
        }
        _ => fuzzer_mutate(bytes, size, size_max),
    }
}

fn repacked(archive: &[u8], seed: u32) -> Option<Vec<u8>> {
    let mut members = Vec::new();
    let mut zip = ZipArchive::new(Cursor::new(archive)).ok()?;
    for number in 0..zip.len().min(MEMBERS_MAX) {
        let file = zip.by_index(number).ok()?;
        let name = file.name().ok()?.into_owned();
        let mut content = Vec::new();
        file.take(MEMBER_BYTES_MAX).read_to_end(&mut content).ok()?;
        members.push((name, content));
    }
    let random = (seed / PLAIN_EVERY) as usize;
    // The schema, where there is one, every other time: it is one of a hundred members.
    let schema = members.iter().position(|(name, _)| name == SKOPS_SCHEMA);
    let chosen = schema.filter(|_| random.is_multiple_of(2)).unwrap_or(random / 2 % members.len().max(1));
    let content = &mut members.get_mut(chosen)?.1;
    let size = content.len();
    content.resize(size + 64, 0);
    let (size_max, content_size) = (content.len(), size);
    let size = fuzzer_mutate(content, content_size, size_max);
    content.truncate(size);

    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in &members {
        writer.start_file(name.as_str(), stored).ok()?;
        writer.write_all(content).ok()?;
    }
    writer.finish().ok().map(Cursor::into_inner)
}

/// Changes bytes of a model file anywhere. Gives the new size, which is the old one unless checksums are left alone.
pub fn model_file(bytes: &mut [u8], size: usize, size_max: usize, seed: u32) -> usize {
    if seed.is_multiple_of(PLAIN_EVERY) {
        return fuzzer_mutate(bytes, size, size_max);
    }
    // Behind the header, in the table or in one of the sections: a part, so that a shift does not move everything.
    let (start, end) = part(&bytes[..size], seed / PLAIN_EVERY).unwrap_or((0, size));
    let mut changed = bytes[start..end].to_vec();
    let length = fuzzer_mutate(&mut changed, end - start, end - start);
    bytes[start..start + length].copy_from_slice(&changed[..length]);
    seal(&mut bytes[..size]);
    size
}

/// A stretch of the file of at most a few hundred bytes: heads and tails of sections and places inside.
fn part(file: &[u8], seed: u32) -> Option<(usize, usize)> {
    let sections = sections(file)?;
    let (_, start, end) = *sections.get(seed as usize % sections.len().max(1))?;
    let (length, random) = ((end - start).min(256), (seed / 7) as usize);
    let first = match random % 4 {
        0 => start,
        1 | 2 => end - length,
        _ => start + random / 4 % (end - start - length + 1),
    };
    (length > 0).then_some((first, first + length))
}

/// Position of each section's line in the table, and the section's start and end in the file.
fn sections(file: &[u8]) -> Option<Vec<(usize, usize, usize)>> {
    let number = |at: usize| file.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes);
    let count = u32::from_le_bytes(file.get(24..28)?.try_into().ok()?).min(64) as usize;
    (0..count)
        .map(|place| {
            let at = 64 + 32 * place;
            let start = usize::try_from(number(at + 8)?).ok()?;
            let end = start.checked_add(usize::try_from(number(at + 16)?).ok()?)?;
            (end <= file.len()).then_some((at, start, end))
        })
        .collect()
}

/// Makes the checksums agree with the bytes again.
fn seal(file: &mut [u8]) {
    let Some(sections) = sections(file).filter(|sections| !sections.is_empty()) else { return };
    for &(at, start, end) in &sections {
        let checksum = crc32c::crc32c(&file[start..end]);
        file[at + 24..at + 28].copy_from_slice(&checksum.to_le_bytes());
    }
    let table = 64 + 32 * sections.len();
    let head = crc32c::crc32c_append(crc32c::crc32c(&file[..60]), &file[64..table]);
    file[60..64].copy_from_slice(&head.to_le_bytes());
}
