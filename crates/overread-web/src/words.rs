//! Dates, sums and counts as people write them.
//!
//! Templates pass everything by reference, so these take references to small values too.

use overread_model::choosing::language_words;
use overread_model::time::{CalendarDate, Timestamp};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// How an instant stands in a sentence.
pub(crate) trait Written {
    /// Returns `March 3, 2026`, as letters and sentences of the journey write it.
    fn day(&self) -> String;
    /// Returns `March 3, 2026, 10:15 UTC`.
    fn moment(&self) -> String;
    /// Returns `the end of March 3, 2026, UTC`: when something ends whose last moment this is.
    fn last_day(&self) -> String;
    /// Returns `2026-03-03T10:15:00Z`, for the attribute of a `time` element.
    fn machine(&self) -> String;
}

impl Written for Timestamp {
    fn day(&self) -> String {
        written_day(self.date())
    }

    fn moment(&self) -> String {
        let (hour, minute, _) = self.time_of_day();
        format!("{}, {hour:02}:{minute:02} UTC", self.day())
    }

    fn last_day(&self) -> String {
        format!("the end of {}, UTC", self.day())
    }

    fn machine(&self) -> String {
        self.to_rfc3339()
    }
}

fn written_day(date: CalendarDate) -> String {
    let month = MONTHS
        .get(usize::from(date.month()).saturating_sub(1))
        .copied()
        .unwrap_or_default();
    format!("{month} {}, {}", date.day(), date.year())
}

/// Returns a typed or DICOM day as `March 3, 2026`; what is no day stays as it is.
pub(crate) fn day_of(text: &str) -> String {
    text.parse::<CalendarDate>()
        .map_or_else(|_| text.to_owned(), written_day)
}

/// Returns a person as the images name them: `Ana Ruiz, born March 3, 1970`.
pub(crate) fn person(name: &str, birth_date: &str) -> String {
    let name = if name.is_empty() {
        "No name in the images"
    } else {
        name
    };
    match birth_date {
        "" => name.to_owned(),
        date => format!("{name}, born {}", day_of(date)),
    }
}

/// Returns an exam as the images name it: `MRI lumbar spine, March 3, 2026`.
pub(crate) fn exam(description: &str, date: &str) -> String {
    let description = if description.is_empty() {
        "Study without a description"
    } else {
        description
    };
    match date {
        "" => description.to_owned(),
        date => format!("{description}, {}", day_of(date)),
    }
}

/// Returns what sort of paper it is, in words.
pub(crate) const fn sort_of_paper(kind: &str) -> &str {
    match kind.as_bytes() {
        b"other" | b"" => "paper",
        b"text" => "text file",
        _ => kind,
    }
}

/// Returns languages by name; a code that has none here stays as it is.
pub(crate) fn languages(codes: &[String]) -> String {
    let names = codes.iter().map(|code| language_words(code));
    names.collect::<Vec<_>>().join(", ")
}

/// Returns how far an instant is: `today`, `in 3 days`, `5 days ago`.
pub(crate) fn distance(at: &Timestamp, now: &Timestamp) -> String {
    match at.date().to_days() - now.date().to_days() {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        -1 => "yesterday".to_owned(),
        days if days > 0 => format!("in {days} days"),
        days => format!("{} days ago", -days),
    }
}

/// Returns `1 image`, `2 images`.
pub(crate) fn count(number: &i64, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        grouped(number),
        if *number == 1 { one } else { many }
    )
}

/// Returns `12,676`.
pub(crate) fn grouped(number: &i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if *number < 0 {
        format!("-{text}")
    } else {
        text
    }
}

/// Returns `USD 350.00`.
pub(crate) fn money(cents: &i64, currency: &str) -> String {
    let currency = if currency.is_empty() { "USD" } else { currency };
    format!(
        "{currency} {}.{:02}",
        grouped(&(cents / 100)),
        (cents % 100).abs()
    )
}

/// Returns `0.4 MB`, `12 MB`.
pub(crate) fn size(bytes: &u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..10_000_000 => {
            format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
        }
        10_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

/// Says whether two texts are the same, however a template holds them.
pub(crate) fn same(a: impl AsRef<str>, b: impl AsRef<str>) -> bool {
    a.as_ref() == b.as_ref()
}

/// Says whether a list holds a text.
pub(crate) fn holds(list: &[String], text: impl AsRef<str>) -> bool {
    list.iter().any(|one| one == text.as_ref())
}

#[cfg(test)]
mod tests {
    use overread_model::time::Timestamp;

    use super::{
        Written as _, count, day_of, distance, exam, grouped, languages, money, person, size,
        sort_of_paper,
    };

    #[test]
    fn what_is_missing_leaves_no_comma_behind() {
        assert_eq!(
            person("Ana Ruiz", "1970-03-03"),
            "Ana Ruiz, born March 3, 1970"
        );
        assert_eq!(person("", ""), "No name in the images");
        assert_eq!(exam("", ""), "Study without a description");
        assert_eq!(exam("MR KNEE", "2026-03-02"), "MR KNEE, March 2, 2026");
        assert_eq!(sort_of_paper("other"), "paper");
        assert_eq!(
            languages(&["en".to_owned(), "eu".to_owned()]),
            "English, eu"
        );
    }

    #[test]
    fn dates_are_written_out() {
        let at = Timestamp::from_micros(1_772_446_500_000_000);
        assert_eq!(at.day(), "March 2, 2026");
        assert_eq!(at.moment(), "March 2, 2026, 10:15 UTC");
        assert_eq!(day_of("20260302"), "March 2, 2026");
        assert_eq!(day_of("sometime"), "sometime");
        assert_eq!(distance(&at, &at), "today");
        assert_eq!(distance(&at.plus_days(3), &at), "in 3 days");
        assert_eq!(distance(&at.plus_days(-1), &at), "yesterday");
    }

    #[test]
    fn numbers_are_written_with_units() {
        assert_eq!(grouped(&12_676), "12,676");
        assert_eq!(grouped(&-1_000), "-1,000");
        assert_eq!(count(&1, "image", "images"), "1 image");
        assert_eq!(count(&1200, "image", "images"), "1,200 images");
        assert_eq!(money(&35_050, "USD"), "USD 350.50");
        assert_eq!(size(&999), "999 bytes");
        assert_eq!(size(&4_460_000), "4.4 MB");
    }
}
