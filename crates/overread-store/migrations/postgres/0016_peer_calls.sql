-- Associations that we asked other application entities for, the latest of each sort: also those of commands, which the server
-- that shows them knows nothing of.

create table peer_call (
  called text not null,
  address text not null,
  purpose text not null,
  asked_at bigint not null,
  call_count bigint not null,
  is_tls integer not null check (is_tls in (0, 1)),
  refused text not null,
  implementation text not null,
  contexts text not null,
  ended_at bigint,
  reason text not null,
  primary key (called, address, purpose)
);
