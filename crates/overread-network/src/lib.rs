//! Here is decided what counts as one network, how places for connections are shared among networks, and what is told when none is made.

mod range;
mod trouble;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use range::{AddressRange, NotARange};
pub use trouble::in_words;

/// Returns the network of an address: an IPv4 address itself, or the /64 that one IPv6 subscriber has at least (RFC 6177).
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        ip @ IpAddr::V4(_) => ip,
    }
}

/// A fixed number of places for connections; no network, or who else is counted as one, keeps the door shut for the others.
///
/// A network has at most its share. Once every place is taken, a network with fewer connections than the fullest still
/// comes in: the newest connection of the fullest ends for it, or its oldest, of those that may end.
#[derive(Debug)]
pub struct Places<E, Of = IpAddr> {
    all: usize,
    of_one: usize,
    harm: fn(&E) -> Option<u8>,
    is_shared: fn(IpAddr) -> bool,
    ends_oldest: bool,
    taken: Arc<Mutex<Taken<E, Of>>>,
}

/// One place; free again when dropped.
#[derive(Debug)]
pub struct Place<E, Of = IpAddr> {
    number: u64,
    taken: Arc<Mutex<Taken<E, Of>>>,
}

#[derive(Debug)]
struct Taken<E, Of> {
    next_number: u64,
    /// In the order in which they came, with what ends a connection when it is dropped.
    places: Vec<(u64, Of, E)>,
}

impl<E, Of: Ord + Clone> Places<E, Of> {
    /// Makes so many places, of which one network may have so many.
    pub fn new(all: usize, of_one: usize) -> Self {
        let taken = Taken {
            next_number: 0,
            places: Vec::new(),
        };
        Self {
            all,
            of_one,
            harm: |_| Some(0),
            is_shared: |_| false,
            ends_oldest: false,
            taken: Arc::new(Mutex::new(taken)),
        }
    }

    /// Says what harm is done when a connection ends for another: the least is done first, `None` never.
    #[must_use]
    pub fn by_harm(self, harm: fn(&E) -> Option<u8>) -> Self {
        Self { harm, ..self }
    }

    /// Ends the connection that came first, where nothing else decides between two of one network: how long each has been idle
    /// is not asked, since what is under way is told by the harm.
    #[must_use]
    pub fn oldest_first(self) -> Self {
        Self {
            ends_oldest: true,
            ..self
        }
    }

    /// Takes a place for a connection of somebody that must end when `open` is dropped; `None` when there is none for them.
    pub fn take_for(&self, of: Of, open: E) -> Option<Place<E, Of>> {
        self.take_as(of, false, open)
    }

    fn take_as(&self, newcomer: Of, is_shared: bool, open: E) -> Option<Place<E, Of>> {
        let mut taken = lock(&self.taken);
        let mut counts = BTreeMap::<Of, usize>::new();
        for (_, of, _) in &taken.places {
            *counts.entry(of.clone()).or_default() += 1;
        }
        let own = counts
            .get(&newcomer)
            .copied()
            .filter(|_| !is_shared)
            .unwrap_or_default();
        if own >= self.of_one {
            return None;
        }
        if taken.places.len() >= self.all {
            let places = taken.places.iter().enumerate();
            let may_end = places.filter_map(|(at, (_, of, open))| {
                let count = counts.get(of).copied().unwrap_or_default();
                // With one more only, the two would push each other out for ever.
                let harm = (self.harm)(open).filter(|_| count >= own + 2)?;
                let order = if self.ends_oldest {
                    usize::MAX - at
                } else {
                    at
                };
                Some(((harm, Reverse((count, of, order))), at))
            });
            let (_, at) = may_end.min()?;
            taken.places.remove(at);
        }
        let number = taken.next_number;
        taken.next_number += 1;
        taken.places.push((number, newcomer, open));
        Some(Place {
            number,
            taken: Arc::clone(&self.taken),
        })
    }
}

impl<E> Places<E> {
    /// Says behind which addresses many callers stand, as behind a proxy: these are not one network with one share, and a
    /// newcomer from there has as good a claim as one from a network without a connection.
    #[must_use]
    pub fn shared_by_many(self, is_shared: fn(IpAddr) -> bool) -> Self {
        Self { is_shared, ..self }
    }

    /// Takes a place for a connection that must end when `open` is dropped; `None` when there is none for this address.
    pub fn take(&self, address: IpAddr, open: E) -> Option<Place<E>> {
        self.take_as(network_of(address), (self.is_shared)(address), open)
    }
}

impl<E, Of> Drop for Place<E, Of> {
    fn drop(&mut self) {
        lock(&self.taken)
            .places
            .retain(|(number, _, _)| *number != self.number);
    }
}

