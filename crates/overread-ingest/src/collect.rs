//! Puts the receipt of a delivery together while its answers come in.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use overread_dicom::Dicomdir;
use overread_dicom::dicomdir::missing_files;
use overread_model::problem::{Problem, ProblemKind};
use overread_model::text::counted;
use overread_store::deliveries;
use overread_store::studies::{Entered, StudyKey};

use crate::commit::{About, AboutInstance, Answer, NO_ROOM, Ticket, aside};
use crate::joining::{Joining, KnownStudies, KnownStudy, OUTSIDE, join, note_known};
use crate::receipt::{Receipt, ReceiptDocument, ReceiptSeries, ReceiptStudy};
use crate::{Ingest, IngestError, limits, unsaid, zip};

#[derive(Default)]
pub(crate) struct Collector {
    receipt: Receipt,
    problem_count: u64,
    /// An archive ended early.
    is_incomplete: bool,
    /// Where each study and series stands in the receipt.
    studies: HashMap<String, usize>,
    series: HashMap<(usize, String), usize>,
    names: Vec<String>,
    /// Those of them that did not come whole out of their archive.
    broken: Vec<String>,
    directories: Vec<(String, Dicomdir)>,
    /// Studies that instances of this delivery were already in.
    known: KnownStudies,
    /// Where instances that were there already came from.
    known_paths: Vec<(StudyKey, String)>,
    /// Problems that tell what is held, by their places in the receipt.
    telling: Vec<(usize, unsaid::Claim)>,
    /// Name and birth date that each patient ID was first seen with.
    people: HashMap<String, (String, String)>,
    /// Instances that are in the receipt, by a digest of their UID.
    counted: HashSet<[u8; 32]>,
    warned_people: HashSet<String>,
}

impl Collector {
    pub(crate) fn saw_file(&mut self, path: &str) {
        self.receipt.files_seen += 1;
        if self.names.len() < limits::NAMES {
            self.names.push(path.to_owned());
        }
    }

    pub(crate) const fn files_seen(&self) -> u64 {
        self.receipt.files_seen
    }

    pub(crate) const fn count_no_file(&mut self) {
        self.receipt.files_seen = self.receipt.files_seen.saturating_sub(1);
    }

    pub(crate) fn other_file(&mut self) {
        self.receipt.other_files += 1;
    }

    pub(crate) fn directory(&mut self, path: &str, directory: Dicomdir) {
        self.directories.push((path.to_owned(), directory));
    }

    /// Takes the problem of a file of which nothing was stored.
    pub(crate) fn problem(&mut self, problem: Problem) {
        self.receipt.not_kept += u64::from(is_loss(problem.kind));
        self.is_incomplete |= problem.kind == ProblemKind::IncompleteArchive;
        if zip::is_of_fault(&problem.message) && self.broken.len() < limits::NAMES {
            self.broken.push(problem.path.clone());
        }
        self.list(problem);
    }

    /// Notes that a file was refused.
    fn refuse(&mut self, path: &str, kind: ProblemKind, message: &str) {
        self.receipt.not_kept += 1;
        self.note(path, kind, message);
    }

    fn list(&mut self, problem: Problem) {
        self.problem_count += 1;
        if self.receipt.problems.len() < limits::PROBLEMS {
            self.receipt.problems.push(problem);
        }
    }

    fn note(&mut self, path: &str, kind: ProblemKind, message: impl Into<String>) {
        self.list(Problem {
            path: path.to_owned(),
            kind,
            message: message.into(),
        });
    }

    /// Takes the committer's answer for one file.
    pub(crate) fn answered(&mut self, path: &str, about: About, answer: Answer) {
        match (about, answer) {
            (About::Instance(about), Answer::Instance(outcome)) => {
                for problem in &about.problems {
                    self.note(path, problem.kind, problem.message.clone());
                }
                self.entered(path, &about, &outcome.entered);
                if outcome.patient_differs {
                    self.note(
                        path,
                        ProblemKind::OtherPatient,
                        "this image names another patient than the other images of the same exam; have a person look",
                    );
                }
            }
            (
                About::Document {
                    id,
                    name,
                    media_type,
                    kind,
                    bytes,
                },
                Answer::Document { new },
            ) => {
                if new {
                    self.receipt.documents.push(ReceiptDocument {
                        id: id.as_str().to_owned(),
                        name,
                        media_type: media_type.to_owned(),
                        kind: kind.to_owned(),
                        bytes,
                    });
                }
            }
            (About::Document { .. }, Answer::NoRoom) => {
                self.receipt.refused += 1;
                self.refuse(path, ProblemKind::LimitExceeded, NO_ROOM);
            }
            _ => self.refuse(
                path,
                ProblemKind::Io,
                "the file changed or went away while it was read",
            ),
        }
    }

