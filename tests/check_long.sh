# shellcheck shell=bash
# What `check` does in its long form alone. Sourced by run.sh, whose `not_run` records a check whose tool is not to be had.
# Everything has target folders of its own: other features and targets would build the dependencies of the suites again.

# The features that a package declares, but for `default`.
features_of() { awk '/^\[/ { inside = $0 == "[features]" } inside && /^[a-z]/ && $1 != "default" { print $1 }' "$1/Cargo.toml"; }

# Each feature alone, and none.
check_features() {
    local folder package feature
    for folder in model engine api; do
        package=$(sed -n 's/^name = "\(.*\)"/\1/p' "$folder/Cargo.toml" | head -1)
        for feature in "" $(features_of "$folder"); do
            echo "-- $package --no-default-features --features '$feature'"
            CARGO_TARGET_DIR=target/features cargo clippy --quiet -p "$package" --no-default-features --features "$feature" -- -D warnings
        done
    done
}

# Cargo.toml says which Rust is old enough. Clippy holds our own code to it (incompatible_msrv); no dependency may ask for more.
check_oldest_rust() {
    local oldest
    oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    cargo metadata --format-version 1 --locked --filter-platform x86_64-unknown-linux-gnu | python3 -c '
import json, sys
number = lambda version: [int(part) for part in version.split(".")[:2]]
newer = ["%s %s wants Rust %s" % (p["name"], p["version"], p["rust_version"]) for p in json.load(sys.stdin)["packages"]
         if p["rust_version"] and number(p["rust_version"]) > number(sys.argv[1])]
sys.exit("\n".join(newer) or None)' "$oldest"
    if cargo "+$oldest" --version >/dev/null 2>&1 || rustup toolchain install --profile minimal "$oldest" >/dev/null 2>&1; then
        CARGO_TARGET_DIR=target/oldest cargo "+$oldest" check --workspace --all-features
    else
        not_run "a build by Rust $oldest" "rustup cannot install it here"
    fi
}

# The kernels without AVX. What needs a C compiler for the target is left out: Kafka's client, the allocator.
check_aarch64() {
    local target=aarch64-unknown-linux-gnu
    if [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || rustup target add "$target" >/dev/null 2>&1; then
        CARGO_TARGET_DIR=target/aarch64 cargo check --target "$target" -p stormglass-model --all-features
    else
        not_run "a check for $target" "rustup cannot install the target here"
    fi
}

# Known faults of dependencies. Its list is fetched from the list's own home.
check_advisories() {
    if cargo deny fetch db >/dev/null 2>&1; then
        cargo deny check advisories
    else
        not_run "advisories of dependencies" "their list cannot be fetched here"
    fi
}

check_long() {
    check_features
    check_oldest_rust
    check_aarch64
    check_advisories
    not_run "Miri on the portable kernels" "a model's bytes lie in mapped pages, protected by mprotect; Miri would need them in plain memory"
}
