//! Who called over the DICOM network, whom we called, and what was agreed on: what whoever sets up a scanner or an archive
//! wants to see.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::limits::{PEER_CONTEXTS, PEERS};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The latest association of one caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// How it called itself; `?` for what is no AE title, or when it did not say.
    pub calling: String,
    /// Whom it called; empty when it did not say.
    pub called: String,
    /// Where it called from.
    pub address: IpAddr,
    /// When it asked for its latest association.
    pub asked_at: Timestamp,
    /// How often it has asked since the program started.
    pub count: i64,
    /// It spoke TLS.
    pub is_tls: bool,
    /// Why the association was refused, or none was asked for; empty when it was accepted.
    pub refused: String,
    /// What to do about that, as a sentence.
    pub advice: String,
    /// What is otherwise than was probably meant, though it is accepted; sentences.
    pub remarks: Vec<String>,
    /// Version name of its software, as it says.
    pub implementation: String,
    /// Bytes of a PDU that it takes.
    pub pdu_bytes: usize,
    /// What it proposed, and what became of it; the first of many.
    pub contexts: Vec<ProposedContext>,
    /// How the association ended; `None` while it goes on, or was refused.
    pub ended: Option<AssociationEnd>,
    /// Of its other associations since the program started, the latest that was refused, broke off or had something refused.
    pub failure: Option<Failure>,
}

/// That an association failed which is not the latest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Why it failed.
    pub why: String,
}

impl Peer {
    /// Returns why this association failed; `None` when it did not, or goes on.
    fn failed(&self) -> Option<Failure> {
        let why = match &self.ended {
            _ if !self.refused.is_empty() => Some(self.refused.clone()),
            None => None,
            Some(end) => end.failure(),
        };
        why.map(|why| Failure {
            asked_at: self.asked_at,
            why,
        })
    }
}

/// A proposed presentation context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposedContext {
    /// What it is for.
    pub sop_class_uid: String,
    /// In which transfer syntaxes.
    pub transfer_syntax_uids: Vec<String>,
    /// The transfer syntax that was chosen, or why none was.
    pub answer: Result<String, String>,
}

/// What we call another application entity for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To hear whether it answers.
    Echo,
    /// To look for studies there.
    Find,
    /// To fetch from there.
    Retrieve,
    /// To send there.
    Send,
    /// To ask whether what was sent is safe there, or to say what is safe here.
    Commit,
}

impl Purpose {
    /// Returns the stable word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Find => "find",
            Self::Retrieve => "retrieve",
            Self::Send => "send",
            Self::Commit => "commit",
        }
    }

    /// Returns what a word stands for.
    pub fn of(word: &str) -> Option<Self> {
        let all = [
            Self::Echo,
            Self::Find,
            Self::Retrieve,
            Self::Send,
            Self::Commit,
        ];
        all.into_iter().find(|purpose| purpose.as_str() == word)
    }
}

/// The latest association of one sort that we asked another application entity for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its title.
    pub called: String,
    /// Name or address of its machine, and its port.
    pub address: String,
    /// What for.
    pub purpose: Purpose,
    /// When.
    pub asked_at: Timestamp,
    /// How often it was called for this.
    pub count: i64,
    /// Over TLS.
    pub is_tls: bool,
    /// Why there was no association; empty when there was one.
    pub refused: String,
    /// Version name of its software, as it says.
    pub implementation: String,
    /// What we proposed, and what it answered.
    pub contexts: Vec<ProposedContext>,
    /// When it ended; `None` while it goes on, or when the program was ended in the middle.
    pub ended_at: Option<Timestamp>,
    /// Why it broke off; empty when it ended well.
    pub reason: String,
}

