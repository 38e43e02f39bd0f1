insert into study_name_part (part, study_id)
with recursive place (at) as (select 1 union all select at + 1 from place where at < length($2) and at < 256)
select distinct substr($2, at, 8), $1 from place where length($2) > 0
on conflict (part, study_id) do nothing
