//! The system calls that the standard library does not offer, declared by hand for Linux on 64-bit processors with
//! glibc, each behind a function that is safe to call. All `unsafe` of the guest is here, in `spawn.rs` and in `child.rs`.

use std::ffi::CString;
use std::io::{Error, ErrorKind, Result};
use std::os::raw::{c_char, c_int, c_long, c_ulong, c_void};
use std::os::unix::io::{FromRawFd, OwnedFd, RawFd};

extern "C" {
    fn poll(fds: *mut PollFd, count: c_ulong, timeout: c_int) -> c_int;
    fn read(fd: c_int, into: *mut c_void, count: usize) -> isize;
    fn write(fd: c_int, from: *const c_void, count: usize) -> isize;
    fn close(fd: c_int) -> c_int;
    fn open(path: *const c_char, flags: c_int, mode: c_int) -> c_int;
    fn pipe2(ends: *mut c_int, flags: c_int) -> c_int;
    fn fcntl(fd: c_int, command: c_int, value: c_int) -> c_int;
    fn ioctl(fd: c_int, request: c_ulong, argument: *mut c_void) -> c_int;
    #[link_name = "fork"]
    fn fork_process() -> c_int;
    fn _exit(code: c_int) -> !;
    fn setsid() -> c_int;
    fn unshare(flags: c_int) -> c_int;
    fn kill(pid: c_int, signal: c_int) -> c_int;
    fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn sigprocmask(how: c_int, set: *const SigSet, old: *mut SigSet) -> c_int;
    fn sigfillset(set: *mut SigSet) -> c_int;
    fn sigemptyset(set: *mut SigSet) -> c_int;
    fn signalfd(fd: c_int, set: *const SigSet, flags: c_int) -> c_int;
    fn signal(number: c_int, handler: usize) -> usize;
    fn mount(
        from: *const c_char,
        to: *const c_char,
        kind: *const c_char,
        flags: c_ulong,
        data: *const c_void,
    ) -> c_int;
    fn chroot(path: *const c_char) -> c_int;
    fn sethostname(name: *const c_char, length: usize) -> c_int;
    fn clock_settime(clock: c_int, time: *const TimeSpec) -> c_int;
    fn reboot(command: c_int) -> c_int;
    fn swapon(path: *const c_char, flags: c_int) -> c_int;
    fn posix_fallocate(fd: c_int, offset: i64, length: i64) -> c_int;
    fn sync();
    fn syncfs(fd: c_int) -> c_int;
    fn statvfs(path: *const c_char, into: *mut Space) -> c_int;
    fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int;
    fn bind(fd: c_int, address: *const c_void, length: u32) -> c_int;
    fn getsockopt(fd: c_int, level: c_int, name: c_int, value: *mut c_void, length: *mut u32) -> c_int;
    fn sendmsg(fd: c_int, message: *const MessageHeader, flags: c_int) -> isize;
    fn setns(fd: c_int, kind: c_int) -> c_int;
    fn umount2(path: *const c_char, flags: c_int) -> c_int;
    fn posix_openpt(flags: c_int) -> c_int;
    fn grantpt(fd: c_int) -> c_int;
    fn unlockpt(fd: c_int) -> c_int;
    fn ptsname_r(fd: c_int, name: *mut c_char, length: usize) -> c_int;
    fn syscall(number: c_long, ...) -> c_long;
}

pub const POLLIN: i16 = 1;
pub const POLLOUT: i16 = 4;
pub const POLLERR: i16 = 8;
pub const POLLHUP: i16 = 16;

pub const SIGKILL: i32 = 9;
pub const SIGPIPE: i32 = 13;
pub const SIGCHLD: i32 = 17;

