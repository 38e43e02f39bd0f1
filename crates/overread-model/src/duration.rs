//! Spans as the data files write them: ISO 8601 durations, and `P5B` for business days.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::time::{CalendarDate, Timestamp};

/// A span of time, in one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Span {
    /// `PT30M`.
    Minutes(u32),
    /// `PT4H`.
    Hours(u32),
    /// `P30D`, calendar days.
    Days(u32),
    /// `P5B`, days on which the organisation works.
    BusinessDays(u32),
    /// `P4M`, calendar months.
    Months(u32),
}

/// Longest span that is read, in its own unit.
const LONGEST: u32 = 100_000;

/// Says that a text is not a span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a span of time: as P30D, P5B, PT4H, PT30M or P4M is expected")]
pub struct NotASpan;

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let rest = text.strip_prefix('P').ok_or(NotASpan)?;
        let (rest, is_time) = match rest.strip_prefix('T') {
            Some(time) => (time, true),
            None => (rest, false),
        };
        let unit = rest.chars().next_back().ok_or(NotASpan)?;
        let digits = rest.get(..rest.len() - unit.len_utf8()).ok_or(NotASpan)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotASpan);
        }
        let number: u32 = digits.parse().map_err(|_| NotASpan)?;
        if number > LONGEST {
            return Err(NotASpan);
        }
        match (is_time, unit) {
            (true, 'M') => Ok(Self::Minutes(number)),
            (true, 'H') => Ok(Self::Hours(number)),
            (false, 'D') => Ok(Self::Days(number)),
            (false, 'B') => Ok(Self::BusinessDays(number)),
            (false, 'M') => Ok(Self::Months(number)),
            _ => Err(NotASpan),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minutes(number) => write!(formatter, "PT{number}M"),
            Self::Hours(number) => write!(formatter, "PT{number}H"),
            Self::Days(number) => write!(formatter, "P{number}D"),
            Self::BusinessDays(number) => write!(formatter, "P{number}B"),
            Self::Months(number) => write!(formatter, "P{number}M"),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// When an organisation works. The default works Monday to Friday, knows no holiday, and lives in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkCalendar {
    /// Monday first.
    pub works_on: [bool; 7],
    /// Days off beside the week.
    pub holidays: BTreeSet<CalendarDate>,
    /// Minutes the place is ahead of UTC; decides where a day ends.
    pub ahead_of_utc_minutes: i32,
}

impl Default for WorkCalendar {
    fn default() -> Self {
        Self {
            works_on: [true, true, true, true, true, false, false],
            holidays: BTreeSet::new(),
            ahead_of_utc_minutes: 0,
        }
    }
}

/// Most days that are looked at to find the next working day; more than any run of holidays.
const LONGEST_BREAK_DAYS: u32 = 60;

impl WorkCalendar {
    /// Returns the day it is at the place.
    pub fn day_of(&self, at: Timestamp) -> CalendarDate {
        at.plus_seconds(i64::from(self.ahead_of_utc_minutes) * 60)
            .date()
    }

    /// Returns the instant a day begins at the place.
    pub fn start_of(&self, day: CalendarDate) -> Timestamp {
        day.start()
            .plus_seconds(-i64::from(self.ahead_of_utc_minutes) * 60)
    }

    /// Says whether people work on a day.
    pub fn works(&self, day: CalendarDate) -> bool {
        // 1970-01-01 was a Thursday, the fourth day of a week that starts with Monday.
        let weekday = (day.to_days() + 3).rem_euclid(7) as usize;
        self.works_on.get(weekday).copied().unwrap_or(true) && !self.holidays.contains(&day)
    }

