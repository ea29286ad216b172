//! Several processes or containers in one machine: started in the order of what they depend on, and ended together.
//! Where they are processes of one machine, the first that ends ends it; where they are containers, the last does.

use std::os::unix::io::RawFd;
use std::time::Instant;

use crate::config::{Unit, HEALTHY, STARTED, SUCCEEDED};
use crate::sys::{PollFd, POLLIN, SIGKILL};
use crate::unit::{Phase, Running};

/// Signals that ask a machine to end; any other is passed to each.
const ENDING: [i32; 4] = [2, 3, SIGKILL, 15];

pub struct Units {
    all: Vec<Running>,
    first_ends: bool,
    stopping: bool,
    /// How the machine ends, once that is known.
    exit: Option<(i32, u8)>,
}

/// What one that waits may do.
#[derive(Debug, PartialEq)]
enum Ready {
    Yes,
    NotYet,
    Never(String),
}

impl Units {
    pub fn new(units: Vec<Unit>, first_ends: bool) -> Units {
        Units { all: units.into_iter().map(Running::new).collect(), first_ends, stopping: false, exit: None }
    }

    /// The one of this name; the first where none is named.
    pub fn named(&self, name: &str) -> Option<&Unit> {
        self.all.iter().map(|r| &r.unit).find(|u| name.is_empty() || u.name == name)
    }

    /// Does what is due. Something once all have ended: how.
    pub fn turn(&mut self, say: &mut dyn FnMut(u8, &[u8])) -> Option<(i32, u8)> {
        let now = Instant::now();
        // One start may make the next possible, and so may one that can never start.
        while self.start_ready(now, say) {}
        for running in &mut self.all {
            running.turn(now, say);
        }
        self.note_ends(now);
        if self.all.iter().all(Running::over) {
            return Some(self.exit.unwrap_or((0, 0)));
        }
        None
    }

    fn start_ready(&mut self, now: Instant, say: &mut dyn FnMut(u8, &[u8])) -> bool {
        for at in 0..self.all.len() {
            let due = match self.all[at].phase {
                Phase::Waiting => true,
                Phase::Pausing(until) => now >= until,
                _ => false,
            };
            if !due || self.stopping {
                continue;
            }
            match if self.all[at].began { Ready::Yes } else { self.ready(at) } {
                Ready::Yes => {
                    self.all[at].start(now, say);
                    return true;
                }
                Ready::NotYet => {}
                Ready::Never(why) => {
                    self.all[at].give_up(&why, say);
                    return true;
                }
            }
        }
        false
    }

    fn ready(&self, at: usize) -> Ready {
        for (name, condition) in &self.all[at].unit.after {
            let other = match self.all.iter().find(|r| r.unit.name == *name) {
                Some(other) => other,
                None => return Ready::Never(format!("there is no {} to wait for", name)),
            };
            let met = match *condition {
                STARTED => other.began,
                HEALTHY => other.healthy(),
                SUCCEEDED => matches!(other.phase, Phase::Ended(0, _)),
                _ => false,
            };
            if !met && other.over() {
                return Ready::Never(format!("{} has ended, so what was waited for cannot come", name));
            }
            if !met {
                return Ready::NotYet;
            }
        }
        Ready::Yes
    }

    fn note_ends(&mut self, now: Instant) {
        let ended = |r: &Running| match r.phase {
            Phase::Ended(code, signal) => Some((code, signal)),
            _ => None,
        };
        if self.exit.is_none() {
            let mut ends = self.all.iter().filter_map(ended);
            // Of containers, one that failed says how the machine ended; of processes, the first.
            self.exit = if self.first_ends { ends.next() } else { ends.find(|&(code, _)| code != 0) };
        }
        if self.first_ends && self.exit.is_some() && !self.stopping {
            self.stop(now);
        }
    }

    /// Whether `pid` was one of ours.
    pub fn reaped(&mut self, pid: i32, code: i32, signal: u8, say: &mut dyn FnMut(u8, &[u8])) -> bool {
        let (now, again) = (Instant::now(), !self.stopping);
        for running in &mut self.all {
            if running.phase == Phase::Up(pid) {
                running.drain(say);
                running.ended(code, signal, again, now);
                return true;
            }
            if running.checked(pid, code, now) {
                return true;
            }
        }
        false
    }

    pub fn signal(&mut self, number: i32) {
        if number == SIGKILL {
            self.stopping = true;
        } else if ENDING.contains(&number) {
            self.stop(Instant::now());
            return;
        }
        self.all.iter().for_each(|r| r.signal(number));
    }

    /// In the order they came, the last first: what others depend on ends after them.
    fn stop(&mut self, now: Instant) {
        self.stopping = true;
        self.all.iter_mut().rev().for_each(|r| r.stop(now));
    }

    /// Milliseconds until something is due; below zero: nothing is.
    pub fn timeout(&self) -> i32 {
        let now = Instant::now();
        let due = self.all.iter().filter_map(Running::due).min();
        due.map_or(-1, |at| at.saturating_duration_since(now).as_millis().min(60_000) as i32 + 1)
    }

    pub fn polls(&self, into: &mut Vec<PollFd>) {
        let fds = self.all.iter().flat_map(Running::descriptors);
        into.extend(fds.map(|fd| PollFd { fd, events: POLLIN, revents: 0 }));
    }

    pub fn take(&mut self, ready: impl Fn(RawFd) -> bool, say: &mut dyn FnMut(u8, &[u8])) {
        for running in &mut self.all {
            for fd in running.descriptors().filter(|&fd| ready(fd)).collect::<Vec<_>>() {
                running.take(fd, say);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str, after: &[(&str, u8)]) -> Unit {
        Unit {
            name: name.to_string(),
            after: after.iter().map(|&(n, c)| (n.to_string(), c)).collect(),
            ..Unit::default()
        }
    }

    #[test]
    fn each_waits_for_what_it_depends_on() {
        let mut units = Units::new(vec![unit("db", &[]), unit("web", &[("db", HEALTHY), ("job", SUCCEEDED)]), unit("job", &[])], false);
        assert_eq!(units.ready(0), Ready::Yes);
        assert_eq!(units.ready(1), Ready::NotYet);
        units.all[0].phase = Phase::Up(100);
        assert_eq!(units.ready(1), Ready::NotYet);
        units.all[2].phase = Phase::Ended(0, 0);
        assert_eq!(units.ready(1), Ready::Yes);
        units.all[2].phase = Phase::Ended(3, 0);
        assert!(matches!(units.ready(1), Ready::Never(_)));
    }

    #[test]
    fn first_end_of_processes_and_first_failure_of_containers_count() {
        let now = Instant::now();
        for (first_ends, expected) in [(true, (0, 0)), (false, (7, 0))] {
            let mut units = Units::new(vec![unit("a", &[]), unit("b", &[])], first_ends);
            units.all[0].phase = Phase::Ended(0, 0);
            units.all[1].phase = Phase::Up(1 << 22);
            units.note_ends(now);
            assert_eq!(units.stopping, first_ends);
            units.all[1].phase = Phase::Ended(7, 0);
            units.note_ends(now);
            assert_eq!(units.exit, Some(expected));
        }
    }
}
