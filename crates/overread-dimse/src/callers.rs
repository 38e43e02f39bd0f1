//! Who may open an association, and what for.

mod contradiction;

use std::net::IpAddr;

use overread_model::ids::{CaseId, TokenId};
use overread_network::AddressRange;

pub use contradiction::Contradiction;

use crate::{AeTitle, Remote};

/// One application entity that may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// How it calls itself.
    pub ae_title: AeTitle,
    /// Where it calls from; empty means anywhere.
    pub addresses: Vec<AddressRange>,
    /// What it may do.
    pub may: May,
    /// The machine token whose role and grants say what it reaches; without one it finds and retrieves nothing.
    pub token_id: Option<TokenId>,
    /// The case that what it stores belongs to.
    pub case_id: Option<CaseId>,
    /// Where it listens itself: for what is moved to it, and for reports on commitments.
    pub listens: Option<Remote>,
}

/// What a caller may do; everybody may ask for an echo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct May {
    /// C-STORE, and asking for storage commitment.
    pub store: bool,
    /// C-FIND.
    pub find: bool,
    /// C-GET and C-MOVE.
    pub retrieve: bool,
}

impl Default for May {
    fn default() -> Self {
        Self {
            store: true,
            find: false,
            retrieve: false,
        }
    }
}

impl Caller {
    /// Makes one that may store and nothing else.
    pub fn storing(ae_title: AeTitle, addresses: Vec<AddressRange>) -> Self {
        Self {
            ae_title,
            addresses,
            may: May::default(),
            token_id: None,
            case_id: None,
            listens: None,
        }
    }
}

/// Everybody who may call. Without an entry, any program on this machine may store, and nobody else may do anything. Of several
/// entries that a caller fits, the one with the narrowest network counts, whatever their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Callers(pub Vec<Caller>);

/// An admitted caller; without an entry one of this machine's programs.
pub(crate) type Admitted = Option<Caller>;

impl Callers {
    /// Says whether somebody who calls himself so may call from there.
    pub fn admit(&self, ae_title: &AeTitle, address: IpAddr) -> bool {
        self.find(ae_title, address).is_some()
    }

    /// Says why somebody who calls himself so may not call from where he is, and what to do about it.
    pub(crate) fn why_not(&self, ae_title: &AeTitle) -> (&'static str, &'static str) {
        let titles = || self.0.iter().map(|caller| caller.ae_title.as_str());
        let is_listed = titles().any(|title| title == ae_title.as_str());
        let is_nearly = titles().any(|title| title.eq_ignore_ascii_case(ae_title.as_str()));
        match () {
            () if self.0.is_empty() => (
                "dimse.callers in config.toml names nobody, so that only programs on this machine may call",
                "Add an entry with this title and address, and start the server again.",
            ),
            () if is_listed => (
                "the entry of this title in dimse.callers names other addresses",
                "Add this address to the entry in config.toml if it is right, and start the server again.",
            ),
            () if is_nearly => (
                "dimse.callers has this title with other capital letters, which are not the same",
                "Write it alike in config.toml and at the sender.",
            ),
            () => (
                "no entry of dimse.callers in config.toml has this title",
                "Add one, or correct the title at the sender; then start the server again.",
            ),
        }
    }

    /// Returns the entry of somebody who calls himself so from there.
    pub(crate) fn find(&self, ae_title: &AeTitle, address: IpAddr) -> Option<Admitted> {
        if self.0.is_empty() {
            return address.to_canonical().is_loopback().then_some(None);
        }
        let named = self.0.iter().filter(|caller| caller.ae_title == *ae_title);
        let claims = named.filter_map(|caller| Some((caller.claim(address)?, caller)));
        let (_, caller) = claims.max_by_key(|(claim, _)| *claim)?;
        Some(Some(caller.clone()))
    }

    /// Returns where an application entity listens.
    pub(crate) fn listening(&self, ae_title: &str) -> Option<&Remote> {
        let listens = self.0.iter().filter_map(|caller| caller.listens.as_ref());
        listens
            .into_iter()
            .find(|remote| remote.ae_title.as_str() == ae_title)
    }

    /// Returns the cases that an application entity stores for, where every entry of it names one; then it is told of nothing
    /// that others hold.
    pub(crate) fn cases_of(&self, ae_title: &str) -> Option<Vec<CaseId>> {
        let is_it = |title: &AeTitle| title.as_str() == ae_title;
        let named = self.0.iter().filter(|caller| {
            let listens = caller.listens.as_ref();
            is_it(&caller.ae_title) || listens.is_some_and(|remote| is_it(&remote.ae_title))
        });
        let cases: Option<Vec<CaseId>> = named.map(|caller| caller.case_id.clone()).collect();
        cases.filter(|cases| !cases.is_empty())
    }

    /// Returns the tokens of the entries that say where this application entity listens.
    pub(crate) fn tokens_listening(&self, ae_title: &AeTitle) -> impl Iterator<Item = &TokenId> {
        let listening = self.0.iter().filter(move |caller| {
            let listens = caller.listens.as_ref();
            listens.is_some_and(|remote| remote.ae_title == *ae_title)
        });
        listening.filter_map(|caller| caller.token_id.as_ref())
    }

    /// Says how well somebody at this address is known before a word was said.
    pub(crate) fn known_at(&self, address: IpAddr) -> Known {
        let address = address.to_canonical();
        let is_named = if self.0.is_empty() {
            address.is_loopback()
        } else {
            self.0.iter().any(|caller| caller.names(address))
        };
        if is_named {
            Known::Named
        } else if self.0.iter().any(|caller| caller.addresses.is_empty()) {
            Known::Anywhere
        } else {
            Known::Stranger
        }
    }
}

