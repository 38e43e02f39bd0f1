-- What searches ask that the index did not hold, names by what may stand anywhere in them, and orders without a sort.

alter table study add column timezone_offset_from_utc text;
alter table study add column referring_physician_folded text;
alter table series add column performed_procedure_step_start_date text;
alter table series add column performed_procedure_step_start_time text;
alter table series add column station_name text;
-- Of (0040,0275): a JSON list of the step's and the procedure's id.
alter table series add column request_attributes text;

drop index study_by_date;
create index study_by_time on study (study_date desc, study_time desc, study_instance_uid);
drop index study_by_name;
create index study_by_name on study (patient_name_folded, study_date desc, study_time desc, study_instance_uid);
create index study_by_birth on study (patient_birth_date, study_date);
create index series_by_step on series (performed_procedure_step_start_date);

-- Eight characters from each place of a folded name, so that a name is found by what stands in its middle.
create table study_name_part (
  part text not null,
  study_id bigint not null references study (id) on delete cascade,
  primary key (part, study_id)
) without rowid;
create index study_name_part_by_study on study_name_part (study_id);
insert into study_name_part (part, study_id)
with recursive place (at) as (select 1 union all select at + 1 from place where at < 256)
select distinct substr(study.patient_name_folded, place.at, 8), study.id
from study join place on place.at <= length(study.patient_name_folded)
order by 1, 2;