pub const MS_RDONLY: u64 = 1;
pub const MS_NOSUID: u64 = 2;
pub const MS_NODEV: u64 = 4;
pub const MS_NOEXEC: u64 = 8;
pub const MS_REMOUNT: u64 = 32;
pub const MS_NOATIME: u64 = 1024;
pub const MS_BIND: u64 = 4096;
pub const MS_MOVE: u64 = 8192;
pub const MS_REC: u64 = 16384;

pub const O_RDWR: i32 = 2;
const O_NOCTTY: i32 = 0o400;
pub const O_NONBLOCK: i32 = 0o4000;
pub const O_CLOEXEC: i32 = 0o2000000;
pub const O_PATH: i32 = 0o10000000;

#[cfg(target_arch = "x86_64")]
const SYS_FINIT_MODULE: c_long = 313;
#[cfg(target_arch = "x86_64")]
const SYS_PIVOT_ROOT: c_long = 155;
#[cfg(target_arch = "aarch64")]
const SYS_FINIT_MODULE: c_long = 273;
#[cfg(target_arch = "aarch64")]
const SYS_PIVOT_ROOT: c_long = 41;

const TIOCSCTTY: c_ulong = 0x540e;
const TIOCSWINSZ: c_ulong = 0x5414;
const RNDADDENTROPY: c_ulong = 0x4008_5203;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct PollFd {
    pub fd: RawFd,
    pub events: i16,
    pub revents: i16,
}

#[repr(C)]
pub struct SigSet([u64; 16]);

#[repr(C)]
struct TimeSpec {
    seconds: i64,
    nanos: i64,
}

/// The beginning of `struct statvfs`; what follows is room for the rest.
#[repr(C)]
#[derive(Default)]
pub struct Space {
    pub preferred: u64,
    pub block: u64,
    pub blocks: u64,
    pub free: u64,
    pub available: u64,
    rest: [u64; 16],
}

#[repr(C)]
pub struct WinSize {
    pub rows: u16,
    pub columns: u16,
    pub width: u16,
    pub height: u16,
}

fn check(result: c_int) -> Result<c_int> {
    if result < 0 {
        Err(Error::last_os_error())
    } else {
        Ok(result)
    }
}

pub fn text(value: &str) -> Result<CString> {
    CString::new(value).map_err(|_| Error::new(ErrorKind::InvalidInput, "a zero byte in a name"))
}

/// Waits until something is ready or `timeout` milliseconds have passed; below zero waits for ever.
pub fn wait_for(fds: &mut [PollFd], timeout: i32) {
    unsafe { poll(fds.as_mut_ptr(), fds.len() as c_ulong, timeout) };
}

pub fn read_fd(fd: RawFd, into: &mut [u8]) -> Result<usize> {
    let count = unsafe { read(fd, into.as_mut_ptr().cast(), into.len()) };
    if count < 0 {
        Err(Error::last_os_error())
    } else {
        Ok(count as usize)
    }
}

pub fn write_fd(fd: RawFd, from: &[u8]) -> Result<usize> {
    let count = unsafe { write(fd, from.as_ptr().cast(), from.len()) };
    if count < 0 {
        Err(Error::last_os_error())
    } else {
        Ok(count as usize)
    }
}

pub fn close_fd(fd: RawFd) {
    unsafe { close(fd) };
}

pub fn open_fd(path: &str, flags: i32) -> Result<RawFd> {
    check(unsafe { open(text(path)?.as_ptr(), flags, 0) })
}

/// Where nothing comes from and all that goes there is lost.
pub fn null() -> Result<OwnedFd> {
    open_fd("/dev/null", O_RDWR | O_CLOEXEC).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The end to read from and the end to write to, neither for children.
pub fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    check(unsafe { pipe2(ends.as_mut_ptr(), O_CLOEXEC) })?;
    Ok(unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) })
}

pub fn set_nonblocking(fd: RawFd) -> Result<()> {
    const F_SETFL: c_int = 4;
    check(unsafe { fcntl(fd, F_SETFL, O_NONBLOCK) }).map(|_| ())
}

