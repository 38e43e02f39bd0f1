//! What the directory of a batch tells beside places and digests: who brought what, in which delivery, and when.
//!
//! It stays when the bytes are erased, so nothing in it is patient data. The name of a document is one: it is sealed with the
//! document's own bytes, and cannot be read any more once those are gone.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

use overread_archive::{Directory, Entry};
use overread_model::access::{Actor, Role};
use overread_model::ids::{CaseId, DeliveryId, DocumentId};
use overread_model::time::Timestamp;
use overread_store::documents::NewDocument;
use overread_store::studies::DeliveryScope;
use serde::{Deserialize, Serialize};

use crate::DeliverySource;

/// What the entries of a batch have in common.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct About {
    /// When it was stored, UTC µs.
    #[serde(rename = "t")]
    pub(crate) now: i64,
    /// The deliveries that it belongs to.
    #[serde(rename = "d")]
    pub(crate) deliveries: Vec<Delivery>,
}

/// A delivery, and who brings it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    #[serde(rename = "i")]
    id: DeliveryId,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    case_id: Option<CaseId>,
    #[serde(rename = "s")]
    source: String,
    #[serde(rename = "k")]
    actor_kind: String,
    #[serde(rename = "a", default, skip_serializing_if = "String::is_empty")]
    actor_id: String,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// The case that a link opens.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    link_case: Option<CaseId>,
    #[serde(rename = "t")]
    started_at: i64,
}

impl Delivery {
    pub(crate) fn of(scope: &DeliveryScope, source: &str, now: Timestamp) -> Self {
        let actor = &scope.actor;
        let link_case = match actor {
            Actor::Link { case_id, .. } => Some(case_id.clone()),
            _ => None,
        };
        Self {
            id: scope.delivery_id.clone(),
            case_id: scope.case_id.clone(),
            source: source.to_owned(),
            actor_kind: actor.kind().to_owned(),
            actor_id: actor.id().to_owned(),
            role: actor.role(),
            link_case,
            started_at: now.as_micros(),
        }
    }

    /// Returns the scope, the source and the begin as they were; `None` when they are not of this version of the program.
    pub(crate) fn scope(&self) -> Option<(Arc<DeliveryScope>, DeliverySource, Timestamp)> {
        let actor = match self.actor_kind.as_str() {
            "person" => Actor::Person {
                person_id: self.actor_id.parse().ok()?,
                role: self.role?,
            },
            "machine" => Actor::Machine {
                token_id: self.actor_id.parse().ok()?,
                role: self.role?,
            },
            "link" => Actor::Link {
                link_id: self.actor_id.parse().ok()?,
                case_id: self.link_case.clone()?,
            },
            "system" => Actor::System,
            _ => return None,
        };
        let source = DeliverySource::ALL
            .into_iter()
            .find(|source| source.as_str() == self.source)?;
        let scope = DeliveryScope {
            delivery_id: self.id.clone(),
            case_id: self.case_id.clone(),
            actor,
        };
        let started = Timestamp::from_micros(self.started_at);
        Some((Arc::new(scope), source, started))
    }
}

/// What an entry says beside its place and digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// Its place in the batch, which may lie in several packs.
    pub(crate) position: u64,
    /// Its delivery among those of the batch.
    pub(crate) delivery: Option<usize>,
    /// What a document is; an instance says it itself.
    pub(crate) paper: Option<Sealed>,
}

/// What is known of a document beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    #[serde(rename = "i")]
    pub(crate) id: DocumentId,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(crate) case_id: Option<CaseId>,
    #[serde(rename = "m")]
    pub(crate) media_type: String,
    #[serde(rename = "k")]
    pub(crate) kind: String,
    /// As hexadecimal signs.
    #[serde(rename = "n")]
    name: String,
}

impl Told {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(&mut bytes, self.position);
        put(
            &mut bytes,
            self.delivery.map_or(0, |index| index as u64 + 1),
        );
        if let Some(paper) = &self.paper {
            // Ids and media types are always text that JSON can hold.
            bytes.extend(serde_json::to_vec(paper).unwrap_or_default());
        }
        bytes
    }

    pub(crate) fn read(mut bytes: &[u8]) -> Option<Self> {
        let position = take(&mut bytes)?;
        let delivery = usize::try_from(take(&mut bytes)?).ok()?.checked_sub(1);
        let paper = match bytes {
            [] => None,
            json => Some(serde_json::from_slice(json).ok()?),
        };
        Some(Self {
            position,
            delivery,
            paper,
        })
    }
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(number);
        }
    }
    None
}

