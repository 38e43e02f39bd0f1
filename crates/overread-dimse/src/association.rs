//! One association from its request to its end.

mod opening;

use std::net::SocketAddr;
use std::sync::Arc;

use dicom_ul::pdu::{AbortRQServiceProviderReason, Pdu};
use overread_model::case::CaseState;
use overread_model::ids::CaseId;
use overread_model::peers::AssociationEnd;
use overread_model::time::Timestamp;
use overread_store::cases;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::asker::{Asker, database};
use crate::callers::Admitted;
use crate::command::{
    C_CANCEL_RQ, C_ECHO_RQ, C_FIND_RQ, C_GET_RQ, C_MOVE_RQ, C_STORE_RQ, Command,
    DESTINATION_UNKNOWN, N_ACTION_RQ, N_EVENT_REPORT_RQ, NOT_AUTHORISED, SOP_CLASS_NOT_SUPPORTED,
    Status, UNRECOGNIZED_OPERATION,
};
use crate::committing;
use crate::intake::Intake;
use crate::link::{Link, out_of_place};
use crate::negotiation::{Agreed, Context};
use crate::query::{Identifier, Purpose};
use crate::retrieving::{self, Retrieval};
use crate::server::{Progress, Seat, Shared};
use crate::service::{Operation, Root, Service};
use crate::stream::Stream;
use crate::wire::{Ended, Wire};
use crate::{AeTitle, finding, worklist};
use opening::{note_unopened, open};

/// Serves one connection until its association ends.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    stream: Stream,
    peer: SocketAddr,
    mut seat: Seat,
    stop: watch::Receiver<bool>,
) {
    let mut wire = Wire::new(stream, shared.config.idle);
    let opened = tokio::select! {
        opened = open(&shared, &mut wire, peer, &seat.progress) => opened,
        _ = &mut seat.ended => Err(Ended::MadeRoom),
    };
    let (agreed, asked_at, mut place) = match opened {
        Ok(Some(opened)) => opened,
        Ok(None) => return wire.close().await,
        Err(ended) => {
            tracing::warn!(peer = %peer.ip(), reason = %ended, "no DICOM association was made");
            if matches!(ended, Ended::MadeRoom) {
                note_unopened(&shared, peer, wire.is_tls(), &ended);
            }
            return wire.abort(&ended).await;
        }
    };
    let case_id = case_of(&shared, &agreed.caller).await;
    remark_on_case(&shared, &agreed, case_id.as_ref(), (peer, asked_at));
    let rooms = shared.rooms();
    let intake = match Intake::begin(&rooms, &shared.config.ae_title, &agreed.calling, case_id) {
        Ok(intake) => intake,
        Err(error) => {
            tracing::error!(%error, "a DICOM association could not begin");
            let reason = AbortRQServiceProviderReason::ReasonNotSpecified;
            return wire.abort(&Ended::Protocol("no delivery", reason)).await;
        }
    };
    let mut association = Association {
        shared,
        link: Link {
            wire,
            contexts: agreed.contexts,
            peer_pdu_bytes: agreed.peer_pdu_bytes,
        },
        calling: agreed.calling.clone(),
        caller: agreed.caller,
        intake,
        denied: String::new(),
        progress: seat.progress,
    };
    let ended = tokio::select! {
        ended = association.answer_all(stop) => ended,
        _ = seat.ended => Err(Ended::MadeRoom),
        _ = &mut place.ended => Err(Ended::MadeRoom),
    };
    let (stored, refused) = (association.intake.stored, association.intake.refused);
    let delivery_id = association.intake.delivery.delivery_id().as_str();
    let (peer, calling) = (peer.ip(), &agreed.calling);
    let end = AssociationEnd {
        denied: association.denied,
        ..association.intake.end(ended.as_ref().err())
    };
    let peers = &association.shared.peers;
    peers.end(calling.as_str(), peer, asked_at, end);
    match &ended {
        Ok(_) => {
            tracing::info!(%peer, %calling, delivery.id = delivery_id, stored, refused, "a DICOM association ended");
        }
        Err(reason) => {
            tracing::warn!(%peer, %calling, delivery.id = delivery_id, stored, refused, %reason, "a DICOM association broke off");
        }
    }
    match ended {
        Ok(End::Released) => association.link.wire.close().await,
        Ok(End::Stopping) => association.link.wire.release().await,
        Err(ended) => association.link.wire.abort(&ended).await,
    }
}

