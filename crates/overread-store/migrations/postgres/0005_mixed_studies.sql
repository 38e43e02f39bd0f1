-- Studies with an instance that names another patient than the rest does: a person decides before they are shown.

alter table study add column mixed integer not null default 0 check (mixed in (0, 1));