fn lock<E, Of>(taken: &Mutex<Taken<E, Of>>) -> MutexGuard<'_, Taken<E, Of>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "a failed test may say so by a panic"
    )]
    use std::net::IpAddr;
    use std::sync::{Arc, Weak};

    use super::{Place, Places, network_of};

    /// Takes a place, with what tells whether the connection may still be open.
    fn take(places: &Places<Arc<()>>, host: u8) -> Option<(Place<Arc<()>>, Weak<()>)> {
        let open = Arc::new(());
        let is_open = Arc::downgrade(&open);
        let place = places.take(IpAddr::from([192, 0, 2, host]), open)?;
        Some((place, is_open))
    }

    #[test]
    fn one_network_has_its_share_and_gets_it_back() {
        let places = Places::new(8, 2);
        let mut own: Vec<_> = (0..2).map(|_| take(&places, 1).expect("a place")).collect();
        assert!(take(&places, 1).is_none());
        assert!(take(&places, 2).is_some());
        own.pop();
        assert!(take(&places, 1).is_some());
    }

    #[test]
    fn when_all_are_taken_the_fullest_network_gives_its_newest() {
        let places = Places::new(4, 3);
        let full: Vec<_> = [1, 2, 1, 1]
            .map(|host| take(&places, host).expect("a place"))
            .into();
        let is_open = |at: usize| full[at].1.strong_count() > 0;
        let (_third, third_is_open) = take(&places, 3).expect("the door is open for a new network");
        assert_eq!([0, 1, 2, 3].map(is_open), [true, true, true, false]);
        assert!(take(&places, 2).is_none(), "nobody has two more than one");
        let (_fourth, _) = take(&places, 4).expect("a place");
        assert_eq!([0, 1, 2].map(is_open), [true, true, false]);
        assert!(take(&places, 5).is_none(), "all have one");
        assert_eq!(third_is_open.strong_count(), 1);
    }

    #[test]
    fn the_least_harm_is_done_and_some_connections_never_end() {
        let address = |host| IpAddr::from([192, 0, 2, host]);
        let places = Places::new(5, 4).by_harm(|(harm, _): &(Option<u8>, Arc<()>)| *harm);
        let take = |host, harm| {
            let open = Arc::new(());
            let is_open = Arc::downgrade(&open);
            let place = places.take(address(host), (harm, open))?;
            Some((place, is_open))
        };
        let taken: Vec<_> = [
            (1, Some(0)),
            (1, Some(1)),
            (1, None),
            (2, Some(0)),
            (2, None),
        ]
        .map(|(host, harm)| take(host, harm).expect("a place"))
        .into();
        let open = || -> Vec<bool> { taken.iter().map(|one| one.1.strong_count() > 0).collect() };
        let _third = take(3, Some(0)).expect("a place");
        assert_eq!(open(), [false, true, true, true, true]);
        let _fourth = take(4, Some(0)).expect("a place");
        assert_eq!(open(), [false, true, true, false, true]);
        let _fifth = take(5, Some(0)).expect("a place");
        assert_eq!(open(), [false, false, true, false, true]);
        assert!(take(6, Some(0)).is_none(), "all have one");
        let full = Places::new(2, 2).by_harm(|(): &()| None);
        let _kept = [(); 2].map(|()| full.take(address(1), ()).expect("a place"));
        assert!(full.take(address(2), ()).is_none());
    }

    #[test]
    fn who_comes_through_a_proxy_is_not_the_proxy() {
        let places = Places::new(3, 1)
            .by_harm(|(is_busy, _): &(bool, Arc<()>)| (!is_busy).then_some(0))
            .shared_by_many(|address| address == IpAddr::from([192, 0, 2, 1]));
        let take = |host, is_busy| {
            let open = Arc::new(());
            let is_open = Arc::downgrade(&open);
            let place = places.take(IpAddr::from([192, 0, 2, host]), (is_busy, open))?;
            Some((place, is_open))
        };
        let taken: Vec<_> = [true, false, true]
            .map(|is_busy| take(1, is_busy).expect("a place"))
            .into();
        let (_fourth, fourth_is_open) = take(1, true).expect("the idle one makes room");
        let open: Vec<bool> = taken.iter().map(|one| one.1.strong_count() > 0).collect();
        assert_eq!(open, [true, false, true]);
        assert!(take(1, true).is_none(), "all are busy");
        assert!(take(2, true).is_none(), "for everybody");
        assert_eq!(fourth_is_open.strong_count(), 1);
    }

    #[test]
    fn whoever_is_counted_as_one_gives_its_oldest_where_that_is_wanted() {
        let places = Places::new(3, 3).oldest_first();
        let take = |of: &'static str| {
            let open = Arc::new(());
            let is_open = Arc::downgrade(&open);
            Some((places.take_for(of, open)?, is_open))
        };
        let taken = ["MR1", "MR1", "MR1"].map(|of| take(of).expect("a place"));
        let _other = take("CT1").expect("the oldest makes room");
        let open = taken.each_ref().map(|one| one.1.strong_count() > 0);
        assert_eq!(open, [false, true, true]);
        assert!(take("MR1").is_none(), "nobody has two more than it");
    }

    #[test]
    fn a_network_is_an_address_or_what_one_subscriber_has() {
        let network = |text: &str| network_of(text.parse().expect("an address"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.2"), network("192.0.2.1"));
        assert_eq!(network("2001:db8:0:1::5"), network("2001:db8:0:1:9::7"));
        assert_ne!(network("2001:db8:0:1::5"), network("2001:db8:0:2::5"));
    }
}
