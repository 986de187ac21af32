//! HTTP requests of plugins to the outside: only to hosts of an allowlist, only to addresses that anybody may reach, in bounded time
//! and number. It knows nothing of wasm.

mod address;
mod allow;
mod body;
mod error;
mod settings;
mod trust;

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response, Uri};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_util::task::AbortOnDropHandle;

pub use allow::{Allowlist, HostPattern, InvalidPattern};
pub use body::Timed;
pub use error::Error;
pub use settings::Settings;
pub use trust::{Trust, TrustError};

use allow::Destination;

/// How many requests of one tenant may be under way. Each has a socket, and sockets are everybody's.
const AT_ONCE: usize = 64;

/// How many names may be looked up at once, by all tenants. The system's resolver blocks a thread for each, also when nobody waits for
/// it any more, and others need such threads, too.
static LOOKUPS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(64)));

/// How many of them may be one tenant's.
const LOOKUPS_AT_ONCE: usize = 8;

/// How long the parts of an exchange may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Finding the address, connecting, and agreeing on keys.
    pub connect: Duration,
    /// Then, until the head of the response is there.
    pub first_byte: Duration,
    /// Then, between any two parts of its body.
    pub between_bytes: Duration,
}

impl Timeouts {
    /// The longest that anybody gets.
    pub const LONGEST: Self = Self {
        connect: Duration::from_secs(10),
        first_byte: Duration::from_secs(60),
        between_bytes: Duration::from_secs(60),
    };
}

/// What a request came to.
pub struct Exchange {
    /// The response; its body comes while it is read.
    pub response: Response<Timed<Incoming>>,
    /// The connection, which reads and writes for as long as this is there.
    pub connection: Connection,
}

/// A connection that is being read and written.
pub struct Connection {
    task: AbortOnDropHandle<Result<(), hyper::Error>>,
    // Given back when the connection ends.
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// Waits for its end.
    ///
    /// # Errors
    /// It broke.
    pub async fn ended(self) -> Result<(), Error> {
        match self.task.await {
            Ok(ended) => ended.map_err(Error::Http),
            Err(_) => Err(Error::Interrupted),
        }
    }
}

/// Sends the requests of one tenant's plugins.
pub struct Client {
    allowed: Allowlist,
    trust: Trust,
    places: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
}

impl Client {
    /// A client for these hosts and no others, which have to be who they say if the scheme is `https`.
    #[must_use]
    pub fn new(allowed: Allowlist, trust: Trust) -> Self {
        let lookups = Arc::new(Semaphore::new(LOOKUPS_AT_ONCE));
        Self { allowed, trust, places: Arc::new(Semaphore::new(AT_ONCE)), lookups }
    }

    /// Sends a request on a connection of its own. Redirects are not followed.
    ///
    /// # Errors
    /// The host or its addresses are not allowed, too many requests are under way, or the exchange fails before the response is there.
    pub async fn send<B>(&self, request: Request<B>, timeouts: Timeouts) -> Result<Exchange, Error>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let destination = Destination::of(request.uri()).ok_or(Error::Uri)?;
        if !self.allowed.permits(&destination) {
            return Err(Error::Host(destination.to_string()));
        }
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Error::TooMany)?;
        let is_secure = request.uri().scheme() == Some(&Scheme::HTTPS);
        let connecting = async {
            let stream = self.connect(&destination).await?;
            if is_secure { open(secure(&self.trust, &destination, stream).await?).await } else { open(stream).await }
        };
        let (mut sender, task) = timeout(timeouts.connect, connecting).await.map_err(|_| Error::ConnectTimeout)??;
        let answering = sender.send_request(in_origin_form(request)?);
        let response = timeout(timeouts.first_byte, answering).await.map_err(|_| Error::ResponseTimeout)?;
        let response = response.map_err(Error::Http)?.map(|body| Timed::new(body, timeouts.between_bytes));
        Ok(Exchange { response, connection: Connection { task, _place: place } })
    }

    /// Connects to an address that was looked at: a name that leads elsewhere when it is looked up again leads nowhere else here.
    async fn connect(&self, destination: &Destination) -> Result<TcpStream, Error> {
        let (mut refused, mut failed) = (None, None);
        for address in self.addresses(destination).await? {
            if !self.allowed.permits_address(destination, address.ip()) {
                refused = Some(Error::Address { host: destination.to_string(), address: address.ip() });
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // A request is written in few pieces, and waits for its answer.
                    let _slower = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => failed = Some(Error::Connect(error)),
            }
        }
        Err(failed.or(refused).unwrap_or(Error::NoAddress))
    }

    async fn addresses(&self, destination: &Destination) -> Result<Vec<SocketAddr>, Error> {
        if let Some(address) = destination.address() {
            return Ok(vec![SocketAddr::new(address, destination.port())]);
        }
        let own = Arc::clone(&self.lookups).acquire_owned().await.map_err(|_| Error::Interrupted)?;
        let of_all = Arc::clone(&LOOKUPS).acquire_owned().await.map_err(|_| Error::Interrupted)?;
        let place = (destination.host().to_owned(), destination.port());
        let lookup = tokio::task::spawn_blocking(move || {
            let found = place.to_socket_addrs().map(Iterator::collect);
            drop((own, of_all));
            found
        });
        lookup.await.map_err(|_| Error::Interrupted)?.map_err(|_| Error::NoAddress)
    }
}

