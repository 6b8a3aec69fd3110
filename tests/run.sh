#!/usr/bin/env bash
# The test command. See README.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo test --workspace --profile testing
