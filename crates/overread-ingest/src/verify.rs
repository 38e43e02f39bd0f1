//! Re-reads every byte and row, and names what is damaged.

mod unclaimed;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::{StreamExt, stream};
use overread_archive::{Archive, ArchiveError};
use overread_dicom::{ParseLimits, Parsed};
use overread_model::extent::{Digest, PackId};
use overread_model::text::counted;
use overread_store::proof::{self, Claim, InstanceClaim, Owner};
use overread_store::{Store, StoreError, audit, packs};
use serde::Serialize;

use crate::kept::ExtentReader;
use crate::{IngestError, inflating, limits};

/// What the proof found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Nothing is damaged, and the index knows every byte.
    pub ok: bool,
    /// Instances whose bytes and rows hold.
    pub instances: u64,
    /// Bytes that were read and hold.
    pub bytes: u64,
    /// Instances kept aside and documents whose bytes hold.
    pub others: u64,
    /// Rows of the audit chain that hold.
    pub audit_rows: u64,
    /// Bytes of whole batches that the index does not know. [`crate::Ingest::recover`] takes in what a failure left and what an
    /// older copy of the database lacks, `rebuild` what a new one does. What is being written, or was never finished, does not
    /// count.
    pub unclaimed_bytes: u64,
    /// What does not hold, by our own ids, without patient data. [`verify`] adds the UIDs of the images.
    pub damaged: Vec<String>,
    /// How many images of each study, by its UID, are damaged or missing; of at most [`limits::COUNTED_STUDIES`] studies.
    pub damaged_studies: BTreeMap<String, u64>,
    /// Packs in which something does not hold, or that are missing.
    #[serde(skip)]
    pub damaged_packs: BTreeSet<PackId>,
    /// Damages beyond those that are listed; the images of these are not counted among `damaged_studies`.
    pub more_damage: u64,
    /// Whose UIDs belong to which line of `damaged`. They are asked for at the end, and only by who answers an
    /// administrator: the proof beside a running server goes into the log.
    #[serde(skip)]
    pub(crate) touched: Vec<(usize, Touched)>,
}

/// What a damage is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touched {
    /// An instance, by the key of its row.
    Instance(i64),
    /// Everything in a pack.
    Pack(PackId),
}

impl VerifyReport {
    pub(crate) fn damage(&mut self, what: String) {
        if self.damaged.len() < limits::DAMAGES {
            self.damaged.push(what);
        } else {
            self.more_damage += 1;
        }
    }

    fn damage_count(&self) -> u64 {
        self.damaged.len() as u64 + self.more_damage
    }

    fn count_damaged(&mut self, study: &str, images: u64) {
        let is_room = self.damaged_studies.len() < limits::COUNTED_STUDIES;
        if is_room || self.damaged_studies.contains_key(study) {
            *self.damaged_studies.entry(study.to_owned()).or_default() += images;
        }
    }

    fn damage_of(&mut self, touched: Touched, what: String) {
        if self.damaged.len() < limits::DAMAGES {
            self.touched.push((self.damaged.len(), touched));
        }
        self.damage(what);
    }
}

/// Proves the archive: every row has its bytes with their digest, every byte has its row, the rows agree with each other
/// and with the files, and the audit chain is whole.
///
/// It may run beside a working server: what is being written is not looked at until it is committed.
///
/// # Errors
/// When the database cannot be asked at all. Damage is no error but an answer.
pub async fn verify(store: &Store, archive: &Archive) -> Result<VerifyReport, IngestError> {
    let archive = &archive.past_cache();
    let mut report = VerifyReport::default();
    prove_rows(store, &mut report).await?;
    // Files are listed before rows, so that a pack begun meanwhile is not missed by the rows.
    let files: HashMap<PackId, u64> = archive
        .list_packs()
        .await?
        .into_iter()
        .map(|pack| (pack.pack_id, pack.length_bytes))
        .collect();
    let known = packs::list(&mut store.read().await?).await?;
    let committed: HashMap<PackId, u64> = known.iter().copied().collect();
    let suspects = unclaimed::suspects(archive, &files, &committed).await?;
    for (pack_id, committed) in known {
        let before = report.damage_count();
        let length = match files.get(&pack_id) {
            Some(length) => Some(*length),
            // It may have been begun after the listing.
            None => archive
                .list_packs()
                .await?
                .into_iter()
                .find(|pack| pack.pack_id == pack_id)
                .map(|pack| pack.length_bytes),
        };
        match length {
            None => report.damage_of(
                Touched::Pack(pack_id),
                format!("pack {pack_id}: it is missing"),
            ),
            Some(_) => prove_pack(store, archive, pack_id, committed, &mut report).await?,
        }
        if report.damage_count() > before {
            report.damaged_packs.insert(pack_id);
        }
    }
    report.unclaimed_bytes = unclaimed::remaining(store, archive, suspects).await?;
    name_images(store, &mut report).await?;
    report.ok = report.damaged.is_empty() && report.unclaimed_bytes == 0;
    Ok(report)
}

