//! Would glommio run here? Asked of the kernel directly, because glommio answers by panicking in the shard's thread
//! (no io_uring) or by ending the process (an operation is missing).
#![allow(unsafe_code)]

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

const SETUP_IOPOLL: u32 = 1;
const REGISTER_PROBE: libc::c_uint = 8;
const OP_SUPPORTED: u16 = 1;
/// glommio uses operations up to RECV, nearly all of them; kernels from 5.6 on have every one.
const OPS_NEEDED: usize = 28;

/// `struct io_uring_params`, of which we set only `flags`.
#[repr(C)]
struct Params {
    entries: [u32; 2],
    flags: u32,
    rest: [u32; 27],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct ProbeOp {
    op: u8,
    reserved: u8,
    flags: u16,
    reserved2: u32,
}

/// `struct io_uring_probe` with room for the operations we ask about.
#[repr(C)]
#[derive(Default)]
struct Probe {
    last_op: u8,
    ops_len: u8,
    reserved: u16,
    reserved2: [u32; 3],
    ops: [ProbeOp; OPS_NEEDED],
}

const _: () = {
    assert!(size_of::<Params>() == 120);
    assert!(size_of::<Probe>() == 16 + 8 * OPS_NEEDED);
};

/// Opens the kinds of ring that glommio opens, asks for its operations, and closes them again.
///
/// # Errors
/// The cause in words, with what usually lies behind it.
pub fn probe_uring() -> Result<(), String> {
    let ring = setup(0)?;
    enter(&ring)?;
    let mut probe = Probe::default();
    // SAFETY: the kernel writes at most `OPS_NEEDED` entries behind the header, which is what `Probe` has room for.
    let status = unsafe {
        libc::syscall(
            libc::SYS_io_uring_register,
            ring.as_raw_fd(),
            REGISTER_PROBE,
            &raw mut probe,
            OPS_NEEDED as libc::c_uint,
        )
    };
    if status < 0 {
        return Err(cause("io_uring_register", &io::Error::last_os_error()));
    }
    if let Some(missing) = probe.ops.iter().position(|op| op.flags & OP_SUPPORTED == 0) {
        return Err(format!(
            "io_uring lacks operation {missing}: the kernel is older than 5.6, or a sandbox"
        ));
    }
    // glommio's third ring polls; sandboxes with a partial io_uring refuse this one.
    setup(SETUP_IOPOLL).map(drop)
}

fn setup(flags: u32) -> Result<OwnedFd, String> {
    let mut params = Params { entries: [0; 2], flags, rest: [0; 27] };
    // SAFETY: the kernel reads and writes one io_uring_params, whose size is asserted above.
    let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, 4, &raw mut params) };
    if fd < 0 {
        return Err(cause("io_uring_setup", &io::Error::last_os_error()));
    }
    let fd = i32::try_from(fd).expect("the kernel returns file descriptors as int");
    // SAFETY: the descriptor is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Submits nothing and waits for nothing: only asks whether the call is allowed.
fn enter(ring: &OwnedFd) -> Result<(), String> {
    // SAFETY: no entries, no signal mask: the call touches no memory of ours.
    let status = unsafe {
        libc::syscall(libc::SYS_io_uring_enter, ring.as_raw_fd(), 0, 0, 0, std::ptr::null::<()>(), 0)
    };
    if status < 0 { Err(cause("io_uring_enter", &io::Error::last_os_error())) } else { Ok(()) }
}

fn cause(call: &str, error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::EPERM) => format!(
            "{call}: EPERM, a seccomp profile (the default of Docker 25+ and containerd 2) or \
             kernel.io_uring_disabled refuses it"
        ),
        Some(libc::EACCES) => format!("{call}: EACCES, a security module refuses it"),
        Some(libc::ENOSYS) => format!("{call}: ENOSYS, the kernel or sandbox has no io_uring"),
        Some(libc::ENOMEM) => format!("{call}: ENOMEM, RLIMIT_MEMLOCK or the memory limit is too low"),
        Some(libc::EINVAL) => format!("{call}: EINVAL, the kernel lacks a feature glommio needs"),
        _ => format!("{call}: {error}"),
    }
}
