//! The rows that entering writes.

use overread_model::ids::CaseId;
use overread_model::time::Timestamp;

use super::super::block::Block;
use super::NewInstance;
use crate::error::StoreResult;
use crate::script::values;
use crate::tokens::random_id;
use crate::{Script, Tx, packs};

/// Keeps an instance aside durably, unless exactly these bytes are aside already.
pub(super) async fn keep_aside(
    tx: &mut Tx,
    item: &NewInstance,
    reason: &'static str,
    now: Timestamp,
) -> StoreResult<()> {
    let id = CaseId::from_random(random_id()?);
    let facts = &item.facts;
    let sql = "insert into conflict (id, delivery_id, case_id, reason, study_instance_uid, series_instance_uid, \
        sop_instance_uid, pack_id, offset_bytes, length_bytes, digest, created_at) \
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict (sop_instance_uid, digest) do nothing";
    let values = values![
        id.as_str(),
        item.scope.delivery_id.as_str(),
        item.scope.case_id.as_ref().map(CaseId::as_str),
        reason,
        facts.study.study_instance_uid.as_str(),
        facts.series.series_instance_uid.as_str(),
        facts.sop_instance_uid.as_str(),
        item.extent.pack_id.get(),
        item.extent.offset_bytes as i64,
        item.extent.length_bytes as i64,
        item.digest.as_bytes().as_slice(),
        now.as_micros(),
    ];
    if tx.run(sql, values).await? == 0 {
        packs::add_gap(tx, item.extent, "duplicate").await?;
    }
    Ok(())
}

pub(super) async fn insert_block(tx: &mut Tx, series_id: i64, block: &Block) -> StoreResult<i64> {
    let sql = "insert into metadata_block (series_id, inflated_bytes, dicom_json, facts_count, facts) \
        values ($1, $2, $3, $4, $5) returning id";
    let values = values![
        series_id,
        block.inflated_bytes as i64,
        block.dicom_json.as_slice(),
        block.facts_count as i64,
        block.facts.as_slice(),
    ];
    tx.made(sql, values).await
}

pub(super) fn insert_instance(
    script: &mut Script,
    item: &NewInstance,
    series_id: i64,
    (block_id, block_offset, block_length): (i64, usize, usize),
    now: Timestamp,
) {
    let facts = &item.facts;
    script.add(
        "insert into instance (series_id, sop_instance_uid, sop_class_uid, transfer_syntax_uid, instance_number, \
         row_count, column_count, number_of_frames, bits_allocated, pack_id, offset_bytes, length_bytes, digest, frames, \
         block_id, block_offset_bytes, block_length_bytes, delivery_id, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        values![
            series_id,
            facts.sop_instance_uid.as_str(),
            facts.sop_class_uid.as_str(),
            facts.transfer_syntax_uid.as_str(),
            facts.instance_number,
            facts.rows.map(i64::from),
            facts.columns.map(i64::from),
            i64::from(facts.number_of_frames),
            facts.quality.bits_allocated.map(i64::from),
            item.extent.pack_id.get(),
            item.extent.offset_bytes as i64,
            item.extent.length_bytes as i64,
            item.digest.as_bytes().as_slice(),
            item.frames.as_slice(),
            block_id,
            block_offset as i64,
            block_length as i64,
            item.scope.delivery_id.as_str(),
            now.as_micros(),
        ],
    );
}
