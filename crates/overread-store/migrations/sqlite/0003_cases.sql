-- Cases and everything that hangs on one. `case` is a word of SQL, so the table is `case_`.

create table case_ (
  id text primary key not null,
  number text unique,
  parent_id text references case_ (id),
  state text not null,
  held_from text,
  expired_at bigint,
  due_at bigint,
  review_left_seconds bigint,
  hold_left_seconds bigint,
  version bigint not null,
  created_by text not null,
  created_at bigint not null,
  state_since bigint not null,
  submitted_at bigint,
  delivered_at bigint,
  ended_at bigint,
  urgency text not null,
  title text not null,
  patient_name text not null,
  intake text not null,
  emergency integer not null default 0 check (emergency in (0, 1)),
  identity_confirmed integer not null default 0 check (identity_confirmed in (0, 1)),
  original_missing integer not null default 0 check (original_missing in (0, 1)),
  follow_up_wanted integer not null default 0 check (follow_up_wanted in (0, 1)),
  follow_up_declined integer not null default 0 check (follow_up_declined in (0, 1)),
  outcome text
);
create index case_by_due on case_ (due_at, id);
create index case_by_state on case_ (state, state_since);
create index case_by_parent on case_ (parent_id);
create index case_by_creator on case_ (created_by, state);

create table case_number (
  year bigint primary key not null,
  last bigint not null
);

-- How a person is tied to a case: asked, treats, insures.
create table case_tie (
  case_id text not null references case_ (id),
  person_id text not null references person (id),
  tie text not null,
  primary key (case_id, person_id, tie)
);
create index case_tie_by_person on case_tie (person_id);

create table case_timeline (
  case_id text not null references case_ (id),
  seq bigint not null,
  at bigint not null,
  actor_kind text not null,
  actor_id text not null,
  event text not null,
  from_state text not null,
  to_state text not null,
  what text not null,
  note text not null,
  staff_only integer not null check (staff_only in (0, 1)),
  primary key (case_id, seq)
);

create table consent (
  id text primary key not null,
  case_id text not null references case_ (id),
  signed_by text not null references person (id),
  signature text not null,
  authority text not null,
  authority_needed integer not null check (authority_needed in (0, 1)),
  scopes text not null,
  receivers text not null,
  text_digest blob not null,
  signed_at bigint not null,
  expires_at bigint not null,
  revoked_at bigint,
  revoke_reason text
);
create index consent_by_case on consent (case_id, signed_at);

create table case_check (
  id text primary key not null,
  case_id text not null references case_ (id),
  checked_at bigint not null,
  ready integer not null check (ready in (0, 1)),
  result text not null
);
create index case_check_by_case on case_check (case_id, checked_at);

create table check_override (
  case_id text not null references case_ (id),
  rule text not null,
  reason text not null,
  made_by text not null,
  made_at bigint not null,
  primary key (case_id, rule)
);

-- A study that names another patient: out of the case until a person decides.
create table quarantine (
  case_id text not null references case_ (id),
  study_id bigint not null references study (id) on delete cascade,
  reason text not null,
  held_at bigint not null,
  decided_at bigint,
  decided_by text,
  decision text,
  decision_reason text,
  primary key (case_id, study_id)
);

create table review_task (
  id text primary key not null,
  case_id text not null references case_ (id),
  reviewer_id text not null references reviewer (id),
  state text not null,
  chosen_by text not null,
  chosen_at bigint not null,
  offered_at bigint,
  respond_by bigint,
  answered_at bigint,
  decline_reason text not null default '',
  independent integer not null default 0 check (independent in (0, 1)),
  conflict_statement text not null default '',
  first_impression text,
  first_impression_at bigint,
  original_opened_at bigint,
  ended_at bigint
);
create index review_task_by_case on review_task (case_id, chosen_at);
create index review_task_by_reviewer on review_task (reviewer_id, state);

create table coverage (
  case_id text primary key not null references case_ (id),
  status text not null,
  kind text not null,
  quote_cents bigint,
  share_cents bigint,
  currency text not null,
  payer text not null,
  reference text not null,
  denial_reason text not null,
  quoted_at bigint,
  accepted_at bigint,
  accepted_by text
);

create table original_report (
  case_id text not null references case_ (id),
  version bigint not null,
  body text not null,
  source text not null,
  document_id text,
  report_date text not null,
  author text not null,
  institution text not null,
  entered_by text not null,
  entered_at bigint not null,
  primary key (case_id, version)
);

create table report (
  id text primary key not null,
  case_id text not null references case_ (id),
  task_id text not null unique references review_task (id),
  person_id text not null references person (id),
  version bigint not null,
  draft text not null,
  created_at bigint not null,
  saved_at bigint not null,
  signed text,
  signed_at bigint,
  limitations text not null default '[]'
);
create index report_by_case on report (case_id, created_at);

-- Texts of another tab that did not win; nothing typed is lost.
create table report_kept (
  id text primary key not null,
  report_id text not null references report (id),
  saved_at bigint not null,
  draft text not null
);
create index report_kept_by_report on report_kept (report_id, saved_at);

create table report_addendum (
  report_id text not null references report (id),
  number bigint not null,
  content text not null,
  signed_at bigint not null,
  primary key (report_id, number)
);

create table concordance (
  id text primary key not null,
  case_id text not null references case_ (id),
  report_id text not null references report (id),
  original_version bigint not null,
  inputs_digest blob not null,
  engine_version text not null,
  result text not null,
  original_text text not null,
  second_text text not null,
  made_at bigint not null,
  version bigint not null,
  corrections text not null,
  overall text,
  note text not null default '',
  decided_by text,
  decided_name text,
  decided_at bigint
);
create index concordance_by_case on concordance (case_id, made_at);

create table letter (
  id text primary key not null,
  case_id text not null references case_ (id),
  kind text not null,
  language text not null,
  facts text not null,
  state text not null,
  version bigint not null,
  written_by text not null,
  created_at bigint not null,
  changed_at bigint not null,
  recipient text not null default '',
  final_text text,
  document_id text,
  digest blob,
  finalised_at bigint,
  channel text,
  sent_at bigint,
  answer_due_at bigint,
  extended_at bigint,
  extension_reason text,
  answered_at bigint
);
create index letter_by_case on letter (case_id, created_at);
create index letter_by_answer on letter (answer_due_at);
create unique index letter_one_draft on letter (case_id, kind, language) where state = 'draft';

create table share_link (
  id text primary key not null,
  case_id text not null references case_ (id),
  secret_hash blob not null unique,
  recipient_name text not null,
  recipient_email text not null,
  created_by text not null,
  created_at bigint not null,
  not_before bigint not null,
  expires_at bigint not null,
  passcode_hash text,
  wrong_passcode_count bigint not null default 0,
  with_images integer not null check (with_images in (0, 1)),
  opened_at bigint,
  last_used_at bigint,
  acknowledged_at bigint,
  decided_at bigint,
  decision text,
  decision_note text,
  revoked_at bigint
);
create index share_link_by_case on share_link (case_id, created_at);

create table case_read (
  case_id text not null references case_ (id),
  subject_kind text not null,
  subject_id text not null,
  what text not null,
  role text not null,
  first_at bigint not null,
  last_at bigint not null,
  times bigint not null,
  primary key (case_id, subject_kind, subject_id, what)
);

create table info_request (
  id text primary key not null,
  case_id text not null references case_ (id),
  question text not null,
  asked_by text not null,
  asked_at bigint not null,
  answer text,
  answered_by text,
  answered_at bigint
);
create index info_request_by_case on info_request (case_id, asked_at);
