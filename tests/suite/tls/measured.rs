//! `holdline bench` against a server with TLS.

use anyhow::Context;

use super::stage::{Authority, secured};
use crate::bench::{echo, fails, number, report};
use crate::harness::folder;

#[tokio::test]
async fn a_server_with_tls_is_measured_if_it_is_believed() -> anyhow::Result<()> {
    let (authority, folder) = (Authority::new()?, folder("bench-tls")?);
    let roots = folder.join("authority.pem");
    std::fs::write(&roots, &authority.pem)?;
    let roots = roots.to_str().context("a path")?;
    let files = vec![authority.server(&["127.0.0.1"])?.write(&folder, "a")?];
    let host = secured(files, |_| {}).sample("echo", |_| {})?.start().await?;
    let url = format!("wss://{}/echo", host.address());

    for size in ["5", "100KiB"] {
        let told =
            report(&url, &["--connections", "8", "--in-flight", "3", "-n", "1000", "-s", size, "--ca", roots]).await?;
        assert_eq!((number(&told, "/messages")?, number(&told, "/unanswered")?), (1000.0, 0.0), "{told}");
    }
    let told = report(&url, &["--mode", "connect", "--duration", "200ms", "--warm-up", "0s", "--ca", roots]).await?;
    assert!(number(&told, "/connect/established")? > 0.0, "{told}");

    fails(&url, &["--connections", "2", "-n", "1"], &["no TLS with the server", "--ca FILE"]).await?;
    let (_plain, url) = echo().await?;
    let url = url.replace("ws://", "wss://");
    fails(&url, &["--connections", "2", "-n", "1", "--ca", roots], &["no TLS with the server"]).await?;
    Ok(())
}