/// Adds to each damage which images it is of, and counts those of each study.
async fn name_images(store: &Store, report: &mut VerifyReport) -> Result<(), IngestError> {
    for (line, touched) in std::mem::take(&mut report.touched) {
        let mut tx = store.read().await?;
        let named = match touched {
            Touched::Instance(key) => proof::instance_claim(&mut tx, key).await?.map(|row| {
                report.count_damaged(&row.study_instance_uid, 1);
                format!(
                    "SOP Instance UID {}, Study Instance UID {}",
                    row.sop_instance_uid, row.study_instance_uid
                )
            }),
            Touched::Pack(pack_id) => {
                let held = proof::held_by(&mut tx, pack_id, limits::COUNTED_STUDIES).await?;
                for (study, images) in &held.studies {
                    report.count_damaged(study, *images);
                }
                Some(lost_images(&held))
            }
        };
        if let (Some(what), Some(named)) = (report.damaged.get_mut(line), named) {
            *what = format!("{what}: {named}");
        }
    }
    Ok(())
}

fn lost_images(held: &proof::Held) -> String {
    let images = counted(held.instance_count, "image", "images");
    if held.studies.is_empty() {
        return images;
    }
    let named = held.studies.iter().take(limits::DAMAGED_STUDIES);
    let studies: Vec<&str> = named.map(|(study, _)| study.as_str()).collect();
    let more = match held.study_count.saturating_sub(studies.len()) {
        0 => String::new(),
        more => format!(" and {}", counted(more, "more study", "more studies")),
    };
    let studies = studies.join(", ");
    format!("{images}, Study Instance UID {studies}{more}")
}

pub(crate) async fn prove_rows(
    store: &Store,
    report: &mut VerifyReport,
) -> Result<(), IngestError> {
    let mut tx = store.read().await?;
    let chain = audit::prove(&mut tx).await?;
    report.audit_rows = chain.rows;
    if let Some(seq) = chain.broken_at {
        report.damage(format!("audit: the chain is broken at row {seq}"));
    }
    for what in proof::contradictions(&mut tx).await? {
        report.damage(what);
    }
    drop(tx);
    for what in proof::damaged_blocks(store).await? {
        report.damage(what);
    }
    Ok(())
}

