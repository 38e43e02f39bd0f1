-- Cases and everything that hangs on one. `case` is a word of SQL, so the table is `case_`.

create table case_ (
  id text collate "C" primary key not null,
  number text collate "C" unique,
  parent_id text collate "C" references case_ (id),
  state text collate "C" not null,
  held_from text collate "C",
  expired_at bigint,
  due_at bigint,
  review_left_seconds bigint,
  hold_left_seconds bigint,
  version bigint not null,
  created_by text collate "C" not null,
  created_at bigint not null,
  state_since bigint not null,
  submitted_at bigint,
  delivered_at bigint,
  ended_at bigint,
  urgency text collate "C" not null,
  title text collate "C" not null,
  patient_name text collate "C" not null,
  intake text collate "C" not null,
  emergency integer not null default 0 check (emergency in (0, 1)),
  identity_confirmed integer not null default 0 check (identity_confirmed in (0, 1)),
  original_missing integer not null default 0 check (original_missing in (0, 1)),
  follow_up_wanted integer not null default 0 check (follow_up_wanted in (0, 1)),
  follow_up_declined integer not null default 0 check (follow_up_declined in (0, 1)),
  outcome text collate "C"
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
  case_id text collate "C" not null references case_ (id),
  person_id text collate "C" not null references person (id),
  tie text collate "C" not null,
  primary key (case_id, person_id, tie)
);
create index case_tie_by_person on case_tie (person_id);

create table case_timeline (
  case_id text collate "C" not null references case_ (id),
  seq bigint not null,
  at bigint not null,
  actor_kind text collate "C" not null,
  actor_id text collate "C" not null,
  event text collate "C" not null,
  from_state text collate "C" not null,
  to_state text collate "C" not null,
  what text collate "C" not null,
  note text collate "C" not null,
  staff_only integer not null check (staff_only in (0, 1)),
  primary key (case_id, seq)
);

create table consent (
  id text collate "C" primary key not null,
  case_id text collate "C" not null references case_ (id),
  signed_by text collate "C" not null references person (id),
  signature text collate "C" not null,
  authority text collate "C" not null,
  authority_needed integer not null check (authority_needed in (0, 1)),
  scopes text collate "C" not null,
  receivers text collate "C" not null,
  text_digest bytea not null,
  signed_at bigint not null,
  expires_at bigint not null,
  revoked_at bigint,
  revoke_reason text collate "C"
);
create index consent_by_case on consent (case_id, signed_at);

create table case_check (
  id text collate "C" primary key not null,
  case_id text collate "C" not null references case_ (id),
  checked_at bigint not null,
  ready integer not null check (ready in (0, 1)),
  result text collate "C" not null
);
create index case_check_by_case on case_check (case_id, checked_at);

create table check_override (
  case_id text collate "C" not null references case_ (id),
  rule text collate "C" not null,
  reason text collate "C" not null,
  made_by text collate "C" not null,
  made_at bigint not null,
  primary key (case_id, rule)
);

-- A study that names another patient: out of the case until a person decides.
create table quarantine (
  case_id text collate "C" not null references case_ (id),
  study_id bigint not null references study (id) on delete cascade,
  reason text collate "C" not null,
  held_at bigint not null,
  decided_at bigint,
  decided_by text collate "C",
  decision text collate "C",
  decision_reason text collate "C",
  primary key (case_id, study_id)
);

create table review_task (
  id text collate "C" primary key not null,
  case_id text collate "C" not null references case_ (id),
  reviewer_id text collate "C" not null references reviewer (id),
  state text collate "C" not null,
  chosen_by text collate "C" not null,
  chosen_at bigint not null,
  offered_at bigint,
  respond_by bigint,
  answered_at bigint,
  decline_reason text collate "C" not null default '',
  independent integer not null default 0 check (independent in (0, 1)),
  conflict_statement text collate "C" not null default '',
  first_impression text collate "C",
  first_impression_at bigint,
  original_opened_at bigint,
  ended_at bigint
);
create index review_task_by_case on review_task (case_id, chosen_at);
create index review_task_by_reviewer on review_task (reviewer_id, state);

create table coverage (
  case_id text collate "C" primary key not null references case_ (id),
  status text collate "C" not null,
  kind text collate "C" not null,
  quote_cents bigint,
  share_cents bigint,
  currency text collate "C" not null,
  payer text collate "C" not null,
  reference text collate "C" not null,
  denial_reason text collate "C" not null,
  quoted_at bigint,
  accepted_at bigint,
  accepted_by text collate "C"
);

