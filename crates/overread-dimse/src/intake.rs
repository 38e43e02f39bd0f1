//! Takes in what a peer stores, on its association or on one of ours (C-GET).

use std::collections::BTreeMap;

use overread_ingest::{
    DeliveryOptions, DeliverySource, Ingest, IngestError, OneByOne, Received, Receiving,
};
use overread_model::access::{Actor, Role};
use overread_model::ids::{CaseId, TokenId};
use overread_model::peers::AssociationEnd;
use overread_model::time::Timestamp;

use crate::AeTitle;
use crate::command::{Command, Status};
use crate::limits;
use crate::link::{Link, out_of_place};
use crate::negotiation::Context;
use crate::server::Rooms;
use crate::storing;
use crate::wire::Ended;

/// One delivery of a peer.
pub(crate) struct Intake {
    ingest: Ingest,
    clock: fn() -> Timestamp,
    /// Our title; it is written into the files that are kept.
    own: AeTitle,
    pub(crate) delivery: OneByOne,
    pub(crate) stored: u64,
    pub(crate) refused: u64,
    /// Why, in words, and how often; at most `limits::REFUSAL_REASONS`.
    refusals: BTreeMap<String, u64>,
}

impl Intake {
    /// Begins a delivery.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(crate) fn begin(
        rooms: &Rooms,
        own: &AeTitle,
        peer: &AeTitle,
        case_id: Option<CaseId>,
    ) -> Result<Self, IngestError> {
        let delivery = rooms.ingest.one_by_one(&DeliveryOptions {
            case_id,
            // A peer has no token; its title stands for one, so that the audit tells peers apart.
            actor: Actor::Machine {
                token_id: TokenId::of_peer(peer.as_str()),
                role: Role::Archive,
            },
            now: (rooms.clock)(),
            source: DeliverySource::Dimse,
        })?;
        Ok(Self {
            ingest: rooms.ingest.clone(),
            clock: rooms.clock,
            own: own.clone(),
            delivery,
            stored: 0,
            refused: 0,
            refusals: BTreeMap::new(),
        })
    }

    /// Takes in the data set of a C-STORE; what it answers with success is durable.
    ///
    /// # Errors
    /// The association ended.
    pub(crate) async fn store(
        &mut self,
        link: &mut Link,
        request: &Command,
        context: &Context,
    ) -> Result<Status, Ended> {
        if let Err(status) = storing::check(request, context) {
            link.read_past(request, context).await?;
            self.count_refusal(&status);
            return Ok(status);
        }
        let head = storing::head(request, context, self.own.as_str());
        let stored = match self.receive(link, &head, context).await? {
            Ok(part) => {
                let (wanted, now) = (storing::wanted(request), (self.clock)());
                self.delivery.store(part, &wanted, now).await
            }
            Err(error) => Err(error),
        };
        let status = storing::status(request, &stored);
        if status.code == 0 {
            self.stored += 1;
            return Ok(status);
        }
        self.count_refusal(&status);
        if let Err(error) = &stored {
            let error = error as &dyn std::error::Error;
            tracing::error!(error, "an instance could not be stored");
        } else {
            tracing::warn!(
                delivery.id = self.delivery.delivery_id().as_str(),
                status = status.code,
                reason = status.comment,
                "an instance was refused"
            );
        }
        Ok(status)
    }

    /// Says what came of the association that it was part of; without a reason it ended well.
    pub(crate) fn end(&self, broken: Option<&Ended>) -> AssociationEnd {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let refusals = self.refusals.iter();
        AssociationEnd {
            stored: signed(self.stored),
            refused: signed(self.refused),
            refusals: refusals
                .map(|(words, times)| (words.clone(), signed(*times)))
                .collect(),
            reason: broken.map(Ended::to_string).unwrap_or_default(),
            ..AssociationEnd::at((self.clock)())
        }
    }

    fn count_refusal(&mut self, status: &Status) {
        self.refused += 1;
        let words = format!("{} (status {:04X})", status.comment, status.code);
        if self.refusals.len() < limits::REFUSAL_REASONS || self.refusals.contains_key(&words) {
            *self.refusals.entry(words).or_default() += 1;
        }
    }

    /// Receives a data set behind the head of its file. That it cannot be kept is told once it is there.
    async fn receive(
        &self,
        link: &mut Link,
        head: &[u8],
        context: &Context,
    ) -> Result<Result<Received, IngestError>, Ended> {
        let mut receiving = self.ingest.receive().await;
        push(&mut receiving, head).await;
        loop {
            let fragment = link.data_fragment(context).await?;
            let mut rest = fragment.length_bytes;
            while rest > 0 {
                let piece = link.wire.piece(rest).await?;
                let count = piece.len();
                push(&mut receiving, piece).await;
                link.wire.consume(count);
                rest -= count;
            }
            if let Err(IngestError::PartTooLong) = receiving {
                return Err(out_of_place("a data set is too long"));
            }
            if fragment.is_last {
                return Ok(match receiving {
                    Ok(receiving) => receiving.finish().await,
                    Err(error) => Err(error),
                });
            }
        }
    }
}

/// Adds to a part as long as it can be kept; the first error stays.
async fn push(receiving: &mut Result<Receiving, IngestError>, more: &[u8]) {
    if let Ok(open) = receiving
        && let Err(error) = open.push(more).await
    {
        *receiving = Err(error);
    }
}
