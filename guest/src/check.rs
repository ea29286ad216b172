//! Health checks of containers, asked from inside: a command, a port, an HTTP answer. Each asking is a process of its
//! own, so that one that hangs is killed and holds up nobody.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::child::{self, Streams};
use crate::config::Command;
use crate::sys::{self, SIGKILL};

#[derive(Clone)]
pub enum Question {
    Exec(Vec<String>),
    Tcp(u16),
    /// The port, and the request as it is sent.
    Http(u16, Vec<u8>),
}

#[derive(Clone)]
pub struct Check {
    pub question: Question,
    /// Whether a container that fails it is stopped.
    pub stops: bool,
    pub interval: Duration,
    pub timeout: Duration,
    pub grace: Duration,
    pub successes: u32,
    pub failures: u32,
}

/// A check of one life of a container.
pub struct Round {
    check: Check,
    began: Instant,
    next: Instant,
    /// The asking that is under way, and when it is given up.
    asking: Option<(i32, Instant)>,
    passed: u32,
    failed: u32,
    /// Nothing before it has been decided for the first time.
    pub passing: Option<bool>,
}

impl Round {
    pub fn new(check: &Check, now: Instant) -> Round {
        // Soon the first time: others may wait for it to be healthy.
        let next = now + check.interval.min(Duration::from_millis(100));
        Round { check: check.clone(), began: now, next, asking: None, passed: 0, failed: 0, passing: None }
    }

    pub fn due(&self) -> Instant {
        self.asking.map_or(self.next, |(_, until)| until)
    }

    pub fn sick(&self) -> bool {
        self.check.stops && self.passing == Some(false)
    }

    pub fn turn(&mut self, now: Instant, of: &Command, root: &str) {
        match self.asking {
            Some((pid, until)) if now >= until => {
                let _ = sys::send_signal(-pid, SIGKILL);
                // It is reaped as a failure soon; not killed again meanwhile.
                self.asking = Some((pid, now + self.check.timeout));
            }
            None if now >= self.next => match ask(&self.check, of, root) {
                Some(pid) => self.asking = Some((pid, now + self.check.timeout)),
                None => self.answered(false, now),
            },
            _ => {}
        }
    }

    pub fn ended(&mut self, pid: i32, code: i32, now: Instant) -> bool {
        match self.asking {
            Some((asked, _)) if asked == pid => {
                self.asking = None;
                self.answered(code == 0, now);
                true
            }
            _ => false,
        }
    }

    fn answered(&mut self, ok: bool, now: Instant) {
        // One that has not passed yet is asked more often: somebody may wait for it.
        let eager = self.check.interval.min(Duration::from_millis(250));
        self.next = now + if self.passing == Some(true) { self.check.interval } else { eager };
        if ok {
            self.failed = 0;
            self.passed += 1;
            if self.passed >= self.check.successes {
                self.passing = Some(true);
            }
        } else if now.duration_since(self.began) >= self.check.grace {
            self.passed = 0;
            self.failed += 1;
            if self.failed >= self.check.failures {
                self.passing = Some(false);
                self.next = now + self.check.interval;
            }
        }
    }

    pub fn abandon(&mut self) {
        if let Some((pid, _)) = self.asking.take() {
            let _ = sys::send_signal(-pid, SIGKILL);
        }
    }
}

/// Starts one asking; its exit code is the answer. Nothing where it cannot even be started.
fn ask(check: &Check, of: &Command, root: &str) -> Option<i32> {
    match &check.question {
        Question::Exec(argv) => {
            let mut command = of.clone();
            command.argv = argv.clone();
            command.tty = None;
            child::start(&command, root, Streams::None).ok().map(|c| c.pid)
        }
        Question::Tcp(port) => {
            let (port, timeout) = (*port, check.timeout);
            sys::fork(move || i32::from(connect(port, timeout).is_none())).ok()
        }
        Question::Http(port, request) => {
            let (port, request, timeout) = (*port, request.clone(), check.timeout);
            sys::fork(move || i32::from(!http(port, &request, timeout))).ok()
        }
    }
}

/// A server may listen on either family, or on both.
fn connect(port: u16, timeout: Duration) -> Option<TcpStream> {
    let four = SocketAddr::from(([127, 0, 0, 1], port));
    let six = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port));
    TcpStream::connect_timeout(&four, timeout).or_else(|_| TcpStream::connect_timeout(&six, timeout)).ok()
}

fn http(port: u16, request: &[u8], timeout: Duration) -> bool {
    let answer = || -> Option<[u8; 12]> {
        let mut stream = connect(port, timeout)?;
        stream.set_read_timeout(Some(timeout)).ok()?;
        stream.write_all(request).ok()?;
        let mut start = [0; 12];
        stream.read_exact(&mut start).ok()?;
        Some(start)
    };
    answer().map_or(false, |start| start.starts_with(b"HTTP/1.") && start[9] == b'2')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(successes: u32, failures: u32, grace: u64) -> (Round, Instant) {
        let now = Instant::now();
        let check = Check {
            question: Question::Tcp(1),
            stops: true,
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(1),
            grace: Duration::from_secs(grace),
            successes,
            failures,
        };
        (Round::new(&check, now), now)
    }

    #[test]
    fn thresholds_are_counted_in_a_row() {
        let (mut round, now) = round(2, 2, 0);
        round.answered(true, now);
        assert_eq!(round.passing, None);
        round.answered(true, now);
        assert_eq!(round.passing, Some(true));
        round.answered(false, now);
        assert!(!round.sick());
        round.answered(false, now);
        assert!(round.sick());
    }

    #[test]
    fn failures_within_the_grace_count_for_nothing() {
        let (mut round, now) = round(1, 1, 5);
        round.answered(false, now + Duration::from_secs(4));
        assert_eq!(round.passing, None);
        round.answered(false, now + Duration::from_secs(6));
        assert_eq!(round.passing, Some(false));
    }
}
