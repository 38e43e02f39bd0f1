//! How much room each instance of a batch takes in its case: none twice.

use std::collections::{HashMap, HashSet};

use overread_model::extent::Digest;
use overread_model::ids::CaseId;
use overread_model::keeping::Usage;

use super::known::Known;
use super::{NewInstance, StudyKey};
use crate::Tx;
use crate::error::StoreResult;
use crate::quotas::{self, Rooms};

/// An instance as it is counted: twins are one.
type Twin = (String, Digest);

/// What was counted of a batch so far.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// What the batch brings of each study, by its UID, whoever brings it.
    brought: HashMap<String, Usage>,
    twins: HashSet<Twin>,
    /// The instances for which there is room in a case.
    of_case: HashSet<(CaseId, Twin)>,
    /// What a case has room for of what the batch brings of a study.
    of_study: HashMap<(String, CaseId), Usage>,
    /// Stored studies for the whole of which there is room in a case that did not hold them.
    joined: HashSet<(StudyKey, CaseId)>,
}

impl Counted {
    /// Takes room for an instance, and for the whole of a stored study that it brings into a case with it: what is stored,
    /// and what came of it in this batch before, for whichever case. Says whether there was any.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn take(
        &mut self,
        tx: &mut Tx,
        (rooms, known): (&mut Rooms, &Known),
        item: &NewInstance,
    ) -> StoreResult<bool> {
        if rooms.is_of_stored() {
            return Ok(true);
        }
        let own = super::usage(item);
        let twin = (item.facts.sop_instance_uid.as_str().to_owned(), item.digest);
        let uid = item.facts.study.study_instance_uid.as_str();
        let mut brought = self.brought.get(uid).copied().unwrap_or_default();
        if !self.twins.contains(&twin) {
            brought = brought.and(own);
        }
        if let Some(case_id) = &item.scope.case_id {
            let of_study = (uid.to_owned(), case_id.clone());
            let counted = self.of_study.get(&of_study).copied().unwrap_or_default();
            // Nobody else puts a study that is there into a case: what comes of it is set aside.
            let joins = item.scope.actor.sees_every_case();
            let study = known.studies.get(uid).map(|study| study.key);
            let joining = study.filter(|_| joins).map(|key| (key, case_id.clone()));
            let joining = joining.filter(|joining| !self.joined.contains(joining));
            let more = if joins {
                brought.without(counted)
            } else if self.of_case.contains(&(case_id.clone(), twin.clone())) {
                Usage::default()
            } else {
                own
            };
            let all = match &joining {
                Some((study, _)) => quotas::of_joining(tx, *study, case_id).await?,
                None => Usage::default(),
            };
            let more = more.and(all);
            if more != Usage::default() && !rooms.take(tx, Some(case_id), more).await? {
                return Ok(false);
            }
            let counted = if joins { brought } else { counted.and(more) };
            self.of_study.insert(of_study, counted);
            self.of_case.insert((case_id.clone(), twin.clone()));
            self.joined.extend(joining);
        }
        self.brought.insert(uid.to_owned(), brought);
        self.twins.insert(twin);
        Ok(true)
    }
}
