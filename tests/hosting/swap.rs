//! Clients send at a fixed rate and check each reply while versions come and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use hdrhistogram::Histogram;
use holdline::ids::TenantId;
use holdline::plugin::{CanaryRules, Deployment, Isolation, Manifest, Plugin};
use holdline::tenant::TenantName;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::harness::{Host, Setup, sample};
use crate::variant;

const CLIENTS: u32 = 500;
/// Messages a second of all of them.
const RATE: u32 = 20_000;
const SWAPS: usize = 200;
const ROLLBACKS: usize = 20;
/// From one swap to the next.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) async fn run() -> anyhow::Result<()> {
    let host = Setup::new()
        .configured(|config| config.engine.instances = 1000)
        .sample("echo", |manifest| manifest.isolation = Isolation::Pooled)?
        .start()
        .await?;
    let plugin = host.registry().find(TenantId::default(), "echo").context("the echo")?;
    let component = sample("echo")?.1;
    // Compiled before, so that it is the swaps that are seen and not the compiler.
    for number in 0..2 {
        deploy(&host, number, &component).await?;
    }
    let quiet = under_load(&host, async {
        tokio::time::sleep(PAUSE * 200).await;
        Ok(())
    });
    let quiet = quiet.await?;
    println!("without swaps       {quiet}");
    let swaps = under_load(&host, async {
        for number in 0..SWAPS {
            deploy(&host, number % 2, &component).await?;
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    });
    println!("{SWAPS} swaps           {}", swaps.await?);
    let rollbacks = under_load(&host, async {
        for _ in 0..ROLLBACKS {
            host.registry().roll_back(&plugin, None).await?;
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    });
    println!("{ROLLBACKS} rollbacks        {}", rollbacks.await?);
    println!("a canary taken back {}", under_load(&host, canary(&host, &plugin, &component)).await?);
    host.stop().await;
    Ok(())
}

async fn deploy(host: &Host, number: usize, component: &[u8]) -> anyhow::Result<()> {
    let manifest = Manifest::parse("name = \"echo\"\nisolation = \"pooled\"", "echo")?;
    let component = variant(component, number);
    let tenant = TenantName::default();
    host.registry().deploy(Deployment { manifest, component, route: None, tenant }).await?;
    Ok(())
}

/// Half of all connections get a version that is slower than it may be, because nothing is as fast as that.
async fn canary(host: &Host, plugin: &Arc<Plugin>, component: &[u8]) -> anyhow::Result<()> {
    let manifest = Manifest::parse("name = \"echo\"\nisolation = \"pooled\"", "echo")?;
    let rules = CanaryRules { share: 50.0, p99: Some(Duration::ZERO), ..CanaryRules::default() };
    host.registry().try_out(plugin, manifest, variant(component, 2), rules).await?;
    let begun = Instant::now();
    while plugin.serving().canary.is_some() {
        ensure!(begun.elapsed() < Duration::from_secs(10), "the canary was not taken back");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(PAUSE * 10).await;
    Ok(())
}

/// Does something to the host while all clients talk to it. Whatever they miss is an error.
async fn under_load(host: &Host, work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<String> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let stream = TcpStream::connect(host.address()).await?;
        stream.set_nodelay(true)?;
        let (socket, _) = client_async(format!("ws://{}/echo", host.address()), stream).await?;
        clients.spawn(client(socket, number, Arc::clone(&stop)));
    }
    work.await?;
    stop.store(true, Ordering::Relaxed);
    let mut latency = Histogram::<u64>::new(3)?;
    while let Some(client) = clients.join_next().await {
        latency.add(client??)?;
    }
    let [p50, p99, most] = [0.5, 0.99, 1.0].map(|quantile| latency.value_at_quantile(quantile));
    Ok(format!(
        "{} messages, each with its reply, in order, on connections that stayed open: p50 {p50} us, p99 {p99} us, most {most} us",
        latency.len()
    ))
}

/// Sends numbers when they are due, and checks that each comes back, in order. Its latencies are from when they were due.
async fn client(
    mut socket: WebSocketStream<TcpStream>,
    number: u32,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<Histogram<u64>> {
    let period = Duration::from_secs(1) * CLIENTS / RATE;
    let first = tokio::time::Instant::now() + period * number / CLIENTS;
    let mut clock = interval_at(first, period);
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut latency = Histogram::new(3)?;
    let mut due = std::collections::VecDeque::new();
    let (mut sent, mut heard) = (0_u64, 0_u64);
    loop {
        if stop.load(Ordering::Relaxed) && heard == sent {
            socket.close(None).await?;
            return Ok(latency);
        }
        tokio::select! {
            at = clock.tick(), if !stop.load(Ordering::Relaxed) => {
                sent += 1;
                due.push_back(at);
                socket.send(Message::text(sent.to_string())).await?;
            }
            message = socket.next() => {
                let message = message.context("a connection was closed")??;
                heard += 1;
                match message {
                    Message::Text(text) if text == heard.to_string().as_str() => {}
                    other => bail!("{other:?} instead of {heard}: a message was lost or came out of order"),
                }
                let at = due.pop_front().context("a reply to nothing")?;
                latency.record(u64::try_from(at.elapsed().as_micros())?.max(1))?;
            }
        }
    }
}
