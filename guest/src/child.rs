//! Starting a process: who it is, where it stands, what it reads and writes.

use std::collections::HashMap;
use std::io::{Error, ErrorKind, Result};
use std::os::raw::c_int;
use std::os::unix::io::{AsRawFd, IntoRawFd, OwnedFd, RawFd};

use crate::config::Command;
use crate::spawn::{spawn, Memory};
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
pub fn start(command: &Command, root: &str, streams: Streams) -> std::result::Result<Child, NotStarted> {
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
    let env: Vec<String> = env.iter().map(|(name, value)| format!("{}={}", name, value)).collect();
    let wants_table = *name == table::WORD;
    let (uid, gid, groups, tty) = (user.uid, user.gid, user.groups, command.tty.is_some());
    let mut prepare = || {
        if wants_table {
            table::write();
        }
        if unsafe { setsid() } < 0 {
            return Err(Error::last_os_error());
        }
        if tty {
            sys::claim_terminal()?;
        }
        if root.is_empty() {
            std::env::set_current_dir(cwd)?;
        } else {
            sys::enter_root(root, cwd)?;
        }
        if unsafe { setgroups(groups.len(), groups.as_ptr()) < 0 || setgid(gid) < 0 || setuid(uid) < 0 } {
            return Err(Error::last_os_error());
        }
        Ok(())
    };
    let memory = if wants_table { Memory::Copied } else { Memory::Ours };
    let mut begin = |streams| spawn(&command.argv, &env, streams, memory, &mut prepare);
    match command.tty {
        Some(size) => with_terminal(&mut begin, size, uid, gid),
        None => with_pipes(&mut begin, streams),
    }
    .map_err(|e| match e.kind() {
        ErrorKind::NotFound => refuse(127, "not found in the image".to_string()),
        _ => refuse(126, e.to_string()),
    })
}

/// Starts the process, given the descriptors that are to be its streams.
type Begin<'a> = dyn FnMut([RawFd; 3]) -> Result<i32> + 'a;

fn with_pipes(begin: &mut Begin, streams: Streams) -> Result<Child> {
    let mut child = Child { pid: 0, stdin: None, outputs: Vec::new() };
    // Those of the child's that nobody closes for us: all of them, whatever happens.
    let mut theirs: Vec<OwnedFd> = Vec::new();
    let started = (|| {
        if streams == Streams::All {
            let (reader, writer) = sys::pipe()?;
            theirs.push(reader);
            child.stdin = Some(ours(writer)?);
        } else {
            theirs.push(sys::null()?);
        }
        for stream in [1, 2] {
            if streams == Streams::None {
                theirs.push(sys::null()?);
            } else {
                let (reader, writer) = sys::pipe()?;
                theirs.push(writer);
                child.outputs.push((stream, ours(reader)?));
            }
        }
        begin([theirs[0].as_raw_fd(), theirs[1].as_raw_fd(), theirs[2].as_raw_fd()])
    })();
    match started {
        Ok(pid) => {
            child.pid = pid;
            Ok(child)
        }
        Err(e) => {
            child.outputs.iter().map(|(_, fd)| *fd).chain(child.stdin).for_each(sys::close_fd);
            Err(e)
        }
    }
}

/// An end of ours: it does not block.
fn ours(end: OwnedFd) -> Result<RawFd> {
    sys::set_nonblocking(end.as_raw_fd())?;
    Ok(end.into_raw_fd())
}

fn with_terminal(begin: &mut Begin, size: (u16, u16), uid: u32, gid: u32) -> Result<Child> {
    let (ours, name) = sys::new_terminal()?;
    let started = (|| {
        sys::resize_terminal(ours, size.0, size.1);
        let theirs = sys::open_fd(&name, sys::O_RDWR | sys::O_CLOEXEC | 0o400)?;
        // So that the user may open its own terminal by name.
        unsafe { fchown(theirs, uid, gid) };
        let pid = begin([theirs; 3]);
        sys::close_fd(theirs);
        sys::set_nonblocking(ours)?;
        pid
    })();
    match started {
        Ok(pid) => Ok(Child { pid, stdin: Some(unsafe { dup(ours) }), outputs: vec![(1, ours)] }),
        Err(e) => {
            sys::close_fd(ours);
            Err(e)
        }
    }
}
