//! Does what it is told. A message is a list of commands in JSON, and the report is the list of what came of them:
//! `{"ok": value}`, or `{"error": the name of the case}`.
//!
//! The report goes back to the client: as a reply, or by a push once the event has retained. Where neither can be, as in
//! a close event, it goes to the log. The headers `x-open` and `x-close` have the commands of those events. Workers,
//! timers and channel items carry commands, too; their reports go to the log.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what a plugin prints goes to its log")]

mod channels;
mod command;
mod delayed;
mod request;
mod stage;

use holdline_guest::timers::TimerId;
use holdline_guest::{
    ChannelHandler, CloseInfo, Error, Handler, Message, Migration, Request, Result, TimerHandler, Worker,
};
use serde_json::{Value, json};
use stage::Stage;

struct Puppet;

impl Handler for Puppet {
    fn open(request: &Request) -> Result<()> {
        match request.header("x-open") {
            Some(commands) => obey(request, &commands),
            None => Ok(()),
        }
    }

    fn message(request: &Request, message: Message) -> Result<()> {
        match message {
            Message::Text(commands) => obey(request, &commands),
            Message::Binary(bytes) => Ok(request.send_binary(bytes)?),
        }
    }

    fn close(request: &Request, info: CloseInfo) -> Result<()> {
        let frame = info.frame.map(|frame| json!([frame.code, frame.reason]));
        println!("close event: {}", json!({"id": request.id(), "frame": frame, "clean": info.clean}));
        match request.header("x-close") {
            Some(commands) => obey(request, &commands),
            None => Ok(()),
        }
    }
}

impl Worker for Puppet {
    fn run(name: &str, argument: &[u8]) -> Result<()> {
        let report = alone(argument)?;
        println!("worker {name}: {report}");
        Ok(())
    }
}

impl TimerHandler for Puppet {
    fn timer(timer: TimerId, payload: &[u8]) -> Result<()> {
        let report = alone(payload)?;
        println!("timer {timer}: {report}");
        Ok(())
    }
}

impl ChannelHandler for Puppet {
    fn item(channel: &str, item: &[u8]) -> Result<()> {
        let report = alone(item)?;
        println!("item of {channel}: {report}");
        Ok(())
    }
}

/// As the attachment says: `fail`, `trap`, `loop`, `forget` or `grow`. Any other is told where it comes from.
impl Migration for Puppet {
    fn migrate(attachment: Vec<u8>, from_version: &str) -> Result<Vec<u8>> {
        let text = stage::text(&attachment);
        match text.as_str() {
            "fail" => Err(Error::new("that was never an attachment")),
            "trap" => std::process::abort(),
            "loop" => {
                println!("it never ends");
                loop {
                    std::hint::black_box(());
                }
            }
            "forget" => Ok(Vec::new()),
            "grow" => Ok(vec![b'x'; 65_537]),
            _ => Ok(format!("{text} from {from_version}").into_bytes()),
        }
    }
}

holdline_guest::export!(Puppet: Handler, Worker, TimerHandler, ChannelHandler, Migration);

fn obey(request: &Request, commands: &str) -> Result<()> {
    let mut stage = Stage::new(Some(request));
    let report = stage.play(&serde_json::from_str::<Vec<_>>(commands)?)?;
    let answer = json!({ "report": report });
    let told = match stage.retained() {
        None => request.send_json(&answer).map_err(Error::new),
        Some(held) => held.push_json(&answer).map_err(Error::new),
    };
    if told.is_err() {
        println!("untold: {answer}");
    }
    Ok(())
}

fn alone(commands: &[u8]) -> Result<Value> {
    let report = Stage::new(None).play(&serde_json::from_slice::<Vec<_>>(commands)?)?;
    Ok(Value::from(report))
}