/// Lets a pipe hold more, where the kernel allows it.
pub fn widen_pipe(fd: RawFd, bytes: i32) {
    const F_SETPIPE_SZ: c_int = 1031;
    unsafe { fcntl(fd, F_SETPIPE_SZ, bytes) };
}

/// Keeps a descriptor open across `exec`.
pub fn keep_on_exec(fd: RawFd) -> Result<()> {
    const F_SETFD: c_int = 2;
    check(unsafe { fcntl(fd, F_SETFD, 0) }).map(|_| ())
}

/// An `ioctl` whose argument is the structure `argument`.
pub fn control<T>(fd: RawFd, request: u64, argument: &mut T) -> Result<()> {
    check(unsafe { ioctl(fd, request as c_ulong, (argument as *mut T).cast()) }).map(|_| ())
}

pub fn send_signal(pid: i32, number: i32) -> Result<()> {
    check(unsafe { kill(pid, number) }).map(|_| ())
}

/// One child that has ended, as (pid, raw status).
pub fn reap() -> Option<(i32, i32)> {
    const WNOHANG: c_int = 1;
    let mut status = 0;
    let pid = unsafe { waitpid(-1, &mut status, WNOHANG) };
    (pid > 0).then_some((pid, status))
}

/// Blocks every signal and returns a descriptor they can be read from.
pub fn signals() -> Result<RawFd> {
    const SIG_BLOCK: c_int = 0;
    let mut set = SigSet([0; 16]);
    unsafe {
        sigfillset(&mut set);
        check(sigprocmask(SIG_BLOCK, &set, std::ptr::null_mut()))?;
        check(signalfd(-1, &set, O_NONBLOCK | O_CLOEXEC))
    }
}

/// Undoes in a new child what `signals` and the standard library set up: nothing blocked, `SIGPIPE` as usual.
pub fn default_signals() {
    const SIG_SETMASK: c_int = 2;
    let mut set = SigSet([0; 16]);
    unsafe {
        sigemptyset(&mut set);
        sigprocmask(SIG_SETMASK, &set, std::ptr::null_mut());
        signal(SIGPIPE, 0);
    }
}

pub fn mount_fs(from: &str, to: &str, kind: &str, flags: u64, data: &str) -> Result<()> {
    let (from, to, kind, data) = (text(from)?, text(to)?, text(kind)?, text(data)?);
    let done =
        unsafe { mount(from.as_ptr(), to.as_ptr(), kind.as_ptr(), flags as c_ulong, data.as_ptr().cast()) };
    check(done).map(|_| ())
}

/// A child that does `work`, in a session of its own, and exits with what that returns. This process has one thread,
/// so the child may do anything.
pub fn fork(work: impl FnOnce() -> i32) -> Result<i32> {
    let pid = check(unsafe { fork_process() })?;
    if pid == 0 {
        default_signals();
        unsafe { setsid() };
        let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(125);
        unsafe { _exit(code) };
    }
    Ok(pid)
}

/// Waits for one child alone; its exit code, 128 and more for a signal.
pub fn wait_child(pid: i32) -> i32 {
    let mut status = 0;
    while unsafe { waitpid(pid, &mut status, 0) } < 0 {
        if Error::last_os_error().raw_os_error() != Some(4) {
            return 125;
        }
    }
    if status & 0x7f == 0 {
        (status >> 8) & 0xff
    } else {
        128 + (status & 0x7f)
    }
}

/// Makes `root` the calling process's root, in a mount namespace of its own where that is allowed (a gVisor sandbox
/// does not allow it, and has nothing that it would keep apart).
pub fn enter_root(root: &str, folder: &str) -> Result<()> {
    const CLONE_NEWNS: c_int = 0x0002_0000;
    unsafe { unshare(CLONE_NEWNS) };
    change_root(root)?;
    std::env::set_current_dir(folder)
}

