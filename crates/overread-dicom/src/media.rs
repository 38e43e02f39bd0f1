//! The folder walk: every file of a medium, judged by content, in a stable order.
//!
//! Links are never followed, nothing is opened for writing, and depth and number of entries are limited.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use overread_model::problem::{Problem, ProblemKind};

use crate::limits::{MAX_FOLDER_DEPTH_LEVELS, MAX_MEDIA_ENTRIES, SNIFF_BYTES};
use crate::sniff::{ContentKind, sniff};

/// How far a walk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkLimits {
    /// See [`MAX_FOLDER_DEPTH_LEVELS`].
    pub depth_levels: usize,
    /// See [`MAX_MEDIA_ENTRIES`].
    pub entries: usize,
}

impl Default for WalkLimits {
    fn default() -> Self {
        Self {
            depth_levels: MAX_FOLDER_DEPTH_LEVELS,
            entries: MAX_MEDIA_ENTRIES,
        }
    }
}

/// One thing found on a medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A file.
    File(MediaFile),
    /// Something that was not opened, and why.
    Problem(Problem),
}

/// A regular file of a medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFile {
    /// Where to open it.
    pub path: PathBuf,
    /// Path below the root, with `/`, made safe for a terminal.
    pub name: String,
    /// Its size.
    pub length_bytes: u64,
    /// What its first bytes say.
    pub kind: ContentKind,
}

/// Walks a folder (or looks at one file), folder by folder, names in byte order.
pub fn walk(root: &Path, limits: WalkLimits) -> Walk {
    let mut walk = Walk {
        limits,
        seen: 0,
        pending: Vec::new(),
    };
    let name = root
        .file_name()
        .map_or_else(String::new, |name| printable(&name.to_string_lossy()));
    let is_folder = fs::metadata(root).is_ok_and(|metadata| metadata.is_dir());
    walk.pending.push(Entry {
        path: root.to_owned(),
        name: if is_folder { String::new() } else { name },
        depth_levels: 0,
    });
    walk
}

/// Makes a name from a medium safe to print: control and direction characters become `?`.
pub fn printable(name: &str) -> String {
    name.chars()
        .map(|letter| {
            let turns_text = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if letter.is_control() || turns_text { '?' } else { letter }
        })
        .collect()
}

struct Entry {
    path: PathBuf,
    name: String,
    depth_levels: usize,
}

/// An iterator over what a medium holds.
pub struct Walk {
    limits: WalkLimits,
    seen: usize,
    /// What is still to be looked at, the next one last.
    pending: Vec<Entry>,
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        while let Some(entry) = self.pending.pop() {
            self.seen += 1;
            if self.seen > self.limits.entries {
                self.pending.clear();
                return Some(problem(
                    &entry.name,
                    ProblemKind::LimitExceeded,
                    format!(
                        "more than {} files; the rest was not looked at",
                        self.limits.entries
                    ),
                ));
            }
            if let Some(found) = self.look(&entry) {
                return Some(found);
            }
        }
        None
    }
}

impl Walk {
    fn look(&mut self, entry: &Entry) -> Option<Found> {
        // The root itself may be a link that the caller chose; nothing below it may.
        let metadata = if entry.depth_levels == 0 {
            fs::metadata(&entry.path)
        } else {
            fs::symlink_metadata(&entry.path)
        };
        let Ok(metadata) = metadata else {
            return Some(unreadable(&entry.name));
        };
        if metadata.is_dir() {
            return self.open_folder(entry);
        }
        if metadata.file_type().is_symlink() {
            return Some(problem(
                &entry.name,
                ProblemKind::UnsafeName,
                "a link to another place; it was not followed",
            ));
        }
        if !metadata.is_file() {
            return Some(problem(
                &entry.name,
                ProblemKind::UnsafeName,
                "neither a file nor a folder; it was not opened",
            ));
        }
        let Ok(kind) = kind_of(&entry.path) else {
            return Some(unreadable(&entry.name));
        };
        Some(Found::File(MediaFile {
            path: entry.path.clone(),
            name: entry.name.clone(),
            length_bytes: metadata.len(),
            kind,
        }))
    }

    fn open_folder(&mut self, entry: &Entry) -> Option<Found> {
        if entry.depth_levels >= self.limits.depth_levels {
            return Some(problem(
                &entry.name,
                ProblemKind::LimitExceeded,
                format!(
                    "folders are nested deeper than {} levels",
                    self.limits.depth_levels
                ),
            ));
        }
        let Ok(listing) = fs::read_dir(&entry.path) else {
            return Some(unreadable(&entry.name));
        };
        let room = self
            .limits
            .entries
            .saturating_sub(self.seen)
            .saturating_add(1);
        let mut names: Vec<_> = listing
            .flatten()
            .map(|found| found.file_name())
            .take(room)
            .collect();
        names.sort();
        for name in names.into_iter().rev() {
            let shown = printable(&name.to_string_lossy());
            self.pending.push(Entry {
                path: entry.path.join(&name),
                name: if entry.name.is_empty() {
                    shown
                } else {
                    format!("{}/{shown}", entry.name)
                },
                depth_levels: entry.depth_levels + 1,
            });
        }
        None
    }
}

fn kind_of(path: &Path) -> std::io::Result<ContentKind> {
    let mut head = Vec::with_capacity(SNIFF_BYTES);
    fs::File::open(path)?
        .take(SNIFF_BYTES as u64)
        .read_to_end(&mut head)?;
    Ok(sniff(&head))
}

fn problem(name: &str, kind: ProblemKind, message: impl Into<String>) -> Found {
    Found::Problem(Problem {
        path: name.to_owned(),
        kind,
        message: message.into(),
    })
}

fn unreadable(name: &str) -> Found {
    problem(
        name,
        ProblemKind::Io,
        "the medium could not be read here; copy it again or ask for a new one",
    )
}
