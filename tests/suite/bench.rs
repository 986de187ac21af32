//! `holdline bench` against the real host, and against servers that are no good.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};
use tokio_tungstenite::{WebSocketStream, accept_async};

use crate::harness::{Host, Setup, folder, holdline, within};

/// How a run ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

async fn bench(url: &str, arguments: &[&str]) -> anyhow::Result<Ended> {
    let output = within("the end of the run", holdline(&[&["bench", url], arguments].concat())?.output()).await??;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) })
}

/// A run that goes well: its report.
pub(crate) async fn report(url: &str, arguments: &[&str]) -> anyhow::Result<Value> {
    let ended = bench(url, &[arguments, &["--json"]].concat()).await?;
    ensure!(ended.code == Some(0), "{} {}", ended.stderr, ended.stdout);
    serde_json::from_str(&ended.stdout).with_context(|| format!("`{}` is no JSON", ended.stdout))
}

/// A run that goes wrong: its report. The error names all of these.
pub(crate) async fn fails(url: &str, arguments: &[&str], names: &[&str]) -> anyhow::Result<Value> {
    let ended = bench(url, &[arguments, &["--json"]].concat()).await?;
    ensure!(ended.code == Some(1), "{:?} {} {}", ended.code, ended.stderr, ended.stdout);
    for name in names {
        ensure!(ended.stderr.contains(name), "`{name}` is not in: {}", ended.stderr);
    }
    ensure!(ended.stderr.contains("\nhint: "), "there is no hint in: {}", ended.stderr);
    Ok(serde_json::from_str(&ended.stdout).unwrap_or_default())
}

pub(crate) fn number(report: &Value, pointer: &str) -> anyhow::Result<f64> {
    report.pointer(pointer).and_then(Value::as_f64).with_context(|| format!("{pointer} is no number in {report}"))
}

/// The host with the sample plugin that echoes.
pub(crate) async fn echo() -> anyhow::Result<(Host, String)> {
    let host = Setup::new().sample("echo", |_| {})?.start().await?;
    let url = format!("ws://{}/echo", host.address());
    Ok((host, url))
}

/// A server that does this with every connection.
async fn server<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> anyhow::Result<(SocketAddr, String)>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    Ok((address, format!("ws://{address}/")))
}

/// The next message that is one.
async fn next(socket: &mut WebSocketStream<TcpStream>) -> anyhow::Result<Message> {
    loop {
        let message = socket.next().await.context("the client has gone")??;
        if message.is_text() || message.is_binary() {
            return Ok(message);
        }
    }
}

#[tokio::test]
async fn exactly_as_many_messages_are_sent_and_answered_as_were_asked_for() -> anyhow::Result<()> {
    let (_host, url) = echo().await?;

    let report =
        report(&url, &["--messages", "1003", "--connections", "7", "--in-flight", "4", "--size", "300"]).await?;

    assert_eq!(report["url"], url);
    assert_eq!((&report["mode"], &report["connections"]), (&json!("echo"), &json!(7)));
    assert_eq!((&report["in_flight"], &report["size_bytes"]), (&json!(4), &json!(300)));
    assert_eq!(report["rate_target"], Value::Null);
    assert_eq!((&report["messages"], &report["errors"]), (&json!(1003), &json!({})));
    assert_eq!((&report["connect"]["established"], &report["connect"]["failed"]), (&json!(7), &json!(0)));
    let bytes = number(&report, "/bytes_per_second")? * number(&report, "/seconds")?;
    assert!((bytes - 300_900.0).abs() < 1.0, "{bytes} bytes came back");
    let mut last = 0.0;
    for percentile in ["p50", "p75", "p90", "p99", "p99_9", "p99_99", "max"] {
        let value = number(&report, &format!("/latency_us/{percentile}"))?;
        assert!(value > 0.0 && value >= last, "{percentile} of {report}");
        last = value;
    }
    for field in ["/connect/seconds", "/connect/per_second", "/messages_per_second", "/client_cpu_seconds"] {
        assert!(number(&report, field)? > 0.0, "{field} of {report}");
    }
    assert!(number(&report, "/latency_us/mean")? > 0.0);
    Ok(())
}

