-- How far a transfer into this installation is; both tables are empty when none is under way.
create table transfer (
  id bigint primary key not null check (id = 1),
  origin text collate "C" not null,
  begun_at bigint not null
);

create table transfer_pack (
  pack_id bigint primary key not null,
  length_bytes bigint not null,
  digest bytea not null
);
