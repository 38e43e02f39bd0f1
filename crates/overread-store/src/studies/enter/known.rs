//! Finds what is known of a batch already, in one question.

use std::collections::{BTreeSet, HashMap};

use overread_model::extent::Digest;

use super::super::StudyKey;
use super::super::sql::{Clause, padded};
use super::super::upsert::StudyEntry;
use super::{NewInstance, to_digest};
use crate::error::StoreResult;
use crate::{Tx, limits};

/// What is kept already of what a batch brings.
#[derive(Default)]
pub(super) struct Known {
    /// By SOP Instance UID: the study it is in, the digest of its bytes, and whether that study is deleted.
    pub(super) instances: HashMap<String, (StudyKey, Digest, bool)>,
    /// By Study Instance UID.
    pub(super) studies: HashMap<String, StudyEntry>,
    /// By study and Series Instance UID.
    pub(super) series: HashMap<(StudyKey, String), i64>,
    /// A person has called one of the studies the right patient's in some case.
    pub(super) has_decided_study: bool,
}

/// What it is, its UID, its id, the study it is in or whether it is complete or deleted, then what only some have.
type Row = (
    String,
    String,
    i64,
    i64,
    Option<Vec<u8>>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

const INSTANCES: &str = "select 'instance', i.sop_instance_uid, i.id, s.study_id, i.digest, cast(case when \
    s.study_id in (select study_id from deletion where ended_at is null) then 'deleted' end as text), \
    cast(null as text), cast(null as text), cast(null as text) from instance i join series s on s.id = i.series_id";
const STUDIES: &str = " union all select 'study', s.study_instance_uid, cast(s.id as bigint), \
    cast(case when s.id in (select study_id from deletion where ended_at is null) then 2 \
    when s.patient_name is null or s.patient_id is null or s.patient_birth_date is null or s.patient_sex is null \
    or s.accession_number is null or s.study_description is null or s.referring_physician_name is null \
    or s.study_time is null then 0 else 1 end as bigint), cast(null as bytea), s.patient_id, s.patient_name_folded, \
    s.patient_birth_date, s.study_date from study s where s.study_instance_uid in (";
const SERIES: &str = ") union all select 'series', series_instance_uid, id, study_id, cast(null as bytea), cast(null as text), \
    cast(null as text), cast(null as text), cast(null as text) from series where series_instance_uid in (";
const DECIDED: &str = ") union all select 'decided', s.study_instance_uid, s.id, cast(0 as bigint), cast(null as bytea), \
    cast(null as text), cast(null as text), cast(null as text), cast(null as text) from quarantine q \
    join study s on s.id = q.study_id and q.decision = 'right_patient' where s.study_instance_uid in (";

impl Known {
    /// Finds what is known of these instances, their studies and series.
    pub(super) async fn of(tx: &mut Tx, items: &[NewInstance]) -> StoreResult<Self> {
        let mut known = Self::default();
        for chunk in items.chunks(limits::FILTER_VALUES / 2) {
            known.add(tx, chunk).await?;
        }
        Ok(known)
    }

    async fn add(&mut self, tx: &mut Tx, items: &[NewInstance]) -> StoreResult<()> {
        let list = |uid: fn(&NewInstance) -> &str| {
            let uids: BTreeSet<&str> = items.iter().map(uid).collect();
            padded(uids.into_iter().map(str::to_owned).collect())
        };
        let studies = list(|item| item.facts.study.study_instance_uid.as_str());
        let mut clause = Clause::new(INSTANCES);
        clause.any_of(
            "i.sop_instance_uid",
            &list(|item| item.facts.sop_instance_uid.as_str()),
        );
        clause.push(STUDIES);
        clause.list(&studies);
        clause.push(SERIES);
        clause.list(&list(|item| item.facts.series.series_instance_uid.as_str()));
        clause.push(DECIDED);
        clause.list(&studies);
        clause.push(")");
        let rows: Vec<Row> = clause.rows(tx).await?;
        for row in rows {
            self.note(row)?;
        }
        Ok(())
    }

    fn note(&mut self, row: Row) -> StoreResult<()> {
        let (what, uid, id, study_id, digest, patient_id, name_folded, birth_date, study_date) =
            row;
        match what.as_str() {
            "instance" => {
                let digest = to_digest(&digest.unwrap_or_default(), "instance")?;
                let is_deleted = patient_id.is_some();
                self.instances
                    .insert(uid, (StudyKey(study_id), digest, is_deleted));
            }
            "study" => {
                let mut entry = StudyEntry::known(
                    StudyKey(id),
                    [patient_id, name_folded, birth_date, study_date],
                    study_id == 1,
                );
                entry.is_deleted = study_id == 2;
                self.studies.insert(uid, entry);
            }
            "series" => {
                self.series.insert((StudyKey(study_id), uid), id);
            }
            _ => self.has_decided_study = true,
        }
        Ok(())
    }
}
