//! One association from its request to its end.

use std::net::SocketAddr;
use std::sync::Arc;

use dicom_ul::pdu::{AbortRQServiceProviderReason, Pdu};
use overread_ingest::{
    DeliveryOptions, DeliverySource, IngestError, OneByOne, Received, Receiving, StowOutcome,
};
use overread_model::access::{Actor, Role};
use overread_model::ids::TokenId;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use crate::AeTitle;
use crate::command::{
    C_CANCEL_RQ, C_ECHO_RQ, C_STORE_RQ, Request, SOP_CLASS_NOT_SUPPORTED, Status,
    UNRECOGNIZED_OPERATION,
};
use crate::limits;
use crate::negotiation::{self, Agreed, Context, Refusal, Service};
use crate::server::{Seat, Shared};
use crate::storing;
use crate::wire::{Ended, Event, Fragment, Wire};

/// Serves one connection until its association ends.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    mut seat: Seat,
    stop: watch::Receiver<bool>,
) {
    let mut wire = Wire::new(stream, shared.config.idle);
    let opened = tokio::select! {
        opened = open(&shared, &mut wire, peer, &seat.storing_until) => opened,
        _ = &mut seat.ended => Err(Ended::MadeRoom),
    };
    let (agreed, _place) = match opened {
        Ok(Some(opened)) => opened,
        Ok(None) => return wire.close().await,
        Err(ended) => {
            tracing::warn!(peer = %peer.ip(), reason = %ended, "no DICOM association was made");
            return wire.abort(&ended).await;
        }
    };
    let delivery = match delivery(&shared, &agreed.calling) {
        Ok(delivery) => delivery,
        Err(error) => {
            tracing::error!(%error, "a DICOM association could not begin");
            let reason = AbortRQServiceProviderReason::ReasonNotSpecified;
            return wire.abort(&Ended::Protocol("no delivery", reason)).await;
        }
    };
    let mut association = Association {
        shared,
        wire,
        contexts: agreed.contexts,
        peer_pdu_bytes: agreed.peer_pdu_bytes,
        delivery,
        storing_until: seat.storing_until,
        stored: 0,
        refused: 0,
    };
    let ended = tokio::select! {
        ended = association.answer_all(stop) => ended,
        _ = seat.ended => Err(Ended::MadeRoom),
    };
    let (stored, refused) = (association.stored, association.refused);
    let delivery_id = association.delivery.delivery_id().as_str();
    let (peer, calling) = (peer.ip(), &agreed.calling);
    match &ended {
        Ok(_) => {
            tracing::info!(%peer, %calling, delivery.id = delivery_id, stored, refused, "a DICOM association ended");
        }
        Err(reason) => {
            tracing::warn!(%peer, %calling, delivery.id = delivery_id, stored, refused, %reason, "a DICOM association broke off");
        }
    }
    match ended {
        Ok(End::Released) => association.wire.close().await,
        Ok(End::Stopping) => association.wire.release().await,
        Err(ended) => association.wire.abort(&ended).await,
    }
}

/// Reads the request and answers it; `None` when it was refused.
async fn open(
    shared: &Shared,
    wire: &mut Wire,
    peer: SocketAddr,
    storing_until: &watch::Sender<Option<Instant>>,
) -> Result<Option<(Agreed, OwnedSemaphorePermit)>, Ended> {
    let request = wire.request(shared.config.request).await?;
    // Whoever sets up a sender looks for its title here; what is no title is not repeated.
    let calling = request.calling_ae_title.parse::<AeTitle>();
    let calling = calling.map_or_else(|bad| bad.to_string(), |title| title.to_string());
    let decided = negotiation::decide(request, peer.ip(), &shared.config.callers);
    let decided = decided.and_then(|agreed| {
        let places = Arc::clone(&shared.associations);
        let place = places.try_acquire_owned().map_err(|_| Refusal::busy())?;
        Ok((agreed, place))
    });
    match decided {
        Ok((agreed, place)) => {
            // It has stored nothing yet, but harms more when it ends than who has no association.
            storing_until.send_replace(Some(Instant::now()));
            wire.send(&agreed.answer.clone().into()).await?;
            Ok(Some((agreed, place)))
        }
        Err(refusal) => {
            tracing::warn!(peer = %peer.ip(), calling, reason = refusal.why, "a DICOM association was refused");
            wire.send(&refusal.answer.into()).await?;
            Ok(None)
        }
    }
}

/// Begins the delivery of everything that one association stores; it belongs to no case.
fn delivery(shared: &Shared, calling: &AeTitle) -> Result<OneByOne, IngestError> {
    shared.ingest.one_by_one(&DeliveryOptions {
        case_id: None,
        // A peer has no token; its title stands for one, so that the audit tells peers apart.
        actor: Actor::Machine {
            token_id: TokenId::from_random(calling.padded()),
            role: Role::Archive,
        },
        now: (shared.clock)(),
        source: DeliverySource::Dimse,
    })
}

/// How an association ended as it should.
enum End {
    /// The peer released it.
    Released,
    /// The program stops.
    Stopping,
}

struct Association {
    shared: Arc<Shared>,
    wire: Wire,
    contexts: Vec<Context>,
    peer_pdu_bytes: usize,
    delivery: OneByOne,
    storing_until: watch::Sender<Option<Instant>>,
    stored: u64,
    refused: u64,
}

