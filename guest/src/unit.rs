//! One of several that a machine runs beside each other: a process of its own, or a container with a root of its own.
//! What becomes of it is decided here and nowhere else: starts, ends, restarts, and what its health checks say.

use std::os::unix::io::RawFd;
use std::time::{Duration, Instant};

use crate::check::Round;
use crate::child::{self, Streams};
use crate::config::{Unit, ALWAYS, ON_FAILURE};
use crate::sys::{self, SIGKILL};

/// Restarts pause, twice as long each time, and one that ran well for a while starts counting anew.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const WELL: Duration = Duration::from_secs(60);
/// A line that does not end is cut here.
const LONGEST_LINE: usize = 8192;
const PIECE: usize = 16384;

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Phase {
    /// For what it depends on.
    Waiting,
    /// Until it is restarted.
    Pausing(Instant),
    Up(i32),
    Ended(i32, u8),
}

struct Output {
    stream: u8,
    fd: RawFd,
    line: Vec<u8>,
}

pub struct Running {
    pub unit: Unit,
    pub phase: Phase,
    /// Whether it was ever up: what those that wait for its start want to know.
    pub began: bool,
    checks: Vec<Round>,
    outputs: Vec<Output>,
    restarts: u32,
    since: Instant,
    /// When it is killed, once it has been asked to end.
    kill_at: Option<Instant>,
    sick: bool,
}

impl Running {
    pub fn new(unit: Unit) -> Running {
        Running {
            unit,
            phase: Phase::Waiting,
            began: false,
            checks: Vec::new(),
            outputs: Vec::new(),
            restarts: 0,
            since: Instant::now(),
            kill_at: None,
            sick: false,
        }
    }

    /// Up, and every check of it passes.
    pub fn healthy(&self) -> bool {
        matches!(self.phase, Phase::Up(_)) && self.checks.iter().all(|c| c.passing == Some(true))
    }

    pub fn over(&self) -> bool {
        matches!(self.phase, Phase::Ended(..))
    }

    pub fn start(&mut self, now: Instant, say: &mut dyn FnMut(u8, &[u8])) {
        self.began = true;
        self.since = now;
        self.kill_at = None;
        self.sick = false;
        match child::start(&self.unit.command, &self.unit.root, Streams::Output) {
            Ok(child) => {
                let outputs = child.outputs.iter();
                self.outputs = outputs.map(|&(stream, fd)| Output { stream, fd, line: Vec::new() }).collect();
                self.phase = Phase::Up(child.pid);
                self.checks = self.unit.checks.iter().map(|c| Round::new(c, now)).collect();
            }
            Err(not) => {
                self.note(&not.reason, say);
                self.ended(not.code, 0, true, now);
            }
        }
    }

    /// Its process has ended; `again` where it may be restarted.
    pub fn ended(&mut self, code: i32, signal: u8, again: bool, now: Instant) {
        let code = if self.sick && code == 0 { 1 } else { code };
        for check in &mut self.checks {
            check.abandon();
        }
        self.checks.clear();
        if now.duration_since(self.since) >= WELL {
            self.restarts = 0;
        }
        let wanted = match self.unit.policy {
            ALWAYS => true,
            ON_FAILURE => code != 0 && self.restarts < self.unit.retries,
            _ => false,
        };
        self.phase = if again && wanted {
            let pause = FIRST_PAUSE * 2u32.saturating_pow(self.restarts.min(16));
            self.restarts += 1;
            Phase::Pausing(now + pause.min(LONGEST_PAUSE))
        } else {
            Phase::Ended(code, signal)
        };
    }

    /// Asks it to end; one that was not up is over at once.
    pub fn stop(&mut self, now: Instant) {
        match self.phase {
            Phase::Up(pid) if self.kill_at.is_none() => {
                let _ = sys::send_signal(pid, i32::from(self.unit.stop_signal));
                self.kill_at = Some(now + self.unit.stop_time);
            }
            Phase::Waiting => self.phase = Phase::Ended(0, 0),
            Phase::Pausing(_) => self.phase = Phase::Ended(1, 0),
            _ => {}
        }
    }

