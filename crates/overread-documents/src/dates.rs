//! Days and instants as the reader's language writes them.

use overread_model::letter::Language;
use overread_model::time::{CalendarDate, Timestamp};

const ENGLISH: [&str; 12] = [
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
const SPANISH: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

/// Returns `March 2, 1970` or `2 de marzo de 1970`.
pub fn long(date: CalendarDate, language: Language) -> String {
    let month = |names: [&'static str; 12]| {
        let index = usize::from(date.month()).saturating_sub(1);
        names.get(index).copied().unwrap_or_default()
    };
    match language {
        Language::En => format!("{} {}, {}", month(ENGLISH), date.day(), date.year()),
        Language::Es => format!("{} de {} de {}", date.day(), month(SPANISH), date.year()),
    }
}

/// Returns `March 2, 2026, 10:15 UTC`, or with `UTC−05:00` and the time of that offset.
pub fn instant(at: Timestamp, utc_offset_minutes: i16, language: Language) -> String {
    let local = at.plus_seconds(i64::from(utc_offset_minutes) * 60);
    let (hour, minute, _) = local.time_of_day();
    let zone = match utc_offset_minutes {
        0 => "UTC".to_owned(),
        minutes => {
            let sign = if minutes < 0 { '\u{2212}' } else { '+' };
            let size = minutes.unsigned_abs();
            format!("UTC{sign}{:02}:{:02}", size / 60, size % 60)
        }
    };
    format!(
        "{}, {hour:02}:{minute:02} {zone}",
        long(local.date(), language)
    )
}

#[cfg(test)]
mod tests {
    use overread_model::letter::Language;
    use overread_model::time::{CalendarDate, Timestamp};

    use super::{instant, long};

    #[test]
    fn dates_read_as_people_write_them() {
        let date = CalendarDate::new(1970, 3, 2).unwrap();
        assert_eq!(long(date, Language::En), "March 2, 1970");
        assert_eq!(long(date, Language::Es), "2 de marzo de 1970");
    }

    #[test]
    fn an_offset_moves_day_and_hour() {
        let at = Timestamp::from_micros(1_772_409_600_000_000);
        assert_eq!(instant(at, 0, Language::En), "March 2, 2026, 00:00 UTC");
        assert_eq!(
            instant(at, -300, Language::En),
            "March 1, 2026, 19:00 UTC\u{2212}05:00"
        );
    }
}
