-- A consent signed on paper: where the paper is kept. `signed_by` is then whoever entered it. Empty for one signed here.

alter table consent add column paper_at text collate "C" not null default '';
