//! How long images are kept and how much a case may hold: rules with their dates, pure.

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::time::{CalendarDate, Timestamp};

/// How much a case may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of images and papers.
    pub bytes: u64,
    /// Instances.
    pub instances: u64,
}

/// How much a case holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of images and papers.
    pub bytes: u64,
    /// Instances.
    pub instances: u64,
}

impl Usage {
    /// Returns both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            instances: self.instances.saturating_add(other.instances),
        }
    }

    /// Returns what is left of it without another.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(other.bytes),
            instances: self.instances.saturating_sub(other.instances),
        }
    }

    /// Takes room for what is to be stored; says whether there was any, and takes none otherwise.
    pub const fn take(&mut self, quota: Quota, more: Self) -> bool {
        let all = self.and(more);
        let has_room = all.bytes <= quota.bytes && all.instances <= quota.instances;
        if has_room {
            *self = all;
        }
        has_room
    }
}

/// From when on the time of a rule counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountsFrom {
    /// The end of the last case that holds the study.
    #[default]
    CaseEnded,
    /// The last time that somebody opened its images or something was added to it, and not before its cases ended.
    LastUse,
}

/// How long the images of a study are kept, once its cases have ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionRule {
    /// What people call it.
    pub name: String,
    /// Studies with one of these modalities; without an entry, every study.
    #[serde(default)]
    pub modalities: Vec<String>,
    /// Years of the calendar.
    #[serde(default)]
    pub years: u32,
    /// Days on top of them.
    #[serde(default)]
    pub days: u32,
    /// From when on.
    #[serde(default)]
    pub counts_from: CountsFrom,
    /// The law or decision behind it.
    pub source: String,
    /// What is due is deleted (with the period of grace) although no administrator has confirmed it.
    #[serde(default)]
    pub unconfirmed: bool,
}

/// What a rule asks of a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyUse {
    /// (0008,0061).
    pub modalities: Vec<String>,
    /// When the last of its cases ended.
    pub ended_at: Timestamp,
    /// When it was last opened or added to.
    pub last_used_at: Timestamp,
}

impl RetentionRule {
    /// Says what makes the rule unusable, in words for whoever wrote it.
    pub fn fault(&self) -> Option<&'static str> {
        match () {
            () if self.name.trim().is_empty() => Some("it has no name"),
            () if self.source.trim().is_empty() => {
                Some("it names no source: the law or decision behind it")
            }
            () if self.years == 0 && self.days == 0 => Some("it keeps for no time at all"),
            () if self.years > limits::RETENTION_YEARS || self.days > limits::RETENTION_DAYS => {
                Some(
                    "it keeps longer than can be reckoned; without a rule, images are kept for ever",
                )
            }
            () => None,
        }
    }

    fn is_about(&self, study: &StudyUse) -> bool {
        self.modalities.is_empty()
            || study
                .modalities
                .iter()
                .any(|modality| self.modalities.contains(modality))
    }

    /// Returns the last day on which the rule keeps the study.
    fn keeps_until(&self, study: &StudyUse) -> CalendarDate {
        let from = match self.counts_from {
            CountsFrom::CaseEnded => study.ended_at,
            CountsFrom::LastUse => study.last_used_at.max(study.ended_at),
        };
        let day = from.date().plus_years(self.years);
        day.plus_days(i64::from(self.days))
    }
}

/// Returns the rule that keeps a study the longest, and the last day on which it does; `None` when no rule is about it: then
/// it is kept for ever.
///
/// The longest one counts, so that no rule can shorten what another one (a cited law) asks for.
pub fn kept_until<'a>(
    rules: &'a [RetentionRule],
    study: &StudyUse,
) -> Option<(&'a RetentionRule, CalendarDate)> {
    rules
        .iter()
        .filter(|rule| rule.is_about(study))
        .map(|rule| (rule, rule.keeps_until(study)))
        .max_by_key(|(_, day)| *day)
}

/// Says whether a study that is kept until this day may go: the day is over wherever on earth one asks.
pub fn is_over(kept_until: CalendarDate, now: Timestamp) -> bool {
    // The last place at which a day ends is twelve hours behind UTC.
    kept_until.plus_days(1).start().plus_seconds(12 * 3600) <= now
}

#[cfg(test)]
mod tests {
    use super::{CountsFrom, Quota, RetentionRule, StudyUse, Usage, is_over, kept_until};
    use crate::time::{CalendarDate, Timestamp};

    fn day(text: &str) -> CalendarDate {
        text.parse().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        day(text).start().plus_seconds(9 * 3600)
    }