/// How an association ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssociationEnd {
    /// Instances that were stored.
    pub stored: i64,
    /// Instances that were refused.
    pub refused: i64,
    /// Why, and how many for each reason; the first of many reasons.
    pub refusals: Vec<(String, i64)>,
    /// Why a query or retrieval was refused, and what to do about it: the first reason; empty when none was.
    pub denied: String,
    /// Why it broke off; empty when it was released.
    pub reason: String,
    /// When.
    pub ended_at: Timestamp,
}

impl AssociationEnd {
    /// Returns the end of an association in which nothing happened.
    pub const fn at(ended_at: Timestamp) -> Self {
        Self {
            stored: 0,
            refused: 0,
            refusals: Vec::new(),
            denied: String::new(),
            reason: String::new(),
            ended_at,
        }
    }

    /// Says in words why it failed, or what was refused in it; `None` when it ended well.
    fn failure(&self) -> Option<String> {
        let broke = (!self.reason.is_empty()).then(|| format!("it broke off: {}", self.reason));
        let words: Vec<String> = self.refusal().into_iter().chain(broke).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }

    /// Says in words what was refused in it; `None` when nothing was.
    pub fn refusal(&self) -> Option<String> {
        let mut words = Vec::new();
        if !self.denied.is_empty() {
            words.push(self.denied.clone());
        }
        if self.refused > 0 {
            let all = self.refused.saturating_add(self.stored);
            let why: Vec<&str> = self.refusals.iter().map(|(why, _)| why.as_str()).collect();
            words.push(format!(
                "{} of {all} instances were refused: {}",
                self.refused,
                why.join("; ")
            ));
        }
        (!words.is_empty()).then(|| words.join("; "))
    }
}

/// The callers since the program started, as many as fit; a clone is another handle.
#[derive(Debug, Clone, Default)]
pub struct Peers(Arc<Shared>);

type Callers = BTreeMap<(String, IpAddr), Peer>;

#[derive(Debug, Default)]
struct Shared {
    all: Mutex<Callers>,
    changed: Condvar,
}

impl Peers {
    fn all(&self) -> MutexGuard<'_, Callers> {
        self.0.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps an association instead of the one before of the same caller. When too many are kept, the oldest goes, of the
    /// refused before the accepted: strangers push out strangers.
    pub fn note(&self, mut peer: Peer) {
        peer.contexts.truncate(PEER_CONTEXTS);
        let mut all = self.all();
        let key = (peer.calling.clone(), peer.address);
        if let Some(before) = all.get(&key) {
            peer.count = before.count;
            peer.failure = before.failed().or_else(|| before.failure.clone());
        }
        peer.count += 1;
        all.insert(key, peer);
        if all.len() > PEERS {
            let least = all
                .values()
                .min_by_key(|peer| (peer.refused.is_empty(), peer.asked_at));
            let least = least.map(|peer| (peer.calling.clone(), peer.address));
            if let Some(key) = least {
                all.remove(&key);
            }
        }
        self.0.changed.notify_all();
    }

    /// Says how the association of a caller that began then has ended.
    pub fn end(&self, calling: &str, address: IpAddr, asked_at: Timestamp, end: AssociationEnd) {
        let mut all = self.all();
        let peer = all.get_mut(&(calling.to_owned(), address));
        match peer {
            Some(peer) if peer.asked_at == asked_at => peer.ended = Some(end),
            // One that ends behind a later one is told beside that.
            Some(peer) => {
                let is_later = |known: &Failure| known.asked_at > asked_at;
                if !peer.failure.as_ref().is_some_and(is_later)
                    && let Some(why) = end.failure()
                {
                    peer.failure = Some(Failure { asked_at, why });
                }
            }
            None => {}
        }
        self.0.changed.notify_all();
    }

    /// Adds a sentence to what is otherwise than was probably meant, once.
    pub fn remark(&self, calling: &str, address: IpAddr, asked_at: Timestamp, remark: String) {
        let mut all = self.all();
        let peer = all.get_mut(&(calling.to_owned(), address));
        if let Some(peer) = peer.filter(|peer| peer.asked_at == asked_at)
            && !peer.remarks.contains(&remark)
        {
            peer.remarks.push(remark);
        }
        self.0.changed.notify_all();
    }

