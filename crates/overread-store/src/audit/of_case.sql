with held as (
  select study_id from case_study where case_id = $3
  union select study_id from quarantine where case_id = $3
  union select d.study_id from deletion_case c join deletion d on d.id = c.deletion_id where c.case_id = $3
),
subject as (
  select 'study' as kind, cast(study_id as text) as id from held
  union all select 'study', s.study_instance_uid from held join study s on s.id = held.study_id
  union all select 'instance', cast(i.id as text) from held join series r on r.study_id = held.study_id
    join instance i on i.series_id = r.id
)
select seq, at, actor_kind, actor_id, actor_role, event, case_id, subject_kind, subject_id, detail, hash from audit
where seq < $1 and seq >= $2
  and seq in (
    select seq from audit where case_id = $3
    union select a.seq from subject join audit a on a.subject_kind = subject.kind and a.subject_id = subject.id
    where a.case_id is null
  )
  and ($4 = '' or actor_id = $4) and ($5 = '' or substr(event, 1, length($5) + 1) = $5 || '.')
  and at >= $6 and at < $7
order by seq desc
limit $8
