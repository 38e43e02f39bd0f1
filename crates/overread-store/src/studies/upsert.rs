//! Makes or completes study and series rows and keeps their counters.

use overread_model::access::Actor;
use overread_model::hidden::Hidden;
use overread_model::imaging::{SeriesFacts, StudyFacts};
use overread_model::time::Timestamp;

use super::StudyKey;
use crate::audit::{self, AuditEvent};
use crate::error::{StoreError, StoreResult};
use crate::fold::fold;
use crate::script::values;
use crate::{Script, Tx};

/// A study row that an instance belongs to.
pub(super) struct StudyEntry {
    pub(super) key: StudyKey,
    pub(super) created: bool,
    /// It was deleted and can still be restored.
    pub(super) is_deleted: bool,
    patient_id: Option<String>,
    patient_name_folded: String,
    patient_birth_date: Option<String>,
    study_date: String,
    /// Nothing that an instance may fill in is left out.
    is_complete: bool,
}

/// A series row that an instance belongs to.
#[derive(Debug)]
pub(super) struct SeriesEntry {
    pub(super) id: i64,
    pub(super) created: bool,
}

fn shown(value: Option<&Hidden<String>>) -> Option<&str> {
    value.map(|hidden| hidden.reveal().as_str())
}

impl StudyEntry {
    /// A row that was there before: patient ID, folded name, birth date and study date, and whether nothing is left out.
    pub(super) fn known(
        key: StudyKey,
        [patient_id, name_folded, patient_birth_date, study_date]: [Option<String>; 4],
        is_complete: bool,
    ) -> Self {
        Self {
            key,
            created: false,
            is_deleted: false,
            patient_id,
            patient_name_folded: name_folded.unwrap_or_default(),
            patient_birth_date,
            study_date: study_date.unwrap_or_default(),
            is_complete,
        }
    }

    /// Says whether the instance names another patient than the study does; what either leaves out does not count.
    pub(super) fn names_another_patient(&self, facts: &StudyFacts) -> bool {
        self.differences(facts).contains(&true)
    }

    /// Says whether the instance is another person's: two of patient ID, birth date and name differ, or the patient ID
    /// alone while no name says that they are the same.
    pub(super) fn is_of_another_person(&self, facts: &StudyFacts) -> bool {
        let differences = self.differences(facts);
        let [id, _, _] = differences;
        let count = differences.into_iter().filter(|differs| *differs).count();
        let name = shown(facts.patient_name.as_ref())
            .map(fold)
            .unwrap_or_default();
        let has_same_name = !name.is_empty() && name == self.patient_name_folded;
        count > 1 || (id && !has_same_name)
    }

    /// Says whether the instance says of its patient what the study leaves out.
    pub(super) fn learns_from(&self, facts: &StudyFacts) -> bool {
        let new = |known: Option<&str>, said: Option<&Hidden<String>>| {
            known.unwrap_or_default().is_empty() && !shown(said).unwrap_or_default().is_empty()
        };
        new(self.patient_id.as_deref(), facts.patient_id.as_ref())
            || new(
                self.patient_birth_date.as_deref(),
                facts.patient_birth_date.as_ref(),
            )
            || new(
                Some(self.patient_name_folded.as_str()),
                facts.patient_name.as_ref(),
            )
    }

    /// Fills in what the instances before left out; a study that says more of its patient is judged anew.
    pub(super) async fn complete(&mut self, tx: &mut Tx, facts: &StudyFacts) -> StoreResult<()> {
        if self.created {
            return Ok(());
        }
        let date = facts.study_date.as_deref().unwrap_or_default();
        if self.study_date.is_empty() && !date.is_empty() {
            set_date(tx, self.key, date).await?;
            date.clone_into(&mut self.study_date);
        }
        if self.is_complete {
            return Ok(());
        }
        let name = shown(facts.patient_name.as_ref());
        let folded = name.map(fold).unwrap_or_default();
        complete(tx, self.key, facts, &folded).await?;
        if self.learns_from(facts) {
            judge_again(tx, self.key).await?;
            if self.patient_name_folded.is_empty() {
                add_name_parts(tx, self.key, &folded).await?;
                self.patient_name_folded = folded;
            }
            fill(&mut self.patient_id, facts.patient_id.as_ref());
            fill(
                &mut self.patient_birth_date,
                facts.patient_birth_date.as_ref(),
            );
        }
        Ok(())
    }

