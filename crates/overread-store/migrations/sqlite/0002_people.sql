-- People, their sessions, invitations, the reviewers' directory, and mail that waits to be sent.
-- Times are UTC microseconds; flags are 0 or 1; secrets are kept as BLAKE3 digests, passwords as argon2id.

create table person (
  id text primary key not null,
  name text not null,
  email text not null,
  email_folded text not null unique,
  password_hash text not null,
  language text not null,
  created_at bigint not null,
  password_changed_at bigint not null,
  last_signed_in_at bigint,
  disabled_at bigint
);
create index person_by_name on person (name, id);

create table person_role (
  person_id text not null references person (id),
  role text not null,
  primary key (person_id, role)
);
create index person_role_by_role on person_role (role, person_id);

create table session (
  id text primary key not null,
  token_hash blob not null unique,
  person_id text not null references person (id),
  role text not null,
  device text not null,
  created_at bigint not null,
  last_seen_at bigint not null,
  expires_at bigint not null,
  revoked_at bigint
);
create index session_by_person on session (person_id, created_at);
create index session_by_end on session (expires_at);

-- Failed tries by account or address (the key is a digest, so that no address book lies here).
create table throttle (
  key_hash blob primary key not null,
  failure_count bigint not null,
  last_at bigint not null,
  blocked_until bigint not null
);
create index throttle_by_time on throttle (last_at);

-- The secret of the first administrator; gone once used.
create table setup_secret (
  id bigint primary key not null check (id = 1),
  secret_hash blob not null,
  created_at bigint not null
);

create table invitation (
  id text primary key not null,
  secret_hash blob not null unique,
  name text not null,
  email text not null,
  email_folded text not null,
  role text not null,
  language text not null,
  case_id text,
  invited_by text not null references person (id),
  created_at bigint not null,
  expires_at bigint not null,
  accepted_at bigint,
  accepted_by text,
  revoked_at bigint
);
create index invitation_by_time on invitation (created_at);
create index invitation_by_case on invitation (case_id);

create table reviewer (
  id text primary key not null,
  name text not null,
  email_folded text not null,
  kind text not null,
  profile text not null,
  active integer not null check (active in (0, 1)),
  version bigint not null,
  created_at bigint not null,
  changed_at bigint not null
);
create index reviewer_by_name on reviewer (name, id);
create index reviewer_by_email on reviewer (email_folded);

create table outbox (
  id text primary key not null,
  dedup_key text not null unique,
  to_name text not null,
  to_address text not null,
  subject text not null,
  body_text text not null,
  body_html text not null,
  case_id text,
  link_id text,
  created_at bigint not null,
  due_at bigint not null,
  try_count bigint not null default 0,
  claimed_until bigint not null default 0,
  sent_at bigint,
  given_up_at bigint,
  last_error text
);
create index outbox_by_due on outbox (due_at);
create index outbox_by_link on outbox (link_id);
