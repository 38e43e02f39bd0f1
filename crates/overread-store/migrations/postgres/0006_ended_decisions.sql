-- A decision whose images they are counts until the patient's name or birth date is corrected. A finding that was waved through
-- is kept in the words it had.

alter table quarantine add column outdated integer not null default 0 check (outdated in (0, 1));

update quarantine set outdated = 1 where decision = 'right_patient' and exists (
  select 1 from audit a where a.case_id = quarantine.case_id and a.event = 'case.corrected' and a.at > quarantine.decided_at
  and (a.detail like '%"patient_name"%' or a.detail like '%"patient_birth_date"%')
);

alter table check_override add column found text collate "C" not null default '';
