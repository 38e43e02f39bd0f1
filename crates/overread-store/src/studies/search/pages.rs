//! Pages of results, and how many results stand behind them.

use super::Page;
use crate::limits;
use crate::studies::sql::{Arg, Clause};

/// One page of rows, and how many rows match behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<R> {
    /// The page.
    pub rows: Vec<R>,
    /// Rows that match and stand behind the page.
    pub remaining: u64,
}

/// Which rows to read, and from which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) limit: i64,
    pub(super) offset: i64,
    /// From the end: the rows come in the opposite order.
    pub(super) is_backward: bool,
}

impl Window {
    pub(super) fn of(page: &Page) -> Self {
        Self {
            limit: i64::from(page.limit.min(limits::SEARCH_ROWS)),
            offset: i64::from(page.offset),
            is_backward: false,
        }
    }

    /// Looks for a deep page from the end when that is nearer; `None` when the page is behind the end.
    pub(super) fn nearer(self, total: u64) -> Option<Self> {
        let total = i64::try_from(total).unwrap_or(i64::MAX);
        let left = total - self.offset;
        if left <= 0 {
            return None;
        }
        if self.offset <= total / 2 {
            return Some(self);
        }
        let limit = self.limit.min(left);
        Some(Self {
            limit,
            offset: left - limit,
            is_backward: true,
        })
    }

    /// Says whether the window is filled sooner by going over all studies in the order of the answer than by finding each of
    /// those that are granted, where old and new ones alike are.
    pub(super) fn is_soon_filled(self, granted: u64, all: u64) -> bool {
        let needed = (self.limit + self.offset).unsigned_abs();
        let gone_over = needed.saturating_mul(all) / granted.max(1);
        gone_over / limits::GONE_OVER_A_FIND < granted
            && all / limits::GONE_OVER_A_GRANTED < granted
    }

    /// Looks into the first studies alone, when every row of every study is asked for in the order of studies: each has a
    /// row at least, so that no more studies than rows are needed. Else all rows would be sorted for one page.
    pub(super) fn of_first_studies(self, clause: &mut Clause) {
        clause.and(
            "series.study_id in (select study.id from study where study.instance_count > 0 \
             order by study.study_instance_uid limit ",
        );
        clause.arg(Arg::Int(self.limit + self.offset));
        clause.push(")");
    }

    pub(super) fn push(self, clause: &mut Clause) {
        clause.push(" limit ");
        clause.arg(Arg::Int(self.limit));
        clause.push(" offset ");
        clause.arg(Arg::Int(self.offset));
    }
}

impl Page {
    pub(super) const fn is_deep(&self) -> bool {
        self.offset > limits::DEEP_OFFSET_ROWS
    }

    /// Says whether rows may stand behind what was read of this page, so that all must be counted.
    pub(super) fn is_full(&self, rows: usize) -> bool {
        rows as u64 >= u64::from(self.limit.min(limits::SEARCH_ROWS))
            || (rows == 0 && self.offset > 0)
    }

    /// Returns how many rows stand behind the page.
    pub(super) fn behind(&self, rows: usize, total: u64) -> u64 {
        total.saturating_sub(u64::from(self.offset) + rows as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::Window;

    fn window(limit: i64, offset: i64) -> Window {
        Window {
            limit,
            offset,
            is_backward: false,
        }
    }

    #[test]
    fn many_granted_studies_are_met_soon() {
        let first = window(50, 0);
        assert!(first.is_soon_filled(2_500, 50_000));
        assert!(!first.is_soon_filled(10, 50_000));
        assert!(!first.is_soon_filled(700, 50_000));
        assert!(!window(50, 2_400).is_soon_filled(2_500, 50_000));
        assert!(!first.is_soon_filled(10_000, 1_000_000));
    }

    #[test]
    fn deep_pages_are_read_from_the_nearer_end() {
        assert_eq!(window(50, 10).nearer(100), Some(window(50, 10)));
        assert_eq!(window(50, 100).nearer(100), None);
        for (limit, offset, total, expect) in [(50, 940, 1000, (50, 10)), (50, 990, 1000, (10, 0))]
        {
            let got = window(limit, offset).nearer(total);
            assert_eq!(
                got,
                Some(Window {
                    limit: expect.0,
                    offset: expect.1,
                    is_backward: true
                })
            );
        }
    }
}
