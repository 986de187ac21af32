//! What the door answers to those who do not come for a WebSocket. Who comes for it in the wrong way is in `tests/rfc6455`.

use crate::harness::{Setup, folder, handshake, request};

#[tokio::test]
async fn a_path_without_a_plugin_is_404() -> anyhow::Result<()> {
    let host = Setup::new().sample("echo", |_| {})?.start().await?;

    for path in ["/", "/echoes", "/ech", "/other"] {
        let answer = request(host.address(), path, &handshake()).await?;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains(path), "{}", answer.body);
    }
    Ok(())
}

#[tokio::test]
async fn a_route_leads_to_all_below_it_and_the_longest_wins() -> anyhow::Result<()> {
    let setup = Setup::new().sample("echo", |_| {})?.at(Some("/"));
    let host = setup.sample("mirror", |_| {})?.at(Some("/deep/mirror")).start().await?;

    for path in ["/", "/deep", "/deep/mirrors", "/any/where?at=all"] {
        let mut client = host.connect(path).await?;
        client.send_text("echo").await?;
        assert_eq!(client.text().await?, "echo", "{path}");
    }
    for path in ["/deep/mirror", "/deep/mirror/", "/deep/mirror/below"] {
        assert_eq!(host.connect(path).await?.text().await?, "hello from mirror", "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_plain_get_on_a_route_is_426_and_says_what_to_upgrade_to() -> anyhow::Result<()> {
    let host = Setup::new().sample("echo", |_| {})?.start().await?;

    let answer = request(host.address(), "/echo", &[]).await?;

    assert_eq!(answer.status, 426);
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    assert_eq!(answer.header("sec-websocket-version"), Some("13"));
    assert!(answer.body.contains("ws://"), "{}", answer.body);
    Ok(())
}

#[tokio::test]
async fn a_static_folder_is_served_beside_the_routes() -> anyhow::Result<()> {
    let outside = folder("static")?;
    let served = outside.join("public");
    std::fs::create_dir(&served)?;
    std::fs::write(outside.join("secret.txt"), "nobody reads this")?;
    std::fs::write(served.join("index.html"), "<h1>a page</h1>")?;
    std::fs::write(served.join("page.js"), "let x = 1;")?;
    let setup = Setup::new().configured(|config| config.listen.static_folder = Some(served));
    let host = setup.sample("echo", |_| {})?.start().await?;

    let page = request(host.address(), "/", &[]).await?;
    assert_eq!((page.status, page.body.as_str()), (200, "<h1>a page</h1>"));
    assert_eq!(page.header("content-type"), Some("text/html"));
    let script = request(host.address(), "/page.js", &[]).await?;
    assert_eq!((script.status, script.body.as_str()), (200, "let x = 1;"));
    assert_eq!(request(host.address(), "/none.js", &[]).await?.status, 404);
    // A name that no file can have is no failure of the host.
    assert_eq!(request(host.address(), &format!("/{}", "x".repeat(256)), &[]).await?.status, 404);
    assert_eq!(request(host.address(), "/echo", &[]).await?.status, 426);
    for path in ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt"] {
        let answer = request(host.address(), path, &[]).await?;
        assert!(answer.status >= 400 && !answer.body.contains("nobody"), "{path}: {}", answer.status);
    }
    Ok(())
}
