//! What was read and decided, by whom, when: rows that hold on to each other by their digests.

use std::collections::HashMap;
use std::sync::Mutex;

use overread_model::access::{Actor, Role};
use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use crate::error::{StoreError, StoreResult};
use crate::script::values;
use crate::{Script, Store, Tx, limits, timeline};

/// One thing that was done. Holds ids only: no name, no text of a report, no UID of DICOM in clear words of a patient.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditEvent {
    /// What was done, a stable word: `study.read`, `case.signed`.
    pub event: &'static str,
    /// The case it was done in.
    pub case_id: Option<CaseId>,
    /// What sort of thing it was done to: `study`, `document`, `token`.
    pub subject_kind: Option<&'static str>,
    /// Which one (our id).
    pub subject_id: Option<String>,
    /// More, as JSON; no patient data.
    pub detail: Option<serde_json::Value>,
}

impl AuditEvent {
    /// Makes an event that concerns no particular case or thing.
    pub fn new(event: &'static str) -> Self {
        Self {
            event,
            ..Self::default()
        }
    }

    /// Says in which case.
    #[must_use]
    pub fn in_case(mut self, case_id: &CaseId) -> Self {
        self.case_id = Some(case_id.clone());
        self
    }

    /// Says to what it was done.
    #[must_use]
    pub fn on(mut self, kind: &'static str, id: impl ToString) -> Self {
        self.subject_kind = Some(kind);
        self.subject_id = Some(id.to_string());
        self
    }

    /// Says more about it.
    #[must_use]
    pub fn with(mut self, detail: serde_json::Value) -> Self {
        self.detail = Some(detail);
        self
    }
}

/// One row, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct AuditRow {
    /// Counts from 1 without gaps.
    pub seq: i64,
    /// UTC µs.
    pub at: i64,
    /// `person`, `machine`, `link`, `system`.
    pub actor_kind: String,
    /// The id behind the actor.
    pub actor_id: String,
    /// The role it acted in, or empty.
    pub actor_role: String,
    /// What was done.
    pub event: String,
    /// In which case.
    pub case_id: Option<String>,
    /// To what sort of thing.
    pub subject_kind: Option<String>,
    /// To which one.
    pub subject_id: Option<String>,
    /// More, as JSON text.
    pub detail: Option<String>,
    /// BLAKE3 of the row before and of this row's fields.
    pub hash: Vec<u8>,
}

/// What the proof of the chain found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct ChainProof {
    /// Rows that hold.
    pub rows: u64,
    /// Where it does not hold: the number of the first row that was changed, is missing or was cut off.
    pub broken_at: Option<i64>,
}

/// Digests a row together with the row before; every field is preceded by its length, so that none can be shifted.
fn link(previous: &[u8], row: &AuditRow) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new_derive_key("overread audit 1");
    let mut field = |bytes: Option<&[u8]>| match bytes {
        Some(bytes) => {
            hasher.update(&(bytes.len() as u64 + 1).to_le_bytes());
            hasher.update(bytes);
        }
        None => {
            hasher.update(&0_u64.to_le_bytes());
        }
    };
    field(Some(previous));
    field(Some(&row.seq.to_le_bytes()));
    field(Some(&row.at.to_le_bytes()));
    for text in [&row.actor_kind, &row.actor_id, &row.actor_role, &row.event] {
        field(Some(text.as_bytes()));
    }
    for text in [
        &row.case_id,
        &row.subject_kind,
        &row.subject_id,
        &row.detail,
    ] {
        field(text.as_deref().map(str::as_bytes));
    }
    hasher.finalize().as_bytes().to_vec()
}