    pub fn signal(&self, number: i32) {
        if let Phase::Up(pid) = self.phase {
            let _ = sys::send_signal(pid, number);
        }
    }

    /// Whether `pid` was one of its health checks.
    pub fn checked(&mut self, pid: i32, code: i32, now: Instant) -> bool {
        self.checks.iter_mut().any(|c| c.ended(pid, code, now))
    }

    /// Does what is due: checks, and the end of one that does not end.
    pub fn turn(&mut self, now: Instant, say: &mut dyn FnMut(u8, &[u8])) {
        let pid = match self.phase {
            Phase::Up(pid) => pid,
            _ => return,
        };
        if self.kill_at.map_or(false, |at| now >= at) {
            let _ = sys::send_signal(-pid, SIGKILL);
        }
        let (command, root) = (self.unit.command.clone(), self.unit.root.clone());
        for check in &mut self.checks {
            check.turn(now, &command, &root);
        }
        if self.kill_at.is_none() && self.checks.iter().any(Round::sick) {
            self.note("unhealthy, and is stopped", say);
            self.sick = true;
            self.stop(now);
        }
    }

    /// When there is something to do next.
    pub fn due(&self) -> Option<Instant> {
        match self.phase {
            Phase::Pausing(until) => Some(until),
            Phase::Up(_) => self.checks.iter().map(Round::due).chain(self.kill_at).min(),
            _ => None,
        }
    }

    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> + '_ {
        self.outputs.iter().map(|o| o.fd)
    }

    /// Takes what it wrote and says it in whole lines, each with its name. False: there is none now.
    pub fn take(&mut self, fd: RawFd, say: &mut dyn FnMut(u8, &[u8])) -> bool {
        let at = match self.outputs.iter().position(|o| o.fd == fd) {
            Some(at) => at,
            None => return false,
        };
        let mut chunk = [0; PIECE];
        match sys::read_fd(fd, &mut chunk) {
            Ok(count) if count > 0 => {
                let output = &mut self.outputs[at];
                for &byte in &chunk[..count] {
                    output.line.push(byte);
                    if byte == b'\n' || output.line.len() >= LONGEST_LINE {
                        tell(&self.unit.name, output, say);
                    }
                }
                return true;
            }
            Err(e) if matches!(e.raw_os_error(), Some(4) | Some(11)) => {}
            _ => {
                let mut output = self.outputs.remove(at);
                tell(&self.unit.name, &mut output, say);
                sys::close_fd(fd);
            }
        }
        false
    }

    /// Everything its last process wrote; what a child of it goes on writing is not waited for.
    pub fn drain(&mut self, say: &mut dyn FnMut(u8, &[u8])) {
        for fd in self.descriptors().collect::<Vec<_>>() {
            let mut pieces = 64;
            while pieces > 0 && self.take(fd, say) {
                pieces -= 1;
            }
        }
        for mut output in std::mem::take(&mut self.outputs) {
            tell(&self.unit.name, &mut output, say);
            sys::close_fd(output.fd);
        }
    }

    fn note(&self, text: &str, say: &mut dyn FnMut(u8, &[u8])) {
        say(2, format!("[{}] allod: {}\n", self.unit.name, text).as_bytes());
    }

    /// It can never start.
    pub fn give_up(&mut self, why: &str, say: &mut dyn FnMut(u8, &[u8])) {
        self.note(why, say);
        self.phase = Phase::Ended(125, 0);
    }
}

fn tell(name: &str, output: &mut Output, say: &mut dyn FnMut(u8, &[u8])) {
    if output.line.is_empty() {
        return;
    }
    let mut line = format!("[{}] ", name).into_bytes();
    line.append(&mut output.line);
    if line.last() != Some(&b'\n') {
        line.push(b'\n');
    }
    say(output.stream, &line);
}
