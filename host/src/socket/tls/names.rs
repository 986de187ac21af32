//! Which certificate a client gets: the one that has the name it asks for, and the first if none has it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::slice;
use std::sync::Arc;

use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use super::certificate::About;

/// The host's certificates by their names.
#[derive(Debug)]
pub(super) struct Names {
    first: Arc<CertifiedKey>,
    // Several of one name are of keys of several kinds.
    named: HashMap<String, Vec<Arc<CertifiedKey>>>,
    addresses: Vec<IpAddr>,
}

impl Names {
    /// None without a certificate.
    pub(super) fn new(all: &[(Arc<CertifiedKey>, About)]) -> Option<Self> {
        let (first, _) = all.first()?;
        let mut named: HashMap<String, Vec<_>> = HashMap::new();
        for (key, about) in all {
            for name in &about.names {
                named.entry(name.clone()).or_default().push(Arc::clone(key));
            }
        }
        let addresses = all.iter().flat_map(|(_, about)| about.addresses.iter().copied()).collect();
        Some(Self { first: Arc::clone(first), named, addresses })
    }

    /// True if a certificate is for this host, which is a name or an address as it stands in a URL.
    pub(super) fn has(&self, host: &str) -> bool {
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        match address.parse::<IpAddr>() {
            Ok(address) => self.addresses.contains(&address),
            Err(_) => self.of(host).is_some(),
        }
    }

    /// Those that have this name.
    fn of(&self, name: &str) -> Option<&[Arc<CertifiedKey>]> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        // A star stands for one label, the leftmost (RFC 9525, section 6.3), and is no label itself.
        let (label, parent) = name.split_once('.').unwrap_or((&name, ""));
        let of_all = || self.named.get(&format!("*.{parent}")).filter(|_| !label.is_empty());
        let found = self.named.get(&name).or_else(of_all).filter(|_| label != "*");
        found.map(Vec::as_slice)
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fitting = hello.server_name().and_then(|name| self.of(name));
        let fitting = fitting.unwrap_or_else(|| slice::from_ref(&self.first));
        let is_understood = |it: &&Arc<CertifiedKey>| it.key.choose_scheme(hello.signature_schemes()).is_some();
        fitting.iter().find(is_understood).or_else(|| fitting.first()).cloned()
    }
}
