//! How long it takes from the bytes of another version to its first event.

use std::time::Instant;

use anyhow::ensure;
use holdline::engine::CachePlace;
use holdline::plugin::{Deployment, Manifest};
use holdline::tenant::TenantName;

use crate::harness::{COUNTER, Client, Host, Setup};
use crate::{median, variant};

const TIMES: usize = 21;

pub(crate) async fn run() -> anyhow::Result<()> {
    let component = COUNTER.component()?;
    let cached = Setup::new().guest(COUNTER, "counter", "isolation = \"pooled\"")?.start().await?;
    for number in 0..2 {
        swap(&cached, variant(&component, number)).await?;
    }
    println!(
        "from the compiled cache to the first event: {}",
        measure(&cached, &component, |number| number % 2).await?
    );
    cached.stop().await;
    let setup = Setup::new().configured(|config| config.engine.cache = CachePlace::Nowhere);
    let cold = setup.guest(COUNTER, "counter", "isolation = \"pooled\"")?.start().await?;
    println!("from the component to the first event: {}", measure(&cold, &component, |number| number).await?);
    cold.stop().await;
    Ok(())
}

async fn measure(host: &Host, component: &[u8], which: impl Fn(usize) -> usize) -> anyhow::Result<String> {
    let mut client = host.connect("/counter").await?;
    let mut took = Vec::new();
    for number in 0..TIMES {
        // Twice, so that a version that was not swapped would be found out.
        for _ in 0..2 {
            say(&mut client).await?;
        }
        let component = variant(component, which(number));
        let begun = Instant::now();
        swap(host, component).await?;
        let count = say(&mut client).await?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(count == "1", "the version before has counted {count}");
    }
    let (least, most) = (took.iter().copied().fold(f64::MAX, f64::min), took.iter().copied().fold(0.0, f64::max));
    Ok(format!("{:.2} ms (median of {TIMES}, {least:.2} to {most:.2})", median(took)?))
}

async fn say(client: &mut Client) -> anyhow::Result<String> {
    client.send_text("").await?;
    client.text().await
}

async fn swap(host: &Host, component: Vec<u8>) -> anyhow::Result<()> {
    let manifest = Manifest::parse("name = \"counter\"\nisolation = \"pooled\"", "counter")?;
    host.registry().deploy(Deployment { manifest, component, route: None, tenant: TenantName::default() }).await?;
    Ok(())
}
