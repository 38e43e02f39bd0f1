-- Requests for storage commitment and whether their report went out. `instances` lists SOP classes and instances as JSON.

create table commitment (
  id text primary key not null,
  ae_title text not null,
  transaction_uid text not null,
  instances text not null,
  asked_at bigint not null,
  due_at bigint not null,
  claimed_until bigint not null default 0,
  try_count bigint not null default 0,
  reported_at bigint,
  given_up_at bigint,
  unique (ae_title, transaction_uid)
);
create index commitment_due on commitment (due_at) where reported_at is null and given_up_at is null;
