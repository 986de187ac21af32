//! Where the host listens: at an address that it binds itself, or on a socket that whoever started it has opened before, by the protocol
//! of systemd (sd_listen_fds(3)). Such a socket outlives the host, and who connects while it is restarted waits in it and is served.

use std::io::ErrorKind;
use std::net::SocketAddr;

use listenfd::ListenFd;
use tokio::net::TcpListener;

/// In these the names of the sockets are, divided by colons.
const NAMES: &str = "LISTEN_FDNAMES";

/// Why the host cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Another process has the port.
    #[error("cannot listen on {0}: the port is in use")]
    InUse(SocketAddr),
    /// The address is not this machine's, the port needs rights, or the like.
    #[error("cannot listen on {address}")]
    Other {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A socket was handed over that is none to listen on.
    #[error("the socket {name} that was handed over is no listener of TCP: {source}")]
    NoListener {
        /// Its name, or its place.
        name: String,
        /// What is wrong with it.
        source: std::io::Error,
    },
    /// It cannot be told what it is for.
    #[error("of the sockets that were handed over, one has the name `{0}`: it may be `listen`, `redirect` or `admin`")]
    Unknown(String),
    /// It is not needed.
    #[error("a socket was handed over for `{0}`, and the configuration has none")]
    Unwanted(&'static str),
}

impl ListenError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::InUse(_) => {
                "stop the other process, or choose another port, with --listen or `address`; port 0 takes a free one"
            }
            Self::Other { .. } => "choose an address of this machine; ports below 1024 need rights",
            Self::NoListener { .. } => "a systemd unit says `ListenStream=` with an address and a port",
            Self::Unknown(_) => {
                "one that is alone is for `[listen]`; several need `FileDescriptorName=` in their units, or LISTEN_FDNAMES"
            }
            Self::Unwanted(_) => {
                "set `redirect` under [listen.tls], or `address` under [admin], or hand over fewer sockets"
            }
        }
    }
}

/// Sockets that were opened before. What is not among them the host opens itself.
#[derive(Debug, Default)]
pub struct Listeners {
    /// For `[listen] address`.
    pub listen: Option<Inherited>,
    /// For `redirect` of `[listen.tls]`.
    pub redirect: Option<Inherited>,
    /// For `[admin] address`.
    pub admin: Option<Inherited>,
}

/// A socket that was opened before.
#[derive(Debug)]
pub struct Inherited(std::net::TcpListener);

impl Listeners {
    /// Those that the environment of this process tells of, which forgets them. To be called once, before there are other threads.
    ///
    /// # Errors
    /// One is no listener, or it is not clear what it is for.
    pub fn inherited() -> Result<Self, ListenError> {
        let names = std::env::var(NAMES).unwrap_or_default();
        let mut sockets = ListenFd::from_env();
        let count = sockets.len();
        let names: Vec<&str> = names.split(':').collect();
        let mut all = Self::default();
        for place in 0..count {
            let name = names.get(place).copied().unwrap_or_default();
            let place_of = all.place(name, count).ok_or_else(|| ListenError::Unknown(name.to_owned()))?;
            let socket = sockets.take_tcp_listener(place).map_err(|source| {
                let name = if name.is_empty() { format!("number {}", place + 1) } else { format!("`{name}`") };
                ListenError::NoListener { name, source }
            })?;
            *place_of = socket.map(Inherited);
        }
        Ok(all)
    }

    /// Where the socket of this name belongs, one of so many.
    fn place(&mut self, name: &str, count: usize) -> Option<&mut Option<Inherited>> {
        match name {
            "listen" => Some(&mut self.listen),
            "redirect" => Some(&mut self.redirect),
            "admin" => Some(&mut self.admin),
            // systemd gives one that has no name that of its unit.
            _ if count == 1 => Some(&mut self.listen),
            _ => None,
        }
    }
}

/// Listens on this socket, or else at this address, and says at which address that is.
///
/// # Errors
/// The port is in use, or the address cannot be had.
pub async fn listen(given: Option<Inherited>, address: SocketAddr) -> Result<(TcpListener, SocketAddr), ListenError> {
    let failed = |source: std::io::Error| match source.kind() {
        ErrorKind::AddrInUse => ListenError::InUse(address),
        _ => ListenError::Other { address, source },
    };
    let listener = match given {
        Some(Inherited(socket)) => {
            socket.set_nonblocking(true).map_err(failed)?;
            TcpListener::from_std(socket).map_err(failed)?
        }
        None => TcpListener::bind(address).await.map_err(failed)?,
    };
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alone_is_for_clients_and_several_are_told_apart_by_their_names() {
        let mut all = Listeners::default();
        let mut is_known = |name, count| all.place(name, count).is_some();
        assert!(is_known("holdline.socket", 1) && is_known("", 1) && is_known("redirect", 1));
        assert!(is_known("listen", 3) && is_known("admin", 3));
        assert!(!is_known("holdline.socket", 2) && !is_known("", 2));
    }
}
