//! Pulling a study: what the peer has and we have not, by C-GET, else by C-MOVE to ourselves; again until all is here.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use overread_dicom::syntax::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};
use tokio::time::sleep;

use super::asking::{Place, identifier, is_explicit};
use super::{FindLevel, Scu, ScuError};
use crate::command::{
    C_GET_RQ, C_MOVE_RQ, C_STORE_RQ, Command, CommandSet, PENDING, SUB_OPERATIONS_FAILED_PARTLY,
};
use crate::intake::Intake;
use crate::limits;
use crate::link::out_of_place;
use crate::requestor::{NotOpened, Proposal, Requestor};
use crate::service::{Operation, Root};
use crate::{Remote, query};

const GET: &str = Root::Study.class(Operation::Get);
const MOVE: &str = Root::Study.class(Operation::Move);
/// Syntaxes in which a peer may hold images, so that it need change nothing.
// PS3.5 A.4: lossless first, as far as the contexts of one association reach.
const COMPRESSED: [&str; 10] = [
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.201",
];
/// What is asked for when the peer does not tell the classes of a study: what scanners send most.
const USUAL_CLASSES: [&str; 16] = [
    "1.2.840.10008.5.1.4.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.2",
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.3.1",
    "1.2.840.10008.5.1.4.1.1.4",
    "1.2.840.10008.5.1.4.1.1.4.1",
    "1.2.840.10008.5.1.4.1.1.6.1",
    "1.2.840.10008.5.1.4.1.1.7",
    "1.2.840.10008.5.1.4.1.1.12.1",
    "1.2.840.10008.5.1.4.1.1.13.1.3",
    "1.2.840.10008.5.1.4.1.1.20",
    "1.2.840.10008.5.1.4.1.1.88.22",
    "1.2.840.10008.5.1.4.1.1.104.1",
    "1.2.840.10008.5.1.4.1.1.128",
];

/// What became of a pull.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Instances that the peer has.
    pub listed_count: usize,
    /// Of them, held here before.
    pub known_count: usize,
    /// Of them, not here at the end.
    pub missing_count: usize,
}

impl Scu {
    /// Fetches the instances of a study that are not here yet; tries again while some are missing.
    ///
    /// # Errors
    /// When the peer cannot be asked what it has, or nothing more came and the last try failed; what came is kept.
    pub async fn pull(&self, remote: &Remote, study: &str) -> Result<Fetched, ScuError> {
        let listed = self.listed(remote, study).await?;
        if listed.is_empty() {
            return Err(ScuError::NoSuchStudy);
        }
        let mut missing = self.missing(study, &listed).await?;
        let known_count = listed.len() - missing.len();
        let mut failure = None;
        for turn in 0..limits::TRIES {
            if missing.is_empty() {
                break;
            }
            if turn > 0 {
                sleep(limits::PAUSE_BEFORE_TRY).await;
            }
            let is_whole = missing.len() == listed.len();
            failure = self
                .fetch(remote, study, &listed, &missing, is_whole)
                .await
                .err();
            missing = self.missing(study, &listed).await?;
        }
        let fetched = Fetched {
            listed_count: listed.len(),
            known_count,
            missing_count: missing.len(),
        };
        match failure {
            Some(failure) if fetched.missing_count > 0 => Err(failure),
            _ => Ok(fetched),
        }
    }

    async fn missing(
        &self,
        study: &str,
        listed: &HashMap<String, Place>,
    ) -> Result<BTreeSet<String>, ScuError> {
        let held = self.held(study).await?;
        let held: HashSet<String> = held.into_iter().map(|one| one.sop_instance_uid).collect();
        let missing = listed.keys().filter(|uid| !held.contains(*uid));
        Ok(missing.cloned().collect())
    }