impl Association {
    async fn answer_all(&mut self, mut stop: watch::Receiver<bool>) -> Result<End, Ended> {
        loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stopping| *stopping) => return Ok(End::Stopping),
                ready = self.wire.ready() => ready?,
            }
            let Some((request, context)) = self.next_request().await? else {
                self.wire.send(&Pdu::ReleaseRP).await?;
                return Ok(End::Released);
            };
            let Some(status) = self.perform(&request, &context).await? else {
                continue;
            };
            let answer = request.answer(&status);
            self.wire
                .send_command(context.id, &answer, self.peer_pdu_bytes)
                .await?;
        }
    }

    /// Reads a whole command set; `None` when the peer releases instead.
    async fn next_request(&mut self) -> Result<Option<(Request, Context)>, Ended> {
        let mut command = Vec::new();
        let mut context_id = None;
        loop {
            let fragment = match self.wire.next().await? {
                Event::Fragment(fragment) => fragment,
                Event::Release if context_id.is_none() => return Ok(None),
                Event::Release => return Err(out_of_place("a release inside a message")),
            };
            if !fragment.is_command
                || *context_id.get_or_insert(fragment.context_id) != fragment.context_id
            {
                return Err(out_of_place("a fragment that belongs to no message"));
            }
            if command.len() + fragment.length_bytes > limits::COMMAND_BYTES {
                return Err(out_of_place("a command set is too long"));
            }
            self.wire.read(&mut command, fragment.length_bytes).await?;
            if fragment.is_last {
                let context = self
                    .contexts
                    .iter()
                    .find(|context| context.id == fragment.context_id)
                    .ok_or_else(|| {
                        out_of_place("a message in a presentation context that was not accepted")
                    })?;
                return Ok(Some((Request::parse(&command)?, context.clone())));
            }
        }
    }

    /// Does what is asked; `None` when nothing is to be answered.
    async fn perform(
        &mut self,
        request: &Request,
        context: &Context,
    ) -> Result<Option<Status>, Ended> {
        let status = match request.command_field {
            C_STORE_RQ => self.store(request, context).await?,
            C_ECHO_RQ => {
                self.read_past(request, context).await?;
                match context.service {
                    Service::Verification => Status::SUCCESS,
                    Service::Storage => Status::failure(
                        SOP_CLASS_NOT_SUPPORTED,
                        "this presentation context is for storage",
                    ),
                }
            }
            // Nothing here runs long enough to be cancelled.
            C_CANCEL_RQ => return Ok(None),
            _ => {
                self.read_past(request, context).await?;
                Status::failure(
                    UNRECOGNIZED_OPERATION,
                    "only C-ECHO and C-STORE are offered",
                )
            }
        };
        Ok(Some(status))
    }

    async fn store(&mut self, request: &Request, context: &Context) -> Result<Status, Ended> {
        if let Err(status) = storing::check(request, context) {
            self.read_past(request, context).await?;
            self.refused += 1;
            return Ok(status);
        }
        let head = storing::head(request, context, self.shared.config.ae_title.as_str());
        let stored = match self.receive(&head, context).await? {
            Ok(part) => self.keep(request, part).await,
            Err(error) => Err(error),
        };
        let status = storing::status(request, &stored);
        if status.code == 0 {
            self.stored += 1;
            let until = Instant::now() + self.shared.config.idle;
            self.storing_until.send_replace(Some(until));
        } else {
            self.refused += 1;
            if let Err(error) = &stored {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "an instance could not be stored"
                );
            } else {
                tracing::warn!(
                    delivery.id = self.delivery.delivery_id().as_str(),
                    status = status.code,
                    reason = status.comment,
                    "an instance was refused"
                );
            }
        }
        Ok(status)
    }

    async fn keep(
        &mut self,
        request: &Request,
        part: Received,
    ) -> Result<StowOutcome, IngestError> {
        let now = (self.shared.clock)();
        self.delivery
            .store(part, &storing::wanted(request), now)
            .await
    }

    /// Receives a data set behind the head of its file. That it cannot be kept is told once it is there.
    async fn receive(
        &mut self,
        head: &[u8],
        context: &Context,
    ) -> Result<Result<Received, IngestError>, Ended> {
        let mut receiving = self.shared.ingest.receive().await;
        push(&mut receiving, head).await;
        loop {
            let fragment = self.data_fragment(context).await?;
            let mut rest = fragment.length_bytes;
            while rest > 0 {
                let piece = self.wire.piece(rest).await?;
                let count = piece.len();
                push(&mut receiving, piece).await;
                self.wire.consume(count);
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

    /// Reads past the data set of a message whose command decides already.
    async fn read_past(&mut self, request: &Request, context: &Context) -> Result<(), Ended> {
        let mut is_done = !request.has_data_set;
        while !is_done {
            let fragment = self.data_fragment(context).await?;
            self.wire.skip(fragment.length_bytes).await?;
            is_done = fragment.is_last;
        }
        Ok(())
    }

    async fn data_fragment(&mut self, context: &Context) -> Result<Fragment, Ended> {
        match self.wire.next().await? {
            Event::Fragment(fragment)
                if !fragment.is_command && fragment.context_id == context.id =>
            {
                Ok(fragment)
            }
            Event::Fragment(_) => Err(out_of_place("a fragment that belongs to no message")),
            Event::Release => Err(out_of_place("a release inside a message")),
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

fn out_of_place(why: &'static str) -> Ended {
    Ended::Protocol(why, AbortRQServiceProviderReason::UnexpectedPduParameter)
}
