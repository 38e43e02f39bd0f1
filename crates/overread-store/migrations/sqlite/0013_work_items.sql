-- Work items (unified procedure steps), what happened to them, and who listens. Those of a read belong to a review task; of
-- them `attributes` holds what the reading workstation said, of the others everything (DICOM JSON).

create table work_item (
  uid text primary key not null,
  task_id text references review_task (id),
  replaces_uid text,
  study_instance_uid text,
  state text not null check (state in ('SCHEDULED', 'IN PROGRESS', 'COMPLETED', 'CANCELED')),
  transaction_uid text,
  performer_kind text,
  performer_id text,
  attributes text not null,
  created_kind text not null,
  created_by text not null,
  created_at bigint not null,
  changed_at bigint not null,
  claimed_at bigint,
  ended_at bigint
);
create unique index work_item_open on work_item (task_id) where state in ('SCHEDULED', 'IN PROGRESS');
create index work_item_by_task on work_item (task_id);
create index work_item_by_state on work_item (state, created_at);
create index work_item_by_study on work_item (study_instance_uid);

create table work_item_event (
  id integer primary key not null,
  uid text not null references work_item (uid),
  event_type bigint not null,
  information text not null,
  at bigint not null
);
create index work_item_event_by_time on work_item_event (at);

create table work_item_subscription (
  actor_kind text not null,
  actor_id text not null,
  ae_title text not null,
  target_uid text not null,
  filter text not null,
  deletion_lock integer not null default 0 check (deletion_lock in (0, 1)),
  is_on integer not null default 1 check (is_on in (0, 1)),
  subscribed_at bigint not null,
  suspended_at bigint,
  primary key (actor_kind, actor_id, ae_title, target_uid, filter)
);
