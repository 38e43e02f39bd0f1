select study.id, min(case_.number), study.study_date, study.modalities, study.instance_count, study.length_bytes,
  max(case_.ended_at),
  max(case when opened.last_at > study.changed_at then opened.last_at else study.changed_at end)
from study
join case_study on case_study.study_id = study.id
join case_ on case_.id = case_study.case_id
left join case_read opened on opened.case_id = case_.id and opened.what = 'images'
where study.id > $1
  and study.id not in (select study_id from deletion where ended_at is null)
  and not exists (
    select 1 from legal_hold
    where lifted_at is null and (
      legal_hold.study_id = study.id
      or legal_hold.case_id in (select case_id from case_study linked where linked.study_id = study.id)
      or legal_hold.case_id in (select case_id from quarantine where quarantine.study_id = study.id)
    )
  )
  and not exists (
    select 1 from quarantine join case_ waiting on waiting.id = quarantine.case_id
    where quarantine.study_id = study.id and quarantine.decided_at is null and waiting.ended_at is null
  )
group by study.id, study.study_date, study.modalities, study.instance_count, study.length_bytes, study.changed_at
having max(case_.ended_at) <= $2 and count(*) = count(case_.ended_at)
order by study.id
limit $3
