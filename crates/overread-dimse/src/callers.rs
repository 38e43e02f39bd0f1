//! Who may open an association.

use std::net::IpAddr;

use crate::AeTitle;

/// One application entity that may store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// How it calls itself.
    pub ae_title: AeTitle,
    /// Where it calls from; empty means anywhere.
    pub addresses: Vec<IpAddr>,
}

/// Everybody who may store. Without an entry, that is any program on this machine and nobody else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Callers(pub Vec<Caller>);

impl Callers {
    /// Says whether somebody who calls himself so may store from there.
    pub fn admit(&self, ae_title: &AeTitle, address: IpAddr) -> bool {
        if self.0.is_empty() {
            return address.to_canonical().is_loopback();
        }
        self.0
            .iter()
            .any(|caller| caller.ae_title == *ae_title && caller.may_come_from(address))
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
    fn may_come_from(&self, address: IpAddr) -> bool {
        self.addresses.is_empty() || self.names(address)
    }

    fn names(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.addresses
            .iter()
            .any(|one| one.to_canonical() == address)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use super::{Caller, Callers, Known};

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
        let caller = |title: &str, addresses: &[&str]| Caller {
            ae_title: title.parse().unwrap(),
            addresses: addresses.iter().map(|one| one.parse().unwrap()).collect(),
        };
        let callers = Callers(vec![caller("MR1", &["10.0.0.5"]), caller("PACS", &[])]);
        check(&callers, "MR1", "10.0.0.5", true);
        check(&callers, "MR1", "::ffff:10.0.0.5", true);
        check(&callers, "MR1", "10.0.0.6", false);
        check(&callers, "mr1", "10.0.0.5", false);
        check(&callers, "PACS", "203.0.113.9", true);
        check(&callers, "ANY", "127.0.0.1", false);
    }
    #[test]
    fn an_address_is_known_as_well_as_the_list_names_it() {
        let known = |callers: &Callers, address: &str| callers.known_at(address.parse().unwrap());
        let nobody = Callers::default();
        assert_eq!(known(&nobody, "::ffff:127.0.0.1"), Known::Named);
        assert_eq!(known(&nobody, "10.0.0.5"), Known::Stranger);
        let mut callers = Callers(vec![Caller {
            ae_title: "MR1".parse().unwrap(),
            addresses: vec!["10.0.0.5".parse().unwrap()],
        }]);
        assert_eq!(known(&callers, "10.0.0.6"), Known::Stranger);
        callers.0.push(Caller {
            ae_title: "PACS".parse().unwrap(),
            addresses: Vec::new(),
        });
        assert_eq!(known(&callers, "10.0.0.5"), Known::Named);
        assert_eq!(known(&callers, "10.0.0.6"), Known::Anywhere);
    }
}
