//! Instants and calendar days. Nothing here reads a clock.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An instant, in microseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

const MICROS_A_SECOND: i64 = 1_000_000;
const SECONDS_A_DAY: i64 = 86_400;

impl Timestamp {
    /// Makes an instant from microseconds since 1970 UTC.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns microseconds since 1970 UTC.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns the instant this many seconds later (earlier when negative).
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(
            self.0
                .saturating_add(seconds.saturating_mul(MICROS_A_SECOND)),
        )
    }

    /// Returns the instant this many days of 24 hours later.
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days.saturating_mul(SECONDS_A_DAY))
    }

    /// Returns the last moment before this one: what ends at midnight is open the day before for the last time.
    #[must_use]
    pub const fn last_moment_before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// Returns the calendar day in UTC.
    pub fn date(self) -> CalendarDate {
        CalendarDate::from_days(self.0.div_euclid(MICROS_A_SECOND * SECONDS_A_DAY))
    }

    /// Returns hour, minute, second of the day in UTC.
    pub const fn time_of_day(self) -> (u8, u8, u8) {
        let seconds = self.0.div_euclid(MICROS_A_SECOND).rem_euclid(SECONDS_A_DAY);
        (
            (seconds / 3600) as u8,
            (seconds / 60 % 60) as u8,
            (seconds % 60) as u8,
        )
    }

    /// Returns `2026-03-02T10:15:00Z`.
    pub fn to_rfc3339(self) -> String {
        let (hour, minute, second) = self.time_of_day();
        format!("{}T{hour:02}:{minute:02}:{second:02}Z", self.date())
    }
}

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarDate {
    year: i32,
    month: u8,
    day: u8,
}

/// Says that a text is not a day of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a date: year, month and day are expected, as 2026-03-02 or 20260302")]
pub struct NotADate;

impl CalendarDate {
    /// Makes a day; `None` when it does not exist.
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        let last = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            _ => return None,
        };
        ((1..=last).contains(&day) && (1..=9999).contains(&year)).then_some(Self {
            year,
            month,
            day,
        })
    }

    /// Returns the year.
    pub const fn year(self) -> i32 {
        self.year
    }

    /// Returns the month, 1 to 12.
    pub const fn month(self) -> u8 {
        self.month
    }

    /// Returns the day of the month, 1 to 31.
    pub const fn day(self) -> u8 {
        self.day
    }

    /// Returns days since 1970-01-01.
    pub fn to_days(self) -> i64 {
        let (month, day) = (i64::from(self.month), i64::from(self.day));
        let year = i64::from(self.year) - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year
            - 719_468
    }

    /// Makes the day that is this many days after 1970-01-01.
    pub fn from_days(days: i64) -> Self {
        let days = days + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self {
            year: year as i32,
            month: month as u8,
            day: day as u8,
        }
    }

    /// Returns the day this many days later (earlier when negative).
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self::from_days(self.to_days() + days)
    }

    /// Returns the same day of a later year; February 29 becomes March 1 where there is none, so that no day is lost.
    ///
    /// No year is later than 9999.
    #[must_use]
    pub fn plus_years(self, years: u32) -> Self {
        let year = i64::from(self.year) + i64::from(years);
        let year = i32::try_from(year).unwrap_or(i32::MAX).min(9999);
        Self::new(year, self.month, self.day).unwrap_or(Self {
            year,
            month: 3,
            day: 1,
        })
    }

    /// Returns the first instant of the day in UTC.
    pub fn start(self) -> Timestamp {
        Timestamp(self.to_days() * SECONDS_A_DAY * MICROS_A_SECOND)
    }

    /// Returns `March 2, 2026`, as letters and pages in English write it.
    pub fn in_english(self) -> String {
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
        let month = MONTHS
            .get(usize::from(self.month) - 1)
            .copied()
            .unwrap_or("");
        format!("{month} {}, {}", self.day, self.year)
    }

    /// Returns `2 de marzo de 2026`, as letters and pages in Spanish write it.
    pub fn in_spanish(self) -> String {
        const MONTHS: [&str; 12] = [
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
        let month = MONTHS
            .get(usize::from(self.month) - 1)
            .copied()
            .unwrap_or("");
        format!("{} de {month} de {}", self.day, self.year)
    }

    /// Returns `20260302`, as DICOM DA and our columns write it.
    pub fn to_da(self) -> String {
        format!("{:04}{:02}{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Display for CalendarDate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:04}-{:02}-{:02}",
            self.year, self.month, self.day
        )
    }
}

impl FromStr for CalendarDate {
    type Err = NotADate;

    /// Reads `2026-03-02`, `20260302` and the old DICOM `2026.03.02`.
    fn from_str(text: &str) -> Result<Self, NotADate> {
        let digits: String = match text.trim() {
            plain if plain.len() == 8 => plain.to_owned(),
            parted if parted.len() == 10 => {
                let separator = |index| matches!(parted.as_bytes().get(index), Some(b'-' | b'.'));
                if !separator(4) || !separator(7) {
                    return Err(NotADate);
                }
                parted.replace(['-', '.'], "")
            }
            _ => return Err(NotADate),
        };
        if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotADate);
        }
        let number = |range| {
            digits
                .get(range)
                .and_then(|part: &str| part.parse::<i32>().ok())
                .ok_or(NotADate)
        };
        let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
        Self::new(year, month as u8, day as u8).ok_or(NotADate)
    }
}

impl Serialize for CalendarDate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CalendarDate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{CalendarDate, Timestamp};

    fn check(text: &str, expect: Option<&str>) {
        assert_eq!(
            text.parse::<CalendarDate>()
                .ok()
                .map(|date| date.to_da())
                .as_deref(),
            expect,
            "{text}"
        );
    }

    #[test]
    fn dates_are_read_or_refused() {
        check("20260302", Some("20260302"));
        check("2026-03-02", Some("20260302"));
        check("2026.03.02", Some("20260302"));
        check("20240229", Some("20240229"));
        check("20230229", None);
        check("2026-13-01", None);
        check("2026/03/02", None);
        check("äöü12345", None);
        check("", None);
    }

    #[test]
    fn an_instant_is_written_in_utc() {
        assert_eq!(
            Timestamp::from_micros(1_772_446_500_000_000).to_rfc3339(),
            "2026-03-02T10:15:00Z"
        );
        assert_eq!(
            Timestamp::from_micros(-1).to_rfc3339(),
            "1969-12-31T23:59:59Z"
        );
    }

    proptest! {
        #[test]
        fn days_round_trip(days in -700_000_i64..2_900_000) {
            prop_assert_eq!(CalendarDate::from_days(days).to_days(), days);
        }
    }
}
