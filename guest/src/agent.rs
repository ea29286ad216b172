//! PID 1 at work: one thread, one `poll`, nothing that waits for the host. The main process runs whether or not a
//! daemon is there; what it writes is kept in a ring, and how it ended is kept until the host has taken it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::io::RawFd;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::child::{self, NotStarted, Streams};
use crate::config::{Command, Config, Volume};
use crate::exec::Exec;
use crate::frame::*;
use crate::link::Link;
use crate::ring::{Next, Ring};
use crate::sys::{self, PollFd, POLLIN};
use crate::units::Units;
use crate::{setup, sys::SIGKILL, volume};

const PIECE: usize = 16384;
/// The identifier of the main process among the commands.
const MAIN: u32 = 0;
/// A clock this far from the host's is set: after a boot without one, or a sleep.
const CLOCK_SLACK: i64 = 50_000_000;

enum State {
    /// Waiting for the host to say what this machine is.
    Unset(Vec<u8>),
    Running(i32),
    Ended(Ended),
}

#[derive(Clone, Copy)]
struct Ended {
    code: i32,
    signal: u8,
    out_of_memory: bool,
    /// The report follows all output up to here.
    after: u64,
}

pub struct Agent {
    link: Link,
    signals: RawFd,
    boot: [u8; 8],
    state: State,
    machine: Command,
    sync: bool,
    volumes: Vec<Volume>,
    outputs: Vec<(u8, RawFd)>,
    /// In place of one main process, where the machine has several.
    units: Option<Units>,
    ring: Ring,
    sent: u64,
    acknowledged: u64,
    /// Where the last gap that was told ends: the next one waits until that is acknowledged.
    gap_end: u64,
    reported: bool,
    finished: Option<i32>,
    execs: BTreeMap<u32, Exec>,
    oom_kills: u64,
}

impl Agent {
    pub fn new(link: Link) -> std::io::Result<Agent> {
        let mut boot = [0; 8];
        let random = sys::open_fd("/dev/urandom", sys::O_CLOEXEC)?;
        sys::read_fd(random, &mut boot)?;
        sys::close_fd(random);
        Ok(Agent {
            link,
            signals: sys::signals()?,
            boot,
            state: State::Unset(Vec::new()),
            machine: Command::default(),
            sync: false,
            volumes: Vec::new(),
            outputs: Vec::new(),
            units: None,
            ring: Ring::new(RING),
            sent: 0,
            acknowledged: 0,
            gap_end: 0,
            reported: false,
            finished: None,
            execs: BTreeMap::new(),
            oom_kills: oom_kills(),
        })
    }

    /// Works until the host has taken the main process's exit; returns its code.
    pub fn run(mut self) -> i32 {
        loop {
            let due = self.units.as_ref().map_or(-1, Units::timeout);
            let seek = self.link.seek();
            let timeout = if seek < 0 || due < 0 { seek.max(due) } else { seek.min(due) };
            let mut fds = vec![PollFd { fd: self.signals, events: POLLIN, revents: 0 }];
            fds.extend(self.link.poll());
            fds.extend(self.outputs.iter().map(|&(_, fd)| PollFd { fd, events: POLLIN, revents: 0 }));
            if let Some(units) = &self.units {
                units.polls(&mut fds);
            }
            for exec in self.execs.values() {
                exec.polls(&self.link, &mut fds);
            }
            sys::wait_for(&mut fds, timeout);
            let ready = |fd: RawFd| fds.iter().any(|p| p.fd == fd && p.revents != 0);
            if ready(self.signals) {
                self.take_signals();
            }
            let main: Vec<_> = self.outputs.iter().copied().filter(|&(_, fd)| ready(fd)).collect();
            for (stream, fd) in main {
                self.take_output(stream, fd);
            }
            if let Some(units) = &mut self.units {
                let ring = &mut self.ring;
                units.take(ready, &mut |stream, bytes| ring.push(stream, bytes));
            }
            if self.link.poll().map_or(false, |p| ready(p.fd)) {
                self.take_frames();
            }
            self.turn_units();
            self.pump();
            if let Some(code) = self.finished {
                return code;
            }
        }
    }

