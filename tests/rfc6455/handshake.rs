//! The opening handshake: sections 1.3, 4.1, 4.2, 4.4, 9.1 and 11.3, and what HTTP says of a request.

use anyhow::{Context, ensure};

use crate::case::{Case, TEXT, asked, farewell, hears, message, story};
use crate::peer::{Answer, HANDSHAKE, Peer, request};
use crate::stage::{Door, NARROW_HEAD, Stage};

pub(crate) fn cases() -> Vec<Case> {
    [requests(), headers(), keys(), versions(), subprotocols(), extensions(), heads(), beginnings()]
        .into_iter()
        .flatten()
        .collect()
}

/// The answer of section 1.3.
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// This request is answered with a WebSocket that works.
fn accepted(section: &'static str, name: impl Into<String>, request: Vec<u8>) -> Case {
    asked(section, name, Door::Plain, move |stage| {
        Box::pin(async move {
            let (mut peer, answer) = answer(&stage, Door::Plain, &request).await?;
            ensure!(answer.status == 101, "{answer:?}");
            peer.say(&message(TEXT, b"hello")).await?;
            hears(&mut peer, TEXT, b"hello").await?;
            farewell(&mut peer).await
        })
    })
}

/// This request is refused with this status.
fn refused(section: &'static str, name: impl Into<String>, status: u16, request: Vec<u8>) -> Case {
    asked(section, name, Door::Plain, move |stage| {
        Box::pin(async move {
            let (_, answer) = answer(&stage, Door::Plain, &request).await?;
            ensure!(answer.status == status, "{answer:?}");
            ensure!(answer.header("sec-websocket-accept")?.is_none(), "{answer:?}");
            if status == 426 {
                // Section 4.4.
                ensure!(answer.header("sec-websocket-version")? == Some("13"), "{answer:?}");
                ensure!(answer.header("upgrade")? == Some("websocket"), "{answer:?}");
            }
            Ok(())
        })
    })
}

async fn answer(stage: &Stage, door: Door, request: &[u8]) -> anyhow::Result<(Peer, Answer)> {
    let mut peer = Peer::call(stage.address(door)).await?;
    peer.say(request).await?;
    let answer = peer.answer().await?;
    Ok((peer, answer))
}

const GET: &str = "GET /echo HTTP/1.1";

/// A handshake with these headers in the place of the one of this name.
fn with(name: &str, instead: &[&str]) -> Vec<u8> {
    let name = format!("{name}:");
    let mut headers: Vec<&str> = HANDSHAKE.into_iter().filter(|header| !header.starts_with(&name)).collect();
    headers.extend(instead);
    request(GET, &headers)
}

fn requests() -> Vec<Case> {
    let body = |header: &str, body: &str| [&with("X", &[header])[..], body.as_bytes()].concat();
    let mut cases = vec![
        accepted("4.1", "a request as the RFC has it", request(GET, &HANDSHAKE)),
        accepted("4.1", "a query", request("GET /echo?a=b&c HTTP/1.1", &HANDSHAKE)),
        accepted("4.1", "a URI with its scheme", request("GET http://server.example.com/echo HTTP/1.1", &HANDSHAKE)),
        refused("4.2.1", "HTTP/1.0 is 400", 400, request("GET /echo HTTP/1.0", &HANDSHAKE)),
        refused("4.2.1", "what is no HTTP is 400", 400, b"\x16\x03\x01\x00\xee\x01\r\n\r\n".to_vec()),
        refused("4.2.1", "a line that is no header is 400", 400, with("X", &["no header"])),
        refused("4.2.1", "a space before a colon is 400", 400, with("X", &["X-Space : x"])),
        refused("4.1", "a body with its length is 400", 400, body("Content-Length: 5", "hello")),
        refused("4.1", "a body that has not come is 400", 400, body("Content-Length: 5", "")),
        refused("4.1", "a body in chunks is 400", 400, body("Transfer-Encoding: chunked", "0\r\n\r\n")),
        accepted("4.1", "an empty body is none", body("Content-Length: 0", "")),
    ];
    for method in ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "get"] {
        let request = request(&format!("{method} /echo HTTP/1.1"), &HANDSHAKE);
        cases.push(refused("4.2.1", format!("the method {method} is 400"), 400, request));
    }
    cases
}

