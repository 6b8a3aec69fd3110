//! The control group's CPU quota. A container with a quota of 1.5 CPUs sees all CPUs of the machine, and is stopped for
//! the rest of each 100 ms once it has used its share.

use std::{fs, path::Path};

/// CPU time that this process may use, in CPUs; `None` if neither its control group nor one above it sets a limit. The
/// standard library's `available_parallelism` rounds the quota down; the plan needs the fraction.
pub fn cpu_quota() -> Option<f64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    quota_in(Path::new("/sys/fs/cgroup"), &groups)
}

/// The least quota on the path from the process's group to the root, in the layouts of versions 2 and 1.
fn quota_in(mount: &Path, groups: &str) -> Option<f64> {
    let mut quotas = Vec::new();
    for line in groups.lines() {
        // `0::/path` is version 2; `4:cpu,cpuacct:/path` is version 1.
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        if controllers.is_empty() {
            quotas.extend(up_to_root(path).filter_map(|group| quota_v2(&mount.join(group))));
        } else if controllers.split(',').any(|name| name == "cpu") {
            for hierarchy in [controllers, "cpu"] {
                quotas.extend(
                    up_to_root(path).filter_map(|group| quota_v1(&mount.join(hierarchy).join(group))),
                );
            }
        }
    }
    quotas.into_iter().min_by(f64::total_cmp)
}

/// `a/b`, `a` and the root itself. Inside a container the mount's root often is our group whatever the path is.
fn up_to_root(path: &str) -> impl Iterator<Item = &Path> {
    Path::new(path.trim_start_matches('/')).ancestors()
}

fn quota_v2(group: &Path) -> Option<f64> {
    let text = fs::read_to_string(group.join("cpu.max")).ok()?;
    let (quota, period) = text.trim().split_once(' ')?;
    ratio(quota.parse().ok()?, period.parse().ok()?)
}

fn quota_v1(group: &Path) -> Option<f64> {
    let read = |name| fs::read_to_string(group.join(name)).ok()?.trim().parse::<f64>().ok();
    ratio(read("cpu.cfs_quota_us")?, read("cpu.cfs_period_us")?)
}

/// The CPUs of a quota. Version 2 writes `max` (not a number) and version 1 writes -1 for no limit.
fn ratio(quota_us: f64, period_us: f64) -> Option<f64> {
    (quota_us > 0.0 && period_us > 0.0).then(|| quota_us / period_us)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::quota_in;

    /// A mount of our own with these files, removed at the end.
    struct Mount(PathBuf);

    impl Mount {
        fn with(name: &str, files: &[(&str, &str)]) -> Self {
            let root = std::env::temp_dir().join(format!("stormglass-{name}-{}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(root)
        }
    }

    impl Drop for Mount {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    #[test]
    fn version_2_takes_the_least_quota_on_the_path() {
        let mount = Mount::with(
            "v2",
            &[
                ("a/cpu.max", "150000 100000\n"),
                ("a/b/cpu.max", "400000 100000\n"),
                ("cpu.max", "max 100000\n"),
            ],
        );
        assert_eq!(quota_in(&mount.0, "0::/a/b\n"), Some(1.5));
        assert_eq!(quota_in(&mount.0, "0::/elsewhere\n"), None);
    }

    #[test]
    fn version_1_reads_the_cpu_hierarchy_under_either_name() {
        let mount = Mount::with(
            "v1",
            &[
                ("cpu/pod/cpu.cfs_quota_us", "50000\n"),
                ("cpu/pod/cpu.cfs_period_us", "100000\n"),
                ("cpu/cpu.cfs_quota_us", "-1\n"),
                ("cpu/cpu.cfs_period_us", "100000\n"),
            ],
        );
        assert_eq!(quota_in(&mount.0, "3:cpuset:/\n2:cpu,cpuacct:/pod\n"), Some(0.5));
        assert_eq!(quota_in(&mount.0, "2:cpu:/\n"), None);
    }

    #[test]
    fn a_path_outside_the_mount_falls_back_to_its_root() {
        let mount = Mount::with("ns", &[("cpu.max", "200000 100000")]);
        assert_eq!(quota_in(&mount.0, "0::/docker/0123\n"), Some(2.0));
    }
}