    fn entered(&mut self, path: &str, about: &AboutInstance, entered: &Entered) {
        match entered {
            Entered::Stored(_) => {
                self.receipt.instances_stored += 1;
                self.receipt.bytes_stored += about.bytes;
            }
            Entered::Duplicate(study) => {
                self.receipt.duplicates += 1;
                let names = (&*about.study_instance_uid, &*about.sop_instance_uid);
                note_known(&mut self.known, *study, names);
                if self.known_paths.len() < limits::PROBLEMS {
                    self.known_paths.push((*study, path.to_owned()));
                }
            }
            Entered::Conflict | Entered::Foreign(_) | Entered::OtherPatient(_) => {
                self.receipt.kept_aside += 1
            }
            Entered::Deleted | Entered::NoRoom => {
                self.receipt.refused += 1;
                self.receipt.not_kept += 1;
            }
        }
        if let Some((kind, message)) = aside(entered) {
            let place = self.receipt.problems.len();
            if unsaid::tells(kind) && place < limits::PROBLEMS {
                let claim = (
                    about.sop_instance_uid.clone(),
                    about.study_instance_uid.clone(),
                );
                self.telling.push((place, claim));
            }
            return self.note(path, kind, message);
        }
        self.check_person(path, about);
        let study = self.study(about);
        let key = (study, about.series_instance_uid.clone());
        let Some(entry) = self.receipt.studies.get_mut(study) else {
            return;
        };
        let index = *self.series.entry(key).or_insert(entry.series.len());
        if index == entry.series.len() {
            entry.series.push(ReceiptSeries {
                series_instance_uid: about.series_instance_uid.clone(),
                modality: about.modality.clone(),
                description: about.description.clone(),
                instances: 0,
            });
        }
        // A medium may hold the same image under several names.
        let digest = blake3::hash(about.sop_instance_uid.as_bytes());
        if let Some(series) = entry.series.get_mut(index)
            && self.counted.insert(*digest.as_bytes())
        {
            series.instances += 1;
        }
    }

    fn study(&mut self, about: &AboutInstance) -> usize {
        let next = self.receipt.studies.len();
        let index = *self
            .studies
            .entry(about.study_instance_uid.clone())
            .or_insert(next);
        if index == next {
            self.receipt.studies.push(ReceiptStudy {
                study_instance_uid: about.study_instance_uid.clone(),
                patient_name: about.patient_name.clone(),
                patient_id: about.patient_id.clone(),
                series: Vec::new(),
            });
        }
        index
    }

    /// Warns once when one patient ID stands for two people in the same delivery.
    fn check_person(&mut self, path: &str, about: &AboutInstance) {
        let text = |value: &Option<overread_model::hidden::Hidden<String>>| {
            value
                .as_ref()
                .map(|hidden| hidden.reveal().clone())
                .unwrap_or_default()
        };
        let (id, name, birth) = (
            text(&about.patient_id),
            text(&about.patient_name),
            text(&about.patient_birth_date),
        );
        if id.is_empty() {
            return;
        }
        let person = (overread_store::fold::fold(&name), birth);
        let differs = match self.people.get(&id) {
            None => {
                self.people.insert(id, person);
                return;
            }
            Some(first) => {
                let other = |a: &str, b: &str| !a.is_empty() && !b.is_empty() && a != b;
                other(&first.0, &person.0) || other(&first.1, &person.1)
            }
        };
        if differs && self.warned_people.insert(about.study_instance_uid.clone()) {
            self.note(
                path,
                ProblemKind::OtherPatient,
                "the same patient ID stands for two people (name or birth date differ); the exams are kept apart, have a \
                 person look",
            );
        }
    }

