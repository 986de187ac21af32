//! Does the worst that it can think of. A message is a deed and a number, or the name of an export that is to loop for ever: what a
//! connection's other events do is in the query of its path.
#![allow(clippy::print_stdout, reason = "what a plugin prints goes to its log")]

mod floods;

use std::hint::black_box;

use holdline_guest::timers::TimerId;
use holdline_guest::{
    Acceptance, ChannelHandler, CloseInfo, ConnectHandler, Handler, Message, Refusal, Request, Result, TimerHandler,
    Upgrade, Worker,
};

struct Hostile;

impl ConnectHandler for Hostile {
    fn connect(upgrade: Upgrade) -> Result<Acceptance, Refusal> {
        if upgrade.query.contains("loop-in-connect") {
            for_ever();
        }
        Ok(Acceptance::new())
    }
}

impl Handler for Hostile {
    fn open(request: &Request) -> Result<()> {
        if request.query().contains("loop-in-open") {
            for_ever();
        }
        Ok(())
    }

    fn message(request: &Request, message: Message) -> Result<()> {
        let (deed, number) =
            message.as_text().and_then(|text| text.split_once(' ')).ok_or("not a deed and a number")?;
        let number: usize = number.parse().map_err(|_| "no number")?;
        match deed {
            "loop" => for_ever(),
            "compute" => compute(number),
            "recurse" => drop(recurse(number as u64)),
            "eat" => eat(number),
            "fill" => fill(number),
            _ => floods::flood(request, deed, number)?,
        }
        Ok(request.send_text(deed)?)
    }

    fn close(request: &Request, _: CloseInfo) -> Result<()> {
        if request.query().contains("loop-in-close") {
            for_ever();
        }
        Ok(())
    }
}

impl Worker for Hostile {
    fn run(name: &str, _: &[u8]) -> Result<()> {
        match name {
            "loop" => for_ever(),
            other => floods::work(other),
        }
    }
}

impl TimerHandler for Hostile {
    fn timer(_: TimerId, payload: &[u8]) -> Result<()> {
        if payload == b"loop" {
            for_ever();
        }
        Ok(())
    }
}

impl ChannelHandler for Hostile {
    fn item(_: &str, item: &[u8]) -> Result<()> {
        if item == b"loop" {
            for_ever();
        }
        Ok(())
    }
}

holdline_guest::export!(Hostile: ConnectHandler, Handler, Worker, TimerHandler, ChannelHandler);

fn for_ever() -> ! {
    loop {
        black_box(0);
    }
}

/// So many thousand steps, each of about a nanosecond.
fn compute(thousands: usize) {
    let mut sum = 0_u64;
    for step in 0..thousands as u64 * 1000 {
        sum = black_box(sum.wrapping_mul(31).wrapping_add(step));
    }
}

#[allow(unconditional_recursion, reason = "that is what it is for")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth + 1))) + 1
}

/// Takes memory in pieces of so many KiB until there is no more, and touches all of it.
fn eat(kib: usize) {
    let mut eaten = Vec::new();
    loop {
        eaten.push(black_box(vec![1_u8; kib << 10]));
    }
}

/// Writes so many MiB again and again, each time in one instruction that nobody can interrupt.
fn fill(mib: usize) {
    let mut memory = vec![0_u8; mib << 20];
    loop {
        memory.fill(black_box(1));
        black_box(&memory);
    }
}