    fn turn_units(&mut self) {
        if let (Some(units), State::Running(_)) = (&mut self.units, &self.state) {
            let ring = &mut self.ring;
            if let Some((code, signal)) = units.turn(&mut |stream, bytes| ring.push(stream, bytes)) {
                self.main_ended(code, signal);
            }
        }
    }

    /// To the main process, or to all there are.
    fn signal_main(&mut self, number: i32) {
        match (&mut self.units, &self.state) {
            (Some(units), State::Running(_)) => units.signal(number),
            (None, State::Running(pid)) => {
                let _ = sys::send_signal(*pid, number);
            }
            _ => {}
        }
    }

    fn take_signals(&mut self) {
        let mut info = [0; 128];
        while matches!(sys::read_fd(self.signals, &mut info), Ok(128)) {
            let number = i32::from_ne_bytes([info[0], info[1], info[2], info[3]]);
            if number != sys::SIGCHLD && number != sys::SIGPIPE {
                self.signal_main(number);
            }
        }
        while let Some((pid, status)) = sys::reap() {
            let signal = (status & 0x7f) as u8;
            let code = if signal == 0 { (status >> 8) & 0xff } else { 128 + i32::from(signal) };
            if let Some(units) = &mut self.units {
                let ring = &mut self.ring;
                if units.reaped(pid, code, signal, &mut |stream, bytes| ring.push(stream, bytes)) {
                    continue;
                }
            }
            match &self.state {
                State::Running(main) if *main == pid => self.main_ended(code, signal),
                _ => {
                    for exec in self.execs.values_mut().filter(|e| e.pid == pid) {
                        exec.ended = Some((code, signal));
                    }
                }
            }
        }
    }

    fn main_ended(&mut self, code: i32, signal: u8) {
        for (stream, fd) in self.outputs.clone() {
            // What it wrote is in the pipe by now. A child of it that goes on writing is heard, but not waited for.
            let enough = self.ring.end() + RING as u64;
            while self.ring.end() < enough && self.take_output(stream, fd) {}
        }
        if self.sync {
            sys::sync_disks();
        }
        for volume in &self.volumes {
            if let Err(why) = volume::sync(volume) {
                self.ring.push(2, format!("allod: {}\n", why).as_bytes());
            }
        }
        let out_of_memory = i32::from(signal) == SIGKILL && oom_kills() > self.oom_kills;
        self.state = State::Ended(Ended { code, signal, out_of_memory, after: self.ring.end() });
    }

    /// Keeps a piece of the main process's output. False: there is none now.
    fn take_output(&mut self, stream: u8, fd: RawFd) -> bool {
        let mut chunk = [0; PIECE];
        match sys::read_fd(fd, &mut chunk) {
            Ok(count) if count > 0 => {
                self.ring.push(stream, &chunk[..count]);
                return true;
            }
            Err(e) if matches!(e.raw_os_error(), Some(4) | Some(11)) => {}
            _ => {
                self.outputs.retain(|&(_, open)| open != fd);
                sys::close_fd(fd);
            }
        }
        false
    }

    fn take_frames(&mut self) {
        let mut here = self.link.receive();
        while here {
            match self.link.next() {
                Ok(None) => break,
                Ok(Some((kind, payload))) => {
                    if let Err(why) = self.take_frame(kind, Payload(&payload)) {
                        self.fault(&format!("frame 0x{:02x}: {}", kind, why));
                        here = false;
                    }
                }
                Err(why) => {
                    self.fault(&why);
                    here = false;
                }
            }
        }
        if !here {
            self.disconnect();
        }
    }

    fn fault(&mut self, why: &str) {
        self.link.send(Out::new(FAULT).raw(&why.as_bytes()[..why.len().min(1024)]).bytes());
        self.link.flush();
    }

