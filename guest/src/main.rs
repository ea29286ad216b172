//! PID 1 of an Allod machine: starts the machine's process, tells the host how it fares, and runs commands beside it.
//! The same binary is `/init` of a microVM and the first process of a gVisor sandbox. See docs/guest-channel.md.

mod agent;
mod boot;
mod check;
mod child;
mod config;
mod confine;
mod exec;
mod files;
mod frame;
mod link;
mod net;
mod ring;
mod save;
mod setup;
mod spawn;
mod sys;
mod table;
mod tap;
mod unit;
mod units;
mod users;
mod volume;

use link::{Link, Transport};

const USAGE: &str = "usage: allod-guest microvm | connect SOCKET | tap NAME FD COMMAND... | \
     files FD:MODE:PATH... -- COMMAND... | confine PID UID FOLDER | save CONTROL UID MOST FILE";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["microvm"] => {
            match boot::boot().and_then(|device| serve(Transport::Device(device))) {
                Ok(_) => {}
                Err(why) => {
                    eprintln!("allod-guest: {}", why);
                    // Time for the host to read it: with the machine, its console goes.
                    sys::wait_for(&mut [], 3000);
                }
            }
            sys::power_off();
        }
        ["connect", path] => match serve(Transport::Connect(path.to_string())) {
            Ok(code) => std::process::exit(code),
            Err(why) => fail(&why),
        },
        ["tap", ..] => fail(&tap::run(&arguments[1..])),
        ["files", ..] => fail(&files::run(&arguments[1..])),
        ["confine", ..] => done(confine::run(&arguments[1..])),
        ["save", ..] => done(save::run(&arguments[1..])),
        _ => fail(USAGE),
    }
}

fn serve(transport: Transport) -> Result<i32, String> {
    let agent = agent::Agent::new(Link::new(transport)).map_err(|e| format!("cannot start: {}", e))?;
    let code = agent.run();
    // Ours alone to end: as an ordinary process (a test) this would be everybody's.
    if std::process::id() == 1 {
        let _ = sys::send_signal(-1, sys::SIGKILL);
    }
    Ok(code)
}

fn done(result: Result<(), String>) {
    if let Err(why) = result {
        fail(&why);
    }
}

fn fail(why: &str) -> ! {
    eprintln!("allod-guest: {}", why);
    std::process::exit(125);
}
