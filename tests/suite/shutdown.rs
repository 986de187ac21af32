//! A stop is bounded: what is held gets its time, then everyone is told, then it is over.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use anyhow::Context;
use holdline::hub::{Drain, DrainCode};
use serde_json::json;

use crate::harness::{Client, Host, PATIENCE, PUPPET, Served, Setup, case, folder, logged, sample, within};

/// Longer than any test waits.
const FOR_EVER: Duration = Duration::from_secs(3600);

async fn draining(name: &str, drain: Duration) -> anyhow::Result<Host> {
    let setup = Setup::new().configured(|config| config.drain.timeout = drain);
    setup.guest(PUPPET, name, "")?.start().await
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_held_connection_beyond_the_drain_time() -> anyhow::Result<()> {
    let drain = Duration::from_millis(500);
    let host = draining("held-on-stop", drain).await?;
    let mut client = host.connect("/held-on-stop").await?;
    client.hold_with(json!({"do": "retain", "deadline-ms": 3_600_000})).await?;

    let stopped = Instant::now();
    let (_, closed) = tokio::join!(host.stop(), client.closed());

    assert_eq!(closed?.0, 1001);
    assert!(stopped.elapsed() >= drain, "it had only {:?}", stopped.elapsed());
    assert!(stopped.elapsed() < PATIENCE, "it took {:?}", stopped.elapsed());
    let event = logged("held-on-stop", "close event").await?;
    assert!(event.contains(r#""frame":[1001,""]"#) && event.contains(r#""clean":true"#), "{event}");
    Ok(())
}

#[tokio::test]
async fn a_delivery_within_the_drain_time_arrives_and_ends_the_wait() -> anyhow::Result<()> {
    let host = draining("delivered-on-stop", FOR_EVER).await?;
    let mut client = host.connect("/delivered-on-stop").await?;
    client.tell(json!([{"do": "retain"}, {"do": "send-after", "text": "just in time", "delay-ms": 1000}])).await?;
    host.holds(1).await?;

    let received = async {
        let text = client.text().await?;
        Ok::<_, anyhow::Error>((text, client.closed().await?))
    };
    let (_, received) = tokio::join!(host.stop(), received);

    assert_eq!(received?, ("just in time".to_owned(), (1001, String::new())));
    Ok(())
}

#[tokio::test]
async fn an_idle_connection_is_closed_with_1001_and_gets_its_close_event() -> anyhow::Result<()> {
    // A client that answers the Close is not waited for any longer.
    let setup = Setup::new().configured(|config| config.listen.close_timeout = FOR_EVER);
    let host = setup.guest(PUPPET, "idle-on-stop", "")?.start().await?;
    let mut client = host.connect("/idle-on-stop").await?;
    client.get(json!({"do": "attachment"})).await?;

    let (stopped, closed) = tokio::join!(within("the end of the host", host.stop()), client.closed());

    stopped?;
    assert_eq!(closed?, (1001, String::new()));
    let event = logged("idle-on-stop", "close event").await?;
    assert!(event.contains(r#""clean":true"#), "{event}");
    Ok(())
}

#[tokio::test]
async fn while_it_stops_nobody_is_accepted_and_nothing_is_retained() -> anyhow::Result<()> {
    let host = draining("stopping", FOR_EVER).await?;
    let address = host.address();
    let mut held = host.connect("/stopping").await?;
    let mut other = host.connect("/stopping").await?;
    let handle = held.hold().await?;
    other.tell(json!([{"do": "retain"}, {"do": "send-after", "text": "and now", "delay-ms": 2000}])).await?;
    host.holds(2).await?;
    // It is handled when that delivery has been made, and the host still waits for the other one.
    other.tell(json!([{"do": "retain"}, {"do": "deliver", "handle": handle, "text": "go"}])).await?;

    let stop = tokio::spawn(host.stop());
    refused(address).await?;
    assert_eq!(other.text().await?, "and now");
    let report = other.json().await?;
    assert_eq!(case(report.pointer("/report/0").context("no report")?), "Closing");

    assert_eq!(held.text().await?, "go");
    let (one, two) = tokio::join!(held.closed(), other.closed());
    assert_eq!((one?.0, two?.0), (1001, 1001));
    stop.await?;
    Ok(())
}

/// A host whose clients are told one after the other.
async fn parting(name: &str, rate: u32, timeout: Duration) -> anyhow::Result<Host> {
    let setup = Setup::new().configured(|config| {
        config.drain =
            Drain { timeout, rate: NonZeroU32::MIN.saturating_add(rate - 1), code: DrainCode::ServiceRestart };
    });
    setup.guest(PUPPET, name, "")?.start().await
}

/// When each client was told that the host goes, the first to the last.
async fn told(clients: Vec<Client>) -> anyhow::Result<Vec<Instant>> {
    let told = clients.into_iter().map(|client| async move {
        let (code, _) = client.closed().await?;
        anyhow::ensure!(code == 1012, "closed with {code}");
        Ok(Instant::now())
    });
    let mut told = futures_util::future::try_join_all(told).await?;
    told.sort_unstable();
    Ok(told)
}

#[tokio::test]
async fn clients_are_sent_away_one_after_the_other_and_held_ones_last() -> anyhow::Result<()> {
    let host = parting("one-by-one", 40, FOR_EVER).await?;
    let mut held = host.connect("/one-by-one").await?;
    held.tell(json!([{"do": "retain"}, {"do": "send-after", "text": "at last", "delay-ms": 1500}])).await?;
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(host.connect("/one-by-one").await?);
    }
    host.holds(1).await?;

    let last = async {
        assert_eq!(held.text().await?, "at last");
        told(vec![held]).await
    };
    let (_, others, last) = tokio::join!(host.stop(), told(clients), last);

    let (others, last) = (others?, last?);
    let (first, end) = others.first().zip(others.last()).context("nobody was told")?;
    // Between two of them are 12.5 ms at least, and 25 ms in the mean.
    assert!(end.duration_since(*first) >= Duration::from_millis(19 * 12), "{:?}", end.duration_since(*first));
    assert!(last.first() > Some(end), "the held one was not the last");
    Ok(())
}

#[tokio::test]
async fn however_many_there_are_the_time_is_kept() -> anyhow::Result<()> {
    let host = parting("in-time", 1, Duration::from_secs(1)).await?;
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.push(host.connect("/in-time").await?);
    }
    let stopped = Instant::now();
    let (_, told) = tokio::join!(host.stop(), told(clients));
    // One a second would be 50 s.
    assert!(stopped.elapsed() < PATIENCE, "it took {:?}", stopped.elapsed());
    assert_eq!(told?.len(), 50);
    Ok(())
}

#[tokio::test]
async fn a_second_signal_ends_the_program_at_once() -> anyhow::Result<()> {
    let folder = folder("second-signal")?;
    std::fs::write(folder.join("echo.wasm"), sample("echo")?.1)?;
    let config = "[listen]\naddress = \"127.0.0.1:0\"\n[drain]\nrate = 1\ntimeout = \"1h\"\n\
        [store]\nfolder = false\n[[plugin]]\nsource = \"echo.wasm\"\nroute = \"/echo\"\n";
    let file = folder.join("holdline.toml");
    std::fs::write(&file, config)?;
    let served = Served::start(&["serve", "--config", file.to_str().context("a path")?]).await?;
    let address = served.address();
    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(Client::connect(address, "/echo", &[]).await?);
    }
    // The stop would take more than a minute.
    served.signal().await?;
    within("the end of the listener", async { while Client::connect(address, "/echo", &[]).await.is_ok() {} }).await?;
    assert_eq!(served.terminate().await?, Some(1));
    Ok(())
}

/// Waits until nobody is accepted at this address any more.
async fn refused(address: std::net::SocketAddr) -> anyhow::Result<()> {
    let refused = async { while Client::connect(address, "/stopping", &[]).await.is_ok() {} };
    within("the end of the listener", refused).await
}

#[tokio::test]
async fn a_client_that_never_answers_the_close_does_not_delay_the_stop_for_long() -> anyhow::Result<()> {
    let setup = Setup::new().configured(|config| config.listen.close_timeout = Duration::from_millis(200));
    let host = setup.guest(PUPPET, "mute-on-stop", "")?.start().await?;
    let mut client = host.connect("/mute-on-stop").await?;
    client.get(json!({"do": "attachment"})).await?;
    let _unread = client.into_stream();

    let stopped = Instant::now();
    host.stop().await;

    assert!(stopped.elapsed() < Duration::from_secs(10), "it took {:?}", stopped.elapsed());
    logged("mute-on-stop", r#""clean":false"#).await?;
    Ok(())
}

#[tokio::test]
async fn workers_and_handlers_that_wait_or_loop_do_not_delay_the_stop_for_long() -> anyhow::Result<()> {
    let setup = Setup::new().configured(|config| config.listen.close_timeout = Duration::from_millis(200));
    let host = setup.guest(PUPPET, "busy-on-stop", "[limits]\ncpu = \"1h\"\ntimeout = \"1h\"")?.start().await?;
    let mut client = host.connect("/busy-on-stop").await?;
    client.get(json!({"do": "start", "name": "looping", "commands": [{"do": "loop"}]})).await?;
    client.get(json!({"do": "start", "name": "sleeping", "commands": [{"do": "sleep", "ms": 3_600_000}]})).await?;
    client.tell(json!([{"do": "send", "text": "waiting"}, {"do": "sleep", "ms": 3_600_000}])).await?;
    assert_eq!(client.text().await?, "waiting");

    let stopped = Instant::now();
    host.stop().await;

    assert!(stopped.elapsed() < Duration::from_secs(10), "it took {:?}", stopped.elapsed());
    Ok(())
}

#[tokio::test]
async fn sigterm_ends_the_program_well_while_a_client_is_connected() -> anyhow::Result<()> {
    let file = folder("sigterm")?.join("echo.wasm");
    std::fs::write(&file, sample("echo")?.1)?;
    let file = file.to_str().context("a folder that is no text")?;
    let served = Served::start(&["run", file, "--listen", "127.0.0.1:0", "--route", "/echo"]).await?;
    let mut client = Client::connect(served.address(), "/echo", &[]).await?;
    client.send_text("are you there?").await?;
    assert_eq!(client.text().await?, "are you there?");

    let (code, closed) = tokio::join!(served.terminate(), client.closed());

    assert_eq!(closed?.0, 1001);
    assert_eq!(code?, Some(0));
    Ok(())
}