    fn take_frame(&mut self, kind: u8, mut p: Payload) -> Result<(), String> {
        match kind {
            HELLO => self.greeted(p)?,
            CONFIG => {
                if let State::Unset(config) = &mut self.state {
                    config.extend_from_slice(p.0);
                }
            }
            START => {
                if let State::Unset(bytes) = &mut self.state {
                    let config = Config::read(&std::mem::take(bytes))?;
                    self.start(config);
                }
                self.link.send(Out::new(STARTED).u32(self.main_pid() as u32).bytes());
            }
            EXEC => {
                let id = p.u32()?;
                self.exec(id, Command::read(&mut p)?);
            }
            INPUT => {
                if let Some(exec) = self.execs.get_mut(&p.u32()?) {
                    exec.input(p.0);
                }
            }
            INPUT_END => {
                if let Some(exec) = self.execs.get_mut(&p.u32()?) {
                    exec.input_end();
                }
            }
            RESIZE => {
                let id = p.u32()?;
                let (columns, rows) = (p.u16()?, p.u16()?);
                if let Some(exec) = self.execs.get(&id) {
                    exec.resize(columns, rows);
                }
            }
            SIGNAL => {
                let (id, number) = (p.u32()?, i32::from(p.u8()?));
                match (id, self.execs.get(&id)) {
                    (MAIN, _) => self.signal_main(number),
                    (_, Some(exec)) => exec.signal(number),
                    _ => {}
                }
            }
            CREDIT => {
                let (id, stream, more) = (p.u32()?, p.u8()?, p.u32()?);
                if let Some(exec) = self.execs.get_mut(&id) {
                    exec.credit(stream, more as usize);
                }
            }
            ACK => {
                self.acknowledged = self.acknowledged.max(p.u64()?.min(self.sent));
                self.ring.forget_before(self.acknowledged);
            }
            CLOSE => {
                if let Some(exec) = self.execs.remove(&p.u32()?) {
                    exec.abandon();
                }
            }
            EXIT_TAKEN => {
                if let State::Ended(ended) = &self.state {
                    self.finished = Some(ended.code);
                }
            }
            PING => self.link.send(Out::new(PONG).u64(p.u64()?).bytes()),
            VOLUME => self.link.send(volume::answer(&self.volumes, p)?),
            RELEASE => {
                self.link.send(Out::new(RELEASED).bytes());
                self.link.leave();
            }
            _ => return Err("unknown".to_string()),
        }
        Ok(())
    }

    fn greeted(&mut self, mut p: Payload) -> Result<(), String> {
        p.take(MAGIC.len())?;
        let nonce = p.take(8)?.to_vec();
        let boot = p.take(8)?;
        let position = p.u64()?;
        let wall = p.u64()? as i64;
        // Clock and randomness are as old as the last boot or suspend. Where they may not be set, they are the host's.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as i64);
        if (wall - now).abs() > CLOCK_SLACK {
            let _ = sys::set_clock(wall);
        }
        let _ = sys::add_entropy(&p.seed()?);
        self.abandon_execs();
        self.link.greet();
        self.reported = false;
        let known = boot == self.boot && position <= self.ring.end();
        self.sent = if known { position } else { 0 };
        self.acknowledged = self.sent;
        self.gap_end = self.sent;
        let state = match self.state {
            State::Unset(_) => 0,
            State::Running(_) => 1,
            State::Ended(_) => 2,
        };
        let welcome = Out::new(WELCOME).raw(&MAGIC).raw(&nonce).raw(&self.boot).u8(state);
        self.link.send(welcome.u32(self.main_pid() as u32).u64(self.sent).bytes());
        Ok(())
    }

    fn start(&mut self, config: Config) {
        self.machine = config.command.clone();
        self.sync = config.sync;
        self.volumes = config.volumes.clone();
        let ready = setup::apply(&config).map_err(|reason| NotStarted { code: 126, reason });
        if ready.is_ok() && !config.units.is_empty() {
            self.units = Some(Units::new(config.units, config.first_ends));
            // There is no one process; what is asked of "the main process" is asked of all.
            self.state = State::Running(1);
            return;
        }
        match ready.and_then(|()| child::start(&config.command, "", Streams::Output)) {
            Ok(child) => {
                self.outputs = child.outputs;
                self.state = State::Running(child.pid);
                if let Some(terminal) = child.stdin {
                    // Nobody types at the main process, and closing its terminal would hang it up.
                    let _ = sys::set_nonblocking(terminal);
                }
            }
            Err(not) => {
                self.ring.push(2, format!("allod: {}\n", not.reason).as_bytes());
                let after = self.ring.end();
                self.state = State::Ended(Ended { code: not.code, signal: 0, out_of_memory: false, after });
            }
        }
    }

