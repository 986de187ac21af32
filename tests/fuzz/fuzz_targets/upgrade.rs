//! The bytes of an HTTP request, and of a PROXY header before it, at the door of the real host: each is answered by a well-formed
//! response or by the end of the connection, and nothing is left of the client.
#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use holdline::config::Config;
use holdline::gate::{ProxyProtocol, Reason};
use holdline::socket::Compression;
use holdline_fuzz::answer::{self, Answer};
use holdline_fuzz::host::{Served, within};
use holdline_fuzz::{guest, log};
use libfuzzer_sys::{Corpus, fuzz_target};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What the secret is called that the tokens of seeds are signed with.
const SECRET: &str = "it is no secret to whoever reads this";

/// As strict and as lax as a route can be.
const ORIGINS: &str = "origins = [\"https://app.example\", \"https://*.example.com\", \"http://localhost:*\"]";
const HMAC: &str = "[jwt]\nsecret = \"key\"\nrequired = []\nleeway = \"1h\"\n\
                    from = [\"authorization\", \"cookie:token\", \"query:token\", \"subprotocol\"]";
const PUBLIC: &str = "isolation = \"connection\"\n[jwt]\nissuer = \"https://issuer.example\"\naudience = [\"a\", \"b\"]\nat-expiry = \"close\"\n\
                      from = [\"query:token\", \"authorization\"]\npublic-keys = '''\n";

/// Of keys that nobody has.
const KEYS: &str = include_str!("../stage/keys.pem");

static HOSTS: OnceLock<[Served; 3]> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let [door, piece, request @ ..] = bytes else { return Corpus::Reject };
    let hosts = HOSTS.get_or_init(|| {
        log::watch(log::Plugins::MayFail(&["unreachable"]));
        [plain(), forwarded(), prefaced()]
    });
    let host = &hosts[usize::from(*door) % hosts.len()];
    host.block_on(ask(host, usize::from(*piece), request));
    Corpus::Keep
});

fn plain() -> Served {
    start(|config| config.listen.compression = Compression::Deflate)
}

/// Behind proxies that say where a client is by a header.
fn forwarded() -> Served {
    start(|config| config.listen.proxies.trust = networks())
}

/// Behind proxies that say it before the request.
fn prefaced() -> Served {
    start(|config| {
        config.listen.proxies.trust = networks();
        config.listen.proxies.protocol = ProxyProtocol::Required;
    })
}

fn networks() -> Vec<holdline::gate::Network> {
    ["127.0.0.0/8", "10.0.0.0/8"].iter().map(|network| network.parse().expect("a network")).collect()
}

fn start(change: impl FnOnce(&mut Config)) -> Served {
    let (echo, gate) = (guest::echo(), guest::gate());
    let public = format!("{PUBLIC}{KEYS}'''");
    let base = |config: &mut Config| {
        // One that does not give its place back is soon seen.
        config.listen.connections_per_address = std::num::NonZeroU32::new(8);
        config.listen.header_size = bytesize::ByteSize::kib(8);
        config.listen.static_folder = Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("stage").join("guests"));
        let secrets = toml::toml! { key = SECRET };
        config.secrets = secrets.try_into().expect("secrets");
    };
    Served::new(
        |config| {
            base(config);
            change(config);
        },
        &[
            ("echo", "", &echo),
            ("origins", ORIGINS, &echo),
            ("hmac", HMAC, &echo),
            ("public", &public, &echo),
            ("gate", "", &gate),
        ],
    )
}

async fn ask(host: &Served, piece: usize, bytes: &[u8]) {
    let (mut read, mut write) = host.call().await.into_split();
    let speaking = async {
        let piece = if piece == 0 { bytes.len().max(1) } else { piece.max(bytes.len() / 64 + 1) };
        for piece in bytes.chunks(piece) {
            if write.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        _ = write.shutdown().await;
    };
    let listening = async {
        let mut heard = Vec::new();
        // One that is refused before it has said all may see a reset.
        while read.read_buf(&mut heard).await.is_ok_and(|size| size > 0) {}
        heard
    };
    let ((), heard) = within("the end of the connection", async { tokio::join!(speaking, listening) }).await;
    let may_be_head = bytes.windows(4).any(|word| word == b"HEAD");
    let (answers, _frames) = answer::answers(&heard, may_be_head);
    for answer in &answers {
        check(answer);
    }
    drop((read, write));
    host.emptied().await;
    assert_eq!(host.refused(Reason::ConnectionsPerAddress), 0, "a place is not given back");
}

fn check(answer: &Answer) {
    match answer.status {
        101 => {
            assert!(answer.header("sec-websocket-accept").is_some_and(|accept| accept.len() == 28), "{answer:?}");
            assert_eq!(answer.header("upgrade"), Some(&b"websocket"[..]), "{answer:?}");
        }
        // The guest that refuses may say these, too.
        401 if answer.body == b"not authorized\n" => {
            assert!(answer.header("www-authenticate").is_some_and(|it| it.starts_with(b"Bearer")), "{answer:?}");
        }
        426 if answer.body.starts_with(b"this is a WebSocket") => {
            assert_eq!(answer.header("sec-websocket-version"), Some(&b"13"[..]), "{answer:?}");
        }
        429 => assert!(!answer.body.starts_with(b"too many"), "nobody has too many connections: {answer:?}"),
        _ => {}
    }
    for word in ["panicked", "wasm", ".rs:", "src/", "holdline::"] {
        let is_there = answer.body.windows(word.len()).any(|part| part == word.as_bytes());
        // The guest that refuses says what it was asked, and the files are those of the guests.
        assert!(!is_there || !matches!(answer.status, 500..=599), "the inside of the host: {answer:?}");
    }
}
