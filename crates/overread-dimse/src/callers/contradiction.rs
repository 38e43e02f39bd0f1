//! Entries of the list of callers between which nothing but their order would decide.

use std::fmt;

use overread_network::AddressRange;

use super::Callers;
use crate::AeTitle;

/// Two entries of one title that contradict each other, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    ae_title: AeTitle,
    first: usize,
    second: usize,
    over: Over,
}

/// What both claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// Callers from anywhere.
    Anywhere,
    /// Callers from there.
    Range(AddressRange),
    /// To say where the one of this title listens.
    Listening,
}

impl Contradiction {
    /// Returns which of the two stands last.
    pub const fn last(&self) -> usize {
        self.second
    }
}

impl std::error::Error for Contradiction {}

impl fmt::Display for Contradiction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            ae_title,
            first,
            second,
            over,
        } = self;
        write!(
            formatter,
            "entries {first} and {second} of dimse.callers both "
        )?;
        match over {
            Over::Anywhere => write!(formatter, "let in {ae_title} from anywhere")?,
            Over::Range(range) => write!(formatter, "let in {ae_title} from {range}")?,
            Over::Listening => {
                return write!(
                    formatter,
                    "say where {ae_title} listens, and not the same; what is moved to a title can go to one place only, so write \
                     `address` and `port` alike, or in one of them"
                );
            }
        }
        write!(
            formatter,
            ", so that nothing says which of them is meant, and whose images are whose; leave one of them out, or give them \
             different addresses"
        )
    }
}

impl Callers {
    /// Finds two entries between which nothing could decide but their order, and so whose images end up in which case, or
    /// where what is moved is sent.
    pub fn contradiction(&self) -> Option<Contradiction> {
        let numbered = || (1..).zip(&self.0);
        let pairs = numbered()
            .flat_map(|(at, one)| numbered().skip(at).map(move |other| ((at, one), other)));
        let alike = pairs.filter(|((_, one), (_, other))| one.ae_title == other.ae_title);
        for ((first, one), (second, other)) in alike {
            let of = |over| {
                Some(Contradiction {
                    ae_title: one.ae_title.clone(),
                    first,
                    second,
                    over,
                })
            };
            if one.addresses.is_empty() && other.addresses.is_empty() {
                return of(Over::Anywhere);
            }
            let mut ranges = one.addresses.iter();
            if let Some(range) = ranges.find(|range| other.addresses.contains(range)) {
                return of(Over::Range(*range));
            }
            if let (Some(one), Some(other)) = (&one.listens, &other.listens)
                && one != other
            {
                return of(Over::Listening);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use crate::{Caller, Callers, Remote};

    fn caller(title: &str, addresses: &[&str]) -> Caller {
        let addresses = addresses.iter().map(|one| one.parse().unwrap());
        Caller::storing(title.parse().unwrap(), addresses.collect())
    }

    #[test]
    fn what_only_the_order_would_decide_is_a_contradiction() {
        let check = |entries: [Caller; 2], expect: &str| {
            let [one, other] = entries;
            let callers = Callers(vec![caller("MR", &["10.9.9.9"]), one, other]);
            let found = callers.contradiction().map(|found| found.to_string());
            let found = found.unwrap_or_default();
            assert!(found.contains(expect), "{found}");
            assert!(expect.is_empty() || found.contains("entries 2 and 3 of dimse.callers"));
            assert_eq!(found.is_empty(), expect.is_empty(), "{found}");
        };
        let ct = |addresses: &[&str]| caller("CT", addresses);
        check([ct(&[]), ct(&[])], "CT from anywhere");
        check(
            [ct(&["10.0.0.5"]), ct(&["10.0.0.4", "10.0.0.5/32"])],
            "CT from 10.0.0.5",
        );
        check(
            [ct(&["10.0.0.5"]), ct(&["::ffff:10.0.0.5"])],
            "CT from 10.0.0.5",
        );
        check(
            [ct(&["10.0.0.0/8"]), ct(&["::ffff:10.0.0.0/104"])],
            "CT from 10.0.0.0/8",
        );
        check([ct(&["10.0.0.0/8"]), ct(&["10.0.0.0/9"])], "");
        check([ct(&["10.0.0.5"]), caller("ct", &["10.0.0.5"])], "");
        let listening = |addresses: &[&str], port| Caller {
            listens: Some(Remote {
                ae_title: "CT".parse().unwrap(),
                host: "10.0.0.5".to_owned(),
                port,
                tls: false,
            }),
            ..ct(addresses)
        };
        let two = |port| {
            [
                listening(&["10.0.0.5"], 104),
                listening(&["10.0.0.6"], port),
            ]
        };
        check(two(104), "");
        check(two(105), "where CT listens");
    }
}