    fn rule(name: &str, modalities: &[&str], years: u32, days: u32) -> RetentionRule {
        RetentionRule {
            name: name.to_owned(),
            modalities: modalities.iter().map(|one| (*one).to_owned()).collect(),
            years,
            days,
            counts_from: CountsFrom::CaseEnded,
            source: "a test".to_owned(),
            unconfirmed: false,
        }
    }

    fn study(modalities: &[&str], ended: &str, used: &str) -> StudyUse {
        StudyUse {
            modalities: modalities.iter().map(|one| (*one).to_owned()).collect(),
            ended_at: at(ended),
            last_used_at: at(used),
        }
    }

    #[track_caller]
    fn check(rules: &[RetentionRule], study: &StudyUse, expect: Option<(&str, &str)>) {
        let found = kept_until(rules, study).map(|(rule, until)| (rule.name.as_str(), until));
        assert_eq!(found, expect.map(|(name, until)| (name, day(until))));
    }

    #[test]
    fn years_are_those_of_the_calendar() {
        let all = |years, days| vec![rule("all", &[], years, days)];
        let ended = |on| study(&["CT"], on, on);
        check(
            &all(10, 0),
            &ended("2016-03-02"),
            Some(("all", "2026-03-02")),
        );
        check(
            &all(1, 0),
            &ended("2024-02-29"),
            Some(("all", "2025-03-01")),
        );
        check(
            &all(4, 0),
            &ended("2024-02-29"),
            Some(("all", "2028-02-29")),
        );
        check(
            &all(0, 90),
            &ended("2026-01-01"),
            Some(("all", "2026-04-01")),
        );
        check(
            &all(1, 1),
            &ended("2023-12-31"),
            Some(("all", "2025-01-01")),
        );
    }

    #[test]
    fn the_longest_rule_counts_and_without_a_rule_nothing_ends() {
        let rules = [rule("short", &[], 1, 0), rule("mammograms", &["MG"], 10, 0)];
        check(
            &rules,
            &study(&["CT"], "2020-01-01", "2020-01-01"),
            Some(("short", "2021-01-01")),
        );
        let with_report = study(&["MG", "SR"], "2020-01-01", "2020-01-01");
        check(&rules, &with_report, Some(("mammograms", "2030-01-01")));
        check(
            &rules[1..],
            &study(&["CT"], "1990-01-01", "1990-01-01"),
            None,
        );
        check(&[], &with_report, None);
    }

    #[test]
    fn use_counts_where_the_rule_says_so_and_never_before_the_end() {
        let by_use = RetentionRule {
            counts_from: CountsFrom::LastUse,
            ..rule("use", &[], 1, 0)
        };
        let used = study(&["CT"], "2020-01-01", "2023-05-05");
        check(
            std::slice::from_ref(&by_use),
            &used,
            Some(("use", "2024-05-05")),
        );
        let unused_since = study(&["CT"], "2020-01-01", "2019-05-05");
        check(&[by_use], &unused_since, Some(("use", "2021-01-01")));
        check(
            &[rule("end", &[], 1, 0)],
            &used,
            Some(("end", "2021-01-01")),
        );
    }

    #[test]
    fn the_last_day_is_kept_whole_wherever_one_is() {
        let until = day("2026-03-02");
        let noon_after = day("2026-03-03").start().plus_seconds(12 * 3600);
        assert!(!is_over(until, at("2026-03-02")));
        assert!(!is_over(until, noon_after.last_moment_before()));
        assert!(is_over(until, noon_after));
    }

    #[test]
    fn a_rule_must_say_what_it_rests_on() {
        assert_eq!(rule("all", &[], 1, 0).fault(), None);
        assert!(rule("all", &[], 0, 0).fault().is_some());
        assert!(rule(" ", &[], 1, 0).fault().is_some());
        assert!(rule("all", &[], u32::MAX, 0).fault().is_some());
        assert!(rule("all", &[], 0, u32::MAX).fault().is_some());
        let baseless = RetentionRule {
            source: String::new(),
            ..rule("all", &[], 1, 0)
        };
        assert!(baseless.fault().is_some());
    }

    #[test]
    fn room_is_taken_whole_or_not_at_all() {
        let quota = Quota {
            bytes: 10,
            instances: 2,
        };
        let one = |bytes| Usage {
            bytes,
            instances: 1,
        };
        let mut used = Usage::default();
        assert!(used.take(quota, one(6)));
        assert!(!used.take(quota, one(5)), "too many bytes");
        assert_eq!(used, one(6), "a refusal takes nothing");
        assert!(used.take(quota, one(4)));
        assert!(!used.take(quota, one(0)), "too many instances");
        assert!(!used.take(
            quota,
            Usage {
                bytes: u64::MAX,
                instances: u64::MAX
            }
        ));
    }
}
