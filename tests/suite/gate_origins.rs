//! Which pages may connect: those of a list, or, where a cookie comes along, those of the host itself.

use holdline::gate::Reason;

use crate::harness::{Host, PUPPET, Setup, handshake, logged, request};

async fn host(name: &str, manifest: &str) -> anyhow::Result<Host> {
    Setup::new().guest(PUPPET, name, manifest)?.start().await
}

/// The status with which these headers are answered.
async fn status(host: &Host, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<u16> {
    let headers = [&handshake(), headers].concat();
    let answer = request(host.address(), path, &headers).await?;
    assert!(answer.status == 101 || answer.body == "this page may not connect\n", "{}", answer.body);
    Ok(answer.status)
}

#[tokio::test]
async fn a_list_has_the_pages_that_may() -> anyhow::Result<()> {
    let host = host("listed", r#"origins = ["https://app.example", "https://*.example.com"]"#).await?;

    for origin in ["https://app.example", "https://a.b.example.com"] {
        // A cookie makes no difference to who is listed.
        for headers in [vec![("origin", origin)], vec![("origin", origin), ("cookie", "session=1")]] {
            assert_eq!(status(&host, "/listed", &headers).await?, 101, "{headers:?}");
        }
    }
    for origin in ["https://evil.example", "http://app.example", "null"] {
        assert_eq!(status(&host, "/listed", &[("origin", origin)]).await?, 403, "{origin}");
    }
    assert_eq!(status(&host, "/listed", &[]).await?, 101, "no browser");

    assert_eq!(host.refused(Reason::Origins), 3);
    logged("listed", "reason=origins address=127.0.0.1:").await?;
    logged("listed", "its origin `https://evil.example` is none of `origins`").await?;
    Ok(())
}

#[tokio::test]
async fn a_page_of_another_host_cannot_use_a_users_cookie() -> anyhow::Result<()> {
    let host = host("hijacked", "").await?;
    let cookie = ("cookie", "session=1");

    assert_eq!(status(&host, "/hijacked", &[cookie, ("origin", "https://evil.example")]).await?, 403);
    assert_eq!(host.refused(Reason::Origins), 1);
    logged("hijacked", "name it in `origins`").await?;

    let port = host.address().port();
    for headers in [
        vec![cookie, ("origin", &*format!("http://127.0.0.1:{port}"))],
        vec![cookie, ("origin", "https://app.example"), ("host", "app.example")],
        vec![("origin", "https://evil.example")],
        vec![cookie],
    ] {
        assert_eq!(status(&host, "/hijacked", &headers).await?, 101, "{headers:?}");
    }
    Ok(())
}

#[tokio::test]
async fn it_can_be_allowed() -> anyhow::Result<()> {
    let host = host("allowed", r#"origins = ["*"]"#).await?;
    let headers = [("cookie", "session=1"), ("origin", "https://elsewhere.example")];
    assert_eq!(status(&host, "/allowed", &headers).await?, 101);
    Ok(())
}
