-- What is to be overwritten in the archive since its rows are gone; a length of 0 is the whole pack. A row goes when it is done.
create table erasure (
  pack_id bigint not null,
  offset_bytes bigint not null,
  length_bytes bigint not null,
  primary key (pack_id, offset_bytes)
);

-- Deletions of studies that the archive is to remember, so that no rebuild brings them back; by the digest of the UID.
create table study_erasure (
  name text collate "C" primary key not null,
  until_at bigint not null
);

create table study_erasure_instance (
  name text collate "C" not null,
  digest bytea not null,
  primary key (name, digest)
);

-- Batches in the packs that the index does not know, while it is rebuilt; in the order in which they were committed.
create table rebuild_part (
  batch_order bigint not null,
  batch bigint not null,
  pack_id bigint not null,
  offset_bytes bigint not null,
  begin_bytes bigint not null,
  length_bytes bigint not null,
  primary key (batch_order, batch, pack_id, offset_bytes)
);

-- The proof of the whole archive that runs beside everything else: how far it is, and what it found.
create table scrub (
  id bigint primary key not null check (id = 1),
  begun_at bigint not null,
  after_pack_id bigint not null,
  instances bigint not null,
  bytes bigint not null,
  damaged text collate "C" not null,
  finished_at bigint,
  last_damaged text collate "C" not null
);