    /// Notes that an instance names another patient than the study does: a person must look before its cases show it again,
    /// also where one had called it the right patient's; that this is asked again is put on record.
    pub(super) async fn mix(&self, tx: &mut Tx, now: Timestamp) -> StoreResult<()> {
        let sql = "update study set mixed = 1 where id = $1";
        tx.run(sql, values![self.key.0]).await?;
        let sql = "delete from quarantine where study_id = $1 and decision = 'right_patient' returning case_id";
        let decided: Vec<(String,)> = tx.rows(sql, values![self.key.0]).await?;
        for (case_id,) in decided {
            let case_id = case_id.parse().map_err(|_| StoreError::Damaged {
                table: "quarantine",
            })?;
            let event = AuditEvent::new("quarantine.reopened")
                .in_case(&case_id)
                .on("study", self.key.0);
            audit::record(tx, &Actor::System, &event, now).await?;
        }
        judge_again(tx, self.key).await
    }

    /// Compares patient ID, birth date and name, in this order.
    fn differences(&self, facts: &StudyFacts) -> [bool; 3] {
        let differs =
            |known: &str, said: &str| !known.is_empty() && !said.is_empty() && known != said;
        let name = shown(facts.patient_name.as_ref())
            .map(fold)
            .unwrap_or_default();
        let id = shown(facts.patient_id.as_ref()).unwrap_or_default();
        let birth = shown(facts.patient_birth_date.as_ref()).unwrap_or_default();
        [
            differs(self.patient_id.as_deref().unwrap_or_default(), id),
            differs(
                self.patient_birth_date.as_deref().unwrap_or_default(),
                birth,
            ),
            differs(&self.patient_name_folded, &name),
        ]
    }
}

fn fill(known: &mut Option<String>, said: Option<&Hidden<String>>) {
    if known.as_deref().unwrap_or_default().is_empty() {
        *known = shown(said).map(str::to_owned);
    }
}

/// Makes the study row; `None` when somebody else has made it in the meantime.
pub(super) async fn study(
    tx: &mut Tx,
    facts: &StudyFacts,
    now: Timestamp,
) -> StoreResult<Option<StudyEntry>> {
    let name = shown(facts.patient_name.as_ref());
    let folded = name.map(fold).unwrap_or_default();
    let stand_in = stand_in_for_erased(tx).await?;
    let values = values![
        facts.study_instance_uid.as_str(),
        name,
        folded.as_str(),
        shown(facts.patient_id.as_ref()),
        shown(facts.issuer_of_patient_id.as_ref()),
        shown(facts.patient_birth_date.as_ref()),
        &facts.patient_sex,
        &facts.patient_age,
        facts.study_date.as_deref().unwrap_or_default(),
        &facts.study_time,
        shown(facts.accession_number.as_ref()),
        &facts.study_id,
        &facts.study_description,
        shown(facts.referring_physician_name.as_ref()),
        &facts.institution_name,
        now.as_micros(),
        &facts.timezone_offset_from_utc,
        shown(facts.referring_physician_name.as_ref()).map(fold),
    ];
    let made: Vec<(i64,)> = tx.rows(include_str!("insert_study.sql"), values).await?;
    if let Some(key) = stand_in {
        tx.run("delete from study where id = $1", values![key])
            .await?;
    }
    let Some((id,)) = made.first().copied() else {
        return Ok(None);
    };
    add_name_parts(tx, StudyKey(id), &folded).await?;
    Ok(Some(StudyEntry {
        key: StudyKey(id),
        created: true,
        is_deleted: false,
        patient_id: shown(facts.patient_id.as_ref()).map(str::to_owned),
        patient_name_folded: folded,
        patient_birth_date: shown(facts.patient_birth_date.as_ref()).map(str::to_owned),
        study_date: facts.study_date.clone().unwrap_or_default(),
        is_complete: false,
    }))
}

/// Keeps the key of an erased study from being given to another one, which the audit rows about it would then seem to be about:
/// SQLite gives the highest key in use and one. Returns the key of a row that is to be deleted again.
async fn stand_in_for_erased(tx: &mut Tx) -> StoreResult<Option<i64>> {
    if matches!(tx, Tx::Pg(_)) {
        return Ok(None);
    }
    let sql = "select coalesce((select max(study_id) from deletion), 0), coalesce((select max(id) from study), 0)";
    let highest: Vec<(i64, i64)> = tx.rows(sql, values![]).await?;
    let (erased, highest) = highest.first().copied().unwrap_or_default();
    if erased <= highest {
        return Ok(None);
    }
    let sql = "insert into study (id, study_instance_uid, patient_name_folded, study_date, modalities, created_at, changed_at) \
        values ($1, '', '', '', '', 0, 0)";
    tx.run(sql, values![erased]).await?;
    Ok(Some(erased))
}

/// Notes what stands where in the name, for searches of its middle.
async fn add_name_parts(tx: &mut Tx, key: StudyKey, folded: &str) -> StoreResult<()> {
    if folded.is_empty() {
        return Ok(());
    }
    let sql = include_str!("insert_name_parts.sql");
    tx.run(sql, values![key.0, folded]).await?;
    Ok(())
}

