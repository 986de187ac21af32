//! How many sockets each address has, and how fast it opens them. An address of IPv6 is counted as the network of 2^64 that it is in: that is
//! the least that anybody is given.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry as Slot;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use parking_lot::Mutex;

use super::tally::Reason;

/// So many sockets of one address may wait to be told that there are too many of them. Those beyond are closed unheard.
const WAITING: u32 = 64;

/// So many addresses are known by the rate at which they connect.
const KNOWN: usize = 1 << 16;

/// After so long an address that has not connected again has its whole rate back, and need not be known any more.
const FORGOTTEN: Duration = Duration::from_secs(1);

/// Who is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    V4(u32),
    V6(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It may be there.
    Seated,
    /// It is to be told that it may not.
    Waiting,
}

#[derive(Clone, Copy, Default)]
struct Count {
    seated: u32,
    waiting: u32,
}

/// All addresses that have sockets.
pub(super) struct Crowd {
    most: Option<NonZeroU32>,
    counts: DashMap<Key, Count>,
    pace: Option<Pace>,
}

/// One socket among those of its address, until this is dropped.
pub struct Place {
    crowd: Arc<Crowd>,
    key: Key,
    kind: Kind,
}

/// What becomes of a socket.
pub(super) enum Entry {
    /// It may come in. Where nothing is counted it has no place.
    In(Option<Place>),
    /// It is one too many, and may hear so.
    Refused(Reason, Place),
    /// It is one of very many too many.
    Closed(Reason),
}

impl Crowd {
    pub(super) fn new(most: Option<NonZeroU32>, per_second: Option<NonZeroU32>) -> Arc<Self> {
        Arc::new(Self { most, counts: DashMap::new(), pace: per_second.map(Pace::new) })
    }

    /// One more socket of this address.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Entry {
        let key = Key::of(address);
        let reason = if self.pace.as_ref().is_some_and(|pace| !pace.allows(key)) {
            Reason::ConnectsPerSecond
        } else {
            let Some(most) = self.most else { return Entry::In(None) };
            match self.take(key, Kind::Seated, most.get()) {
                Some(place) => return Entry::In(Some(place)),
                None => Reason::ConnectionsPerAddress,
            }
        };
        self.take(key, Kind::Waiting, WAITING).map_or(Entry::Closed(reason), |place| Entry::Refused(reason, place))
    }

    fn take(self: &Arc<Self>, key: Key, kind: Kind, most: u32) -> Option<Place> {
        let mut count = self.counts.entry(key).or_default();
        let taken = count.of(kind);
        if *taken >= most {
            return None;
        }
        *taken += 1;
        Some(Place { crowd: Arc::clone(self), key, kind })
    }
}

impl Count {
    fn of(&mut self, kind: Kind) -> &mut u32 {
        match kind {
            Kind::Seated => &mut self.seated,
            Kind::Waiting => &mut self.waiting,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Slot::Occupied(mut slot) = self.crowd.counts.entry(self.key) {
            let count = slot.get_mut();
            let taken = count.of(self.kind);
            *taken = taken.saturating_sub(1);
            if count.seated == 0 && count.waiting == 0 {
                slot.remove();
            }
        }
    }
}

impl Key {
    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d].into_iter().fold(0, |network, segment| network << 16 | u64::from(segment)))
            }
        }
    }
}

/// The rate of each address, by the algorithm of the `governor` crate, with a second's worth of burst.
struct Pace {
    quota: Quota,
    limiter: ArcSwap<DefaultKeyedRateLimiter<Key>>,
    // When those were forgotten who had not come again.
    swept: Mutex<Instant>,
}

impl Pace {
    fn new(per_second: NonZeroU32) -> Self {
        let quota = Quota::per_second(per_second);
        Self { quota, limiter: ArcSwap::from_pointee(RateLimiter::keyed(quota)), swept: Mutex::new(Instant::now()) }
    }

    fn allows(&self, key: Key) -> bool {
        if self.limiter.load().len() >= KNOWN {
            self.sweep(KNOWN);
        }
        self.limiter.load().check_key(&key).is_ok()
    }

    /// Makes room. If there are so many who have come within a second, all begin anew: nobody is kept out for what others do, and what
    /// is known stays bounded.
    fn sweep(&self, known: usize) {
        let mut swept = self.swept.lock();
        let limiter = self.limiter.load();
        // Looking at each takes long, and is worth it only if many can have gone.
        if limiter.len() >= known && swept.elapsed() >= FORGOTTEN {
            limiter.retain_recent();
            *swept = Instant::now();
        }
        if limiter.len() >= known {
            self.limiter.store(Arc::new(RateLimiter::keyed(self.quota)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Option<NonZeroU32> = NonZeroU32::new(2);

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn seated(crowd: &Arc<Crowd>, text: &str) -> Place {
        match crowd.enter(address(text)) {
            Entry::In(Some(place)) => place,
            _ => panic!("{text} has no place"),
        }
    }

    #[test]
    fn each_address_has_its_places_and_gives_them_back() {
        let crowd = Crowd::new(TWO, None);
        let (one, _two) = (seated(&crowd, "192.0.2.1"), seated(&crowd, "192.0.2.1"));
        let other = seated(&crowd, "192.0.2.2");
        assert!(matches!(crowd.enter(address("192.0.2.1")), Entry::Refused(Reason::ConnectionsPerAddress, _)));
        drop(one);
        let again = seated(&crowd, "192.0.2.1");
        drop((again, other, _two));
        assert!(crowd.counts.is_empty());
    }

    #[test]
    fn who_waits_for_a_refusal_takes_nobodys_place_and_is_bounded() {
        let crowd = Crowd::new(NonZeroU32::new(1), None);
        let one = seated(&crowd, "192.0.2.1");
        let waiting: Vec<_> = (0..WAITING).map(|_| crowd.enter(address("192.0.2.1"))).collect();
        assert!(waiting.iter().all(|entry| matches!(entry, Entry::Refused(..))));
        assert!(matches!(crowd.enter(address("192.0.2.1")), Entry::Closed(Reason::ConnectionsPerAddress)));
        drop(one);
        seated(&crowd, "192.0.2.1");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let crowd = Crowd::new(TWO, None);
        let _places = (seated(&crowd, "2001:db8::1"), seated(&crowd, "2001:db8:0:0:ffff::1"));
        assert!(matches!(crowd.enter(address("2001:db8::2")), Entry::Refused(..)));
        seated(&crowd, "2001:db8:0:1::1");
    }

    #[test]
    fn a_rate_is_each_addresss_own() {
        let crowd = Crowd::new(None, TWO);
        for text in ["192.0.2.1", "192.0.2.2"] {
            assert!((0..2).all(|_| matches!(crowd.enter(address(text)), Entry::In(None))), "{text}");
            assert!(matches!(crowd.enter(address(text)), Entry::Refused(Reason::ConnectsPerSecond, _)), "{text}");
        }
    }

    #[test]
    fn what_is_known_of_rates_stays_bounded() {
        let pace = Pace::new(NonZeroU32::MIN);
        for network in 0..100 {
            assert!(pace.allows(Key::V6(network)));
        }
        assert!(!pace.allows(Key::V6(1)));
        pace.sweep(101);
        assert_eq!(pace.limiter.load().len(), 100);
        pace.sweep(100);
        assert!(pace.limiter.load().is_empty());
        assert!(pace.allows(Key::V6(1)));
    }
}
