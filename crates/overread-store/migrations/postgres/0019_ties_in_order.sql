-- What each case holds, in the order of the answers: a page of what several cases hold is merged from their first ones. What
-- stands here of a study is kept as the study has it.

alter table case_study add column study_date text collate "C" not null default '';
alter table case_study add column study_time text collate "C";
alter table case_study add column study_instance_uid text collate "C" not null default '';
update case_study set study_date = study.study_date, study_time = study.study_time,
  study_instance_uid = study.study_instance_uid from study where study.id = case_study.study_id;
create index case_study_by_time on case_study (case_id, study_date desc, study_time desc nulls last, study_instance_uid, study_id)
  where pending = 0;

-- The ties of studies that are in several cases. Rows of their own would make transactions wait for each other, so they are
-- looked for when asked.
create view shared_tie as select case_id, study_id from case_study one where exists
  (select 1 from case_study other where other.study_id = one.study_id and other.case_id <> one.case_id);

create function tie_placed() returns trigger as $$
declare
  place record;
begin
  select study_date, study_time, study_instance_uid into place from study where id = new.study_id;
  if found then
    new.study_date := place.study_date;
    new.study_time := place.study_time;
    new.study_instance_uid := place.study_instance_uid;
  end if;
  return new;
end
$$ language plpgsql;
create trigger tie_comes before insert on case_study for each row execute function tie_placed();

create function study_moved() returns trigger as $$
begin
  update case_study set study_date = new.study_date, study_time = new.study_time,
    study_instance_uid = new.study_instance_uid where study_id = new.id;
  return null;
end
$$ language plpgsql;
create trigger study_moves after update of study_date, study_time, study_instance_uid on study for each row
  when (old.study_date is distinct from new.study_date or old.study_time is distinct from new.study_time
    or old.study_instance_uid is distinct from new.study_instance_uid)
  execute function study_moved();