pub fn change_root(path: &str) -> Result<()> {
    check(unsafe { chroot(text(path)?.as_ptr()) }).map(|_| ())
}

pub fn set_hostname(name: &str) -> Result<()> {
    check(unsafe { sethostname(text(name)?.as_ptr(), name.len()) }).map(|_| ())
}

/// Sets the calendar to `nanos` since 1970.
pub fn set_clock(nanos: i64) -> Result<()> {
    let time = TimeSpec { seconds: nanos / 1_000_000_000, nanos: nanos % 1_000_000_000 };
    check(unsafe { clock_settime(0, &time) }).map(|_| ())
}

/// Mixes `seed` into the kernel's randomness and counts it as such: it came from the host's own.
pub fn add_entropy(seed: &[u8; 32]) -> Result<()> {
    #[repr(C)]
    struct Pool {
        bits: c_int,
        size: c_int,
        seed: [u8; 32],
    }
    let fd = open_fd("/dev/urandom", O_RDWR | O_CLOEXEC)?;
    let done = control(fd, RNDADDENTROPY, &mut Pool { bits: 256, size: 32, seed: *seed });
    close_fd(fd);
    done
}

/// Everything written is on the disks when this returns.
pub fn sync_disks() {
    unsafe { sync() };
}

/// Gives a file its blocks now: the kernel swaps to no others.
pub fn allocate(fd: RawFd, length: u64) -> Result<()> {
    match unsafe { posix_fallocate(fd, 0, length as i64) } {
        0 => Ok(()),
        error => Err(Error::from_raw_os_error(error)),
    }
}

pub fn swap_on(path: &str) -> Result<()> {
    check(unsafe { swapon(text(path)?.as_ptr(), 0) }).map(|_| ())
}

/// What a mounted file system has and has left.
pub fn space(path: &str) -> Result<Space> {
    let mut space = Space::default();
    check(unsafe { statvfs(text(path)?.as_ptr(), &mut space) }).map(|_| space)
}

/// Puts everything of one file system on its disk.
pub fn sync_fs(fd: RawFd) -> Result<()> {
    check(unsafe { syncfs(fd) }).map(|_| ())
}

pub fn power_off() {
    const RB_POWER_OFF: c_int = 0x4321_fedc;
    unsafe {
        sync();
        reboot(RB_POWER_OFF);
    }
}

pub fn load_module(path: &str) -> Result<()> {
    const DECOMPRESS: c_int = 4;
    let fd = open_fd(path, O_CLOEXEC)?;
    let flags = if path.ends_with(".ko") { 0 } else { DECOMPRESS };
    let done = check(unsafe { syscall(SYS_FINIT_MODULE, fd, text("")?.as_ptr(), flags) } as c_int);
    close_fd(fd);
    done.map(|_| ())
}

/// A socket that sends nothing and only serves to ask the kernel about interfaces; `domain` is 2 for IPv4, 10 for IPv6.
pub fn control_socket(domain: i32) -> Result<RawFd> {
    const SOCK_DGRAM: c_int = 2;
    check(unsafe { socket(domain, SOCK_DGRAM | O_CLOEXEC, 0) })
}

/// A Unix socket with a name, on which nobody listens yet: whoever does is the one that others see there.
pub fn bound_socket(path: &str) -> Result<RawFd> {
    const AF_UNIX: c_int = 1;
    const SOCK_STREAM: c_int = 1;
    let mut address = [0u8; 110];
    if path.len() > address.len() - 3 {
        return Err(Error::new(ErrorKind::InvalidInput, "the name of the socket is too long"));
    }
    address[..2].copy_from_slice(&(AF_UNIX as u16).to_ne_bytes());
    address[2..2 + path.len()].copy_from_slice(path.as_bytes());
    let fd = check(unsafe { socket(AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0) })?;
    check(unsafe { bind(fd, address.as_ptr().cast(), path.len() as u32 + 3) })?;
    Ok(fd)
}

