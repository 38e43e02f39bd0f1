insert into study (
  study_instance_uid, patient_name, patient_name_folded, patient_id, issuer_of_patient_id, patient_birth_date,
  patient_sex, patient_age, study_date, study_time, accession_number, dicom_study_id, study_description,
  referring_physician_name, institution_name, modalities, created_at, changed_at,
  timezone_offset_from_utc, referring_physician_folded
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, '', $16, $16, $17, $18)
on conflict (study_instance_uid) do nothing
returning id
