//! What became of the original report after the reviewer locked a first impression.

use overread_model::time::Timestamp;
use overread_store::Tx;
use overread_store::original_reports::{self, OriginalRow};

use super::locked_impression;
use crate::casework::CaseFile;
use crate::{StepResult, limits};

/// A change of the original report that its reviewer has to know of.
pub struct OriginalChange {
    /// The version in force now: what the reviewer confirms to have read.
    pub version: i64,
    /// There was none before the lock.
    pub is_new: bool,
    /// Entered.
    pub changed_at: Timestamp,
    /// The first impression was locked.
    pub locked_at: Timestamp,
    /// Lines that are no longer there, in order.
    pub lines_gone: Vec<String>,
    /// Lines that were not there before, in order.
    pub lines_new: Vec<String>,
    /// What else differs: its name, before, now.
    pub facts: Vec<(&'static str, String, String)>,
}

/// Returns what changed since the lock, for the reviewer alone.
pub(crate) async fn after_lock(tx: &mut Tx, file: &CaseFile) -> StepResult<Option<OriginalChange>> {
    let Some(impression) = locked_impression(file).filter(|_| file.own_task().is_ok()) else {
        return Ok(None);
    };
    let locked_at = impression.locked_at;
    let newest = original_reports::newest(tx, &file.case_id).await?;
    let Some(now) = newest.filter(|row| row.entered_at > locked_at.as_micros()) else {
        return Ok(None);
    };
    let before = original_reports::in_force_at(tx, &file.case_id, locked_at).await?;
    Ok(Some(change(before.as_ref(), &now, locked_at)))
}

fn change(before: Option<&OriginalRow>, now: &OriginalRow, locked_at: Timestamp) -> OriginalChange {
    let mut change = OriginalChange {
        version: now.version,
        is_new: before.is_none(),
        changed_at: Timestamp::from_micros(now.entered_at),
        locked_at,
        lines_gone: Vec::new(),
        lines_new: Vec::new(),
        facts: Vec::new(),
    };
    let Some(before) = before else { return change };
    (change.lines_gone, change.lines_new) = differing_lines(&before.body, &now.body);
    change.facts = [
        ("Signed by", &before.author, &now.author),
        ("Hospital or clinic", &before.institution, &now.institution),
        ("Day of the report", &before.report_date, &now.report_date),
    ]
    .into_iter()
    .filter(|(_, old, new)| old != new)
    .map(|(name, old, new)| (name, old.clone(), new.clone()))
    .collect();
    change
}

/// Returns the lines that only the old and only the new text has; a line that moved stands in both.
///
/// Texts of very many lines are compared from both ends only: what lies between counts as changed.
fn differing_lines(old: &str, new: &str) -> (Vec<String>, Vec<String>) {
    let lines = |text: &'_ str| -> Vec<String> {
        text.lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect()
    };
    let (old, new) = (lines(old), lines(new));
    let same_at_start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (
        old.get(same_at_start..).unwrap_or_default(),
        new.get(same_at_start..).unwrap_or_default(),
    );
    let pairs_from_end = old.iter().rev().zip(new.iter().rev());
    let same_at_end = pairs_from_end.take_while(|(a, b)| a == b).count();
    let (old, new) = (
        old.get(..old.len() - same_at_end).unwrap_or_default(),
        new.get(..new.len() - same_at_end).unwrap_or_default(),
    );
    if old.len().max(new.len()) > limits::COMPARED_LINES {
        return (old.to_vec(), new.to_vec());
    }
    without_common(old, new)
}

/// Takes a longest common subsequence out of both.
fn without_common(old: &[String], new: &[String]) -> (Vec<String>, Vec<String>) {
    // common[i][j]: how many lines old[i..] and new[j..] can share in order.
    let mut common = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    let at = |table: &[Vec<u32>], i: usize, j: usize| {
        table
            .get(i)
            .and_then(|row| row.get(j))
            .copied()
            .unwrap_or(0)
    };
    for (i, a) in old.iter().enumerate().rev() {
        for (j, b) in new.iter().enumerate().rev() {
            let value = if a == b {
                at(&common, i + 1, j + 1) + 1
            } else {
                at(&common, i + 1, j).max(at(&common, i, j + 1))
            };
            if let Some(cell) = common.get_mut(i).and_then(|row| row.get_mut(j)) {
                *cell = value;
            }
        }
    }
    let (mut gone, mut added, mut i, mut j) = (Vec::new(), Vec::new(), 0, 0);
    loop {
        match (old.get(i), new.get(j)) {
            (Some(a), Some(b)) if a == b => (i, j) = (i + 1, j + 1),
            (Some(a), Some(_)) if at(&common, i + 1, j) >= at(&common, i, j + 1) => {
                gone.push(a.clone());
                i += 1;
            }
            (_, Some(b)) => {
                added.push(b.clone());
                j += 1;
            }
            (Some(a), None) => {
                gone.push(a.clone());
                i += 1;
            }
            (None, None) => return (gone, added),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::differing_lines;

    fn check(old: &str, new: &str, gone: &[&str], added: &[&str]) {
        let (found_gone, found_added) = differing_lines(old, new);
        assert_eq!(found_gone, gone, "gone");
        assert_eq!(found_added, added, "added");
    }

    #[test]
    fn only_lines_that_differ_are_told() {
        check("a\nb\nc", "a\nb\nc", &[], &[]);
        check("a\nb\nc", "a\nx\nc", &["b"], &["x"]);
        check("a\nb", "a\n\n  b  \nc", &[], &["c"]);
        check("a\nb\nc\nd", "b\nc\nx\nd", &["a"], &["x"]);
        check("", "a", &[], &["a"]);
    }

    #[test]
    fn swapped_headings_are_a_change() {
        check(
            "RIGHT\nnormal\nLEFT\ntorn",
            "LEFT\nnormal\nRIGHT\ntorn",
            &["RIGHT", "normal"],
            &["normal", "RIGHT"],
        );
    }

    #[test]
    fn very_long_texts_are_told_as_a_whole() {
        let long = |mark: &str| -> String {
            (0..2_000).fold(String::from("same\n"), |text, number| {
                format!("{text}{mark} {number}\n")
            })
        };
        let (gone, added) = differing_lines(&long("old"), &long("new"));
        assert_eq!((gone.len(), added.len()), (2_000, 2_000));
    }
}
