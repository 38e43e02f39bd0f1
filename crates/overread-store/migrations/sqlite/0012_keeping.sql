-- What is to be erased, what must not be, and how much a case may hold.

-- A study that nobody reaches any more: it can be restored until `erase_at`, then its rows and bytes are erased.
-- `study_id` outlives the study and is given to no other one.
create table deletion (
  id text primary key not null,
  study_id bigint not null,
  study_digest blob not null,
  reason text not null,
  marked_by text not null,
  marked_at bigint not null,
  erase_at bigint not null,
  instance_count bigint not null,
  length_bytes bigint not null,
  ended_at bigint,
  outcome text check (outcome in ('restored', 'erased')),
  ended_by text,
  finished_at bigint
);
create unique index deletion_open on deletion (study_id) where ended_at is null;
create index deletion_by_study on deletion (study_id);
create index deletion_by_time on deletion (marked_at);

-- The cases it was taken out of.
create table deletion_case (
  deletion_id text not null references deletion (id),
  case_id text not null,
  linked_at bigint not null,
  primary key (deletion_id, case_id)
) without rowid;
create index deletion_case_by_case on deletion_case (case_id);

-- While one stands, nothing that it covers is erased by anybody.
create table legal_hold (
  id text primary key not null,
  case_id text,
  study_id bigint,
  reason text not null,
  placed_by text not null,
  placed_at bigint not null,
  lifted_by text,
  lifted_at bigint,
  lift_reason text,
  check ((case_id is null) <> (study_id is null))
);
create index legal_hold_by_case on legal_hold (case_id) where lifted_at is null;
create index legal_hold_by_study on legal_hold (study_id) where lifted_at is null;

-- How much a case may hold, where that is another amount than everywhere.
create table case_quota (
  case_id text primary key not null,
  max_bytes bigint not null,
  max_instances bigint not null,
  reason text not null,
  set_by text not null,
  set_at bigint not null
);

-- Somebody of the case asks that its images be deleted; an administrator answers.
create table erasure_request (
  id text primary key not null,
  case_id text not null references case_ (id),
  asked_by text not null references person (id),
  asked_at bigint not null,
  reason text not null,
  answered_by text,
  answered_at bigint,
  answer text check (answer in ('deleted', 'declined')),
  answer_note text
);
create unique index erasure_request_open on erasure_request (case_id) where answered_at is null;
create index erasure_request_by_case on erasure_request (case_id, asked_at);
