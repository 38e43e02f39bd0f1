-- The latest refusal of each who called over the DICOM network, for whoever sets up a scanner; a bounded number of them, since
-- strangers write here. `network` is that of the address.

create table refused_caller (
  calling text not null,
  address text not null,
  network text not null,
  called text not null,
  asked_at bigint not null,
  is_tls integer not null check (is_tls in (0, 1)),
  refused text not null,
  advice text not null,
  implementation text not null,
  primary key (calling, address)
);
create index refused_caller_by_network on refused_caller (network, asked_at);
