//! A directory on a disk without room.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

/// A mounted disk of 256 KiB. Where the test may not mount one, a directory in which nobody can make a file: a write
/// there fails all the same, with other words.
pub(crate) struct FullDisk {
    disk: Option<tempfile::TempDir>,
}

impl FullDisk {
    /// A disk that is filled to its last page.
    pub(crate) fn new() -> Self {
        let disk = Self::empty();
        disk.fill();
        disk
    }

    /// A small disk with all of its room free.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mount = ["-t", "tmpfs", "-o", "size=256k", "tmpfs"];
        let mounted = Command::new("mount").args(mount).arg(folder.path()).output();
        let is_mounted = mounted.is_ok_and(|output| output.status.success());
        if !is_mounted {
            println!("no right to mount a disk: writes fail for another reason");
        }
        Self { disk: is_mounted.then_some(folder) }
    }

    /// Whether it is a disk that can be filled and freed.
    pub(crate) fn is_disk(&self) -> bool {
        self.disk.is_some()
    }

    /// Part of the error message of a refused write.
    pub(crate) fn refusal(&self) -> &'static str {
        if self.is_disk() { "No space left on device" } else { "os error" }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.disk.as_ref().map_or_else(|| PathBuf::from("/proc"), |disk| disk.path().to_owned())
    }

    fn filler(&self) -> Option<PathBuf> {
        Some(self.disk.as_ref()?.path().join("filler"))
    }

    pub(crate) fn fill(&self) {
        let Some(path) = self.filler() else { return };
        let mut file = std::fs::File::create(path).unwrap();
        while file.write_all(&[7; 512]).is_ok() {}
    }

    pub(crate) fn free(&self) {
        if let Some(path) = self.filler() {
            std::fs::remove_file(path).unwrap();
        }
    }

    /// Names in the directory, but for what fills it.
    pub(crate) fn names(&self) -> Vec<String> {
        let all = std::fs::read_dir(self.path()).unwrap();
        let names = all.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != "filler").collect()
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        if let Some(disk) = &self.disk {
            unmount(disk.path());
        }
    }
}

fn unmount(path: &Path) {
    // A service of the test may have a file open yet.
    let _ = Command::new("umount").arg("-l").arg(path).status();
}
