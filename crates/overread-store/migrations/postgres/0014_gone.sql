-- Whether a study that was deleted had been shown in the case, so that whoever saw it is told that it is gone. Of what was
-- deleted before nobody knows any more, and nobody is told.
alter table deletion_case add column pending integer not null default 1 check (pending in (0, 1));
create index deletion_by_digest on deletion (study_digest);