    /// Compares the indexes of the medium with its files.
    fn compare_directories(&mut self) {
        for (path, directory) in std::mem::take(&mut self.directories) {
            for problem in missing_files(&directory, &path, self.names.iter().map(String::as_str)) {
                self.problem(problem);
            }
        }
    }

    /// Takes out of the problems what a sender may not know; what was not kept counts as what is set aside.
    async fn leave_unsaid(&mut self, ingest: &Ingest, ticket: &Ticket) -> Result<(), IngestError> {
        let telling = std::mem::take(&mut self.telling);
        if telling.is_empty() || !unsaid::is_discreet(ticket) {
            return Ok(());
        }
        let (places, claims): (Vec<usize>, Vec<unsaid::Claim>) = telling.into_iter().unzip();
        let known = unsaid::are_of_case(ingest, ticket, &claims).await?;
        for (place, _) in places.into_iter().zip(known).filter(|(_, known)| !known) {
            let Some(problem) = self.receipt.problems.get_mut(place) else {
                continue;
            };
            if problem.kind == ProblemKind::Deleted {
                self.receipt.refused -= 1;
                self.receipt.not_kept -= 1;
                self.receipt.kept_aside += 1;
            }
            let told = unsaid::problem();
            (problem.kind, problem.message) = (told.kind, told.message);
        }
        Ok(())
    }

    /// Tells that a study stays outside the case: to who may know it once, to others as of every image that is set aside.
    fn outside(&mut self, ticket: &Ticket, study: StudyKey, known: &KnownStudy) -> Option<String> {
        if !unsaid::is_discreet(ticket) {
            self.note("", ProblemKind::HeldAside, OUTSIDE);
            return None;
        }
        let paths = std::mem::take(&mut self.known_paths);
        let (own, rest): (Vec<_>, Vec<_>) = paths.into_iter().partition(|(of, _)| *of == study);
        self.known_paths = rest;
        let count = own.len() as u64;
        self.receipt.duplicates = self.receipt.duplicates.saturating_sub(count);
        self.receipt.kept_aside += count;
        for (_, path) in own {
            self.note(&path, ProblemKind::HeldAside, unsaid::NOT_IN_CASE);
        }
        Some(known.study_instance_uid.clone())
    }

    /// Tells that a study which was stored before is not in the case: the case has no room for it.
    fn left_outside(&mut self, ticket: &Ticket, known: &KnownStudy) {
        let count = known.instance_count();
        self.receipt.left_outside += count as u64;
        let uid = &known.study_instance_uid;
        self.receipt
            .studies
            .retain(|study| study.study_instance_uid != *uid);
        let images = counted(count, "image", "images");
        if unsaid::is_discreet(ticket) {
            return self.note(
                "",
                ProblemKind::LimitExceeded,
                format!(
                    "this case holds as much as it may; {images} of this delivery are not in it. Ask the practice for more room, then \
                     send it again"
                ),
            );
        }
        self.note(
            "",
            ProblemKind::LimitExceeded,
            format!(
                "this case holds as much as it may; an exam that is stored here already, of which this delivery brought {images}, was \
                 not put into it. Ask the practice for more room, then send it again"
            ),
        );
    }

    /// Says of each archive that is cut off how many of its files came whole.
    fn count_what_came(&mut self) {
        for problem in &mut self.receipt.problems {
            if problem.kind != ProblemKind::IncompleteArchive {
                continue;
            }
            let inside = |path: &&String| is_inside(&problem.path, path);
            let came = self.names.iter().filter(inside).count();
            let came = came.saturating_sub(self.broken.iter().filter(inside).count());
            let how_far = match came {
                0 => "no file in it came whole".to_owned(),
                came => format!(
                    "{} came whole, the rest is missing",
                    counted(came, "file", "files")
                ),
            };
            problem.message = format!(
                "the archive is cut off: {how_far}. Get the whole archive and send it again; what is stored is not stored twice"
            );
        }
    }