create table original_report (
  case_id text collate "C" not null references case_ (id),
  version bigint not null,
  body text collate "C" not null,
  source text collate "C" not null,
  document_id text collate "C",
  report_date text collate "C" not null,
  author text collate "C" not null,
  institution text collate "C" not null,
  entered_by text collate "C" not null,
  entered_at bigint not null,
  primary key (case_id, version)
);

create table report (
  id text collate "C" primary key not null,
  case_id text collate "C" not null references case_ (id),
  task_id text collate "C" not null unique references review_task (id),
  person_id text collate "C" not null references person (id),
  version bigint not null,
  draft text collate "C" not null,
  created_at bigint not null,
  saved_at bigint not null,
  signed text collate "C",
  signed_at bigint,
  limitations text collate "C" not null default '[]'
);
create index report_by_case on report (case_id, created_at);

-- Texts of another tab that did not win; nothing typed is lost.
create table report_kept (
  id text collate "C" primary key not null,
  report_id text collate "C" not null references report (id),
  saved_at bigint not null,
  draft text collate "C" not null
);
create index report_kept_by_report on report_kept (report_id, saved_at);

create table report_addendum (
  report_id text collate "C" not null references report (id),
  number bigint not null,
  content text collate "C" not null,
  signed_at bigint not null,
  primary key (report_id, number)
);

create table concordance (
  id text collate "C" primary key not null,
  case_id text collate "C" not null references case_ (id),
  report_id text collate "C" not null references report (id),
  original_version bigint not null,
  inputs_digest bytea not null,
  engine_version text collate "C" not null,
  result text collate "C" not null,
  original_text text collate "C" not null,
  second_text text collate "C" not null,
  made_at bigint not null,
  version bigint not null,
  corrections text collate "C" not null,
  overall text collate "C",
  note text collate "C" not null default '',
  decided_by text collate "C",
  decided_name text collate "C",
  decided_at bigint
);
create index concordance_by_case on concordance (case_id, made_at);

create table letter (
  id text collate "C" primary key not null,
  case_id text collate "C" not null references case_ (id),
  kind text collate "C" not null,
  language text collate "C" not null,
  facts text collate "C" not null,
  state text collate "C" not null,
  version bigint not null,
  written_by text collate "C" not null,
  created_at bigint not null,
  changed_at bigint not null,
  recipient text collate "C" not null default '',
  final_text text collate "C",
  document_id text collate "C",
  digest bytea,
  finalised_at bigint,
  channel text collate "C",
  sent_at bigint,
  answer_due_at bigint,
  extended_at bigint,
  extension_reason text collate "C",
  answered_at bigint
);
create index letter_by_case on letter (case_id, created_at);
create index letter_by_answer on letter (answer_due_at);
create unique index letter_one_draft on letter (case_id, kind, language) where state = 'draft';

create table share_link (
  id text collate "C" primary key not null,
  case_id text collate "C" not null references case_ (id),
  secret_hash bytea not null unique,
  recipient_name text collate "C" not null,
  recipient_email text collate "C" not null,
  created_by text collate "C" not null,
  created_at bigint not null,
  not_before bigint not null,
  expires_at bigint not null,
  passcode_hash text collate "C",
  wrong_passcode_count bigint not null default 0,
  with_images integer not null check (with_images in (0, 1)),
  opened_at bigint,
  last_used_at bigint,
  acknowledged_at bigint,
  decided_at bigint,
  decision text collate "C",
  decision_note text collate "C",
  revoked_at bigint
);
create index share_link_by_case on share_link (case_id, created_at);

create table case_read (
  case_id text collate "C" not null references case_ (id),
  subject_kind text collate "C" not null,
  subject_id text collate "C" not null,
  what text collate "C" not null,
  role text collate "C" not null,
  first_at bigint not null,
  last_at bigint not null,
  times bigint not null,
  primary key (case_id, subject_kind, subject_id, what)
);

create table info_request (
  id text collate "C" primary key not null,
  case_id text collate "C" not null references case_ (id),
  question text collate "C" not null,
  asked_by text collate "C" not null,
  asked_at bigint not null,
  answer text collate "C",
  answered_by text collate "C",
  answered_at bigint
);
create index info_request_by_case on info_request (case_id, asked_at);