/// Notes that what a caller stores does not go into the case that its entry names.
fn remark_on_case(
    shared: &Shared,
    agreed: &Agreed,
    case_id: Option<&CaseId>,
    (peer, asked_at): (SocketAddr, Timestamp),
) {
    let caller = agreed.caller.as_ref();
    let is_meant = caller.is_some_and(|caller| caller.case_id.is_some());
    if is_meant && case_id.is_none() {
        let remark = "Its case in dimse.callers takes no records now, so that what it sends waits under “Images without a case”.";
        let calling = agreed.calling.as_str();
        shared
            .peers
            .remark(calling, peer.ip(), asked_at, remark.to_owned());
    }
}

/// Returns the case that what a caller stores belongs to. A case that takes no records any more gets none: they wait in no
/// case for a coordinator, since refusing them would lose them.
async fn case_of(shared: &Shared, caller: &Admitted) -> Option<CaseId> {
    let case_id = caller.as_ref().and_then(|caller| caller.case_id.clone())?;
    let found = async {
        let mut tx = shared.ingest.store().read().await?;
        cases::find(&mut tx, &case_id).await
    };
    let takes_records = match found.await {
        Ok(row) => row.is_some_and(|row| {
            row.state
                .parse::<CaseState>()
                .is_ok_and(CaseState::takes_records)
        }),
        Err(error) => {
            database(&error);
            false
        }
    };
    if !takes_records {
        tracing::warn!(
            case.id = case_id.as_str(),
            "a DICOM peer stores for a case that takes no records; its images wait in no case"
        );
    }
    Some(case_id).filter(|_| takes_records)
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
    link: Link,
    calling: AeTitle,
    caller: Admitted,
    intake: Intake,
    /// Why a request was refused, as `AssociationEnd` has it.
    denied: String,
    progress: Progress,
}

