//! A file that grows by whole blocks, so that what a crash or a full disk leaves of it is whole lines.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Compression of a block, for speed: ticks come while it works.
const ZSTD_LEVEL: i32 = 3;

/// A file under a temporary name, `NAME.part`, until it is finished.
#[derive(Debug)]
pub(super) struct BlockFile {
    file: File,
    /// The name it gets when it is whole.
    path: PathBuf,
    part: PathBuf,
    compress: bool,
    /// Bytes of the blocks that are on the disk.
    whole: u64,
}

impl BlockFile {
    /// Creates the file, which must not exist under either name.
    pub(super) fn create(path: PathBuf, compress: bool) -> io::Result<Self> {
        let mut part = path.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = OpenOptions::new().write(true).create_new(true).open(&part)?;
        Ok(Self { file, path, part, compress, whole: 0 })
    }

    /// Adds a block of whole lines, and has it on the disk when it returns.
    pub(super) fn write(&mut self, block: &[u8]) -> io::Result<()> {
        if block.is_empty() {
            return Ok(());
        }
        // A frame of its own: each block can be unpacked without those behind it.
        let packed = if self.compress { Some(zstd::bulk::compress(block, ZSTD_LEVEL)?) } else { None };
        let block = packed.as_deref().unwrap_or(block);
        self.file.write_all(block)?;
        self.file.sync_data()?;
        self.whole += block.len() as u64;
        Ok(())
    }

    /// Cuts what is no whole block off and gives the file its name; a file without a block is removed instead. Returns
    /// the name.
    pub(super) fn finish(self) -> io::Result<Option<PathBuf>> {
        if self.whole == 0 {
            std::fs::remove_file(&self.part)?;
            return Ok(None);
        }
        self.file.set_len(self.whole)?;
        self.file.sync_all()?;
        std::fs::rename(&self.part, &self.path)?;
        sync_directory(&self.path)?;
        Ok(Some(self.path))
    }
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}
