//! Frames through a connection of the real host whose plugin sends all messages back: what comes back is what was sent, the host speaks
//! by RFC 6455 whatever the client does, there is one close event, and nothing is left of the connection.
#![no_main]

use std::hash::{DefaultHasher, Hasher};
use std::pin::pin;
use std::sync::OnceLock;

use bytesize::ByteSize;
use holdline::socket::Compression;
use holdline::tenant::Counter;
use holdline_fuzz::host::{Served, within};
use holdline_fuzz::oracle::{self, End, Rules, Said};
use holdline_fuzz::script::{self, Leave, Length, MESSAGE, Offer, Script};
use holdline_fuzz::{guest, log};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::oneshot;

const FRAGMENTS: usize = 8;
const COMPRESS_FROM: u64 = 64;

static HOST: OnceLock<Served> = OnceLock::new();

fuzz_target!(|script: Script| {
    let host = HOST.get_or_init(|| {
        log::watch(log::Plugins::DoNotFail);
        let change = |config: &mut holdline::config::Config| {
            config.hub.message_size = ByteSize::b(MESSAGE as u64);
            config.hub.outbox_size = ByteSize::mib(64);
            config.hub.inbox_size = ByteSize::kib(32);
            config.hub.inbox_messages = 4;
            config.listen.fragments = FRAGMENTS as u32;
            config.listen.compression = Compression::Deflate;
            config.listen.compress_from = ByteSize::b(COMPRESS_FROM);
        };
        Served::new(change, &[("echo", "isolation = \"pooled\"", &guest::echo())])
    });
    host.block_on(converse(host, &script));
});

async fn converse(host: &Served, script: &Script) {
    let plugin = host.plugin("echo");
    let counted = |counter| plugin.owner().usage().counted(counter);
    let before = [Counter::Accepted, Counter::Events, Counter::MessagesIn].map(counted);
    let rules = Rules { message: MESSAGE, fragments: FRAGMENTS, window: window(script.offer) };
    let (frames, said, marker) = plan(script, rules);
    let sent = [request(script.offer).as_bytes(), &frames].concat();
    let (read, write) = host.call().await.into_split();
    let (seen, is_seen) = oneshot::channel();
    let writing = speak(write, &sent, usize::from(script.piece), (script.leave, marker.is_some()), is_seen);
    let reading = listen(read, marker.as_deref(), seen);
    let heard = within("the end of the connection", async {
        let (mut writing, mut reading) = (pin!(writing), pin!(reading));
        if script.leave == Leave::Abruptly {
            // What it does not read any more the host may well write.
            tokio::select! { _gone = &mut writing => None, heard = &mut reading => Some(heard) }
        } else {
            let (_write, heard) = tokio::join!(writing, reading);
            Some(heard)
        }
    });
    if let Some(heard) = heard.await.filter(|_| script.leave != Leave::Abruptly) {
        check(&heard, &said, marker.is_some(), rules, script.leave);
    }
    host.emptied().await;
    let after = [Counter::Accepted, Counter::Events, Counter::MessagesIn].map(counted);
    let [accepted, events, messages] = [0, 1, 2].map(|place| after[place] - before[place]);
    assert_eq!(accepted, 1, "it was not accepted once");
    assert_eq!(events, messages + 2, "there is not one open event and one close event");
}

/// The bits of the window that is agreed on.
fn window(offer: Offer) -> Option<u8> {
    match offer {
        Offer::Nothing => None,
        Offer::Deflate => Some(15),
        // 8 is declined.
        Offer::Window(bits) => Some(8 + bits % 8).filter(|bits| *bits > 8),
    }
}

fn request(offer: Offer) -> String {
    let offer = match offer {
        Offer::Nothing => String::new(),
        Offer::Deflate => "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n".to_owned(),
        Offer::Window(bits) => {
            format!("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits={}\r\n", 8 + bits % 8)
        }
    };
    format!(
        "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{offer}\r\n"
    )
}

