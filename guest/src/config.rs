//! What the host says a machine is. It comes over the channel and is kept in memory only: environment and files may
//! hold secrets, which have no business on a kernel command line or in a disk image.

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
}

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
        Ok(Command { argv, env, cwd, user, tty: (tty != 0).then_some((columns, rows)) })
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

impl Config {
    pub fn read(bytes: &[u8]) -> Result<Config, String> {
        let mut from = Payload(bytes);
        Ok(Config {
            command: Command::read(&mut from)?,
            hostname: from.text()?,
            files: from
                .list(|p| Ok(File { path: p.text()?, mode: p.u32()?, content: p.blob()?.to_vec() }))?,
            interfaces: from.list(|p| {
                Ok(Interface {
                    name: p.text()?,
                    mtu: p.u32()?,
                    addresses: p.list(Payload::text)?,
                    gateways: p.list(Payload::text)?,
                })
            })?,
            resolv: from.list(Payload::text)?,
            hosts: from.list(Payload::text)?,
            swap_mb: from.u32()?,
            sync: from.u8()? != 0,
            volumes: from.list(|p| Ok(Volume { serial: p.text()?, path: p.text()? }))?,
        })
    }
}
