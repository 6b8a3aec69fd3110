//! Tells the binary which commit it is. `STORMGLASS_SHA` and `SOURCE_DATE_EPOCH` win where there is no repository
//! (containers); the build time is the commit's, so that the same commit gives the same binary.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=STORMGLASS_SHA");
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    for log in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--path-format=absolute", "--git-path", log]) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    let sha = std::env::var("STORMGLASS_SHA").ok().or_else(|| git(&["rev-parse", "HEAD"]));
    let built =
        std::env::var("SOURCE_DATE_EPOCH").ok().or_else(|| git(&["show", "-s", "--format=%ct", "HEAD"]));
    println!("cargo:rustc-env=STORMGLASS_SHA={}", sha.as_deref().unwrap_or("unknown"));
    println!("cargo:rustc-env=STORMGLASS_BUILT_EPOCH_S={}", built.as_deref().unwrap_or("0"));
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
