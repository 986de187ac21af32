//! Where a client is, as the proxies say that stand before it. Only those are believed whose networks are trusted, and what a client
//! itself says is never reached.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};

use super::settings::{ForwardedBy, Proxies};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl Proxies {
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.trust.iter().any(|network| network.has(address))
    }

    /// True if this one's requests may say where the client is.
    pub(super) fn forwards(&self, address: IpAddr) -> bool {
        self.header == ForwardedBy::XForwardedFor && self.trusts(address)
    }

    /// The client of a request that came from this address. Each proxy has put the address of the one before it at the end of the header;
    /// so it is read from there, and the first that is no trusted proxy is the client. What stands before that one it has written itself.
    pub(super) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        let mut client = peer;
        let values = headers.get_all(X_FORWARDED_FOR).into_iter().rev();
        let mut hops = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
        while self.forwards(client.ip()) {
            // What is no address was written by a proxy that is trusted, which knows no better; then that one is all that is known.
            let Some(hop) = hops.next().and_then(address) else { break };
            client = hop;
        }
        client
    }
}

/// An address, with a port or without.
fn address(hop: &str) -> Option<SocketAddr> {
    let hop = hop.trim();
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().map(|address| SocketAddr::new(address, 0)).or_else(|_| hop.parse());
    address.ok().map(canonical)
}

/// An address of IPv4 as such, also where it came in the clothes of IPv6.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(peer: &str, values: &[&str]) -> String {
        let trust = ["10.0.0.0/8", "fd00::/8"].iter().map(|network| network.parse().expect("a network")).collect();
        let proxies = Proxies { trust, ..Proxies::default() };
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_str(value).expect("a value"));
        }
        proxies.client(canonical(peer.parse().expect("an address")), &headers).to_string()
    }

    #[test]
    fn the_last_that_is_no_trusted_proxy_is_the_client() {
        for (peer, values, expected) in [
            // Nobody is believed who is not trusted.
            ("192.0.2.1:5", vec!["198.51.100.7"], "192.0.2.1:5"),
            ("10.0.0.1:5", vec![], "10.0.0.1:5"),
            ("10.0.0.1:5", vec!["198.51.100.7"], "198.51.100.7:0"),
            // What a client has written itself stands before what the proxy has.
            ("10.0.0.1:5", vec!["1.1.1.1, 198.51.100.7"], "198.51.100.7:0"),
            ("10.0.0.1:5", vec!["1.1.1.1", "198.51.100.7"], "198.51.100.7:0"),
            ("10.0.0.1:5", vec!["10.9.9.9, 198.51.100.7, 10.0.0.2", "10.0.0.3"], "198.51.100.7:0"),
            // A client that is itself in a trusted network.
            ("10.0.0.1:5", vec!["10.0.0.7,10.0.0.2"], "10.0.0.7:0"),
            ("10.0.0.1:5", vec!["198.51.100.7:4711"], "198.51.100.7:4711"),
            ("[fd00::1]:5", vec!["2001:db8::7"], "[2001:db8::7]:0"),
            ("[fd00::1]:5", vec!["[2001:db8::7]"], "[2001:db8::7]:0"),
            ("[fd00::1]:5", vec!["[2001:db8::7]:80"], "[2001:db8::7]:80"),
            ("[::ffff:10.0.0.1]:5", vec!["::ffff:198.51.100.7"], "198.51.100.7:0"),
            // What cannot be read hides what is before it.
            ("10.0.0.1:5", vec!["198.51.100.7, unknown, 10.0.0.2"], "10.0.0.2:0"),
            ("10.0.0.1:5", vec!["198.51.100.7,"], "10.0.0.1:5"),
        ] {
            assert_eq!(client(peer, &values), expected, "{peer} {values:?}");
        }
    }

    #[test]
    fn no_header_is_read_where_none_is_believed() {
        let trust = vec!["10.0.0.1".parse().expect("an address")];
        let proxies = Proxies { trust, header: ForwardedBy::Off, ..Proxies::default() };
        let headers = HeaderMap::from_iter([(X_FORWARDED_FOR, HeaderValue::from_static("198.51.100.7"))]);
        let peer: SocketAddr = "10.0.0.1:5".parse().expect("an address");
        assert_eq!(proxies.client(peer, &headers), peer);
    }
}