/// Whose process listens where this Unix socket is connected to.
pub fn peer_uid(fd: RawFd) -> Result<u32> {
    const SOL_SOCKET: c_int = 1;
    const SO_PEERCRED: c_int = 17;
    let mut credentials = [0u32; 3]; // process, user, group
    let mut length = 12;
    check(unsafe { getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials.as_mut_ptr().cast(), &mut length) })?;
    Ok(credentials[1])
}

/// `struct msghdr`, with the padding of 64-bit processors.
#[repr(C)]
struct MessageHeader {
    name: *mut c_void,
    name_length: u64,
    parts: *const MessagePart,
    part_count: usize,
    control: *const ControlMessage,
    control_length: usize,
    flags: u64,
}

#[repr(C)]
struct MessagePart {
    base: *const c_void,
    length: usize,
}

/// `struct cmsghdr` with one descriptor.
#[repr(C)]
struct ControlMessage {
    length: usize,
    level: c_int,
    kind: c_int,
    fd: c_int,
    padding: c_int,
}

/// Sends a line over a Unix socket and with it a descriptor.
pub fn send_with_fd(stream: RawFd, line: &[u8], fd: RawFd) -> Result<()> {
    const SOL_SOCKET: c_int = 1;
    const SCM_RIGHTS: c_int = 1;
    let control = ControlMessage { length: 20, level: SOL_SOCKET, kind: SCM_RIGHTS, fd, padding: 0 };
    let part = MessagePart { base: line.as_ptr().cast(), length: line.len() };
    let message = MessageHeader {
        name: std::ptr::null_mut(),
        name_length: 0,
        parts: &part,
        part_count: 1,
        control: &control,
        control_length: std::mem::size_of::<ControlMessage>(),
        flags: 0,
    };
    match unsafe { sendmsg(stream, &message, 0) } {
        sent if sent < 0 => Err(Error::last_os_error()),
        sent if sent as usize == line.len() => Ok(()),
        _ => Err(Error::new(ErrorKind::WriteZero, "half of a line was sent")),
    }
}

/// Sees and changes the mounts of that namespace from now on, from its root.
pub fn enter_mounts(namespace: RawFd) -> Result<()> {
    const CLONE_NEWNS: c_int = 0x0002_0000;
    check(unsafe { setns(namespace, CLONE_NEWNS) }).map(|_| ())
}

/// Makes the working folder, which is a mount, the root of everybody in this mount namespace, and the old root go.
pub fn pivot_here() -> Result<()> {
    const MNT_DETACH: c_int = 2;
    let here = text(".")?;
    check(unsafe { syscall(SYS_PIVOT_ROOT, here.as_ptr(), here.as_ptr()) } as c_int)?;
    // The old root lies on top of the new one now.
    check(unsafe { umount2(here.as_ptr(), MNT_DETACH) }).map(|_| ())
}

/// A new terminal as (our end, name of the other end).
pub fn new_terminal() -> Result<(RawFd, String)> {
    let mut name = [0u8; 64];
    unsafe {
        let fd = check(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC))?;
        check(grantpt(fd))?;
        check(unlockpt(fd))?;
        if ptsname_r(fd, name.as_mut_ptr().cast(), name.len()) != 0 {
            return Err(Error::last_os_error());
        }
        let length = name.iter().position(|b| *b == 0).unwrap_or(0);
        Ok((fd, String::from_utf8_lossy(&name[..length]).into_owned()))
    }
}

pub fn resize_terminal(fd: RawFd, columns: u16, rows: u16) {
    let _ = control(fd, TIOCSWINSZ as u64, &mut WinSize { rows, columns, width: 0, height: 0 });
}

/// Makes the terminal at descriptor 0 the calling session's own.
pub fn claim_terminal() -> Result<()> {
    check(unsafe { ioctl(0, TIOCSCTTY, std::ptr::null_mut()) }).map(|_| ())
}
