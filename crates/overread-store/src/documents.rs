//! Documents: what came with the images and is no image of DICOM, and what people add themselves.

use std::borrow::Cow;

use overread_model::extent::{Digest, Extent};
use overread_model::ids::{CaseId, DeliveryId, DocumentId};
use overread_model::time::Timestamp;

use crate::Tx;
use crate::error::StoreResult;
use crate::script::values;
use crate::{packs, studies};

/// A document about to be entered; its bytes are synced already.
#[derive(Clone)]
pub struct NewDocument {
    /// Its id.
    pub id: DocumentId,
    /// The case it belongs to.
    pub case_id: Option<CaseId>,
    /// The delivery that brought it.
    pub delivery_id: Option<DeliveryId>,
    /// Its name on the medium, made safe to show. May name a patient: never log it.
    pub name: String,
    /// `application/pdf`, `text/plain`, `text/rtf`, `text/html`, `image/jpeg`, `image/png`.
    pub media_type: Cow<'static, str>,
    /// What it is for: `document`, `picture`, or what people make of it.
    pub kind: Cow<'static, str>,
    /// Where its bytes are.
    pub extent: Extent,
    /// Of those bytes.
    pub digest: Digest,
}

impl std::fmt::Debug for NewDocument {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("NewDocument")
            .field("id", &self.id)
            .field("case_id", &self.case_id)
            .field("media_type", &self.media_type)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A document, as lists show it.
#[derive(Clone, PartialEq, Eq)]
pub struct DocumentRow {
    /// Its id.
    pub id: DocumentId,
    /// The case it belongs to.
    pub case_id: Option<CaseId>,
    /// The delivery that brought it.
    pub delivery_id: Option<DeliveryId>,
    /// Its name. May name a patient: never log it.
    pub name: String,
    /// Its type; serve it as an attachment.
    pub media_type: String,
    /// What it is for.
    pub kind: String,
    /// Where its bytes are.
    pub extent: Extent,
    /// Of those bytes.
    pub digest: Digest,
    /// UTC µs.
    pub created_at: i64,
}

impl std::fmt::Debug for DocumentRow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("DocumentRow")
            .field("id", &self.id)
            .field("case_id", &self.case_id)
            .field("media_type", &self.media_type)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

#[derive(sqlx::FromRow)]
struct Columns {
    id: String,
    case_id: Option<String>,
    delivery_id: Option<String>,
    name: String,
    media_type: String,
    kind: String,
    pack_id: i64,
    offset_bytes: i64,
    length_bytes: i64,
    digest: Vec<u8>,
    created_at: i64,
}

impl TryFrom<Columns> for DocumentRow {
    type Error = crate::StoreError;

    fn try_from(row: Columns) -> StoreResult<Self> {
        let damaged = || crate::StoreError::Damaged { table: "document" };
        Ok(Self {
            id: row.id.parse().map_err(|_| damaged())?,
            case_id: row
                .case_id
                .map(|id| id.parse())
                .transpose()
                .map_err(|_| damaged())?,
            delivery_id: row
                .delivery_id
                .map(|id| id.parse())
                .transpose()
                .map_err(|_| damaged())?,
            name: row.name,
            media_type: row.media_type,
            kind: row.kind,
            extent: packs::to_extent(row.pack_id, row.offset_bytes, row.length_bytes)?,
            digest: studies::to_digest(&row.digest, "document")?,
            created_at: row.created_at,
        })
    }
}

/// Enters a document whose bytes are on the disc. The same bytes in the same case (or the same delivery, without a case)
/// are entered once; says whether it is new. Part of a batch.
///
/// # Errors
/// When the database fails.
pub async fn enter(tx: &mut Tx, new: &NewDocument, now: Timestamp) -> StoreResult<bool> {
    let case_id = new.case_id.as_ref().map(CaseId::as_str);
    let delivery_id = new.delivery_id.as_ref().map(DeliveryId::as_str);
    let digest = new.digest.as_bytes().as_slice();
    let (sql, holder) = match case_id {
        Some(_) => (
            "select id from document where case_id = $1 and digest = $2 limit 1",
            case_id,
        ),
        None => (
            "select id from document where delivery_id = $1 and digest = $2 limit 1",
            delivery_id,
        ),
    };
    let known: Vec<(String,)> = tx.rows(sql, values![holder, digest]).await?;
    if !known.is_empty() {
        packs::add_gap(tx, new.extent, "duplicate").await?;
        return Ok(false);
    }
    let sql = "insert into document (id, case_id, delivery_id, name, media_type, kind, pack_id, offset_bytes, length_bytes, \
        digest, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let values = values![
        new.id.as_str(),
        case_id,
        delivery_id,
        new.name.as_str(),
        new.media_type.as_ref(),
        new.kind.as_ref(),
        new.extent.pack_id.get(),
        new.extent.offset_bytes as i64,
        new.extent.length_bytes as i64,
        digest,
        now.as_micros(),
    ];
    tx.run(sql, values).await?;
    Ok(true)
}

const COLUMNS_OF_CASE: &str = "select id, case_id, delivery_id, name, media_type, kind, pack_id, offset_bytes, \
    length_bytes, digest, created_at from document where case_id = $1 order by created_at, name, id";
const COLUMNS_OF_DELIVERY: &str = "select id, case_id, delivery_id, name, media_type, kind, pack_id, offset_bytes, \
    length_bytes, digest, created_at from document where delivery_id = $1 order by created_at, name, id";
const COLUMNS_OF_ONE: &str = "select id, case_id, delivery_id, name, media_type, kind, pack_id, offset_bytes, \
    length_bytes, digest, created_at from document where id = $1";

/// Finds a document. The caller has checked that its case may be seen.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Tx, id: &DocumentId) -> StoreResult<Option<DocumentRow>> {
    let row: Option<Columns> = on!(tx, c => sqlx::query_as(COLUMNS_OF_ONE).bind(id.as_str()).fetch_optional(&mut *c).await?);
    row.map(DocumentRow::try_from).transpose()
}

/// Lists the documents of a case, in the order in which they came.
///
/// # Errors
/// When the database fails.
pub async fn list_of_case(tx: &mut Tx, case_id: &CaseId) -> StoreResult<Vec<DocumentRow>> {
    let rows: Vec<Columns> = on!(tx, c => sqlx::query_as(COLUMNS_OF_CASE).bind(case_id.as_str()).fetch_all(&mut *c).await?);
    rows.into_iter().map(DocumentRow::try_from).collect()
}

/// Lists the documents that a delivery brought.
///
/// # Errors
/// When the database fails.
pub async fn list_of_delivery(tx: &mut Tx, id: &DeliveryId) -> StoreResult<Vec<DocumentRow>> {
    let rows: Vec<Columns> = on!(tx, c => sqlx::query_as(COLUMNS_OF_DELIVERY).bind(id.as_str()).fetch_all(&mut *c).await?);
    rows.into_iter().map(DocumentRow::try_from).collect()
}
