//! A command that the host runs inside, beside the main process. Output is read only as far as the host has granted,
//! so a slow reader slows its own command and nothing else.

use std::os::unix::io::RawFd;

use crate::child::Child;
use crate::frame::{Out, DATA, DATA_END, EXITED, FRAME_COST, GRANT, STREAM_WINDOW};
use crate::link::Link;
use crate::sys::{self, PollFd, POLLIN, POLLOUT};

const PIECE: usize = 16384;
/// What a terminal takes for the end of its input.
const END_OF_TRANSMISSION: u8 = 4;

pub struct Exec {
    id: u32,
    pub pid: i32,
    terminal: bool,
    stdin: Option<RawFd>,
    pending: Vec<u8>,
    ending: bool,
    outputs: Vec<Output>,
    pub ended: Option<(i32, u8)>,
}

struct Output {
    stream: u8,
    fd: RawFd,
    credit: usize,
}

impl Exec {
    pub fn new(id: u32, child: Child, terminal: bool) -> Exec {
        let outputs = child.outputs.iter();
        let outputs = outputs.map(|&(stream, fd)| Output { stream, fd, credit: STREAM_WINDOW }).collect();
        let (pid, stdin) = (child.pid, child.stdin);
        Exec { id, pid, terminal, stdin, pending: Vec::new(), ending: false, outputs, ended: None }
    }

    pub fn polls(&self, link: &Link, into: &mut Vec<PollFd>) {
        if link.hungry() {
            let open = self.outputs.iter().filter(|o| o.credit > FRAME_COST);
            into.extend(open.map(|o| PollFd { fd: o.fd, events: POLLIN, revents: 0 }));
        }
        if let (Some(fd), false) = (self.stdin, self.pending.is_empty()) {
            into.push(PollFd { fd, events: POLLOUT, revents: 0 });
        }
    }

    pub fn credit(&mut self, stream: u8, more: usize) {
        for output in self.outputs.iter_mut().filter(|o| o.stream == stream) {
            output.credit = output.credit.saturating_add(more).min(STREAM_WINDOW);
        }
    }

    pub fn input(&mut self, bytes: &[u8]) {
        // The host keeps to the window; what it sends beyond would only wait here.
        self.pending.extend_from_slice(bytes);
    }

    pub fn input_end(&mut self) {
        self.ending = true;
        if self.terminal {
            self.pending.push(END_OF_TRANSMISSION);
        }
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        if let (true, Some(output)) = (self.terminal, self.outputs.first()) {
            sys::resize_terminal(output.fd, columns, rows);
        }
    }

    /// Moves what can be moved. True: the command has ended and the host has been told all of it.
    pub fn pump(&mut self, link: &mut Link) -> bool {
        self.pump_input(link);
        let mut chunk = [0; PIECE];
        let mut at = 0;
        while at < self.outputs.len() {
            let output = &mut self.outputs[at];
            let mut closed = false;
            while !closed && output.credit > FRAME_COST && link.hungry() {
                match sys::read_fd(output.fd, &mut chunk[..PIECE.min(output.credit - FRAME_COST)]) {
                    Ok(count) if count > 0 => {
                        output.credit -= count + FRAME_COST;
                        let head = Out::new(DATA).u32(self.id).u8(output.stream);
                        link.send(head.raw(&chunk[..count]).bytes());
                    }
                    // What a child left running in the background still holds is not waited for.
                    Err(e) if matches!(e.raw_os_error(), Some(4) | Some(11)) => {
                        closed = self.ended.is_some();
                        break;
                    }
                    _ => closed = true,
                }
            }
            if closed {
                let output = self.outputs.remove(at);
                sys::close_fd(output.fd);
                link.send(Out::new(DATA_END).u32(self.id).u8(output.stream).bytes());
            } else {
                at += 1;
            }
        }
        match self.ended {
            Some((code, signal)) if self.outputs.is_empty() => {
                link.send(Out::new(EXITED).u32(self.id).u32(code as u32).u8(signal).u8(0).bytes());
                true
            }
            _ => false,
        }
    }

    fn pump_input(&mut self, link: &mut Link) {
        let fd = match self.stdin {
            Some(fd) => fd,
            None => {
                // Nobody reads any more; keep the sender moving until it notices.
                self.grant(link, self.pending.len());
                self.pending.clear();
                return;
            }
        };
        let mut gone = false;
        while !self.pending.is_empty() {
            match sys::write_fd(fd, &self.pending) {
                Ok(count) => {
                    self.pending.drain(..count);
                    self.grant(link, count);
                }
                Err(e) => {
                    gone = !matches!(e.raw_os_error(), Some(4) | Some(11));
                    break;
                }
            }
        }
        if gone || (self.ending && self.pending.is_empty()) {
            sys::close_fd(fd);
            self.stdin = None;
        }
    }

    fn grant(&self, link: &mut Link, count: usize) {
        if count > 0 {
            link.send(Out::new(GRANT).u32(self.id).u32(count as u32).bytes());
        }
    }

    pub fn signal(&self, number: i32) {
        if self.ended.is_none() {
            // The whole group: the host's user pressed a key at a terminal, or gave up on the command.
            let _ = sys::send_signal(-self.pid, number);
        }
    }

    /// Ends it and lets go of everything. The zombie is reaped with all the others.
    pub fn abandon(self) {
        self.signal(sys::SIGKILL);
        for fd in self.outputs.iter().map(|o| o.fd).chain(self.stdin) {
            sys::close_fd(fd);
        }
    }
}