/// Fills in what the instances before left out.
async fn complete(tx: &mut Tx, key: StudyKey, facts: &StudyFacts, folded: &str) -> StoreResult<()> {
    let values = values![
        key.0,
        shown(facts.patient_name.as_ref()),
        folded,
        shown(facts.patient_id.as_ref()),
        shown(facts.patient_birth_date.as_ref()),
        &facts.patient_sex,
        shown(facts.accession_number.as_ref()),
        &facts.study_description,
        shown(facts.referring_physician_name.as_ref()),
        &facts.study_time,
        shown(facts.referring_physician_name.as_ref()).map(fold),
    ];
    tx.run(include_str!("complete_study.sql"), values).await?;
    Ok(())
}

/// Hides a study in its cases until it is judged anew: it says something else about its patient than when it was judged.
async fn judge_again(tx: &mut Tx, key: StudyKey) -> StoreResult<()> {
    let sql = "update case_study set pending = 1 where study_id = $1";
    tx.run(sql, values![key.0]).await?;
    Ok(())
}

/// Gives a date to a study whose first instance had none.
async fn set_date(tx: &mut Tx, key: StudyKey, date: &str) -> StoreResult<()> {
    let sql = "update study set study_date = $2 where id = $1";
    tx.run(sql, values![key.0, date]).await?;
    let sql = "update study_modality set study_date = $2 where study_id = $1";
    tx.run(sql, values![key.0, date]).await?;
    Ok(())
}

/// Finds or makes the series row.
pub(super) async fn series(
    tx: &mut Tx,
    study: StudyKey,
    facts: &SeriesFacts,
    now: Timestamp,
) -> StoreResult<SeriesEntry> {
    let sql = "select id from series where study_id = $1 and series_instance_uid = $2";
    let values = values![study.0, facts.series_instance_uid.as_str()];
    let known: Vec<(i64,)> = tx.rows(sql, values).await?;
    if let Some((id,)) = known.first().copied() {
        return Ok(SeriesEntry { id, created: false });
    }
    let requests = (!facts.request_attributes.is_empty())
        .then(|| serde_json::to_string(&facts.request_attributes).ok())
        .flatten();
    let sql = "insert into series (study_id, series_instance_uid, modality, series_number, series_description, series_date, \
        series_time, body_part_examined, laterality, protocol_name, manufacturer, station_name, \
        performed_procedure_step_start_date, performed_procedure_step_start_time, request_attributes, created_at, \
        changed_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16) returning id";
    let values = values![
        study.0,
        facts.series_instance_uid.as_str(),
        facts.modality.as_str(),
        facts.series_number,
        &facts.series_description,
        &facts.series_date,
        &facts.series_time,
        &facts.body_part_examined,
        &facts.laterality,
        &facts.protocol_name,
        &facts.manufacturer,
        &facts.station_name,
        &facts.performed_procedure_step_start_date,
        &facts.performed_procedure_step_start_time,
        &requests,
        now.as_micros(),
    ];
    let id = tx.made(sql, values).await?;
    Ok(SeriesEntry { id, created: true })
}

/// Notes a modality of the study, for search and for the list of them.
pub(super) async fn add_modality(tx: &mut Tx, study: StudyKey, modality: &str) -> StoreResult<()> {
    let sql = "insert into study_modality (modality, study_date, study_id) select $2, study_date, id from study where id = $1 \
        on conflict (modality, study_date, study_id) do nothing";
    if tx.run(sql, values![study.0, modality]).await? == 0 {
        return Ok(());
    }
    let sql = "select modality from study_modality where study_id = $1 order by modality";
    let rows: Vec<(String,)> = tx.rows(sql, values![study.0]).await?;
    let modalities: Vec<String> = rows.into_iter().map(|(modality,)| modality).collect();
    let sql = "update study set modalities = $2 where id = $1";
    tx.run(sql, values![study.0, modalities.join("\\").as_str()])
        .await?;
    Ok(())
}

/// Adds to a study's counters: series, instances, bytes.
pub(super) fn count_study(
    script: &mut Script,
    study: StudyKey,
    [series, instances, bytes]: [i64; 3],
    now: Timestamp,
) {
    script.add(
        "update study set series_count = series_count + $2, instance_count = instance_count + $3, \
         length_bytes = length_bytes + $4, changed_at = $5 where id = $1",
        values![study.0, series, instances, bytes, now.as_micros()],
    );
}

/// Adds to a series' counters.
pub(super) fn count_series(
    script: &mut Script,
    series_id: i64,
    [instances, bytes]: [i64; 2],
    now: Timestamp,
) {
    script.add(
        "update series set instance_count = instance_count + $2, length_bytes = length_bytes + $3, changed_at = $4 \
         where id = $1",
        values![series_id, instances, bytes, now.as_micros()],
    );
}