fn headers() -> Vec<Case> {
    let good: [(&'static str, &str, &str, &[&str]); 17] = [
        ("4.2.1", "Host", "another host", &["Host: [::1]:8080"]),
        ("4.2.1", "Upgrade", "`WebSocket`", &["Upgrade: WebSocket"]),
        ("4.2.1", "Upgrade", "`WEBSOCKET`", &["Upgrade: WEBSOCKET"]),
        ("4.2.1", "Upgrade", "`websocket` in a list", &["Upgrade: h2c, websocket"]),
        ("4.2.1", "Upgrade", "`websocket` in a second line", &["Upgrade: h2c", "Upgrade: websocket"]),
        ("4.2.1", "Connection", "`upgrade`", &["Connection: upgrade"]),
        ("4.2.1", "Connection", "`UPGRADE`", &["Connection: UPGRADE"]),
        ("4.2.1", "Connection", "`Upgrade` last in a list", &["Connection: keep-alive, Upgrade"]),
        ("4.2.1", "Connection", "`Upgrade` first in a list", &["Connection: Upgrade, keep-alive"]),
        ("4.2.1", "Connection", "a list without spaces", &["Connection: keep-alive,Upgrade"]),
        ("4.2.1", "Connection", "a list with empty places", &["Connection: , ,\tUpgrade ,"]),
        ("4.2.1", "Connection", "`Upgrade` in a second line", &["Connection: keep-alive", "Connection: Upgrade"]),
        ("4.2.1", "Origin", "an origin", &["Origin: http://example.com"]),
        ("4.2.1", "Cookie", "a cookie", &["Cookie: a=b; c=d"]),
        ("4.1", "X", "a header that nobody knows", &["X-Unknown: \"a\", b; c=d"]),
        ("4.1", "X", "an empty header", &["X-Empty:"]),
        ("4.1", "X", "a header of bytes that are no text", &["X-Latin: \u{e4}"]),
    ];
    let bad: [(&'static str, u16, &str, &str, &[&str]); 11] = [
        ("4.2.1", 400, "Host", "no `Host`", &[]),
        ("4.2.1", 400, "Host", "an empty `Host`", &["Host:"]),
        ("4.2.1", 400, "Host", "two of `Host`", &["Host: server.example.com", "Host: other.example.com"]),
        ("4.2.1", 426, "Upgrade", "no `Upgrade`", &[]),
        ("4.2.1", 426, "Upgrade", "an `Upgrade` to something else", &["Upgrade: h2c"]),
        ("4.2.1", 426, "Upgrade", "an `Upgrade` to something like it", &["Upgrade: websockets"]),
        ("4.2.1", 426, "Upgrade", "an `Upgrade` to a version of it", &["Upgrade: websocket/13"]),
        ("4.2.1", 400, "Connection", "no `Connection`", &[]),
        ("4.2.1", 400, "Connection", "a `Connection` to something else", &["Connection: keep-alive"]),
        ("4.2.1", 400, "Connection", "a `Connection` to something like it", &["Connection: upgraded"]),
        ("4.2.1", 400, "Connection", "a `Connection` whose words are no list", &["Connection: keep-alive Upgrade"]),
    ];
    let mut cases = Vec::new();
    for (section, name, what, instead) in good {
        cases.push(accepted(section, format!("{what} is taken"), with(name, instead)));
    }
    for (section, status, name, what, instead) in bad {
        cases.push(refused(section, format!("{what} is {status}"), status, with(name, instead)));
    }
    let lower: Vec<String> = HANDSHAKE.iter().map(|header| changed(header, str::to_ascii_lowercase)).collect();
    let upper: Vec<String> = HANDSHAKE.iter().map(|header| changed(header, str::to_ascii_uppercase)).collect();
    let tight: Vec<String> = HANDSHAKE.iter().map(|header| header.replace(": ", ":")).collect();
    let loose: Vec<String> = HANDSHAKE.iter().map(|header| header.replace(": ", ": \t ") + " \t").collect();
    for (what, headers) in [
        ("names in lower case", lower),
        ("names in upper case", upper),
        ("no spaces around values", tight),
        ("many spaces around values", loose),
    ] {
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        cases.push(accepted("4.2.1", format!("{what} are taken"), request(GET, &headers)));
    }
    cases
}

/// A header with its name changed.
fn changed(header: &str, change: fn(&str) -> String) -> String {
    let (name, value) = header.split_once(':').unwrap_or((header, ""));
    format!("{}:{value}", change(name))
}

const KEY: &str = "Sec-WebSocket-Key";

fn keys() -> Vec<Case> {
    let mut cases = Vec::new();
    // The first is that of section 1.3; the others were made with a program of their own.
    for (key, accept) in [
        ("dGhlIHNhbXBsZSBub25jZQ==", ACCEPT),
        ("AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
        ("/////////////////////w==", "XXpj4jYzLM2yUE0C7TIgMwTQh2g="),
    ] {
        let request = with(KEY, &[&format!("{KEY}: {key}")]);
        cases.push(asked("4.2.2", format!("the answer to the key {key}"), Door::Plain, move |stage| {
            Box::pin(async move {
                let (_, answer) = answer(&stage, Door::Plain, &request).await?;
                ensure!(answer.status == 101, "{answer:?}");
                ensure!(answer.header("sec-websocket-accept")? == Some(accept), "{answer:?}");
                ensure!(answer.header("upgrade")? == Some("websocket"), "{answer:?}");
                ensure!(
                    answer.header("connection")?.is_some_and(|it| it.eq_ignore_ascii_case("upgrade")),
                    "{answer:?}"
                );
                ensure!(answer.header("content-length")?.is_none(), "{answer:?}");
                Ok(())
            })
        }));
    }
    for (what, key) in [
        ("is empty", ""),
        ("has 15 bytes", "dGhlIHNhbXBsZSBub25j"),
        ("has 17 bytes", "dGhlIHNhbXBsZSBub25jZSE="),
        ("has 18 bytes and the length of 16", "dGhlIHNhbXBsZSBub25jZSEh"),
        ("is not padded", "dGhlIHNhbXBsZSBub25jZQ"),
        ("is not base64", "dGhlIHNhbXBsZSBub25j*Q=="),
        ("is base64 of URLs", "dGhlIHNhbXBsZSBub25j_Q=="),
        ("has a space in it", "dGhlIHNhbXBs SBub25jZQ=="),
        ("is padded in the middle", "dGhlIHNhbXBsZSBub25jZQ=A"),
        ("is two keys", "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        let request = with(KEY, &[&format!("{KEY}: {key}")]);
        cases.push(refused("4.2.1", format!("a key that {what} is 400"), 400, request));
    }
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let other = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
    cases.push(refused("4.2.1", "no key is 400", 400, with(KEY, &[])));
    cases.push(refused("11.3.1", "two keys are 400", 400, with(KEY, &[key, other])));
    cases.push(refused("11.3.1", "the same key twice is 400", 400, with(KEY, &[key, key])));
    cases
}

fn versions() -> Vec<Case> {
    let name = "Sec-WebSocket-Version";
    let mut cases = Vec::new();
    for version in ["8", "7", "0", "12", "14", "130", "013", "-13", "13, 8", "x", ""] {
        let request = with(name, &[&format!("{name}: {version}")]);
        cases.push(refused("4.4", format!("the version `{version}` is 426"), 426, request));
    }
    cases.push(refused("4.2.1", "no version is 400", 400, with(name, &[])));
    let twice = with(name, &["Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8"]);
    cases.push(refused("11.3.5", "two versions are 400", 400, twice));
    cases
}

/// An offer of subprotocols: section, what is promised, the path, the headers, and what is agreed on.
type Offer = (&'static str, &'static str, &'static str, &'static [&'static str], Option<&'static str>);

/// The plugin `gate` takes the second subprotocol of an offer.
fn subprotocols() -> Vec<Case> {
    let offers: [Offer; 6] = [
        (
            "4.2.2",
            "one of the offer is agreed on",
            "/gate",
            &["Sec-WebSocket-Protocol: chat, superchat"],
            Some("superchat"),
        ),
        (
            "11.3.4",
            "an offer may stand in two lines",
            "/gate",
            &["Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: superchat"],
            Some("superchat"),
        ),
        (
            "4.2.2",
            "it is spelled as it was offered",
            "/gate",
            &["Sec-WebSocket-Protocol: a, SuperChat"],
            Some("SuperChat"),
        ),
        ("4.2.2", "without an offer there is none", "/gate", &[], None),
        ("4.2.2", "an offer of which nothing is wanted is no fault", "/gate", &["Sec-WebSocket-Protocol: chat"], None),
        ("4.2.2", "a plugin that wants none has none", "/echo", &["Sec-WebSocket-Protocol: chat, superchat"], None),
    ];
    offers
        .map(|(section, name, path, headers, wanted)| {
            let request = request(&format!("GET {path} HTTP/1.1"), &[&HANDSHAKE, headers].concat());
            asked(section, name, Door::Plain, move |stage| {
                Box::pin(async move {
                    let (_, answer) = answer(&stage, Door::Plain, &request).await?;
                    let got = answer.header("sec-websocket-protocol")?;
                    ensure!(answer.status == 101 && got == wanted, "{answer:?}");
                    Ok(())
                })
            })
        })
        .into()
}

/// A host that was not told to compress agrees to no extension, whatever the offer is.
fn extensions() -> Vec<Case> {
    ["permessage-deflate", "x-webkit-deflate-frame, foo; bar=\"baz\"", "permessage-deflate; =", ";;,;", "\"", ""]
        .into_iter()
        .map(|offer| {
            let request = with("X", &[&format!("Sec-WebSocket-Extensions: {offer}")]);
            asked("9.1", format!("the extension `{offer}` is not agreed to"), Door::Plain, move |stage| {
                Box::pin(async move {
                    let (mut peer, answer) = answer(&stage, Door::Plain, &request).await?;
                    ensure!(answer.status == 101, "{answer:?}");
                    ensure!(answer.header("sec-websocket-extensions")?.is_none(), "{answer:?}");
                    peer.say(&message(TEXT, b"hello")).await?;
                    hears(&mut peer, TEXT, b"hello").await
                })
            })
        })
        .collect()
}

/// The size of the head, which is limited before it is read to its end.
fn heads() -> Vec<Case> {
    let many: Vec<String> = (0..200).map(|number| format!("X-{number}: x")).collect();
    let many: Vec<&str> = HANDSHAKE.into_iter().chain(many.iter().map(String::as_str)).collect();
    let filling = |size: usize| {
        let with_none = request(GET, &[&HANDSHAKE[..], &["X: "]].concat());
        let value = format!("X: {}", "x".repeat(size - with_none.len()));
        request(GET, &[&HANDSHAKE[..], &[&value]].concat())
    };
    let mut endless = filling(NARROW_HEAD * 2);
    endless.truncate(NARROW_HEAD + 100);
    let path = request(&format!("GET /echo?{} HTTP/1.1", "x".repeat(NARROW_HEAD)), &HANDSHAKE);
    let narrow = |name: &'static str, status: u16, request: Vec<u8>| {
        asked("10.4", name, Door::Narrow, move |stage| {
            Box::pin(async move {
                let (_, answer) = answer(&stage, Door::Narrow, &request).await?;
                ensure!(answer.status == status, "{answer:?}");
                Ok(())
            })
        })
    };
    vec![
        refused("10.4", "two hundred headers are 431", 431, request(GET, &many)),
        refused("10.4", "a head over the default limit is 431", 431, filling(33 << 10)),
        accepted("10.4", "a head below the default limit is taken", filling(31 << 10)),
        narrow("a head at the limit is taken", 101, filling(NARROW_HEAD)),
        narrow("a head of one byte more is 431", 431, filling(NARROW_HEAD + 1)),
        narrow("a head over the limit is 431 before it has ended", 431, endless),
        narrow("a URI over the limit of the head is 431", 431, path),
    ]
}

/// Where the HTTP of a connection ends and its frames begin.
fn beginnings() -> Vec<Case> {
    vec![
        story("4.1", "a head in single bytes", Door::Plain, |stage| {
            Box::pin(async move {
                let mut peer = Peer::call(stage.address(Door::Plain)).await?;
                peer.spell(&request(GET, &HANDSHAKE)).await?;
                let answer = peer.answer().await?;
                ensure!(answer.status == 101 && answer.header("sec-websocket-accept")? == Some(ACCEPT), "{answer:?}");
                farewell(&mut peer).await
            })
        }),
        story("4.1", "frames in the same write as the request are read", Door::Plain, |stage| {
            Box::pin(async move {
                let frames = [message(TEXT, b"one"), message(TEXT, b"two")].concat();
                let (mut peer, answer) =
                    answer(&stage, Door::Plain, &[request(GET, &HANDSHAKE), frames].concat()).await?;
                ensure!(answer.status == 101, "{answer:?}");
                hears(&mut peer, TEXT, b"one").await?;
                hears(&mut peer, TEXT, b"two").await?;
                farewell(&mut peer).await
            })
        }),
        story("4.1", "half a frame in the same write as the request is read", Door::Plain, |stage| {
            Box::pin(async move {
                let frame = message(TEXT, b"in two halves");
                let (half, rest) = frame.split_at(9);
                let (mut peer, answer) =
                    answer(&stage, Door::Plain, &[&request(GET, &HANDSHAKE), half].concat()).await?;
                ensure!(answer.status == 101, "{answer:?}");
                peer.say(rest).await?;
                hears(&mut peer, TEXT, b"in two halves").await?;
                farewell(&mut peer).await
            })
        }),
        story("4.1", "many frames in the same write as the request are read", Door::Plain, |stage| {
            Box::pin(async move {
                let frames = message(TEXT, &[b'x'; 1000]).repeat(300);
                let mut peer = Peer::call(stage.address(Door::Plain)).await?;
                peer.say(&[request(GET, &HANDSHAKE), frames].concat()).await?;
                ensure!(peer.answer().await?.status == 101, "no handshake");
                for _ in 0..300 {
                    hears(&mut peer, TEXT, &[b'x'; 1000]).await?;
                }
                farewell(&mut peer).await
            })
        }),
        story("4.1", "a frame before the handshake is no handshake", Door::Plain, |stage| {
            Box::pin(async move {
                let (_, answer) = answer(&stage, Door::Plain, &message(TEXT, b"hello\r\n\r\n")).await?;
                ensure!(answer.status == 400, "{answer:?}");
                Ok(())
            })
        }),
        story("4.2.2", "an upgrade after another request on the same connection", Door::Plain, |stage| {
            Box::pin(async move {
                let mut peer = Peer::call(stage.address(Door::Plain)).await?;
                peer.say(&request("HEAD /nothing HTTP/1.1", &["Host: server.example.com"])).await?;
                ensure!(peer.answer().await?.status == 404, "there is something");
                peer.say(&request(GET, &HANDSHAKE)).await?;
                let answer = peer.answer().await?;
                ensure!(answer.status == 101, "{answer:?}");
                peer.say(&message(TEXT, b"hello")).await?;
                hears(&mut peer, TEXT, b"hello").await?;
                farewell(&mut peer).await
            })
        }),
        story("4.2.2", "what was wrong is said, and nothing about the host", Door::Plain, |stage| {
            Box::pin(async move {
                let (_, answer) = answer(&stage, Door::Plain, &with(KEY, &[])).await?;
                let kind = answer.header("content-type")?.context("no type")?;
                ensure!(kind.starts_with("text/plain") && answer.header("server")?.is_none(), "{answer:?}");
                Ok(())
            })
        }),
    ]
}
