//! The names of all settings, to say which one may be meant.

use toml::{Table, Value};

use super::Config;
use super::bytes::S3;

/// One entry of each list, with all that it may have.
const ENTRIES: &str = r#"
[[dimse.callers]]
ae_title = "MR1"
addresses = ["192.0.2.10"]
may = ["store"]
token = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
case = "aaaaaaaaaaaaaaaaaaaaaaaaaa"
address = "192.0.2.10"
port = 104
tls = false

[[dimse.peers]]
name = "hospital"
ae_title = "PACS"
address = "pacs.example"
port = 104
tls = false

[[keeping.rules]]
name = "Everything"
modalities = ["MR"]
years = 7
days = 0
counts_from = "last_use"
source = "a decision"
unconfirmed = false
"#;

/// Says whether this is the name of a setting or table; only such names are repeated.
pub(super) fn is_known(name: &str) -> bool {
    elsewhere(name).is_some()
}

/// Returns the tables that have a setting of this name, in words.
pub(super) fn elsewhere(name: &str) -> Option<String> {
    let mut config = Config::default();
    config.archive.s3 = Some(S3::default());
    let mut places = Vec::new();
    let tables = [Table::try_from(config).ok(), ENTRIES.parse().ok()];
    for table in tables.into_iter().flatten() {
        collect(&table, "", name, &mut places);
    }
    places.dedup();
    (!places.is_empty()).then(|| places.join(" and "))
}

fn collect(table: &Table, path: &str, name: &str, places: &mut Vec<String>) {
    for (key, value) in table {
        if key == name {
            places.push(match path {
                "" => "the first lines, before every [table]".to_owned(),
                path => path.to_owned(),
            });
        }
        let below = match path.trim_matches(['[', ']']) {
            "" => key.clone(),
            above => format!("{above}.{key}"),
        };
        match value {
            Value::Table(inner) => collect(inner, &format!("[{below}]"), name, places),
            Value::Array(list) => {
                if let Some(Value::Table(inner)) = list.first() {
                    collect(inner, &format!("[[{below}]]"), name, places);
                }
            }
            _ => {}
        }
    }
}

/// Returns the names that a message lists as those that may stand here.
pub(super) fn names_of(message: &str) -> Vec<&str> {
    let listed = message
        .rsplit_once(", expected ")
        .map_or("", |(_, listed)| listed);
    listed.split('`').skip(1).step_by(2).collect()
}

/// Returns the one of these that a name was probably meant to be.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    const LETTERS_WRONG: usize = 2;
    let near = known.iter().map(|one| (letters_between(name, one), *one));
    near.filter(|(wrong, one)| *wrong <= LETTERS_WRONG && wrong * 2 < one.len())
        .min()
        .map(|(_, one)| one)
}

/// Counts the letters that must be changed, put in or left out to make one word of the other.
fn letters_between(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut left = index + 1;
        let mut next = vec![left];
        for (above, wanted) in row.windows(2).zip(&other) {
            let (Some(corner), Some(top)) = (above.first(), above.last()) else {
                break;
            };
            left = (corner + usize::from(letter != *wanted))
                .min(top + 1)
                .min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test may say so by a panic")]
    use super::{Config, ENTRIES, elsewhere, letters_between, nearest};

    #[test]
    fn the_entries_have_every_setting() {
        let config: Config = toml::from_str(ENTRIES).unwrap();
        let shown = toml::to_string(&config).unwrap();
        for line in ENTRIES.lines().filter(|line| !line.is_empty()) {
            let key = line.split(' ').next().unwrap();
            assert!(shown.contains(key), "{line}");
        }
        let settings = |text: &str| text.matches(" = ").count();
        let without = settings(&toml::to_string(&Config::default()).unwrap());
        // The three lists themselves are empty there.
        assert_eq!(settings(&shown), without - 3 + settings(ENTRIES));
    }

    #[test]
    fn a_name_is_found_where_it_belongs_and_near_what_it_was_meant_to_be() {
        assert_eq!(elsewhere("token").as_deref(), Some("[[dimse.callers]]"));
        assert_eq!(elsewhere("bucket").as_deref(), Some("[archive.s3]"));
        assert_eq!(elsewhere("hunter2"), None);
        assert_eq!(letters_between("organization", "organisation"), 1);
        assert_eq!(letters_between("", "host"), 4);
        let known = ["organisation", "host", "port"];
        assert_eq!(nearest("organization", &known), Some("organisation"));
        assert_eq!(nearest("prt", &known), Some("port"));
        assert_eq!(nearest("hunter2", &known), None);
    }
}
