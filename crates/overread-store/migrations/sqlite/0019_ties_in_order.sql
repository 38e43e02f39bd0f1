-- What each case holds, in the order of the answers: a page of what several cases hold is merged from their first ones. What
-- stands here of a study is kept as the study has it.

alter table case_study add column study_date text not null default '';
alter table case_study add column study_time text;
alter table case_study add column study_instance_uid text not null default '';
update case_study set (study_date, study_time, study_instance_uid) =
  (select study_date, study_time, study_instance_uid from study where id = study_id);
create index case_study_by_time on case_study (case_id, study_date desc, study_time desc, study_instance_uid, study_id)
  where pending = 0;

-- The ties of studies that are in several cases, so that what several cases hold is counted without looking at every tie.
create table shared_tie (
  case_id text not null,
  study_id bigint not null,
  primary key (case_id, study_id)
) without rowid;
create index shared_tie_by_study on shared_tie (study_id);
insert into shared_tie (case_id, study_id) select case_id, study_id from case_study
  where study_id in (select study_id from case_study group by study_id having count(*) > 1);

create trigger tie_comes after insert on case_study begin
  update case_study set (study_date, study_time, study_instance_uid) =
    (select study_date, study_time, study_instance_uid from study where id = new.study_id)
    where case_id = new.case_id and study_id = new.study_id and exists (select 1 from study where id = new.study_id);
  insert into shared_tie (case_id, study_id) select case_id, study_id from case_study
    where study_id = new.study_id
    and exists (select 1 from case_study where study_id = new.study_id and case_id <> new.case_id)
    on conflict do nothing;
end;
create trigger tie_goes after delete on case_study begin
  delete from shared_tie where study_id = old.study_id
    and (case_id = old.case_id or (select count(*) from case_study where study_id = old.study_id) < 2);
end;
create trigger study_moves after update of study_date, study_time, study_instance_uid on study
  when old.study_date is not new.study_date or old.study_time is not new.study_time
    or old.study_instance_uid is not new.study_instance_uid begin
  update case_study set study_date = new.study_date, study_time = new.study_time,
    study_instance_uid = new.study_instance_uid where study_id = new.id;
end;