    /// Says how many problems did not fit the list.
    fn count_left_out(&mut self) {
        let left_out = self
            .problem_count
            .saturating_sub(self.receipt.problems.len() as u64);
        if left_out > 0 {
            self.receipt.problems.push(Problem {
                path: String::new(),
                kind: ProblemKind::LimitExceeded,
                message: format!("{left_out} more problems are not listed"),
            });
        }
    }

    /// Returns what was seen when nothing is stored: files, other files, problems.
    pub(crate) fn seen(mut self) -> (u64, u64, Vec<Problem>) {
        self.compare_directories();
        self.count_what_came();
        self.count_left_out();
        (
            self.receipt.files_seen,
            self.receipt.other_files,
            self.receipt.problems,
        )
    }

    /// Compares the indexes of the medium with its files, links what was known, and writes the row of the delivery.
    pub(crate) async fn finish(
        mut self,
        ingest: &Ingest,
        ticket: &Ticket,
        started: Instant,
    ) -> Result<Receipt, IngestError> {
        self.compare_directories();
        self.count_what_came();
        self.leave_unsaid(ingest, ticket).await?;
        let mut unsaid_studies = Vec::new();
        for (study, mut known) in std::mem::take(&mut self.known) {
            match join(ingest, ticket, study, &mut known).await? {
                Joining::Joined => {}
                Joining::Outside => unsaid_studies.extend(self.outside(ticket, study, &known)),
                Joining::NoRoom => self.left_outside(ticket, &known),
            }
        }
        self.count_left_out();
        let mut receipt = self.receipt;
        // What was behind the end of an archive, nobody can count.
        receipt.not_kept = receipt.not_kept.max(self.is_incomplete.into());
        let Ticket {
            scope, source, now, ..
        } = ticket;
        receipt.delivery = scope.delivery_id.as_str().to_owned();
        receipt.seconds = started.elapsed().as_secs_f64();
        let tally = deliveries::Tally {
            files_seen: receipt.files_seen,
            instances_stored: receipt.instances_stored,
            duplicates: receipt.duplicates,
            bytes_stored: receipt.bytes_stored,
            problems: self.problem_count,
        };
        let json = serde_json::to_string(&receipt).map_err(|_| IngestError::Interrupted)?;
        let mut tx = ingest.store().begin().await?;
        deliveries::start(&mut tx, scope, source, *now).await?;
        deliveries::finish(&mut tx, scope, &tally, &json, *now).await?;
        tx.commit().await?;
        // What is kept names them, so that a coordinator finds them; what the sender is told does not.
        let is_told = |uid: &String| !unsaid_studies.contains(uid);
        receipt
            .studies
            .retain(|study| is_told(&study.study_instance_uid));
        Ok(receipt)
    }
}

/// Says whether a path lies in an archive; the delivery itself has no path.
fn is_inside(archive: &str, path: &str) -> bool {
    archive.is_empty()
        || path
            .strip_prefix(archive)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Returns the problems without those that only follow from an archive's being cut off: the file in which it ends, and those that
/// the index of the disc names behind that.
pub fn without_what_follows(problems: &[Problem]) -> Vec<&Problem> {
    let cut_off = |problem: &&Problem| problem.kind == ProblemKind::IncompleteArchive;
    let cut_off: Vec<&Problem> = problems.iter().filter(cut_off).collect();
    let follows = |problem: &Problem| {
        let is_lost =
            problem.kind == ProblemKind::MissingFromMedia || problem.message == zip::CUT_OFF_HERE;
        is_lost
            && cut_off
                .iter()
                .any(|archive| is_inside(&archive.path, &problem.path))
    };
    problems
        .iter()
        .filter(|problem| !follows(problem))
        .collect()
}

/// Says whether a problem means that a file which may be a record was not stored. What is only noted of files that were looked
/// at all the same (names, indexes, hidden entries) means none.
const fn is_loss(kind: ProblemKind) -> bool {
    matches!(
        kind,
        ProblemKind::Truncated
            | ProblemKind::Unreadable
            | ProblemKind::BadUid
            | ProblemKind::LimitExceeded
            | ProblemKind::Encrypted
            | ProblemKind::BadPixelData
            | ProblemKind::Io
    )
}