async fn secure(trust: &Trust, destination: &Destination, stream: TcpStream) -> Result<impl Stream + use<>, Error> {
    let settings = trust.settings().ok_or(Error::Interrupted)?;
    let name = ServerName::try_from(destination.host().to_owned()).map_err(|_| Error::Uri)?;
    TlsConnector::from(settings).connect(name, stream).await.map_err(Error::Tls)
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

type Opened<B> = (http1::SendRequest<B>, AbortOnDropHandle<Result<(), hyper::Error>>);

async fn open<B>(stream: impl Stream) -> Result<Opened<B>, Error>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(Error::Http)?;
    Ok((sender, AbortOnDropHandle::new(tokio::spawn(connection))))
}

/// The request as a server wants it: host and scheme are for proxies, and the host is in its header.
fn in_origin_form<B>(mut request: Request<B>) -> Result<Request<B>, Error> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = Uri::try_from(path).map_err(|_| Error::Uri)?;
    Ok(request)
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Empty};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    /// A server on this machine that answers each connection with this and then keeps silent.
    async fn server(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            let mut silent = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 1024];
                let _head = stream.read(&mut head).await;
                let _written = stream.write_all(answer.as_bytes()).await;
                silent.push(stream);
            }
        });
        address
    }

    async fn get(allowed: &[&str], uri: String, timeouts: Timeouts) -> Result<Exchange, Error> {
        let allowed = allowed.iter().map(|pattern| pattern.parse().expect("a pattern")).collect();
        let request = Request::get(uri).body(Empty::<Bytes>::new()).expect("a request");
        let trust = Trust::new(&Settings::default()).expect("the public authorities");
        Client::new(Allowlist::new(allowed), trust).send(request, timeouts).await
    }

    #[tokio::test]
    async fn a_host_that_is_allowed_is_reached() {
        let server = server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
        let exchange =
            get(&["127.0.0.1:*"], format!("http://{server}/a"), Timeouts::LONGEST).await.expect("a response");
        let body = exchange.response.into_body().collect().await.expect("a body").to_bytes();
        assert_eq!(body, "hi");
    }

    #[tokio::test]
    async fn a_host_that_is_not_allowed_is_not_even_looked_up() {
        for host in ["elsewhere.example", "127.0.0.1", "a.api.example", "api.example:8443", "api.example@127.0.0.1"] {
            let error = get(&["api.example"], format!("http://{host}/"), Timeouts::LONGEST).await.err();
            assert!(matches!(error, Some(Error::Host(_) | Error::Uri)), "{host}: {error:?}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_leads_nowhere() {
        let port = server("HTTP/1.1 200 OK\r\n\r\n").await.port();
        // What the system's resolver makes of these is this machine's own address.
        for host in ["localhost", "127.1", "0x7f000001", "[::ffff:127.0.0.1]", "0.0.0.0"] {
            let error = get(&["*:*"], format!("http://{host}:{port}/"), Timeouts::LONGEST).await.err();
            assert!(matches!(error, Some(Error::Address { .. } | Error::NoAddress)), "{host}: {error:?}");
        }
        get(&["localhost:*"], format!("http://localhost:{port}/"), Timeouts::LONGEST).await.expect("it is named");
        // A name may lead to an address that is named.
        get(&["*:*", "127.0.0.1:*"], format!("http://localhost:{port}/"), Timeouts::LONGEST)
            .await
            .expect("it is named");
    }

    #[tokio::test]
    async fn each_part_of_an_exchange_has_its_time() {
        let silent = server("").await;
        let timeouts = Timeouts { first_byte: SHORT, ..Timeouts::LONGEST };
        let error = get(&["127.0.0.1:*"], format!("http://{silent}/"), timeouts).await.err();
        assert!(matches!(error, Some(Error::ResponseTimeout)), "{error:?}");

        let half = server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nh").await;
        let timeouts = Timeouts { between_bytes: SHORT, ..Timeouts::LONGEST };
        let exchange = get(&["127.0.0.1:*"], format!("http://{half}/"), timeouts).await.expect("a head");
        let error = exchange.response.into_body().collect().await.err();
        assert!(matches!(error, Some(Error::BodyTimeout)), "{error:?}");

        let timeouts = Timeouts { connect: SHORT, ..Timeouts::LONGEST };
        let error = get(&["127.0.0.1:*"], format!("https://{silent}/"), timeouts).await.err();
        assert!(matches!(error, Some(Error::ConnectTimeout)), "{error:?}");
    }

    #[tokio::test]
    async fn a_server_that_speaks_no_tls_is_no_secure_one() {
        let plain = server("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let error = get(&["127.0.0.1:*"], format!("https://{plain}/"), Timeouts::LONGEST).await.err();
        assert!(matches!(error, Some(Error::Tls(_))), "{error:?}");
    }

    #[tokio::test]
    async fn so_many_requests_are_under_way_and_no_more() {
        let server = server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nh").await;
        let client = Client::new(Allowlist::new(vec!["127.0.0.1:*".parse().expect("a pattern")]), Trust::nobody());
        let get = || Request::get(format!("http://{server}/")).body(Empty::<Bytes>::new()).expect("a request");
        let mut under_way = Vec::new();
        for _ in 0..AT_ONCE {
            under_way.push(client.send(get(), Timeouts::LONGEST).await.expect("a place"));
        }
        assert!(matches!(client.send(get(), Timeouts::LONGEST).await.err(), Some(Error::TooMany)));
        under_way.pop();
        client.send(get(), Timeouts::LONGEST).await.expect("a place is free");
    }
}