/// How well an address is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// The list names it.
    Named,
    /// Only callers that may come from anywhere could be there.
    Anywhere,
    /// Nobody there may store.
    Stranger,
}

impl Caller {
    /// Says how narrowly the entry speaks of an address: by how many bits, or not at all for one that may come from anywhere.
    /// `None` when it does not speak of it.
    fn claim(&self, address: IpAddr) -> Option<Option<u8>> {
        let ranges = self
            .addresses
            .iter()
            .filter(|range| range.contains(address));
        match ranges.map(AddressRange::prefix_bits).max() {
            None if self.addresses.is_empty() => Some(None),
            narrowest => narrowest.map(Some),
        }
    }

    fn names(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|range| range.contains(address))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use overread_model::ids::CaseId;

    use super::{Caller, Callers, Known};

    fn caller(title: &str, addresses: &[&str]) -> Caller {
        let addresses = addresses.iter().map(|one| one.parse().unwrap());
        Caller::storing(title.parse().unwrap(), addresses.collect())
    }

    fn check(callers: &Callers, title: &str, address: &str, expect: bool) {
        let admitted = callers.admit(&title.parse().unwrap(), address.parse().unwrap());
        assert_eq!(admitted, expect, "{title} at {address}");
    }

    #[test]
    fn without_a_list_only_this_machine_may_store() {
        let nobody = Callers::default();
        check(&nobody, "ANY", "127.0.0.1", true);
        check(&nobody, "ANY", "::1", true);
        check(&nobody, "ANY", "::ffff:127.0.0.1", true);
        check(&nobody, "ANY", "192.168.1.5", false);
        check(&nobody, "ANY", "::ffff:192.168.1.5", false);
    }

    #[test]
    fn a_list_is_all_there_is() {
        let callers = Callers(vec![caller("MR1", &["10.0.0.5"]), caller("PACS", &[])]);
        check(&callers, "MR1", "10.0.0.5", true);
        check(&callers, "MR1", "::ffff:10.0.0.5", true);
        check(&callers, "MR1", "10.0.0.6", false);
        check(&callers, "mr1", "10.0.0.5", false);
        check(&callers, "PACS", "203.0.113.9", true);
        check(&callers, "ANY", "127.0.0.1", false);
        let networks = Callers(vec![caller("WARD", &["10.1.0.0/16", "2001:db8::/32"])]);
        check(&networks, "WARD", "10.1.7.7", true);
        check(&networks, "WARD", "2001:db8:7::7", true);
        check(&networks, "WARD", "10.2.0.1", false);
        assert_eq!(networks.known_at("10.1.0.9".parse().unwrap()), Known::Named);
    }

    #[test]
    fn whoever_may_not_call_is_told_what_to_mend() {
        let check = |callers: &Callers, title: &str, address: &str, expect: &str| {
            let (title, address) = (title.parse().unwrap(), address.parse().unwrap());
            assert!(!callers.admit(&title, address));
            let (why, _) = callers.why_not(&title);
            assert!(why.contains(expect), "{why}");
        };
        check(&Callers::default(), "ANY", "10.0.0.5", "names nobody");
        let callers = Callers(vec![caller("MR1", &["10.0.0.5"])]);
        check(&callers, "MR1", "10.0.0.6", "other addresses");
        check(&callers, "mr1", "10.0.0.5", "capital letters");
        check(&callers, "MR2", "10.0.0.5", "no entry");
    }

    #[test]
    fn the_narrowest_network_counts_in_whatever_order() {
        let [ward, room, one, rest] =
            [1, 2, 3, 4].map(|byte| Some(CaseId::from_random([byte; 16])));
        let with = |addresses: &[&str], case_id: &Option<CaseId>| Caller {
            case_id: case_id.clone(),
            ..caller("CT", addresses)
        };
        let entries = [
            with(&["10.1.0.0/16", "2001:db8::/32"], &ward),
            with(&["10.1.7.0/24", "2001:db8:7::/48"], &room),
            with(&["::ffff:10.1.7.7"], &one),
            with(&[], &rest),
            caller("MR", &["10.1.7.8"]),
        ];
        let mut callers = Callers(entries.to_vec());
        for _ in 0..entries.len() {
            callers.0.rotate_left(1);
            for (address, expect) in [
                ("10.1.1.1", &ward),
                ("10.1.7.1", &room),
                ("::ffff:10.1.7.1", &room),
                ("10.1.7.7", &one),
                ("10.1.7.8", &room),
                ("2001:db8:7::1", &room),
                ("2001:db8:8::1", &ward),
                ("10.2.0.1", &rest),
            ] {
                let found = callers.find(&"CT".parse().unwrap(), address.parse().unwrap());
                assert_eq!(&found.unwrap().unwrap().case_id, expect, "{address}");
            }
            assert_eq!(callers.contradiction(), None);
        }
    }

    #[test]
    fn an_address_is_known_as_well_as_the_list_names_it() {
        let known = |callers: &Callers, address: &str| callers.known_at(address.parse().unwrap());
        let nobody = Callers::default();
        assert_eq!(known(&nobody, "::ffff:127.0.0.1"), Known::Named);
        assert_eq!(known(&nobody, "10.0.0.5"), Known::Stranger);
        let mut callers = Callers(vec![caller("MR1", &["10.0.0.5"])]);
        assert_eq!(known(&callers, "10.0.0.6"), Known::Stranger);
        callers.0.push(caller("PACS", &[]));
        assert_eq!(known(&callers, "10.0.0.5"), Known::Named);
        assert_eq!(known(&callers, "10.0.0.6"), Known::Anywhere);
    }
}