    /// Returns the instant a span after `start`; business days keep the time of day.
    pub fn after(&self, start: Timestamp, span: Span) -> Timestamp {
        match span {
            Span::Minutes(number) => start.plus_seconds(i64::from(number) * 60),
            Span::Hours(number) => start.plus_seconds(i64::from(number) * 3_600),
            Span::Days(number) => start.plus_days(i64::from(number)),
            Span::Months(number) => {
                let from = start.date();
                start.plus_days(plus_months(from, number).to_days() - from.to_days())
            }
            Span::BusinessDays(number) => {
                let from = self.day_of(start);
                start.plus_days(self.business_days_later(from, number).to_days() - from.to_days())
            }
        }
    }

    /// Returns the working day that is `number` working days after `from`.
    pub fn business_days_later(&self, from: CalendarDate, number: u32) -> CalendarDate {
        let mut day = from;
        for _ in 0..number {
            // A calendar without any working day still moves on, one calendar day at a time.
            let next = (1..=LONGEST_BREAK_DAYS)
                .map(|ahead| day.plus_days(i64::from(ahead)))
                .find(|candidate| self.works(*candidate));
            day = next.unwrap_or_else(|| day.plus_days(1));
        }
        day
    }
}

/// Returns the same day so many months later, or the last day of a shorter month.
fn plus_months(date: CalendarDate, months: u32) -> CalendarDate {
    let index = i64::from(date.year()) * 12 + i64::from(date.month()) - 1 + i64::from(months);
    let (year, month) = (index.div_euclid(12) as i32, index.rem_euclid(12) as u8 + 1);
    (0..4)
        .find_map(|back| CalendarDate::new(year, month, date.day().saturating_sub(back)))
        .unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use super::{Span, WorkCalendar};
    use crate::time::CalendarDate;

    fn check(start: &str, span: &str, expect: &str) {
        let start: CalendarDate = start.parse().unwrap();
        let due = WorkCalendar::default().after(start.start(), span.parse().unwrap());
        assert_eq!(due.to_rfc3339(), expect, "{start} + {span}");
    }

    #[test]
    fn spans_are_added() {
        check("2026-03-02", "P30D", "2026-04-01T00:00:00Z");
        check("2026-03-02", "PT4H", "2026-03-02T04:00:00Z");
        check("2026-03-02", "PT30M", "2026-03-02T00:30:00Z");
        check("2026-01-31", "P1M", "2026-02-28T00:00:00Z");
        check("2026-10-31", "P4M", "2027-02-28T00:00:00Z");
        // Friday, Saturday, Monday.
        check("2026-03-06", "P1B", "2026-03-09T00:00:00Z");
        check("2026-03-07", "P1B", "2026-03-09T00:00:00Z");
        check("2026-03-02", "P5B", "2026-03-09T00:00:00Z");
    }

    #[test]
    fn a_day_ends_where_the_people_are() {
        let east = WorkCalendar {
            ahead_of_utc_minutes: 120,
            ..WorkCalendar::default()
        };
        // Thursday 23:00 UTC is Friday 01:00 at the place, so one working day later is Monday there.
        let thursday_evening = "2026-03-05"
            .parse::<CalendarDate>()
            .unwrap()
            .start()
            .plus_seconds(23 * 3_600);
        assert_eq!(
            east.after(thursday_evening, Span::BusinessDays(1))
                .to_rfc3339(),
            "2026-03-08T23:00:00Z"
        );
    }

    #[test]
    fn holidays_and_empty_weeks_do_not_stop_the_clock() {
        let mut calendar = WorkCalendar::default();
        calendar.holidays.insert("2026-03-09".parse().unwrap());
        let friday: CalendarDate = "2026-03-06".parse().unwrap();
        assert_eq!(
            calendar.business_days_later(friday, 1).to_string(),
            "2026-03-10"
        );
        calendar.works_on = [false; 7];
        assert_eq!(
            calendar.business_days_later(friday, 2).to_string(),
            "2026-03-08"
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "P",
            "PT",
            "P5",
            "5D",
            "P-5D",
            "P5W",
            "PT5D",
            "P999999999D",
            "P1½D",
            "PTM",
        ] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
