#!/usr/bin/env bash
# A container engine of the tests' own: its images, networks and socket are apart from those of any other.
#
#   tests/containers.sh start    starts it, with a Debian root under the name that deploy/Dockerfile builds upon; prints its socket
#   tests/containers.sh stop     ends it and what runs in it, and deletes its data
#
# Nothing is pulled: the root is made by debootstrap, once, and kept in CONTAINERS_HOME (target/containers). It needs root's
# rights, and installs Debian's docker.io, docker-compose and debootstrap where they are missing; those may start daemons of
# their own (dockerd, containerd), which nothing here asks or ends.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
home="${CONTAINERS_HOME:-$root/target/containers}"
start_timeout_s=60

die() { echo "containers.sh: $*" >&2; exit 1; }

install_missing() {
    command -v dockerd && command -v docker && command -v docker-compose && command -v debootstrap && return 0
    "$root/tests/install.sh" "a container engine and a root for it" docker.io docker-compose debootstrap
}

# What is mounted in the folder; what lies in another mount comes first.
unmount_in() { awk -v folder="$1/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | tac | xargs -r -n1 umount; }

# The root as debootstrap leaves it, less what it downloaded. In a shell of its own: whatever ends it, the tree goes.
make_root() (
    suite="$1" tar="$home/$1.tar"
    [ ! -e "$tar" ] || exit 0
    tree="$(mktemp -d "$home/tree.XXXXXX")"
    # debootstrap leaves what it mounted where it fails.
    trap 'unmount_in "$tree"; rm -rf --one-file-system "$tree" "$tar.part"' EXIT
    debootstrap --variant=minbase "$suite" "$tree" >"$home/debootstrap.log" || { tail -20 "$home/debootstrap.log" >&2; die "no root"; }
    rm -rf "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/* "$tree"/usr/share/{doc,man,locale}/*
    # Named when complete.
    tar -C "$tree" --numeric-owner -cf "$tar.part" .
    mv "$tar.part" "$tar"
)

# The stories put this machine's binary into the image: a C library newer than the root's would be missing there.
check_libc() {
    local suite="$1" here there
    here="$(getconf GNU_LIBC_VERSION | cut -d' ' -f2)"
    there="$(tar -xOf "$home/$suite.tar" ./var/lib/dpkg/status |
        awk '/^Package: / { package = $2 } /^Version: / && package == "libc6" { sub(/-.*/, "", $2); print $2 }')"
    [ -n "$there" ] || die "$home/$suite.tar has no libc6: delete it, so that it is made anew"
    [ "$(printf '%s\n' "$here" "$there" | sort -V | tail -1)" = "$there" ] ||
        die "the C library here is $here, that of deploy/Dockerfile's Debian $suite is $there: a binary built here does not start" \
            "in the image. Run the suite on Debian $suite"
}

# By what it was started with: a number that was left behind may be another process's by now, and another dockerd's.
is_running() {
    local words
    [ -e "$home/pid" ] || return 1
    mapfile -d '' -t words 2>/dev/null <"/proc/$(cat "$home/pid")/cmdline" || return 1
    [[ " ${words[*]} " == *" --data-root $home/data "* ]]
}

start() {
    ! is_running || die "it runs already (pid $(cat "$home/pid")); stop it first"
    local short image
    # Sockets' paths have a limit, and a checkout may lie deep.
    short="$(mktemp -d /tmp/containers.XXXXXX)"
    echo "$short" >"$home/short"
    # No bridge, rule or setting of the host's is touched: published ports go through the engine's own proxy.
    dockerd --data-root "$home/data" --exec-root "$short/run" --pidfile "$short/pid" --host "unix://$short/socket" \
        --bridge=none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
        --default-address-pool base=10.213.0.0/16,size=24 >"$home/dockerd.log" 2>&1 </dev/null &
    echo $! >"$home/pid"
    disown
    export DOCKER_HOST="unix://$short/socket"
    local deadline=$((SECONDS + start_timeout_s))
    until docker version >/dev/null 2>&1; do
        is_running || { tail -20 "$home/dockerd.log" >&2; die "dockerd ended; its log is $home/dockerd.log"; }
        [ $SECONDS -lt $deadline ] || die "dockerd does not answer after $start_timeout_s s; its log is $home/dockerd.log"
        sleep 0.1
    done
    image="$(sed -n 's/^ARG DEBIAN_IMAGE=//p' "$root/deploy/Dockerfile")"
    docker import "$home/$suite.tar" "$image" >/dev/null
    docker network create stories >/dev/null
    echo "$short/socket"
}

stop() {
    local short pid
    short="$(cat "$home/short" 2>/dev/null || true)"
    if is_running; then
        pid="$(cat "$home/pid")"
        export DOCKER_HOST="unix://$short/socket"
        docker ps -aq | xargs -r docker rm -f >/dev/null || true
        docker network prune -f >/dev/null || true
        kill "$pid"
        for _ in $(seq 300); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
        ! kill -0 "$pid" 2>/dev/null || die "dockerd (pid $pid) does not end"
    fi
    # What the engine leaves mounted: the host's network namespace under a name of its own.
    unmount_in "$home"
    [ -z "$short" ] || unmount_in "$short"
    rm -rf "$home/data" "$home/pid" "$home/short" ${short:+"$short"}
}

mkdir -p "$home"
home="$(cd "$home" && pwd)"
suite="$(sed -n 's/^ARG DEBIAN_IMAGE=.*:\([a-z]*\)-slim$/\1/p' "$root/deploy/Dockerfile")"
case "${1:-}" in
    start)
        install_missing >&2
        make_root "$suite" >&2
        check_libc "$suite"
        start
        ;;
    stop) stop ;;
    *) sed -n '2,/^set /p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 64 ;;
esac
