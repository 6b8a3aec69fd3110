#!/usr/bin/env bash
# Installs Debian packages that a suite needs, and says so before: `tests/install.sh WHY PACKAGE...`
set -euo pipefail
why="${1:?why}"
shift
echo "tests: $why: installing Debian's $*" >&2
if [ "$(id -u)" -ne 0 ]; then
    echo "tests: that needs root's rights; or install them yourself: apt-get install $*" >&2
    exit 1
fi
apt-get update -q >&2
DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$@" >&2