pub(crate) async fn prove_pack(
    store: &Store,
    archive: &Archive,
    pack_id: PackId,
    committed: u64,
    report: &mut VerifyReport,
) -> Result<(), IngestError> {
    match archive.header_is_good(pack_id).await {
        Ok(true) => {}
        Ok(false) => report.damage(format!("pack {pack_id}: the header is not its own")),
        Err(_) => report.damage(format!("pack {pack_id}: it cannot be read")),
    }
    let mut claims = match proof::claims_of(&mut store.read().await?, pack_id).await {
        Ok(claims) => claims,
        Err(StoreError::Damaged { table }) => {
            report.damage(format!("pack {pack_id}: a row of {table} is damaged"));
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let whole = add_directories(archive, pack_id, committed, &mut claims, report).await?;
    if whole {
        prove_tiling(pack_id, &claims, committed, report);
    }
    let mut proofs = stream::iter(claims.into_iter().filter(|claim| claim.digest.is_some()))
        .map(|claim| prove_claim(store, archive, claim))
        .buffer_unordered(limits::PROOFS_AT_ONCE);
    while let Some(proved) = proofs.next().await {
        let (claim, fault) = proved?;
        match fault {
            Some(fault) => {
                let what = format!("{}: {fault}", name(&claim));
                match claim.owner {
                    Owner::Instance(key) => report.damage_of(Touched::Instance(key), what),
                    _ => report.damage(what),
                }
            }
            None => {
                report.bytes += claim.extent.length_bytes;
                match claim.owner {
                    Owner::Instance(_) => report.instances += 1,
                    _ => report.others += 1,
                }
            }
        }
    }
    Ok(())
}

/// Adds the directories of the batches to what rows say of a pack; says whether they could be read.
async fn add_directories(
    archive: &Archive,
    pack_id: PackId,
    committed: u64,
    claims: &mut Vec<Claim>,
    report: &mut VerifyReport,
) -> Result<bool, IngestError> {
    let contents = match archive.contents(pack_id, committed).await {
        Ok(contents) => contents,
        Err(error) if is_lost(&error) => {
            report.damage(format!(
                "pack {pack_id}: it is shorter than its rows say, or cannot be read"
            ));
            return Ok(false);
        }
        Err(error) => return Err(error.into()),
    };
    claims.extend(contents.batches.iter().map(|batch| Claim {
        owner: Owner::Directory,
        extent: batch.extent,
        digest: None,
    }));
    claims.sort_by_key(|claim| claim.extent.offset_bytes);
    if contents.has_directories {
        for range in &contents.uncovered {
            report.damage(format!(
                "pack {pack_id}: the directory of the batch from {} to {} is damaged",
                range.start, range.end
            ));
        }
        // Where a directory is damaged, nobody knows where it begins.
        return Ok(contents.uncovered.is_empty());
    }
    Ok(true)
}

/// Says whether bytes are missing, and not only out of reach.
pub(crate) fn is_lost(error: &ArchiveError) -> bool {
    match error {
        ArchiveError::Read { .. } => true,
        ArchiveError::Away { source } => source.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

/// Every byte behind the header up to the committed length belongs to exactly one row.
fn prove_tiling(pack_id: PackId, claims: &[Claim], committed: u64, report: &mut VerifyReport) {
    let mut next = overread_archive::limits::PACK_HEADER_BYTES;
    for claim in claims {
        let start = claim.extent.offset_bytes;
        if start < next {
            report.damage(format!(
                "{}: its bytes belong to another row, too",
                name(claim)
            ));
        } else if start > next {
            report.damage(format!(
                "pack {pack_id}: {} bytes at {next} belong to no row",
                start - next
            ));
        }
        next = next.max(start.saturating_add(claim.extent.length_bytes));
    }
    // Rows that were committed while the claims were read may reach further; bytes without rows may not.
    if next < committed {
        report.damage(format!(
            "pack {pack_id}: {} bytes at {next} belong to no row",
            committed - next
        ));
    }
}

fn name(claim: &Claim) -> String {
    let extent = claim.extent;
    let place = format!("pack {} at {}", extent.pack_id, extent.offset_bytes);
    match &claim.owner {
        Owner::Instance(key) => format!("instance {key} ({place})"),
        Owner::Aside(id) => format!("instance kept aside {id} ({place})"),
        Owner::Document(id) => format!("document {id} ({place})"),
        Owner::Gap => format!("gap ({place})"),
        Owner::Directory => format!("directory ({place})"),
    }
}

pub(crate) type Proved = Result<(Claim, Option<&'static str>), IngestError>;

/// Proves the bytes of one row, and says what is wrong with them.
pub(crate) async fn prove_claim(store: &Store, archive: &Archive, claim: Claim) -> Proved {
    let row = match claim.owner {
        Owner::Instance(key) => proof::instance_claim(&mut store.read().await?, key).await?,
        _ => None,
    };
    let archive = archive.clone();
    tokio::task::spawn_blocking(move || {
        let fault = prove_bytes(&archive, &claim, row.as_ref());
        (claim, fault)
    })
    .await
    .map_err(|_| IngestError::Interrupted)
}

fn prove_bytes(
    archive: &Archive,
    claim: &Claim,
    row: Option<&InstanceClaim>,
) -> Option<&'static str> {
    let mut reader = ExtentReader::new(archive, claim.extent);
    let mut hasher = blake3::Hasher::new();
    if claim.extent.length_bytes <= limits::IN_MEMORY_BYTES {
        let Ok(bytes) = archive.read_blocking(claim.extent, 0..claim.extent.length_bytes) else {
            return Some("its bytes cannot be read");
        };
        hasher.update(&bytes);
        if Some(Digest::new(*hasher.finalize().as_bytes())) != claim.digest {
            return Some("its bytes have changed");
        }
        return row.and_then(|row| {
            prove_row(
                row,
                inflating::parse_instance(&bytes, &ParseLimits::default()),
            )
        });
    }
    if hasher.update_reader(&mut reader).is_err() {
        return Some("its bytes cannot be read");
    }
    if Some(Digest::new(*hasher.finalize().as_bytes())) != claim.digest {
        return Some("its bytes have changed");
    }
    let reader = ExtentReader::new(archive, claim.extent);
    let limits = ParseLimits::default();
    row.and_then(|row| {
        prove_row(
            row,
            inflating::parse_reader(reader, claim.extent.length_bytes, &limits),
        )
    })
}

/// The row says of the file what the file says of itself.
fn prove_row(
    row: &InstanceClaim,
    parsed: Result<Parsed, overread_dicom::DicomProblem>,
) -> Option<&'static str> {
    let Ok(Parsed::Instance(parsed)) = parsed else {
        return Some("its bytes hold but cannot be read as DICOM");
    };
    let facts = &parsed.facts;
    let same = facts.study.study_instance_uid.as_str() == row.study_instance_uid
        && facts.series.series_instance_uid.as_str() == row.series_instance_uid
        && facts.sop_instance_uid.as_str() == row.sop_instance_uid
        && facts.transfer_syntax_uid.as_str() == row.transfer_syntax_uid;
    if !same {
        return Some("its row names another instance than its bytes do");
    }
    (parsed.frames.to_bytes() != row.frames).then_some("its frame table differs from its bytes")
}
