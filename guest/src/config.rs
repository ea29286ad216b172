//! What the host says a machine is. It comes over the channel and is kept in memory only: environment and files may
//! hold secrets, which have no business on a kernel command line or in a disk image.

use std::time::Duration;

use crate::check::{Check, Question};
use crate::frame::Payload;

#[derive(Clone, Default)]
pub struct Command {
    pub argv: Vec<String>,
    pub env: Vec<(String, String)>,
    /// Empty: the machine's own, or `/`.
    pub cwd: String,
    /// `name`, `uid`, `name:group` or `uid:gid`; empty: the machine's own, or root.
    pub user: String,
    /// Columns and rows of its terminal, if it gets one.
    pub tty: Option<(u16, u16)>,
    /// Which of several in the machine it belongs to; empty: the first.
    pub unit: String,
}

/// Restart policies.
pub const ALWAYS: u8 = 1;
pub const ON_FAILURE: u8 = 2;
/// What is waited for.
pub const STARTED: u8 = 0;
pub const HEALTHY: u8 = 1;
pub const SUCCEEDED: u8 = 2;

/// One of several processes or containers of a machine.
#[derive(Clone, Default)]
pub struct Unit {
    pub name: String,
    /// Its root; empty: the machine's.
    pub root: String,
    /// The disk whose file system becomes its root; empty: the root is there.
    pub disk: String,
    pub command: Command,
    pub files: Vec<File>,
    /// Whom it waits for, and until what.
    pub after: Vec<(String, u8)>,
    pub policy: u8,
    pub retries: u32,
    pub stop_signal: u8,
    pub stop_time: Duration,
    pub checks: Vec<Check>,
}

#[derive(Clone, Default)]
pub struct File {
    pub path: String,
    pub mode: u32,
    pub content: Vec<u8>,
}

pub struct Interface {
    pub name: String,
    pub mtu: u32,
    /// `address/prefix`.
    pub addresses: Vec<String>,
    pub gateways: Vec<String>,
    /// The Ethernet address of all of them, for good: nobody there answers who asks. Empty where somebody does.
    pub gateway_mac: String,
}

/// A disk that outlives the machine.
#[derive(Clone)]
pub struct Volume {
    /// What the host calls the disk.
    pub serial: String,
    pub path: String,
}

pub struct Config {
    pub command: Command,
    /// Empty: leave it.
    pub hostname: String,
    pub files: Vec<File>,
    pub interfaces: Vec<Interface>,
    /// Lines of `/etc/resolv.conf`; empty: leave the file.
    pub resolv: Vec<String>,
    /// Lines of `/etc/hosts`; empty: leave the file.
    pub hosts: Vec<String>,
    /// Swap space to make on the disk; 0: none.
    pub swap_mb: u32,
    /// Whether what was written must be on the disk before the end is told.
    pub sync: bool,
    pub volumes: Vec<Volume>,
    /// In place of the one command, where there are any.
    pub units: Vec<Unit>,
    /// Whether the end of one is the end of all.
    pub first_ends: bool,
}

impl Command {
    pub fn read(from: &mut Payload) -> Result<Command, String> {
        let argv = from.list(Payload::text)?;
        let env = from.list(|p| Ok((p.text()?, p.text()?)))?;
        let (cwd, user) = (from.text()?, from.text()?);
        let (tty, columns, rows) = (from.u8()?, from.u16()?, from.u16()?);
        if argv.is_empty() {
            return Err("a command without words".to_string());
        }
        let unit = from.text()?;
        Ok(Command { argv, env, cwd, user, tty: (tty != 0).then_some((columns, rows)), unit })
    }

    /// This command with what it leaves open taken from the machine's own.
    pub fn within(mut self, machine: &Command) -> Command {
        let mut env = machine.env.clone();
        env.retain(|(name, _)| self.env.iter().all(|(own, _)| own != name));
        env.append(&mut self.env);
        self.env = env;
        if self.cwd.is_empty() {
            self.cwd = machine.cwd.clone();
        }
        if self.user.is_empty() {
            self.user = machine.user.clone();
        }
        self
    }
}

impl File {
    fn read(from: &mut Payload) -> Result<File, String> {
        Ok(File { path: from.text()?, mode: from.u32()?, content: from.blob()?.to_vec() })
    }
}

impl Unit {
    fn read(from: &mut Payload) -> Result<Unit, String> {
        Ok(Unit {
            name: from.text()?,
            root: from.text()?,
            disk: from.text()?,
            command: Command::read(from)?,
            files: from.list(File::read)?,
            after: from.list(|p| Ok((p.text()?, p.u8()?)))?,
            policy: from.u8()?,
            retries: from.u32()?,
            stop_signal: from.u8()?,
            stop_time: millis(from)?,
            checks: from.list(check)?,
        })
    }
}

fn millis(from: &mut Payload) -> Result<Duration, String> {
    Ok(Duration::from_millis(u64::from(from.u32()?)))
}

fn check(from: &mut Payload) -> Result<Check, String> {
    let kind = from.u8()?;
    let (argv, port, request) = (from.list(Payload::text)?, from.u16()?, from.blob()?.to_vec());
    let question = match kind {
        1 if !argv.is_empty() => Question::Exec(argv),
        2 => Question::Tcp(port),
        3 => Question::Http(port, request),
        _ => return Err(format!("a health check of kind {}", kind)),
    };
    Ok(Check {
        question,
        stops: from.u8()? != 0,
        interval: millis(from)?,
        timeout: millis(from)?,
        grace: millis(from)?,
        successes: from.u32()?,
        failures: from.u32()?,
    })
}

impl Config {
    pub fn read(bytes: &[u8]) -> Result<Config, String> {
        let mut from = Payload(bytes);
        Ok(Config {
            command: Command::read(&mut from)?,
            hostname: from.text()?,
            files: from.list(File::read)?,
            interfaces: from.list(|p| {
                Ok(Interface {
                    name: p.text()?,
                    mtu: p.u32()?,
                    addresses: p.list(Payload::text)?,
                    gateways: p.list(Payload::text)?,
                    gateway_mac: p.text()?,
                })
            })?,
            resolv: from.list(Payload::text)?,
            hosts: from.list(Payload::text)?,
            swap_mb: from.u32()?,
            sync: from.u8()? != 0,
            volumes: from.list(|p| Ok(Volume { serial: p.text()?, path: p.text()? }))?,
            units: from.list(Unit::read)?,
            first_ends: from.u8()? != 0,
        })
    }
}
