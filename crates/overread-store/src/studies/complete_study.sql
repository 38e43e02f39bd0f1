update study set
  patient_name = coalesce(patient_name, $2),
  patient_name_folded = case when patient_name_folded = '' then $3 else patient_name_folded end,
  patient_id = coalesce(patient_id, $4),
  patient_birth_date = coalesce(patient_birth_date, $5),
  patient_sex = coalesce(patient_sex, $6),
  accession_number = coalesce(accession_number, $7),
  study_description = coalesce(study_description, $8),
  referring_physician_folded = case when referring_physician_name is null then $11 else referring_physician_folded end,
  referring_physician_name = coalesce(referring_physician_name, $9),
  study_time = coalesce(study_time, $10)
where id = $1
  and (patient_name is null or patient_id is null or patient_birth_date is null or patient_sex is null
    or accession_number is null or study_description is null or referring_physician_name is null or study_time is null)