    /// Waits until this is true of a caller, at most so long; returns the latest such one.
    pub fn wait_for(&self, is_it: impl Fn(&Peer) -> bool, patience: Duration) -> Option<Peer> {
        let nobody = |all: &mut Callers| !all.values().any(&is_it);
        let waited = self
            .0
            .changed
            .wait_timeout_while(self.all(), patience, nobody);
        drop(waited);
        self.list().into_iter().find(is_it)
    }

    /// Returns the callers, the latest first.
    pub fn list(&self) -> Vec<Peer> {
        let mut list: Vec<Peer> = self.all().values().cloned().collect();
        list.sort_by_key(|peer| std::cmp::Reverse(peer.asked_at));
        list
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::{AssociationEnd, Peer, Peers};
    use crate::limits::PEERS;
    use crate::time::Timestamp;

    fn peer(calling: &str, at: i64, refused: &str) -> Peer {
        Peer {
            calling: calling.to_owned(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            asked_at: Timestamp::from_micros(at),
            count: 0,
            is_tls: false,
            refused: refused.to_owned(),
            called: "OVERREAD".to_owned(),
            advice: String::new(),
            remarks: Vec::new(),
            implementation: String::new(),
            pdu_bytes: 16_384,
            contexts: Vec::new(),
            ended: None,
            failure: None,
        }
    }

    #[test]
    fn strangers_push_out_strangers() {
        let peers = Peers::default();
        peers.note(peer("MR1", 1, ""));
        for at in 0..PEERS as i64 + 5 {
            peers.note(peer(&format!("S{at}"), 2 + at, "not listed"));
        }
        let list = peers.list();
        assert_eq!(list.len(), PEERS);
        assert!(list.iter().any(|peer| peer.calling == "MR1"));
        assert!(list.iter().all(|peer| peer.calling != "S0"));
    }

    #[test]
    fn the_latest_failure_stands_beside_what_went_well() {
        let peers = Peers::default();
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let why = || {
            let all = peers.list();
            all[0].failure.clone().map(|failure| failure.why)
        };
        let broken = |at: i64| AssociationEnd {
            reason: "lost".to_owned(),
            ..AssociationEnd::at(Timestamp::from_micros(at))
        };
        peers.note(peer("MR1", 1, "not listed"));
        assert_eq!(why(), None, "the latest itself");
        peers.note(peer("MR1", 2, ""));
        assert_eq!(why().as_deref(), Some("not listed"));
        peers.note(peer("MR1", 3, ""));
        peers.note(peer("MR1", 4, ""));
        assert_eq!(why().as_deref(), Some("not listed"));
        // It ends behind a later one.
        peers.end("MR1", here, Timestamp::from_micros(3), broken(5));
        assert_eq!(why().as_deref(), Some("it broke off: lost"));
        peers.end("MR1", here, Timestamp::from_micros(2), broken(6));
        let failure = peers.list()[0].failure.clone().map(|one| one.asked_at);
        assert_eq!(failure, Some(Timestamp::from_micros(3)), "the later one");
    }

    #[test]
    fn the_latest_association_stands_and_hears_its_own_end_alone() {
        let peers = Peers::default();
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        peers.note(peer("MR1", 1, ""));
        peers.note(peer("MR1", 2, ""));
        let end = AssociationEnd {
            stored: 3,
            ..AssociationEnd::at(Timestamp::from_micros(3))
        };
        peers.end("MR1", here, Timestamp::from_micros(1), end.clone());
        assert_eq!(peers.list()[0].ended, None);
        peers.end("MR1", here, Timestamp::from_micros(2), end.clone());
        assert_eq!(peers.list()[0].ended, Some(end));
        assert_eq!(peers.list()[0].count, 2);
    }
}
