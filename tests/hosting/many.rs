//! A thousand tenants with a plugin each: how long they take to start, and what each costs.

use std::time::Instant;

use holdline::tenant::Limits;

use crate::harness::{Host, Setup, resident};
use crate::variant;

const TENANTS: usize = 1000;
/// So many components are different; the others have the same bytes as one of them.
const COMPONENTS: usize = 50;

pub(crate) async fn run() -> anyhow::Result<()> {
    // Once with a host of its own, so that all are in the cache.
    started(COMPONENTS).await?.stop().await;
    let before = resident()?;
    let begun = Instant::now();
    let host = started(TENANTS).await?;
    let took = begun.elapsed().as_secs_f64();
    let idle = (resident()? - before) / u64::try_from(TENANTS)?;
    for number in 0..TENANTS {
        let name = format!("t{number}.example");
        let mut client = host.connect_with("/echo", &[("host", &name)]).await?;
        client.send_text("hello").await?;
        client.text().await?;
        client.close(1000, "").await?;
    }
    let used = (resident()? - before) / u64::try_from(TENANTS)?;
    println!(
        "{TENANTS} tenants: started in {took:.2} s from the cache; {idle} kB each, {used} kB when each has had a client"
    );
    host.stop().await;
    Ok(())
}

async fn started(tenants: usize) -> anyhow::Result<Host> {
    let mut setup = Setup::new().configured(|config| config.engine.instances = 1000);
    for number in 0..tenants {
        let name = format!("t{number}");
        setup = setup
            .tenant(&name, &[&format!("{name}.example")], Limits::default())?
            .sample("echo", |_| {})?
            .of(&name)?
            .changed(|component| *component = variant(component, number % COMPONENTS));
    }
    setup.start().await
}
