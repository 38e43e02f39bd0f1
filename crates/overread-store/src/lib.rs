//! Here live the facts: all SQL, migrations, study index, cases, people, grants, audit.
