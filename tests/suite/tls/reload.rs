//! Certificates that are replaced while the host runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use holdline::socket::CertificateFiles;

use super::stage::{Authority, Pair, Visitor, secured, shown};
use crate::harness::{folder, logged};

/// A way in which a certificate and its key come to their place for the first, and then for the second time.
type Way = fn(&Path, &Pair, u32) -> anyhow::Result<CertificateFiles>;

/// Over what is there.
fn written(folder: &Path, pair: &Pair, _: u32) -> anyhow::Result<CertificateFiles> {
    pair.write(folder, "a")
}

/// Beside it, and then in its place.
fn moved(folder: &Path, pair: &Pair, _: u32) -> anyhow::Result<CertificateFiles> {
    let new = pair.write(folder, "new")?;
    let files = CertificateFiles { chain: folder.join("a.pem"), key: folder.join("a.key") };
    fs::rename(new.chain, &files.chain)?;
    fs::rename(new.key, &files.key)?;
    Ok(files)
}

/// As certbot does: under a number in one folder, to which links in another one lead.
fn linked(folder: &Path, pair: &Pair, number: u32) -> anyhow::Result<CertificateFiles> {
    let (live, archive) = (folder.join("live/a.example"), folder.join("archive/a.example"));
    fs::create_dir_all(&live)?;
    fs::create_dir_all(&archive)?;
    pair.write(&archive, &number.to_string())?;
    let link = |ending: &str| {
        let link = live.join(format!("a.{ending}"));
        if number > 1 {
            fs::remove_file(&link)?;
        }
        symlink(format!("../../archive/a.example/{number}.{ending}"), &link).map(|()| link)
    };
    Ok(CertificateFiles { chain: link("pem")?, key: link("key")? })
}

/// As Kubernetes does: by another folder, to which a link leads that is replaced in one step.
fn mounted(folder: &Path, pair: &Pair, number: u32) -> anyhow::Result<CertificateFiles> {
    let name = format!("..version{number}");
    fs::create_dir(folder.join(&name))?;
    pair.write(&folder.join(&name), "a")?;
    symlink(&name, folder.join("..data_tmp"))?;
    fs::rename(folder.join("..data_tmp"), folder.join("..data"))?;
    let files = CertificateFiles { chain: folder.join("a.pem"), key: folder.join("a.key") };
    if number == 1 {
        symlink("..data/a.pem", &files.chain)?;
        symlink("..data/a.key", &files.key)?;
    } else {
        fs::remove_dir_all(folder.join(format!("..version{}", number - 1)))?;
    }
    Ok(files)
}

#[tokio::test]
async fn a_new_certificate_serves_and_nobody_is_dropped() -> anyhow::Result<()> {
    let authority = Authority::new()?;
    let visitor = Visitor::of(&authority)?;
    for (name, way) in
        [("written", written as Way), ("moved", moved as Way), ("linked", linked as Way), ("mounted", mounted as Way)]
    {
        let folder = folder(&format!("tls-{name}"))?;
        let names = [1, 2, 3].map(|number| format!("{name}-{number}.example"));
        let files = way(&folder, &authority.server(&[names[0].as_str()])?, 1)?;
        let host = secured(vec![files], |_| {}).sample("echo", |_| {})?.start().await?;
        let mut first = visitor.upgrade(host.address(), &names[0], "/echo", &[]).await?;

        // Twice, because what is watched has to be watched again.
        for (name, number) in names.iter().zip(1..).skip(1) {
            let pair = authority.server(&[name.as_str()])?;
            way(&folder, &pair, number)?;
            logged("", &format!("names={name}")).await?;
            let stream = visitor.connect(host.address(), name).await?;
            assert_eq!(shown(&stream)?, pair.certificate, "{name}");
        }

        assert_eq!(first.ask("still here").await?, "still here", "{name}");
        visitor.connect(host.address(), &names[0]).await.expect_err("the first is shown to nobody any more");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_broken_is_told_and_what_served_goes_on() -> anyhow::Result<()> {
    let (authority, folder) = (Authority::new()?, folder("tls-broken")?);
    let visitor = Visitor::of(&authority)?;
    let (first, second) = (authority.server(&["broken-1.example"])?, authority.server(&["broken-2.example"])?);
    let files = first.write(&folder, "broken")?;
    let host = secured(vec![files.clone()], |_| {}).sample("echo", |_| {})?.start().await?;
    let mut socket = visitor.upgrade(host.address(), "broken-1.example", "/echo", &[]).await?;
    let (chain, key) = (files.chain.display().to_string(), files.key.display().to_string());
    let half = &second.pem[..second.pem.len() / 2];

    for (file, text, error) in [
        (&files.chain, "", format!("there is no certificate in {chain}")),
        (&files.chain, half, format!("{chain} is damaged")),
        (&files.chain, &second.pem, format!("the private key in {key} does not belong to the certificate in {chain}")),
        (&files.key, "none", format!("there is no private key in {key}")),
    ] {
        fs::write(file, text)?;
        let line = logged("", &error).await?;
        assert!(line.starts_with("ERROR") && line.contains("what served goes on"), "{line}");
        assert!(line.contains("hint="), "{line}");
        let stream = visitor.connect(host.address(), "broken-1.example").await?;
        assert_eq!(shown(&stream)?, first.certificate, "{error}");
    }
    fs::remove_file(&files.key)?;
    logged("", &format!("{key} cannot be read")).await?;

    second.write(&folder, "broken")?;
    logged("", "names=broken-2.example").await?;
    visitor.connect(host.address(), "broken-2.example").await?;
    assert_eq!(socket.ask("still here").await?, "still here");
    Ok(())
}