/// Writes one row into the same transaction as what it tells of; also part of a batch.
///
/// # Errors
/// When the database fails; then nothing of the transaction may be kept.
pub async fn record(
    tx: &mut Tx,
    actor: &Actor,
    event: &AuditEvent,
    now: Timestamp,
) -> StoreResult<()> {
    // The update takes the row's lock: rows of concurrent transactions queue here, so that the chain stays one line.
    let sql = "update audit_head set seq = seq + 1 where id = 1 returning seq, hash";
    let mut head: Vec<(i64, Vec<u8>)> = tx.rows(sql, values![]).await?;
    let (seq, previous) = head.pop().ok_or(StoreError::Damaged {
        table: "audit_head",
    })?;
    let mut row = AuditRow {
        seq,
        at: now.as_micros(),
        actor_kind: actor.kind().to_owned(),
        actor_id: actor.id().to_owned(),
        actor_role: actor.role().map_or("", |role| role.as_str()).to_owned(),
        event: event.event.to_owned(),
        case_id: event.case_id.as_ref().map(|id| id.as_str().to_owned()),
        subject_kind: event.subject_kind.map(str::to_owned),
        subject_id: event.subject_id.clone(),
        detail: event.detail.as_ref().map(ToString::to_string),
        hash: Vec::new(),
    };
    row.hash = link(&previous, &row);
    let mut script = Script::default();
    script.add(
        "insert into audit (seq, at, actor_kind, actor_id, actor_role, event, case_id, subject_kind, subject_id, detail, hash) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        values![
            row.seq,
            row.at,
            row.actor_kind.as_str(),
            row.actor_id.as_str(),
            row.actor_role.as_str(),
            row.event.as_str(),
            &row.case_id,
            &row.subject_kind,
            &row.subject_id,
            &row.detail,
            row.hash.as_slice(),
        ],
    );
    script.add(
        "update audit_head set hash = $1 where id = 1",
        values![row.hash.as_slice()],
    );
    script.run(tx).await
}

/// Waits for the turn to write rows, for whoever locks something else before the first of them: everybody who needs both waits
/// here first, so that no two wait for each other.
///
/// # Errors
/// When the database fails.
pub async fn take_turn(tx: &mut Tx) -> StoreResult<()> {
    let sql = "update audit_head set seq = seq where id = 1";
    tx.run(sql, values![]).await?;
    Ok(())
}

/// Lists the rows of a case, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list_of_case(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<AuditRow>> {
    Ok(on!(tx, c => sqlx::query_as(
            "select seq, at, actor_kind, actor_id, actor_role, event, case_id, subject_kind, subject_id, detail, hash \
             from audit where case_id = $1 order by seq").bind(case_id.as_str()).fetch_all(&mut *c).await?))
}

/// Which rows are looked for; what is empty says nothing.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// In this case, or about images that it holds or held: who reads those says in no row for which case. Rows about images that
    /// were erased meanwhile are found as far as they are of our id of the study.
    pub case_id: String,
    /// By whom (the id behind the actor).
    pub actor_id: String,
    /// The first word of what was done: `study`, `case`.
    pub kind: String,
    /// Not before, UTC µs.
    pub from: Option<i64>,
    /// Before, UTC µs.
    pub until: Option<i64>,
}

/// Some rows, the newest first, and before which row the next ones begin; `None` where none can match any more.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The rows.
    pub rows: Vec<AuditRow>,
    /// For the next page.
    pub next: Option<i64>,
}

const ROWS: &str = "select seq, at, actor_kind, actor_id, actor_role, event, case_id, subject_kind, subject_id, detail, hash \
    from audit where (at, seq) < ($1, $2) and (at, seq) >= ($3, $4) and ($5 = '' or actor_id = $5) \
    and ($6 = '' or substr(event, 1, length($6) + 1) = $6 || '.') order by at desc, seq desc limit $7";

/// Lists rows before this number, the newest first, at most `limit`; looks at [`limits::AUDIT_ROWS_LOOKED_AT`] at most, unless
/// those of one case are asked for, which an index knows.
///
/// # Errors
/// When the database fails.
pub async fn list(tx: &mut Tx, wanted: &Wanted, before: i64, limit: i64) -> StoreResult<Page> {
    let from = wanted.from.unwrap_or(0);
    let until = wanted.until.unwrap_or(i64::MAX);
    // One more than is shown says whether there is one.
    let more = limit.saturating_add(1);
    let (mut rows, floor): (Vec<AuditRow>, _) = if wanted.case_id.is_empty() {
        let (at, seq) = place_before(tx, before, until).await?;
        let floor = match wanted.actor_id.is_empty() && wanted.kind.is_empty() {
            true => None,
            false => floor_below(tx, (at, seq), from).await?,
        };
        let (floor_at, floor_seq) = floor.unwrap_or((from, 0));
        let rows = on!(tx, c => sqlx::query_as(ROWS).bind(at).bind(seq).bind(floor_at).bind(floor_seq)
            .bind(&wanted.actor_id).bind(&wanted.kind).bind(more).fetch_all(&mut *c).await?);
        (rows, floor)
    } else {
        let sql = include_str!("audit/of_case.sql");
        let rows = on!(tx, c => sqlx::query_as(sql).bind(before).bind(0_i64).bind(&wanted.case_id).bind(&wanted.actor_id)
            .bind(&wanted.kind).bind(from).bind(until).bind(more).fetch_all(&mut *c).await?);
        (rows, None)
    };
    let next = if i64::try_from(rows.len()) == Ok(more) {
        rows.pop();
        rows.last().map(|row| row.seq)
    } else {
        floor.map(|(_, seq)| seq)
    };
    Ok(Page { rows, next })
}