/// The frames that are sent, what they say, and the last message, if there is one whose echo is waited for.
fn plan(script: &Script, rules: Rules) -> (Vec<u8>, Said, Option<Vec<u8>>) {
    let mut frames = script.bytes();
    let mut said = oracle::said(&frames, rules);
    if script.leave == Leave::InOrder && said.end == End::InMessage {
        script::frame(0x80, Length::Least, true, b"", &mut frames);
        said = oracle::said(&frames, rules);
    }
    if script.leave != Leave::InOrder || said.end != End::Complete {
        return (frames, said, None);
    }
    // Nothing that was sent before is the same but by chance.
    let mut hasher = DefaultHasher::new();
    hasher.write(&frames);
    let marker = format!("{:016x}", hasher.finish()).into_bytes();
    script::frame(0x82, Length::Least, true, &marker, &mut frames);
    said.messages.push((false, marker.clone()));
    (frames, said, Some(marker))
}

/// Says all of it, and leaves; but not before what comes back says that it may.
async fn speak(
    mut write: OwnedWriteHalf,
    bytes: &[u8],
    piece: usize,
    (leave, is_to_close): (Leave, bool),
    seen: oneshot::Receiver<()>,
) -> OwnedWriteHalf {
    let piece = if piece == 0 { bytes.len() } else { piece.max(bytes.len() / 64 + 1) };
    for piece in bytes.chunks(piece) {
        // The host may have heard enough.
        if write.write_all(piece).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let is_there = seen.await.is_ok();
    match leave {
        Leave::InOrder if is_to_close => {
            assert!(is_there, "the echo of what was said last does not come");
            let mut close = Vec::new();
            script::frame(0x88, Length::Least, true, &1000_u16.to_be_bytes(), &mut close);
            write.write_all(&close).await.expect("the host waits for a Close");
        }
        // What it has begun cannot be ended, or it has said or heard Close.
        Leave::InOrder | Leave::Silently => _ = write.shutdown().await,
        Leave::Abruptly => _ = write.as_ref().set_zero_linger(),
    }
    write
}

/// Reads to the end, and tells when the marker has come; or the answer to the handshake, if there is no marker.
async fn listen(mut read: OwnedReadHalf, marker: Option<&[u8]>, seen: oneshot::Sender<()>) -> Vec<u8> {
    let mut seen = Some(seen);
    let mut heard = Vec::new();
    loop {
        match read.read_buf(&mut heard).await {
            Ok(0) => return heard,
            Ok(_) => {
                let is_there = match marker {
                    Some(marker) => heard.ends_with(marker),
                    None => heard.windows(4).any(|end| end == b"\r\n\r\n"),
                };
                if is_there && let Some(seen) = seen.take() {
                    _ = seen.send(());
                }
            }
            Err(error) => panic!("the host has reset the connection: {error}"),
        }
    }
}

fn check(heard: &[u8], said: &Said, is_to_close: bool, rules: Rules, leave: Leave) {
    let end = heard.windows(4).position(|end| end == b"\r\n\r\n").expect("an answer to the handshake");
    let (head, frames) = heard.split_at(end + 4);
    assert!(head.starts_with(b"HTTP/1.1 101 "), "the handshake was refused");
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    assert_eq!(head.contains("permessage-deflate"), rules.window.is_some(), "{head}");
    let answered = oracle::answered(frames, rules);
    let echoed = answered.messages.len();
    assert!(said.messages.starts_with(&answered.messages), "what came back was not sent: {answered:?}");
    let mut pings = said.pings.iter();
    assert!(answered.pongs.iter().all(|pong| pings.any(|ping| ping == pong)), "a pong that was not asked for");
    if is_to_close {
        assert_eq!(echoed, said.messages.len(), "an echo is missing");
        assert_eq!(answered.pongs.last(), said.pings.last(), "the last ping has no pong");
        assert_eq!(answered.close, Some(Some(1000)), "Close was not answered");
    } else if leave == Leave::InOrder {
        match &said.end {
            End::Closed(code) => assert_eq!(answered.close, Some(*code), "Close was not answered"),
            End::Broke(codes) => {
                let code = answered.close.flatten().expect("Close with a code");
                assert!(codes.contains(&code), "{code} instead of {codes:?}");
            }
            End::Complete | End::InMessage | End::InFrame => {}
        }
    }
}
