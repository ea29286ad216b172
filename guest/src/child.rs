//! Starting a process: who it is, where it stands, what it reads and writes.

use std::collections::HashMap;
use std::io::{Error, ErrorKind};
use std::os::raw::c_int;
use std::os::unix::io::{FromRawFd, IntoRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Command as Process, Stdio};

use crate::config::Command;
use crate::{sys, table, users};

extern "C" {
    fn setsid() -> c_int;
    fn setgroups(count: usize, groups: *const u32) -> c_int;
    fn setgid(gid: u32) -> c_int;
    fn setuid(uid: u32) -> c_int;
    fn dup(fd: c_int) -> c_int;
    fn fchown(fd: c_int, uid: u32, gid: u32) -> c_int;
}

const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A process that runs, and our ends of its streams, none of which blocks.
pub struct Child {
    pub pid: i32,
    pub stdin: Option<RawFd>,
    /// Stream number (1 output, 2 error) and descriptor. With a terminal there is only one.
    pub outputs: Vec<(u8, RawFd)>,
}

/// Why nothing was started: what a shell would exit with, and a sentence.
pub struct NotStarted {
    pub code: i32,
    pub reason: String,
}

/// Which streams of a process are ours; the others are `/dev/null`.
#[derive(Clone, Copy, PartialEq)]
pub enum Streams {
    All,
    Output,
    None,
}

/// Starts `command` in a session of its own, with `root` for its root where that is not empty. A command with a
/// terminal has all its streams there.
pub fn start(command: &Command, root: &str, streams: Streams) -> Result<Child, NotStarted> {
    let name = &command.argv[0];
    let refuse =
        |code, reason: String| NotStarted { code, reason: format!("cannot start {}: {}", name, reason) };
    let user = users::resolve(&command.user, root).map_err(|e| refuse(126, e))?;
    let cwd = if command.cwd.is_empty() { "/" } else { &command.cwd };
    if !std::path::Path::new(&format!("{}{}", root, cwd)).is_dir() {
        return Err(refuse(126, format!("its working folder {} is not there", cwd)));
    }
    let mut env: HashMap<&str, &str> = command.env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    env.entry("PATH").or_insert(USUAL_PATH);
    env.entry("HOME").or_insert(&user.home);
    if command.tty.is_some() {
        env.entry("TERM").or_insert("xterm");
    }
    let mut process = Process::new(name);
    process.args(&command.argv[1..]).env_clear().envs(env);
    if root.is_empty() {
        process.current_dir(cwd);
    }
    let (inside, folder) = (root.to_string(), cwd.to_string());
    let wants_table = *name == table::WORD;
    let (uid, gid, groups, tty) = (user.uid, user.gid, user.groups, command.tty.is_some());
    // Between fork and exec. This process has one thread, so nothing here can meet a lock that nobody will open.
    unsafe {
        process.pre_exec(move || {
            sys::default_signals();
            if wants_table {
                table::write();
            }
            if setsid() < 0 {
                return Err(Error::last_os_error());
            }
            if tty {
                sys::claim_terminal()?;
            }
            if !inside.is_empty() {
                sys::enter_root(&inside, &folder)?;
            }
            if setgroups(groups.len(), groups.as_ptr()) < 0 || setgid(gid) < 0 || setuid(uid) < 0 {
                return Err(Error::last_os_error());
            }
            Ok(())
        });
    }
    let failed = |e: Error| match e.kind() {
        ErrorKind::NotFound => refuse(127, "not found in the image".to_string()),
        _ => refuse(126, e.to_string()),
    };
    match command.tty {
        Some(size) => with_terminal(process, size, uid, gid).map_err(failed),
        None => with_pipes(process, streams).map_err(failed),
    }
}

fn with_pipes(mut process: Process, streams: Streams) -> Result<Child, Error> {
    let pipe = |ours: bool| if ours { Stdio::piped() } else { Stdio::null() };
    process
        .stdin(pipe(streams == Streams::All))
        .stdout(pipe(streams != Streams::None))
        .stderr(pipe(streams != Streams::None));
    let mut child = process.spawn()?;
    let stdin = child.stdin.take().map(IntoRawFd::into_raw_fd);
    let mut outputs = Vec::new();
    outputs.extend(child.stdout.take().map(|s| (1, s.into_raw_fd())));
    outputs.extend(child.stderr.take().map(|s| (2, s.into_raw_fd())));
    for fd in stdin.iter().chain(outputs.iter().map(|(_, fd)| fd)) {
        sys::set_nonblocking(*fd)?;
    }
    Ok(Child { pid: child.id() as i32, stdin, outputs })
}

fn with_terminal(mut process: Process, size: (u16, u16), uid: u32, gid: u32) -> Result<Child, Error> {
    let (ours, name) = sys::new_terminal()?;
    sys::resize_terminal(ours, size.0, size.1);
    let theirs = sys::open_fd(&name, sys::O_RDWR | sys::O_CLOEXEC | 0o400)?;
    unsafe {
        // So that the user may open its own terminal by name.
        fchown(theirs, uid, gid);
        process.stdin(Stdio::from_raw_fd(dup(theirs)));
        process.stdout(Stdio::from_raw_fd(dup(theirs)));
        process.stderr(Stdio::from_raw_fd(theirs));
    }
    let child = process.spawn();
    drop(process);
    match child {
        Ok(child) => {
            sys::set_nonblocking(ours)?;
            let stdin = unsafe { dup(ours) };
            Ok(Child { pid: child.id() as i32, stdin: Some(stdin), outputs: vec![(1, ours)] })
        }
        Err(e) => {
            sys::close_fd(ours);
            Err(e)
        }
    }
}