/// Returns below which time and row is looked: rows are in the order of their times, in which a clock that was set back leaves
/// none out.
async fn place_before(tx: &mut Tx, before: i64, until: i64) -> StoreResult<(i64, i64)> {
    let rows: Vec<(i64,)> = tx
        .rows("select at from audit where seq = $1", values![before])
        .await?;
    let end = (until, 0);
    Ok(rows.first().map_or(end, |(at,)| end.min((*at, before))))
}

/// Returns the last row that one question looks at; `None` where there are fewer.
async fn floor_below(
    tx: &mut Tx,
    (at, seq): (i64, i64),
    from: i64,
) -> StoreResult<Option<(i64, i64)>> {
    let rows: Vec<(i64, i64)> = tx
        .rows(
            "select at, seq from audit where (at, seq) < ($1, $2) and at >= $3 order by at desc, seq desc limit 1 offset $4",
            values![at, seq, from, limits::AUDIT_ROWS_LOOKED_AT - 1],
        )
        .await?;
    Ok(rows.first().copied())
}

/// Says whether this is the id of a person, a token or a link, open or closed.
///
/// # Errors
/// When the database fails.
pub async fn is_actor(tx: &mut Tx, id: &str) -> StoreResult<bool> {
    let rows: Vec<(String,)> = tx
        .rows(
            "select id from person where id = $1 union all select id from token where id = $1 \
             union all select id from share_link where id = $1",
            values![id],
        )
        .await?;
    Ok(!rows.is_empty())
}

/// Returns the number that the next row will have.
///
/// # Errors
/// When the database fails.
pub async fn next_seq(tx: &mut Tx) -> StoreResult<i64> {
    let rows: Vec<(i64,)> = tx
        .rows("select seq from audit_head where id = 1", values![])
        .await?;
    Ok(rows.first().map_or(0, |(seq,)| *seq) + 1)
}

/// Proves the chain from its first row to its head.
///
/// # Errors
/// When the database fails; a broken chain is no error but an answer.
pub async fn prove(tx: &mut Tx) -> StoreResult<ChainProof> {
    let (last_seq, last_hash): (i64, Vec<u8>) = on!(tx, c => sqlx::query_as(
            "select seq, hash from audit_head where id = 1").fetch_one(&mut *c).await?);
    let mut proof = ChainProof::default();
    let (mut seq, mut hash) = (0_i64, vec![0_u8; 32]);
    loop {
        let rows: Vec<AuditRow> = on!(tx, c => sqlx::query_as(
                "select seq, at, actor_kind, actor_id, actor_role, event, case_id, subject_kind, subject_id, detail, hash \
                 from audit where seq > $1 order by seq limit $2").bind(seq).bind(limits::PROOF_ROWS).fetch_all(&mut *c).await?);
        if rows.is_empty() {
            break;
        }
        for row in rows {
            if row.seq != seq + 1 || link(&hash, &row) != row.hash {
                proof.broken_at = Some(seq + 1);
                return Ok(proof);
            }
            (seq, hash) = (row.seq, row.hash);
            proof.rows += 1;
        }
    }
    if seq != last_seq || hash != last_hash {
        proof.broken_at = Some(seq + 1);
    }
    Ok(proof)
}

/// How long the same actor's reading of the same thing counts as one reading.
const READING_SECONDS: i64 = 300;
/// How many readings are remembered at once.
const READINGS: usize = 10_000;

const DAMAGED: StoreError = StoreError::Damaged { table: "audit" };

/// Returns the event that takes back what was noted at this time: nothing of the study was taken.
pub fn not_taken(study_instance_uid: &str, noted_at: Timestamp) -> AuditEvent {
    AuditEvent::new("study.images_not_taken")
        .on("study", study_instance_uid)
        .with(serde_json::json!({ "noted_at": noted_at.as_micros() }))
}

type Reading = (&'static str, String, Option<Role>, &'static str, String);

fn reading(actor: &Actor, event: &AuditEvent) -> Reading {
    (
        actor.kind(),
        actor.id().to_owned(),
        actor.role(),
        event.event,
        event.subject_id.clone().unwrap_or_default(),
    )
}

/// Remembers recent readings, so that 300 slices of one study make one audit row and not 300.
#[derive(Debug, Default)]
pub struct ReadingLog {
    recent: Mutex<HashMap<Reading, Noted>>,
}

