-- The archive's index: deliveries, studies, series, instances, where their bytes lie, who may see them, what was done.
-- Times are UTC microseconds; DICOM dates are text YYYYMMDD; flags are 0 or 1.

create table delivery (
  id text primary key not null,
  case_id text,
  source text not null,
  actor_kind text not null,
  actor_id text not null,
  started_at bigint not null,
  finished_at bigint,
  files_seen bigint not null default 0,
  instances_stored bigint not null default 0,
  duplicates bigint not null default 0,
  bytes_stored bigint not null default 0,
  problem_count bigint not null default 0,
  receipt text
);
create index delivery_by_case on delivery (case_id, started_at);
create index delivery_by_time on delivery (started_at);

create table study (
  id integer primary key not null,
  study_instance_uid text not null unique,
  patient_name text,
  patient_name_folded text not null,
  patient_id text,
  issuer_of_patient_id text,
  patient_birth_date text,
  patient_sex text,
  patient_age text,
  study_date text not null,
  study_time text,
  accession_number text,
  dicom_study_id text,
  study_description text,
  referring_physician_name text,
  institution_name text,
  modalities text not null,
  series_count bigint not null default 0,
  instance_count bigint not null default 0,
  length_bytes bigint not null default 0,
  created_at bigint not null,
  changed_at bigint not null
);
create index study_by_date on study (study_date desc, id desc);
create index study_by_name on study (patient_name_folded, study_date);
create index study_by_patient on study (patient_id, study_date);
create index study_by_accession on study (accession_number);

create table study_modality (
  modality text not null,
  study_date text not null,
  study_id bigint not null references study (id) on delete cascade,
  primary key (modality, study_date, study_id)
) without rowid;
create index study_modality_by_study on study_modality (study_id);

create table series (
  id integer primary key not null,
  study_id bigint not null references study (id) on delete cascade,
  series_instance_uid text not null,
  modality text not null,
  series_number bigint,
  series_description text,
  series_date text,
  series_time text,
  body_part_examined text,
  laterality text,
  protocol_name text,
  manufacturer text,
  instance_count bigint not null default 0,
  length_bytes bigint not null default 0,
  created_at bigint not null,
  changed_at bigint not null,
  unique (study_id, series_instance_uid)
);
create index series_by_uid on series (series_instance_uid);
create index series_by_number on series (study_id, series_number);

create table pack (
  id bigint primary key not null,
  committed_bytes bigint not null,
  created_at bigint not null
);

-- Bytes of a pack that belong to nothing any more: erased, or written by a batch that was not committed.
create table pack_gap (
  pack_id bigint not null references pack (id) on delete cascade,
  offset_bytes bigint not null,
  length_bytes bigint not null,
  reason text not null,
  primary key (pack_id, offset_bytes)
) without rowid;

-- The DICOM JSON and the facts of the instances of one batch and series, compressed together (zlib).
create table metadata_block (
  id integer primary key not null,
  series_id bigint not null references series (id) on delete cascade,
  inflated_bytes bigint not null,
  dicom_json blob not null,
  facts_count bigint not null,
  facts blob not null
);
create index metadata_block_by_series on metadata_block (series_id);

create table instance (
  id integer primary key not null,
  series_id bigint not null references series (id) on delete cascade,
  sop_instance_uid text not null unique,
  sop_class_uid text not null,
  transfer_syntax_uid text not null,
  instance_number bigint,
  row_count bigint,
  column_count bigint,
  number_of_frames bigint not null,
  bits_allocated bigint,
  pack_id bigint not null references pack (id),
  offset_bytes bigint not null,
  length_bytes bigint not null,
  digest blob not null,
  frames blob not null,
  block_id bigint not null references metadata_block (id),
  block_offset_bytes bigint not null,
  block_length_bytes bigint not null,
  delivery_id text not null references delivery (id),
  created_at bigint not null
);
create index instance_by_number on instance (series_id, instance_number, id);
create index instance_by_pack on instance (pack_id, offset_bytes);
create index instance_by_block on instance (block_id);
create index instance_by_delivery on instance (delivery_id);

-- An instance that may not enter by itself: other bytes under a known UID, or an exam held outside the case. A person decides.
create table conflict (
  id text primary key not null,
  delivery_id text not null references delivery (id),
  case_id text,
  reason text not null,
  study_instance_uid text not null,
  series_instance_uid text not null,
  sop_instance_uid text not null,
  pack_id bigint not null references pack (id),
  offset_bytes bigint not null,
  length_bytes bigint not null,
  digest blob not null,
  created_at bigint not null,
  resolved_at bigint,
  resolution text,
  unique (sop_instance_uid, digest)
);
create index conflict_by_delivery on conflict (delivery_id);
create index conflict_by_case on conflict (case_id);
create index conflict_by_pack on conflict (pack_id, offset_bytes);

create table document (
  id text primary key not null,
  case_id text,
  delivery_id text references delivery (id),
  name text not null,
  media_type text not null,
  kind text not null,
  pack_id bigint not null references pack (id),
  offset_bytes bigint not null,
  length_bytes bigint not null,
  digest blob not null,
  created_at bigint not null
);
create index document_by_case on document (case_id, created_at);
create index document_by_delivery on document (delivery_id);
create index document_by_pack on document (pack_id, offset_bytes);

-- A link is pending until it is judged whether the images are the patient's; nobody reads by it before.
create table case_study (
  case_id text not null,
  study_id bigint not null references study (id) on delete cascade,
  linked_at bigint not null,
  pending integer not null default 0 check (pending in (0, 1)),
  primary key (case_id, study_id)
) without rowid;
create index case_study_by_study on case_study (study_id, case_id);
create index case_study_pending on case_study (case_id) where pending = 1;

-- What a person, machine or link may do in one case; one row a right.
create table case_grant (
  id text primary key not null,
  case_id text not null,
  subject_kind text not null,
  subject_id text not null,
  right_ text not null,
  from_at bigint not null,
  until_at bigint,
  revoked_at bigint,
  granted_by text not null,
  granted_at bigint not null
);
create index case_grant_by_subject on case_grant (subject_kind, subject_id, right_, case_id);
create index case_grant_by_case on case_grant (case_id);

create table token (
  id text primary key not null,
  name text not null,
  role text not null,
  case_id text,
  secret_hash blob not null unique,
  created_at bigint not null,
  revoked_at bigint,
  last_used_at bigint
);

-- Hash-chained: hash = BLAKE3(previous hash, fields). audit_head holds the last link, so that a cut tail shows.
create table audit (
  seq bigint primary key not null,
  at bigint not null,
  actor_kind text not null,
  actor_id text not null,
  actor_role text not null,
  event text not null,
  case_id text,
  subject_kind text,
  subject_id text,
  detail text,
  hash blob not null
);
create index audit_by_case on audit (case_id, seq);
create index audit_by_subject on audit (subject_kind, subject_id, seq);

create table audit_head (
  id bigint primary key not null check (id = 1),
  seq bigint not null,
  hash blob not null
);
insert into audit_head (id, seq, hash) values (1, 0, x'0000000000000000000000000000000000000000000000000000000000000000');
