select count(*)
from case_tie t
join person p on p.id = t.person_id
where t.case_id = $1 and t.tie = 'asked' and p.disabled_at is null
and exists (
  select 1 from person_role r
  where r.person_id = t.person_id and r.role in ('patient', 'representative', 'referring_physician')
)
and not exists (select 1 from case_tie i where i.case_id = t.case_id and i.person_id = t.person_id and i.tie = 'insures')
and exists (
  select 1 from case_grant g
  where g.case_id = t.case_id and g.subject_kind = 'person' and g.subject_id = t.person_id and g.right_ = 'add_records'
  and g.revoked_at is null and g.from_at <= $2 and (g.until_at is null or g.until_at > $2)
)
