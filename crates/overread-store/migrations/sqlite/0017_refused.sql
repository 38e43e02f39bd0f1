-- What was sent for a case and not kept, until it has come or the case is let through without it.

-- `name` is the SOP Instance UID, or the digest of a paper or of other content under a known UID; where nothing tells one from
-- another, a word, and `refused_count` how many there were. `standing` is `new` until a check has told of it.
create table refused_file (
  case_id text not null,
  name text not null,
  sort text not null check (sort in ('instance', 'other_content', 'paper', 'unnamed', 'request', 'further')),
  reason text not null check (reason in ('no_room', 'deleted', 'unusable')),
  sop_instance_uid text,
  series_instance_uid text,
  study_instance_uid text,
  digest blob not null,
  delivery_id text not null,
  first_at bigint not null,
  last_at bigint not null,
  refused_count bigint not null,
  standing text not null check (standing in ('new', 'told', 'let_through')),
  primary key (case_id, name)
) without rowid;
create index refused_file_new on refused_file (case_id) where standing = 'new';
create index refused_file_by_study on refused_file (study_instance_uid);
create index refused_file_other_content on refused_file (sop_instance_uid) where sort = 'other_content';
