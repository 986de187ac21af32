//! Asking the host for more than anybody needs.

use std::time::Duration;

use holdline_guest::timers::{self, Missed};
use holdline_guest::{Channel, DelayedWebSocket, Request, Result, RetainOptions, broadcast, workers};

/// So much of it. What the host refuses is what a test looks for: the number of what it gave is told.
pub(crate) fn flood(request: &Request, deed: &str, number: usize) -> Result<()> {
    let text = || "x".repeat(number);
    let given = match deed {
        "print" => {
            (0..number).for_each(|line| println!("line {line} of a flood that nobody wants to read"));
            number
        }
        "open-channels" => (0..number).filter(|it| Channel::open(&format!("flood {it}"), 1).is_ok()).count(),
        "fill-channel" => {
            let channel = Channel::open("full", 1 << 20)?;
            let item = vec![0; 1 << 10];
            (0..number).take_while(|_| channel.offer(&item).is_ok()).count()
        }
        "set-timers" => (0..number).take_while(|_| timers::after(Duration::from_secs(3600), b"").is_ok()).count(),
        "set-timers-at-once" => {
            let now = Duration::from_millis(1);
            (0..number).take_while(|_| timers::every(now, b"loop", Missed::Burst).is_ok()).count()
        }
        "start-workers" => (0..number).take_while(|_| workers::start("loop", b"", None).is_ok()).count(),
        "start-waiting-workers" => (0..number).take_while(|_| workers::start("wait", b"", None).is_ok()).count(),
        "loop-in-item" => {
            Channel::open("items", 100)?.offer(b"loop")?;
            1
        }
        "loop-in-timer" => {
            timers::after(Duration::ZERO, b"loop")?;
            1
        }
        "retain" => {
            request.retain_web_socket_with(RetainOptions::new().deadline(Duration::from_millis(number as u64)))?;
            return Ok(());
        }
        "guess-handles" => (0..number as u64)
            .filter(|it| DelayedWebSocket::new(it.wrapping_mul(0x9e37_79b9) & ((1 << 53) - 1)).push("guessed").is_ok())
            .count(),
        "huge-reply" => usize::from(request.send_text(text()).is_ok()),
        "huge-attachment" => usize::from(request.set_attachment(text()).is_ok()),
        "huge-channel" => usize::from(Channel::open(&text(), 1).is_ok()),
        "huge-item" => usize::from(Channel::open("full", 1 << 20)?.offer(text()).is_ok()),
        "huge-timer" => usize::from(timers::after(Duration::from_secs(3600), text()).is_ok()),
        "huge-worker" => usize::from(workers::start(&text(), text(), Some(&text())).is_ok()),
        "huge-path" => usize::from(broadcast::to_path(&text(), "x").is_ok()),
        "huge-cron" => usize::from(timers::cron(&text(), None, b"", Missed::Skip).is_ok()),
        "huge-ids" => {
            let ids = vec!["0"; number];
            usize::from(broadcast::to_connections(&ids, "x").is_ok())
        }
        "huge-reason" => usize::from(request.close_with(4000, text()).is_ok()),
        "huge-print" => {
            println!("{}", text());
            1
        }
        other => return Err(format!("`{other}` is no deed").into()),
    };
    Ok(request.send_text(format!("{given} given"))?)
}

/// A worker that waits for ever.
pub(crate) fn work(_: &str) -> Result<()> {
    Channel::open("never", 1)?.receive()?;
    Ok(())
}
