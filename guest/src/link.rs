//! The connection to the host: found again whenever it is lost, greeted anew each time, and never waited for.

use std::os::unix::io::{IntoRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::frame::{self, Head, HEADER};
use crate::sys::{self, PollFd, POLLERR, POLLHUP, POLLIN, POLLOUT};

/// How the host is reached. A daemon that restarts is found again in each of these ways.
pub enum Transport {
    /// Connect out to a Unix socket on which the daemon listens: a gVisor sandbox.
    Connect(String),
    /// A serial port whose other end the daemon opens and closes: a microVM.
    Device(String),
}

/// Frames to the host are not made while this much waits to be sent.
pub const ENOUGH: usize = 131072;
const EAGER: Duration = Duration::from_millis(20);
const PATIENT: Duration = Duration::from_millis(100);
const EAGER_FOR: Duration = Duration::from_secs(60);

pub struct Link {
    transport: Transport,
    fd: Option<RawFd>,
    online: bool,
    greeted: bool,
    leaving: bool,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    lost_at: Instant,
}

impl Link {
    pub fn new(transport: Transport) -> Link {
        Link {
            transport,
            fd: None,
            online: false,
            greeted: false,
            leaving: false,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            lost_at: Instant::now(),
        }
    }

    /// Looks for the host if it is gone. Returns how long to wait before the next look, in milliseconds.
    pub fn seek(&mut self) -> i32 {
        if !self.online {
            self.online = match &self.transport {
                Transport::Connect(path) => {
                    self.fd = UnixStream::connect(path).ok().map(IntoRawFd::into_raw_fd);
                    self.fd.map_or(false, |fd| sys::set_nonblocking(fd).is_ok())
                }
                Transport::Device(path) => {
                    if self.fd.is_none() {
                        self.fd = sys::open_fd(path, sys::O_RDWR | sys::O_NONBLOCK | sys::O_CLOEXEC).ok();
                    }
                    self.fd.map_or(false, |fd| {
                        // A port whose other end is closed hangs up; it says so again at each look.
                        let mut look = [PollFd { fd, events: POLLIN, revents: 0 }];
                        sys::wait_for(&mut look, 0);
                        look[0].revents & (POLLHUP | POLLERR) == 0
                    })
                }
            };
        }
        let pause = if self.lost_at.elapsed() < EAGER_FOR { EAGER } else { PATIENT };
        if self.online {
            -1
        } else {
            pause.as_millis() as i32
        }
    }

    pub fn poll(&self) -> Option<PollFd> {
        let events = if self.outgoing.is_empty() { POLLIN } else { POLLIN | POLLOUT };
        self.fd.filter(|_| self.online).map(|fd| PollFd { fd, events, revents: 0 })
    }

    pub fn greeted(&self) -> bool {
        self.greeted
    }

    /// Whether there is room for more output.
    pub fn hungry(&self) -> bool {
        self.greeted && !self.leaving && self.outgoing.len() < ENOUGH
    }

    pub fn greet(&mut self) {
        self.greeted = true;
    }

    pub fn send(&mut self, frame: Vec<u8>) {
        self.outgoing.extend_from_slice(&frame);
    }

    /// Lets go once everything is sent.
    pub fn leave(&mut self) {
        self.leaving = true;
    }

    /// Reads what has come. False: the host has gone.
    pub fn receive(&mut self) -> bool {
        let mut chunk = [0; 65536];
        match self.fd.map(|fd| sys::read_fd(fd, &mut chunk)) {
            Some(Ok(count)) if count > 0 => {
                self.incoming.extend_from_slice(&chunk[..count]);
                true
            }
            Some(Err(e)) => matches!(e.raw_os_error(), Some(4) | Some(11)),
            _ => false,
        }
    }

    /// The next whole frame, as (kind, payload), or why there can be none.
    pub fn next(&mut self) -> Result<Option<(u8, Vec<u8>)>, String> {
        if !self.greeted {
            self.incoming.drain(..frame::noise(&self.incoming));
        }
        match frame::head(&self.incoming) {
            Head::Partial => Ok(None),
            Head::Broken(why) => Err(why),
            Head::Whole(kind, size) => {
                let payload = self.incoming[HEADER..size].to_vec();
                self.incoming.drain(..size);
                Ok(Some((kind, payload)))
            }
        }
    }

    /// Sends what can be sent without waiting. False: the host has gone, or we have left it.
    pub fn flush(&mut self) -> bool {
        while let (Some(fd), false) = (self.fd.filter(|_| self.online), self.outgoing.is_empty()) {
            match sys::write_fd(fd, &self.outgoing) {
                Ok(count) => {
                    self.outgoing.drain(..count);
                }
                Err(e) => return matches!(e.raw_os_error(), Some(4) | Some(11)),
            }
        }
        !(self.leaving && self.outgoing.is_empty())
    }

    /// Forgets the connection; `seek` finds the next one.
    pub fn drop(&mut self) {
        if let (Transport::Connect(_), Some(fd)) = (&self.transport, self.fd) {
            sys::close_fd(fd);
            self.fd = None;
        }
        self.online = false;
        self.greeted = false;
        self.leaving = false;
        self.incoming = Vec::new();
        self.outgoing = Vec::new();
        self.lost_at = Instant::now();
    }
}
