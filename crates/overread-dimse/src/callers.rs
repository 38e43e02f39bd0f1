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

    /// Says whether anybody at all may store from there.
    pub(crate) fn expected_at(&self, address: IpAddr) -> bool {
        if self.0.is_empty() {
            return address.to_canonical().is_loopback();
        }
        self.0.iter().any(|caller| caller.may_come_from(address))
    }
}

impl Caller {
    fn may_come_from(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.addresses.is_empty()
            || self
                .addresses
                .iter()
                .any(|one| one.to_canonical() == address)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use super::{Caller, Callers};

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
}
