//! Asks the kernel whether glommio can run here, because glommio itself panics in the shard's thread (no io_uring) or
//! ends the process (an operation is missing).
#![allow(unsafe_code)]

use std::{io, os::fd::OwnedFd};

use rustix::{
    io::Errno,
    io_uring::{
        IoringEnterFlags, IoringRegisterOp, IoringSetupFlags, io_uring_enter, io_uring_params,
        io_uring_register, io_uring_setup,
    },
};

/// glommio uses operations up to RECV, nearly all of them; kernels from 5.6 on have every one.
const OPS_NEEDED: usize = 28;

const OP_SUPPORTED: u16 = 1;

/// `struct io_uring_probe_op`. The binding's own is not used: its `op` is an enumeration, and the kernel may write any
/// number.
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

const _: () = assert!(size_of::<Probe>() == 16 + 8 * OPS_NEEDED);

/// Opens the kinds of ring that glommio opens, asks for its operations, and closes them again.
///
/// # Errors
/// The cause in words, with its usual reason.
pub fn probe_uring() -> Result<(), String> {
    let ring = setup(IoringSetupFlags::empty())?;
    // SAFETY: nothing was submitted and nothing is waited for, so that the kernel touches no memory of ours.
    unsafe { io_uring_enter(&ring, 0, 0, IoringEnterFlags::empty()) }
        .map_err(|error| cause("io_uring_enter", error))?;
    let mut probe = Probe::default();
    let into = (&raw mut probe).cast();
    // SAFETY: the kernel writes at most `OPS_NEEDED` entries behind the header, which is what `Probe` has room for.
    unsafe { io_uring_register(&ring, IoringRegisterOp::RegisterProbe, into, OPS_NEEDED as u32) }
        .map_err(|error| cause("io_uring_register", error))?;
    if let Some(missing) = probe.ops.iter().position(|op| op.flags & OP_SUPPORTED == 0) {
        return Err(format!(
            "io_uring lacks operation {missing}: the kernel is older than 5.6, or a sandbox"
        ));
    }
    // glommio's third ring polls; sandboxes with a partial io_uring refuse this one.
    setup(IoringSetupFlags::IOPOLL).map(drop)
}

fn setup(flags: IoringSetupFlags) -> Result<OwnedFd, String> {
    let mut params = io_uring_params::default();
    params.flags = flags;
    // SAFETY: the kernel reads and writes the parameters alone; the ring's memory is never mapped.
    unsafe { io_uring_setup(4, &mut params) }.map_err(|error| cause("io_uring_setup", error))
}

fn cause(call: &str, error: Errno) -> String {
    match error {
        Errno::PERM => format!(
            "{call}: EPERM, a seccomp profile (the default of Docker 25+ and containerd 2) or \
             kernel.io_uring_disabled refuses it"
        ),
        Errno::ACCESS => format!("{call}: EACCES, a security module refuses it"),
        Errno::NOSYS => format!("{call}: ENOSYS, the kernel or sandbox has no io_uring"),
        Errno::NOMEM => format!("{call}: ENOMEM, RLIMIT_MEMLOCK or the memory limit is too low"),
        Errno::INVAL => format!("{call}: EINVAL, the kernel lacks a feature glommio needs"),
        other => format!("{call}: {}", io::Error::from(other)),
    }
}
