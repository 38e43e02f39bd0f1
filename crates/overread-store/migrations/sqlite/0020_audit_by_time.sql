-- Days of the audit are found without looking at every row.

create index audit_by_time on audit (at, seq);
