select c.id, c.delivery_id, c.reason, c.study_instance_uid, c.sop_instance_uid, c.pack_id, c.offset_bytes, c.length_bytes,
  c.digest, c.created_at, i.delivery_id as stored_delivery_id, i.pack_id as stored_pack_id,
  i.offset_bytes as stored_offset_bytes, i.length_bytes as stored_length_bytes, i.digest as stored_digest,
  i.created_at as stored_at, s.modalities, s.study_date
from conflict c
left join instance i on i.sop_instance_uid = c.sop_instance_uid
left join study s on s.study_instance_uid = c.study_instance_uid
where c.resolved_at is null and c.case_id is null
  and (s.id is null or s.id not in (select study_id from deletion where ended_at is null))
  and (c.reason = $1 or s.id is null or s.id not in (select study_id from case_study))
  and ($4 = '' or c.id = $4)
order by c.created_at desc, c.id
limit $2 offset $3
