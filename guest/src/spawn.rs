//! From here to a running program without a copy of PID 1 in between: the child borrows this process's memory until it
//! is the program, and this process waits for that (`vfork`, by the `clone` that can give it a stack of its own). Under
//! gVisor a second address space costs 5 to 10 ms, at the first start of a guest and at each command.

use std::ffi::CString;
use std::io::{Error, Result};
use std::os::raw::{c_char, c_int, c_void};
use std::os::unix::io::RawFd;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::sys::{self, text};

extern "C" {
    fn clone(
        entry: extern "C" fn(*mut c_void) -> c_int,
        stack: *mut c_void,
        flags: c_int,
        argument: *mut c_void,
        ...
    ) -> c_int;
    fn dup2(from: c_int, to: c_int) -> c_int;
    fn execvp(file: *const c_char, argv: *const *const c_char) -> c_int;
    fn _exit(code: c_int) -> !;
    static mut environ: *const *const c_char;
}

const CLONE_VM: c_int = 0x100;
const CLONE_VFORK: c_int = 0x4000;
/// Of the child until it is the program; only what is used of it takes memory. glibc copies the arguments there, where
/// the program is a script without an interpreter.
const STACK: usize = 256 << 10;

/// Whose memory a child has.
#[derive(Clone, Copy, PartialEq)]
pub enum Memory {
    /// Ours, until it is the program. It may do only what touches nothing of ours, and must not wait for us.
    Ours,
    /// A copy of ours: for a child that stays what it is.
    Copied,
}

struct Start<'a> {
    streams: [RawFd; 3],
    file: *const c_char,
    argv: *const *const c_char,
    prepare: &'a mut dyn FnMut() -> Result<()>,
    failed: AtomicI32,
}

/// Starts `argv` with the environment `env`, whose `PATH` says where it is looked for, and `streams` for its first three
/// descriptors. `prepare` is run in the child. Returns its pid, or why there is none.
pub fn spawn(
    argv: &[String],
    env: &[String],
    streams: [RawFd; 3],
    memory: Memory,
    prepare: &mut dyn FnMut() -> Result<()>,
) -> Result<i32> {
    let words = argv.iter().map(|word| text(word)).collect::<Result<Vec<CString>>>()?;
    let variables = env.iter().map(|variable| text(variable)).collect::<Result<Vec<CString>>>()?;
    let (argv, envp) = (pointers(&words), pointers(&variables));
    let mut start = Start { streams, file: argv[0], argv: argv.as_ptr(), prepare, failed: AtomicI32::new(0) };
    let mut stack: Vec<u128> = Vec::with_capacity((STACK + argv.len() * 8) / 16);
    let flags = sys::SIGCHLD | if memory == Memory::Ours { CLONE_VM | CLONE_VFORK } else { 0 };
    // This process has one thread, which stands still until the child has left its memory.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(stack.capacity());
        let own = environ;
        environ = envp.as_ptr();
        let pid = clone(run, top.cast(), flags, ptr::addr_of_mut!(start).cast());
        environ = own;
        pid
    };
    match start.failed.load(Ordering::SeqCst) {
        _ if pid < 0 => Err(Error::last_os_error()),
        0 => Ok(pid),
        errno => {
            sys::wait_child(pid);
            Err(Error::from_raw_os_error(errno))
        }
    }
}

fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    texts.iter().map(|text| text.as_ptr()).chain(std::iter::once(ptr::null())).collect()
}

/// In the child.
extern "C" fn run(argument: *mut c_void) -> c_int {
    let start = unsafe { &mut *argument.cast::<Start>() };
    let error = become_program(start);
    start.failed.store(error.raw_os_error().unwrap_or(5), Ordering::SeqCst);
    unsafe { _exit(127) }
}

fn become_program(start: &mut Start) -> Error {
    for (to, &from) in start.streams.iter().enumerate() {
        if unsafe { dup2(from, to as c_int) } < 0 {
            return Error::last_os_error();
        }
    }
    sys::default_signals();
    if let Err(e) = (start.prepare)() {
        return e;
    }
    unsafe { execvp(start.file, start.argv) };
    Error::last_os_error()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::io::AsRawFd;

    fn start(argv: &[&str], prepare: &mut dyn FnMut() -> Result<()>) -> Result<i32> {
        let null = sys::null().unwrap();
        let words: Vec<String> = argv.iter().map(|word| word.to_string()).collect();
        let env = ["PATH=/usr/bin:/bin".to_string(), "CODE=7".to_string()];
        spawn(&words, &env, [null.as_raw_fd(); 3], Memory::Ours, prepare).map(sys::wait_child)
    }

    #[test]
    fn a_program_has_its_arguments_and_environment() {
        assert_eq!(start(&["sh", "-c", "exit $((CODE + $1))", "sh", "3"], &mut || Ok(())).unwrap(), 10);
    }

    #[test]
    fn a_script_without_an_interpreter_is_the_shells() {
        let path = std::env::temp_dir().join(format!("allod-script-{}", std::process::id()));
        std::fs::write(&path, "exit 9\n").unwrap();
        let failed = start(&[path.to_str().unwrap()], &mut || Ok(())).unwrap_err();
        assert_eq!(failed.raw_os_error(), Some(13));
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, executable).unwrap();
        assert_eq!(start(&[path.to_str().unwrap()], &mut || Ok(())).unwrap(), 9);
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn what_keeps_it_from_starting_is_told_and_nothing_stays() {
        assert_eq!(start(&["no-such-program"], &mut || Ok(())).unwrap_err().raw_os_error(), Some(2));
        let refused = start(&["true"], &mut || Err(Error::from_raw_os_error(1)));
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(1));
        assert!(start(&["a\0b"], &mut || Ok(())).is_err());
    }
}