    async fn fetch(
        &self,
        remote: &Remote,
        study: &str,
        listed: &HashMap<String, Place>,
        missing: &BTreeSet<String>,
        is_whole: bool,
    ) -> Result<(), ScuError> {
        let mut by_series: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for uid in missing {
            if let Some((series, _)) = listed.get(uid) {
                by_series.entry(series).or_default().push(uid);
            }
        }
        let mut questions = Vec::new();
        if is_whole {
            questions.push((
                FindLevel::Study,
                vec![(query::STUDY_INSTANCE_UID, study.to_owned())],
            ));
        } else {
            for (series, uids) in by_series {
                for chunk in uids.chunks(limits::ASKED_UIDS) {
                    questions.push((
                        FindLevel::Image,
                        vec![
                            (query::STUDY_INSTANCE_UID, study.to_owned()),
                            (query::SERIES_INSTANCE_UID, series.to_owned()),
                            (query::SOP_INSTANCE_UID, chunk.join("\\")),
                        ],
                    ));
                }
            }
        }
        let classes: BTreeSet<&str> = missing
            .iter()
            .filter_map(|uid| listed.get(uid))
            .map(|(_, class)| class.as_str())
            .filter(|class| !class.is_empty())
            .collect();
        match self.open(remote, &get_proposals(&classes)).await {
            Ok(requestor) if requestor.context_of(GET).is_some() => {
                self.get(requestor, remote, &questions).await
            }
            Ok(requestor) => {
                requestor.release().await;
                self.move_here(remote, &questions).await
            }
            // What offers no C-GET may refuse the whole association.
            Err(NotOpened::NoService | NotOpened::Refused(_)) => {
                self.move_here(remote, &questions).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn get(
        &self,
        mut requestor: Requestor,
        remote: &Remote,
        questions: &[Question],
    ) -> Result<(), ScuError> {
        let mut intake = Intake::begin(&self.rooms, &self.own, &remote.ae_title, None)?;
        let mut got = Ok(());
        for question in questions {
            got = self.get_one(&mut requestor, &mut intake, question).await;
            if got.is_err() {
                break;
            }
        }
        requestor.release_with(got).await
    }

    async fn get_one(
        &self,
        requestor: &mut Requestor,
        intake: &mut Intake,
        question: &Question,
    ) -> Result<(), ScuError> {
        let message_id = ask(requestor, GET, CommandSet::request, C_GET_RQ, question).await?;
        loop {
            let Some((command, context)) = requestor.link.next().await? else {
                return Err(out_of_place("a release inside an operation").into());
            };
            if command.command_field == C_STORE_RQ {
                let link = &mut requestor.link;
                let status = intake.store(link, &command, &context).await?;
                link.send(context.id, &command.answer(&status)).await?;
                continue;
            }
            if !command.is_response() || command.message_id != message_id {
                return Err(out_of_place("what came is no answer to our message").into());
            }
            requestor.link.read_past(&command, &context).await?;
            if let Some(done) = last(command) {
                return done;
            }
        }
    }

    /// Lets the peer send to our own door, which must be served meanwhile.
    async fn move_here(&self, remote: &Remote, questions: &[Question]) -> Result<(), ScuError> {
        let mut requestor = self.open(remote, &[Proposal::plain(MOVE)]).await?;
        let moved = self.move_all(&mut requestor, questions).await;
        requestor.release_with(moved).await
    }

    async fn move_all(
        &self,
        requestor: &mut Requestor,
        questions: &[Question],
    ) -> Result<(), ScuError> {
        let to = self.own.as_str();
        let request =
            |field, id, class: &str| CommandSet::request(field, id, class).destination(to);
        for question in questions {
            let message_id = ask(requestor, MOVE, request, C_MOVE_RQ, question).await?;
            loop {
                let (answer, context) = requestor.response(message_id).await?;
                requestor.link.read_past(&answer, &context).await?;
                if let Some(done) = last(answer) {
                    done?;
                    break;
                }
            }
        }
        Ok(())
    }
}

/// A level and the unique keys down to it.
type Question = (FindLevel, Vec<(u32, String)>);

async fn ask(
    requestor: &mut Requestor,
    class: &str,
    request: impl Fn(u16, u16, &str) -> CommandSet,
    field: u16,
    (level, keys): &Question,
) -> Result<u16, ScuError> {
    let context = requestor
        .context_of(class)
        .ok_or_else(|| ScuError::NotOpened("it does not offer retrievals".to_owned()))?;
    let message_id = requestor.next_message_id();
    let set = request(field, message_id, class).with_data_set();
    requestor.link.send(context.id, &set).await?;
    let keys: Vec<(u32, &str)> = keys
        .iter()
        .map(|(tag, text)| (*tag, text.as_str()))
        .collect();
    let data = identifier(*level, &keys, is_explicit(&context));
    requestor.link.send_data(context.id, &data, true).await?;
    Ok(message_id)
}

/// Says how a retrieval ended; `None` while it goes on. What failed in part is asked for again.
fn last(answer: Command) -> Option<Result<(), ScuError>> {
    match answer.status {
        PENDING => None,
        0 | SUB_OPERATIONS_FAILED_PARTLY => Some(Ok(())),
        status => Some(Err(ScuError::Failed {
            status,
            comment: answer.comment,
        })),
    }
}

/// Asks for C-GET, and to be the provider of what comes by it.
fn get_proposals(classes: &BTreeSet<&str>) -> Vec<Proposal> {
    let classes: Vec<&str> = if classes.is_empty() {
        USUAL_CLASSES.to_vec()
    } else {
        classes.iter().copied().collect()
    };
    let mut proposals = vec![Proposal::plain(GET)];
    let of = |class: &str, syntaxes: &[&str]| Proposal {
        sop_class_uid: class.to_owned(),
        transfer_syntax_uids: syntaxes.iter().map(|&uid| uid.to_owned()).collect(),
        as_provider: true,
    };
    let plain = [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN];
    proposals.extend(classes.iter().map(|class| of(class, &plain)));
    for uid in COMPRESSED {
        proposals.extend(classes.iter().map(|class| of(class, &[uid])));
    }
    proposals.truncate(limits::CONTEXTS);
    proposals
}