impl Association {
    async fn answer_all(&mut self, mut stop: watch::Receiver<bool>) -> Result<End, Ended> {
        // What a peer without an address missed when it left early.
        committing::report_here(&self.shared, &mut self.link, self.calling.as_str()).await?;
        loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stopping| *stopping) => return Ok(End::Stopping),
                ready = self.link.wire.ready() => ready?,
            }
            let Some((request, context)) = self.link.next().await? else {
                self.link.wire.send(&Pdu::ReleaseRP).await?;
                return Ok(End::Released);
            };
            if request.is_response() {
                return Err(out_of_place("the peer answered what nobody asked"));
            }
            self.perform(&request, &context).await?;
        }
    }

    /// Does what is asked, and answers.
    async fn perform(&mut self, request: &Command, context: &Context) -> Result<(), Ended> {
        self.progress.asks();
        let status = match (request.command_field, context.service) {
            (C_STORE_RQ, _) => self.store(request, context).await?,
            (C_ECHO_RQ, service) => {
                self.link.read_past(request, context).await?;
                match service {
                    Service::Verification => Status::SUCCESS,
                    _ => Status::failure(
                        SOP_CLASS_NOT_SUPPORTED,
                        "this presentation context is not for verification",
                    ),
                }
            }
            (C_FIND_RQ, Service::Query(Operation::Find, root)) => {
                self.find(request, context, root).await?
            }
            (C_FIND_RQ, Service::Worklist) => self.find_work(request, context).await?,
            (C_GET_RQ, Service::Query(Operation::Get, root))
            | (C_MOVE_RQ, Service::Query(Operation::Move, root)) => {
                return self.retrieve(request, context, root).await;
            }
            (N_ACTION_RQ, Service::Commitment) => return self.commit(request, context).await,
            (N_EVENT_REPORT_RQ, Service::Commitment) => {
                let data = self.link.read_data(request, context).await?;
                committing::hear(&self.shared, self.calling.as_str(), &data, context).await
            }
            // What it would have ended has ended already.
            (C_CANCEL_RQ, _) => return Ok(()),
            (C_FIND_RQ | C_GET_RQ | C_MOVE_RQ, _) => {
                self.link.read_past(request, context).await?;
                Status::failure(
                    SOP_CLASS_NOT_SUPPORTED,
                    "this presentation context is for something else",
                )
            }
            _ => {
                self.link.read_past(request, context).await?;
                Status::failure(
                    UNRECOGNIZED_OPERATION,
                    "only C-ECHO, C-STORE, C-FIND, C-GET, C-MOVE are offered",
                )
            }
        };
        if status.code == 0 {
            self.progress.served();
        }
        self.answer(request, context, &status).await
    }

    /// Keeps the first refusal that the settings can mend for who looks at the page of peers.
    fn deny(&mut self, status: u16, reason: &str) {
        if self.denied.is_empty() {
            let calling = self.calling.as_str();
            tracing::warn!(calling, status, reason, "a DICOM request was refused");
            self.denied = format!("{reason} (status {status:04X})");
        }
    }

    /// Answers with a status.
    async fn answer(
        &mut self,
        request: &Command,
        context: &Context,
        status: &Status,
    ) -> Result<(), Ended> {
        let is_of_settings = matches!(status.code, NOT_AUTHORISED | DESTINATION_UNKNOWN);
        let is_stored = request.command_field == C_STORE_RQ;
        if is_of_settings && !is_stored {
            self.deny(status.code, &status.comment);
        }
        self.link.send(context.id, &request.answer(status)).await
    }

    async fn commit(&mut self, request: &Command, context: &Context) -> Result<(), Ended> {
        let data = self.link.read_data(request, context).await?;
        let calling = self.calling.as_str();
        let status = committing::ask(&self.shared, calling, request, &data, context).await;
        self.link.send(context.id, &request.answer(&status)).await?;
        if status.code == 0 {
            self.progress.served();
            self.shared.asked.notify_one();
            committing::report_here(&self.shared, &mut self.link, calling).await?;
        }
        Ok(())
    }

    async fn find(
        &mut self,
        request: &Command,
        context: &Context,
        root: Root,
    ) -> Result<Status, Ended> {
        let identifier = self.link.read_data(request, context).await?;
        let asker = match Asker::of(&self.shared, &self.caller).await {
            Ok(asker) => asker,
            Err(status) => return Ok(status),
        };
        self.progress.served();
        let syntax = context.transfer_syntax_uid.as_str();
        let purpose = Purpose::Search;
        let is_relational = context.is_relational;
        match Identifier::parse(&identifier, syntax, root, is_relational, purpose) {
            Err(status) => Ok(status),
            Ok(asked) => {
                let asked = finding::Asked {
                    request,
                    context,
                    asker,
                    asked,
                };
                finding::answer(&self.shared, &mut self.link, asked).await
            }
        }
    }

    async fn find_work(&mut self, request: &Command, context: &Context) -> Result<Status, Ended> {
        let identifier = self.link.read_data(request, context).await?;
        let asker = match Asker::of(&self.shared, &self.caller).await {
            Ok(asker) => asker,
            Err(status) => return Ok(status),
        };
        self.progress.served();
        let asked = worklist::Asked {
            request,
            context,
            asker,
            identifier,
            calling: self.calling.as_str(),
        };
        worklist::answer(&self.shared, &mut self.link, asked).await
    }

    async fn retrieve(
        &mut self,
        request: &Command,
        context: &Context,
        root: Root,
    ) -> Result<(), Ended> {
        let identifier = self.link.read_data(request, context).await?;
        self.progress.served();
        let retrieval = Retrieval {
            request,
            context,
            root,
            identifier,
            calling: self.calling.as_str(),
        };
        let retrieved =
            retrieving::answer(&self.shared, &self.caller, &mut self.link, retrieval).await?;
        let (answer, list) = match retrieved {
            Ok(retrieved) => retrieved,
            Err(status) => return self.answer(request, context, &status).await,
        };
        if answer.is_not_authorised() {
            self.deny(NOT_AUTHORISED, "what allowed it ended meanwhile");
        }
        self.link.send(context.id, &answer).await?;
        if list.is_empty() {
            return Ok(());
        }
        self.link.send_data(context.id, &list, true).await
    }

    async fn store(&mut self, request: &Command, context: &Context) -> Result<Status, Ended> {
        let status = self.intake.store(&mut self.link, request, context).await?;
        if status.code == 0 {
            let until = Instant::now() + self.shared.config.idle;
            self.progress.stored(until);
        }
        Ok(status)
    }
}
