-- Papers that came with images which may be another patient's: kept from everybody but coordinators until one decides.

create table held_paper (
  document_id text primary key not null references document (id),
  case_id text not null references case_ (id),
  held_at bigint not null,
  decided_at bigint,
  decided_by text,
  decision text check (decision in ('right_patient', 'other_patient')),
  decision_reason text
);
create index held_paper_by_case on held_paper (case_id);

-- Until now they were found by their images each time.
insert into held_paper (document_id, case_id, held_at)
select d.id, d.case_id, min(q.held_at)
from document d
join instance i on i.delivery_id = d.delivery_id
join series s on s.id = i.series_id
join quarantine q on q.study_id = s.study_id and q.case_id = d.case_id
where q.decided_at is null or q.decision = 'other_patient'
group by d.id, d.case_id;