/// A reading that is on record.
#[derive(Debug, Clone, Copy)]
struct Noted {
    at: Timestamp,
    /// Whether another request was answered on the strength of the same row.
    is_relied_on: bool,
}

impl ReadingLog {
    /// Records a reading of a thing, durably, before it is answered; again only after five minutes.
    ///
    /// # Errors
    /// When the row could not be written: then the thing may not be shown.
    pub async fn note(
        &self,
        store: &Store,
        actor: &Actor,
        event: &AuditEvent,
        now: Timestamp,
    ) -> StoreResult<()> {
        self.note_new(store, actor, event, now).await.map(|_| ())
    }

    /// As [`note`](Self::note); says whether a row was written for this reading, or one that is there stands for it.
    ///
    /// # Errors
    /// When the row could not be written: then the thing may not be shown.
    pub async fn note_new(
        &self,
        store: &Store,
        actor: &Actor,
        event: &AuditEvent,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let key = reading(actor, event);
        if self.is_fresh(&key, now)? {
            return Ok(false);
        }
        let mut tx = store.begin().await?;
        record(&mut tx, actor, event, now).await?;
        tx.commit().await?;
        self.remember([key], now)?;
        Ok(true)
    }

    /// Records that of the images of a study, whose reading a row of this request tells of, none was taken after all; and forgets
    /// that reading with these reports, so that the next one is noted anew. A row that stands for another reading, too, is left.
    ///
    /// # Errors
    /// When the row could not be written.
    pub async fn note_not_taken(
        &self,
        store: &Store,
        actor: &Actor,
        event: &AuditEvent,
        reports: &[i64],
        now: Timestamp,
    ) -> StoreResult<()> {
        let key = reading(actor, event);
        let noted = {
            let mut recent = self.recent.lock().map_err(|_| DAMAGED)?;
            let noted = recent.get(&key).copied();
            let Some(noted) = noted.filter(|noted| !noted.is_relied_on) else {
                return Ok(());
            };
            recent.remove(&key);
            for id in reports {
                let report = AuditEvent::new("report.read").on("instance", id);
                recent.remove(&reading(actor, &report));
            }
            noted
        };
        let study = event.subject_id.as_deref().unwrap_or_default();
        let event = not_taken(study, noted.at);
        let mut tx = store.begin().await?;
        record(&mut tx, actor, &event, now).await?;
        tx.commit().await
    }

    /// As [`note`](Self::note), for reports among the images of a study: one row each, and their cases learn who has read them.
    ///
    /// # Errors
    /// When a row could not be written: then the reports may not be shown.
    pub async fn note_reports(
        &self,
        store: &Store,
        actor: &Actor,
        study_instance_uid: &str,
        instances: &[i64],
        now: Timestamp,
    ) -> StoreResult<()> {
        let mut fresh = Vec::new();
        for id in instances {
            let event = AuditEvent::new("report.read").on("instance", id);
            let key = reading(actor, &event);
            if !self.is_fresh(&key, now)? {
                fresh.push((key, event));
            }
        }
        if fresh.is_empty() {
            return Ok(());
        }
        let mut tx = store.begin().await?;
        for (_, event) in &fresh {
            record(&mut tx, actor, event, now).await?;
        }
        let what = timeline::REPORTS_AMONG_IMAGES;
        timeline::note_read_of_study(&mut tx, actor, study_instance_uid, what, now).await?;
        tx.commit().await?;
        self.remember(fresh.into_iter().map(|(key, _)| key), now)
    }

    fn remember(&self, keys: impl IntoIterator<Item = Reading>, now: Timestamp) -> StoreResult<()> {
        let mut recent = self.recent.lock().map_err(|_| DAMAGED)?;
        for key in keys {
            if recent.len() >= READINGS {
                recent.retain(|_, noted| noted.at.plus_seconds(READING_SECONDS) > now);
                if recent.len() >= READINGS {
                    recent.clear();
                }
            }
            let noted = Noted {
                at: now,
                is_relied_on: false,
            };
            recent.insert(key, noted);
        }
        Ok(())
    }

    fn is_fresh(&self, key: &Reading, now: Timestamp) -> StoreResult<bool> {
        let mut recent = self.recent.lock().map_err(|_| DAMAGED)?;
        let noted = recent.get_mut(key);
        let fresh = noted.filter(|noted| noted.at.plus_seconds(READING_SECONDS) > now);
        Ok(fresh.map(|noted| noted.is_relied_on = true).is_some())
    }
}