impl Sealed {
    /// Seals the name of a document with its bytes.
    pub(crate) fn of(document: &NewDocument, bytes: impl Read) -> io::Result<Self> {
        let mut name = document.name.clone().into_bytes();
        sealing(&document.id, bytes)?.turn(&mut name);
        Ok(Self {
            id: document.id.clone(),
            case_id: document.case_id.clone(),
            media_type: document.media_type.clone().into_owned(),
            kind: document.kind.clone().into_owned(),
            name: name.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }

    /// Reads the name.
    pub(crate) fn name(&self, bytes: impl Read) -> io::Result<String> {
        let digits = self.name.as_bytes().chunks(2);
        let bytes_of = digits.map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        });
        let mut name: Vec<u8> = bytes_of
            .collect::<Option<_>>()
            .ok_or(io::ErrorKind::InvalidData)?;
        sealing(&self.id, bytes)?.turn(&mut name);
        String::from_utf8(name).map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

/// What turns a name into its sealed form, and back.
struct Sealing(blake3::OutputReader);

impl Sealing {
    fn turn(mut self, name: &mut [u8]) {
        let mut key = vec![0; name.len()];
        self.0.fill(&mut key);
        for (byte, key) in name.iter_mut().zip(key) {
            *byte ^= key;
        }
    }
}

fn sealing(id: &DocumentId, bytes: impl Read) -> io::Result<Sealing> {
    let mut hasher = blake3::Hasher::new_derive_key("overread 2026-11 name of a document");
    hasher.update(id.as_str().as_bytes());
    hasher.update_reader(bytes)?;
    Ok(Sealing(hasher.finalize_xof()))
}

/// Gathers what a batch tells.
pub(crate) struct Telling {
    order: i64,
    now: i64,
    deliveries: Vec<Delivery>,
    places: HashMap<DeliveryId, usize>,
    entries: Vec<Entry>,
}

impl Telling {
    pub(crate) fn new(order: i64, now: Timestamp) -> Self {
        Self {
            order,
            now: now.as_micros(),
            deliveries: Vec::new(),
            places: HashMap::new(),
            entries: Vec::new(),
        }
    }

    /// Returns the place of a delivery among those of the batch.
    pub(crate) fn delivery(
        &mut self,
        scope: &DeliveryScope,
        source: &str,
        now: Timestamp,
    ) -> usize {
        if let Some(place) = self.places.get(&scope.delivery_id) {
            return *place;
        }
        let place = self.deliveries.len();
        self.deliveries.push(Delivery::of(scope, source, now));
        self.places.insert(scope.delivery_id.clone(), place);
        place
    }

    pub(crate) fn entry(
        &mut self,
        extent: overread_archive::Extent,
        digest: overread_archive::Digest,
        told: &Told,
    ) {
        self.entries.push(Entry {
            extent,
            digest,
            about: told.to_bytes(),
        });
    }

    /// Returns the directory, under a random number.
    pub(crate) fn directory(self) -> Result<Directory, crate::IngestError> {
        let random = overread_store::tokens::random_id()?;
        let about = About {
            now: self.now,
            deliveries: self.deliveries,
        };
        let [first @ .., _, _, _, _, _, _, _, _] = random;
        Ok(Directory {
            order: self.order,
            batch: u64::from_le_bytes(first),
            about: serde_json::to_vec(&about).unwrap_or_default(),
            entries: self.entries,
        })
    }
}

/// Returns the directory of one document that a person adds, and that comes with no delivery.
///
/// # Errors
/// When there are no random numbers.
pub fn directory_of_document(
    document: &NewDocument,
    bytes: &[u8],
    now: Timestamp,
) -> Result<Directory, crate::IngestError> {
    let paper = Sealed::of(document, bytes).map_err(crate::IngestError::Spool)?;
    let mut telling = Telling::new(now.as_micros(), now);
    let told = Told {
        position: 0,
        delivery: None,
        paper: Some(paper),
    };
    telling.entry(document.extent, document.digest, &told);
    telling.directory()
}

#[cfg(test)]
mod tests {
    use overread_model::ids::DocumentId;

    use super::{Sealed, Told, sealing};

    fn sealed(name: &str, bytes: &[u8]) -> Sealed {
        let id = DocumentId::from_random([7; 16]);
        let mut text = name.as_bytes().to_vec();
        sealing(&id, bytes).unwrap().turn(&mut text);
        Sealed {
            id,
            case_id: None,
            media_type: "application/pdf".to_owned(),
            kind: "document".to_owned(),
            name: text.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    #[test]
    fn a_name_is_read_with_the_bytes_and_not_without() {
        let name = "Befund Müller.pdf";
        let sealed = sealed(name, b"the report");
        assert_eq!(sealed.name(&b"the report"[..]).unwrap(), name);
        let erased = sealed.name(&[0; 10][..]);
        assert!(erased.map_or(true, |other| other != name));
        let told = Told {
            position: 300,
            delivery: Some(2),
            paper: Some(sealed),
        };
        let bytes = told.to_bytes();
        assert_eq!(Told::read(&bytes).unwrap(), told);
        assert!(!String::from_utf8_lossy(&bytes).contains("Befund"));
        for end in 0..bytes.len() {
            let cut = Told::read(&bytes[..end]);
            assert!(cut.is_none_or(|cut| cut != told));
        }
    }
}