#[tokio::test]
async fn messages_of_every_size_come_back_in_text_and_binary_and_on_several_threads() -> anyhow::Result<()> {
    let (_host, url) = echo().await?;
    for size in ["0", "125", "126", "65535", "65536", "200000"] {
        for payload in ["text", "binary"] {
            let size = ["--size", size, "--payload", payload, "--threads", "2"];
            let report = report(&url, &[&size[..], &["-n", "40", "-c", "3", "--in-flight", "3"]].concat()).await?;
            assert_eq!(report["messages"], 40, "{size:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_rate_is_kept() -> anyhow::Result<()> {
    let (_host, url) = echo().await?;

    let report = report(&url, &["--rate", "500", "--messages", "400", "--connections", "3"]).await?;

    assert_eq!((&report["messages"], &report["rate_target"]), (&json!(400), &json!(500.0)));
    // The last of 400 is due after 798 ms.
    assert!(number(&report, "/seconds")? >= 0.79, "{report}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_stalls_is_late_for_every_message_that_was_due_meanwhile() -> anyhow::Result<()> {
    let stalls = |stream| async move {
        let mut socket = accept_async(stream).await?;
        for count in 0_u32.. {
            let message = next(&mut socket).await?;
            if count == 100 {
                tokio::time::sleep(Duration::from_millis(400)).await;
            }
            socket.send(message).await?;
        }
        Ok(())
    };
    let (_, url) = server(stalls).await?;

    let waiting = report(&url, &["--messages", "1000", "--connections", "1"]).await?;
    let paced = report(&url, &["--messages", "1000", "--connections", "1", "--rate", "1000"]).await?;

    assert!(number(&waiting, "/latency_us/p99")? < 300_000.0, "one message of a thousand was late: {waiting}");
    assert!(number(&paced, "/latency_us/p75")? > 50_000.0, "400 of a thousand were due meanwhile: {paced}");
    assert!(number(&paced, "/latency_us/max")? > 390_000.0, "{paced}");
    Ok(())
}

#[tokio::test]
async fn idle_connections_stand_when_it_says_so_and_are_closed_at_the_end() -> anyhow::Result<()> {
    let (host, url) = echo().await?;
    let arguments = ["bench", &url, "--idle", "--connections", "40", "--ramp", "200ms", "--duration", "1s"];
    let mut child = holdline(&arguments)?.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("no standard error")?).lines();

    assert_eq!(within("the line", lines.next_line()).await??.as_deref(), Some("holding 40 connections"));
    assert_eq!(host.hub().connection_count(), 40);

    let ended = within("the end", child.wait()).await??;
    assert_eq!(ended.code(), Some(0));
    host.until("the end of all connections", |hub| hub.connection_count() == 0).await
}

#[tokio::test]
async fn connecting_over_and_over_counts_connections() -> anyhow::Result<()> {
    let (host, url) = echo().await?;
    let arguments = ["--mode", "connect", "--connections", "4", "--duration", "300ms", "--warm-up", "50ms"];

    let report = report(&url, &arguments).await?;

    let made = number(&report, "/messages")?;
    assert!(made > 4.0, "{report}");
    assert!(number(&report, "/connect/established")? >= made, "{report}");
    assert!(number(&report, "/latency_us/p50")? > 0.0, "{report}");
    host.until("the end of all connections", |hub| hub.connection_count() == 0).await
}

#[tokio::test]
async fn a_fan_out_counts_the_frames_that_all_receive() -> anyhow::Result<()> {
    let host = Setup::new().sample("chat", |_| {})?.start().await?;
    let url = format!("ws://{}/chat/room?name=Ann", host.address());

    let report = report(&url, &["--mode", "fan-out", "--connections", "9", "--messages", "50"]).await?;

    assert_eq!((&report["mode"], &report["messages"]), (&json!("fan-out"), &json!(450)));
    assert_eq!(report["connect"]["established"], 10, "one more sends");
    Ok(())
}

#[tokio::test]
async fn pings_are_answered_and_replies_in_parts_are_one() -> anyhow::Result<()> {
    let (told, mut pongs) = tokio::sync::mpsc::channel(100);
    let chatters = move |stream| {
        let told = told.clone();
        async move {
            let mut socket = accept_async(stream).await?;
            socket.send(Message::text("a greeting that nobody asked for")).await?;
            for _ in 0..5 {
                let text = next(&mut socket).await?.into_data();
                let part = |payload: &[u8], opcode, is_final| {
                    let header = FrameHeader { opcode: OpCode::Data(opcode), is_final, ..FrameHeader::default() };
                    Message::Frame(Frame::from_payload(header, payload.to_vec().into()))
                };
                socket.feed(part(&text[..20], Data::Text, false)).await?;
                socket.feed(Message::Ping("are you there?".into())).await?;
                socket.feed(part(&text[20..], Data::Continue, true)).await?;
                socket.flush().await?;
                if let Some(Ok(Message::Pong(payload))) = socket.next().await {
                    told.send(payload).await?;
                }
            }
            while socket.next().await.is_some() {}
            Ok(())
        }
    };
    let (_, url) = server(chatters).await?;

    let report = report(&url, &["--messages", "5", "--connections", "1"]).await?;

    assert_eq!(report["messages"], 5);
    for _ in 0..5 {
        assert_eq!(within("a pong", pongs.recv()).await?.context("no pong")?.as_ref(), b"are you there?");
    }
    Ok(())
}

#[tokio::test]
async fn headers_and_subprotocols_are_in_the_handshake() -> anyhow::Result<()> {
    let (told, mut heard) = tokio::sync::mpsc::channel(10);
    let listens = move |mut stream: TcpStream| {
        let told = told.clone();
        async move {
            let mut request = vec![0; 4096];
            let count = stream.read(&mut request).await?;
            told.send(String::from_utf8_lossy(&request[..count]).into_owned()).await?;
            stream.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n").await?;
            Ok(())
        }
    };
    let (_, url) = server(listens).await?;
    let wishes =
        ["--header", "Authorization: Bearer x", "-H", "Host: a.test", "--subprotocol", "one", "--connections", "1"];

    let report = fails(&url, &wishes, &["HTTP status 401", "credentials"]).await?;

    assert_eq!(report["errors"], json!({"http_401": 1}));
    let request = within("the request", heard.recv()).await?.context("no request")?;
    for line in ["Authorization: Bearer x", "Host: a.test", "Sec-WebSocket-Protocol: one"] {
        assert_eq!(request.matches(line).count(), 1, "{line} in {request}");
    }
    assert_eq!(request.to_lowercase().matches("host:").count(), 1, "{request}");
    Ok(())
}

#[tokio::test]
async fn nobody_listens() -> anyhow::Result<()> {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let url = format!("ws://{free}/");
    let report = fails(&url, &["--connections", "3"], &["no connection to", &url, "nobody listens"]).await?;
    assert_eq!(report["errors"], json!({"refused": 3}));
    assert_eq!((&report["connect"]["failed"], &report["latency_us"]), (&json!(3), &Value::Null));
    fails(&url, &["--mode", "connect", "--connections", "3"], &["nobody listens"]).await?;
    Ok(())
}

#[tokio::test]
async fn a_server_of_another_kind_is_found_out() -> anyhow::Result<()> {
    let (host, _) = echo().await?;
    let url = format!("ws://{}/no-such-path", host.address());
    let report = fails(&url, &["--connections", "3"], &["HTTP status 404", "hint: check the path"]).await?;
    assert_eq!(report["errors"], json!({"http_404": 3}));

    let greets = |mut stream: TcpStream| async move { Ok(stream.write_all(b"220 mail.test ESMTP\r\n").await?) };
    let (_, url) = server(greets).await?;
    fails(&url, &["--connections", "1"], &["does not speak WebSocket"]).await?;

    let says_nothing = |stream: TcpStream| async move {
        let _held = stream;
        std::future::pending().await
    };
    let (_, url) = server(says_nothing).await?;
    let report = fails(&url, &["--connections", "2", "--timeout", "300ms"], &["timed out"]).await?;
    assert_eq!(report["errors"], json!({"timed_out": 2}));
    Ok(())
}

#[tokio::test]
async fn a_server_that_goes_away_in_the_middle_is_told_of() -> anyhow::Result<()> {
    let goes = |stream| async move {
        let mut socket = accept_async(stream).await?;
        for _ in 0..20 {
            let message = next(&mut socket).await?;
            socket.send(message).await?;
        }
        Ok(())
    };
    let (_, url) = server(goes).await?;
    let arguments = ["--connections", "2", "--duration", "30s", "--warm-up", "0s"];
    let report = fails(&url, &arguments, &["2 of 2 connections broke"]).await?;
    assert_eq!(report["broken"], 2);
    assert!(number(&report, "/messages")? >= 38.0, "what was measured before counts: {report}");
    assert!(number(&report, "/seconds")? < 29.0, "nobody is left to wait for: {report}");

    let closes = |stream| async move {
        let mut socket = accept_async(stream).await?;
        next(&mut socket).await?;
        socket.close(Some(CloseFrame { code: 1013.into(), reason: "".into() })).await?;
        while socket.next().await.is_some() {}
        Ok(())
    };
    let (_, url) = server(closes).await?;
    let report = fails(&url, &["--connections", "2"], &["closed by the server with code 1013"]).await?;
    assert_eq!(report["errors"], json!({"closed_1013": 2}));
    assert_eq!(report["unanswered"], 2);

    let is_silent = |stream| async move {
        let mut socket = accept_async(stream).await?;
        while socket.next().await.is_some() {}
        Ok(())
    };
    let (_, url) = server(is_silent).await?;
    let never = ["--connections", "2", "--timeout", "300ms"];
    fails(&url, &never, &["timed out", "answer every message"]).await?;
    let early = ["--connections", "2", "--duration", "100ms", "--warm-up", "0s"];
    fails(&url, &early, &["sent nothing back", "answer every message"]).await?;
    Ok(())
}

#[tokio::test]
async fn arguments_that_make_no_sense_are_named_with_what_to_do() -> anyhow::Result<()> {
    let url = "ws://127.0.0.1:9/";
    fails("https://127.0.0.1:9/", &[], &["`https://127.0.0.1:9/` is not a ws:// URL", "write wss://"]).await?;
    fails("wss://127.0.0.1:9/", &["--ca", "none.pem"], &["none.pem cannot be read"]).await?;
    fails("http://127.0.0.1:9/", &[], &["http://127.0.0.1:9/", "write ws://"]).await?;
    fails("127.0.0.1:9", &[], &["`127.0.0.1:9`"]).await?;
    fails("ws://no-such-host.invalid/", &[], &["no-such-host.invalid:80", "has no address"]).await?;
    fails(url, &["--header", "Upgrade: h2c"], &["`Upgrade: h2c`"]).await?;
    fails(url, &["--source", "::1"], &["--source"]).await?;
    fails(url, &["--idle", "--rate", "5"], &["--rate does not go with --mode idle"]).await?;
    fails(url, &["--mode", "fan-out", "--threads", "2"], &["--threads does not go with --mode fan-out"]).await?;
    fails(url, &["--connections", "4000000000"], &["4000000000 connections", "ulimit -n"]).await?;
    for (arguments, name) in [
        (["--rate", "0"], "above zero"),
        (["--duration", "0s"], "1ms at least"),
        (["--size", "2GiB"], "1GiB at most"),
        (["--connections", "0"], "--connections"),
        (["--mode", "shout"], "possible values: echo, idle, connect, fan-out"),
    ] {
        let ended = bench(url, &arguments).await?;
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(name), "{}", ended.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn a_person_gets_a_table_and_a_picture() -> anyhow::Result<()> {
    let (_host, url) = echo().await?;
    let file = folder("bench-plot")?.join("plot.svg");
    let file = file.to_str().context("a folder that is no text")?;

    let ended = bench(&url, &["--messages", "3000", "--connections", "2", "--plot", file]).await?;

    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "nothing but the result where no one watches");
    for shown in [&url, "messages      3,000 in", "p99.9", "MB/s", "errors        none"] {
        assert!(ended.stdout.contains(shown), "`{shown}` is not in: {}", ended.stdout);
    }
    let picture = std::fs::read_to_string(file)?;
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"), "{picture}");
    assert!(picture.contains(">99%<") && picture.contains("Messages per second"), "{picture}");
    assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
    Ok(())
}