    fn exec(&mut self, id: u32, command: Command) {
        let terminal = command.tty.is_some();
        let started = match self.state {
            State::Running(_) => self.start_exec(command),
            _ => Err(NotStarted { code: 126, reason: "the machine's process is not running".to_string() }),
        };
        match started {
            Ok(child) => {
                if let Some(old) = self.execs.insert(id, Exec::new(id, child, terminal)) {
                    old.abandon();
                }
            }
            Err(not) => {
                let text = format!("allod: {}\n", not.reason);
                self.link.send(Out::new(DATA).u32(id).u8(2).raw(text.as_bytes()).bytes());
                self.link.send(Out::new(EXITED).u32(id).u32(not.code as u32).u8(0).u8(0).bytes());
            }
        }
    }

    fn start_exec(&self, command: Command) -> Result<child::Child, NotStarted> {
        let units = match &self.units {
            Some(units) => units,
            None => return child::start(&command.within(&self.machine), "", Streams::All),
        };
        match units.named(&command.unit) {
            Some(unit) => child::start(&command.within(&unit.command), &unit.root, Streams::All),
            None => {
                let reason = format!("there is no container or process called {}", command.unit);
                Err(NotStarted { code: 126, reason })
            }
        }
    }

    /// Sends what may be sent: output in its window, the exit report after it, what the commands have.
    fn pump(&mut self) {
        while self.link.hungry() && self.sent < self.acknowledged + OUTPUT_WINDOW {
            let room = (self.acknowledged + OUTPUT_WINDOW - self.sent).min(PIECE as u64) as usize;
            match self.ring.next(self.sent, room) {
                Next::Nothing => break,
                Next::Lost(_) if self.acknowledged < self.gap_end => break,
                Next::Lost(count) => {
                    self.link.send(Out::new(LOST).u64(self.sent).u64(count).bytes());
                    self.sent += count;
                    self.gap_end = self.sent;
                }
                Next::Bytes(stream, bytes) => {
                    self.link.send(Out::new(OUTPUT).u64(self.sent).u8(stream).raw(bytes).bytes());
                    self.sent += bytes.len() as u64;
                }
            }
        }
        if let State::Ended(ended) = self.state {
            if self.link.hungry() && !self.reported && self.sent >= ended.after {
                self.reported = true;
                let report = Out::new(EXITED).u32(MAIN).u32(ended.code as u32).u8(ended.signal);
                self.link.send(report.u8(ended.out_of_memory.into()).bytes());
            }
        }
        let mut done = Vec::new();
        for (id, exec) in self.execs.iter_mut() {
            if self.link.greeted() && exec.pump(&mut self.link) {
                done.push(*id);
            }
        }
        for id in done {
            self.execs.remove(&id).map(Exec::abandon);
        }
        if !self.link.flush() {
            self.disconnect();
        }
    }

    /// The main process and all it started go on; commands of a caller that is gone do not.
    fn disconnect(&mut self) {
        self.link.drop();
        self.abandon_execs();
        if let State::Unset(half) = &mut self.state {
            half.clear();
        }
    }

    fn abandon_execs(&mut self) {
        for (_, exec) in std::mem::take(&mut self.execs) {
            exec.abandon();
        }
    }

    fn main_pid(&self) -> i32 {
        match self.state {
            State::Running(pid) => pid,
            _ => 0,
        }
    }
}

/// How often this kernel has killed for memory since it started; 0 where it does not say.
fn oom_kills() -> u64 {
    let text = fs::read_to_string("/proc/vmstat").unwrap_or_default();
    let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    count.and_then(|n| n.trim().parse().ok()).unwrap_or(0)
}
