//! Which studies and which reports are of the exam that a request asks about.

use std::collections::{BTreeMap, BTreeSet};

use super::infer::{ExamFacts, groups_in_text, places_of_exam};
use super::map::{Group, SpecialtyMap};
use super::prose::sides_in_prose;
use super::sides::{opposite_sides, sides_in_title};
use crate::limits;
use crate::text::{cut, folded, listed};
use crate::time::CalendarDate;

/// The exam that a request asks about, as typed; empty where it says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AskedExam<'a> {
    /// In words: `MRI left knee`.
    pub name: &'a str,
    /// Body part in words.
    pub body_part: &'a str,
    /// The question to the reviewer; its side counts where name and body part name none.
    pub question: &'a str,
    /// Modality as chosen: `MR`.
    pub modality: &'a str,
    /// Day of the exam.
    pub date: Option<CalendarDate>,
}

/// The places of the body and the modalities that something names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// Region groups with the words that name them.
    pub(super) groups: BTreeMap<Group, String>,
    /// Parts of a region: `spine`, `lumbar`.
    pub(super) parts: BTreeSet<(Group, String)>,
    right: bool,
    left: bool,
    /// Kinds of exams: `MR`, `CR`.
    kinds: BTreeSet<String>,
}

impl Places {
    /// Returns what a short text names: a title, never a whole report.
    pub(crate) fn of_text(text: &str, map: &SpecialtyMap) -> Self {
        let mut places = Self::default();
        places.add_text(text, map);
        places
    }

    /// Returns the places and sides that people's own words name.
    fn of_prose(text: &str, map: &SpecialtyMap) -> Self {
        let (right, left) = sides_in_prose(text, map);
        Self {
            groups: groups_in_text(text, map),
            right,
            left,
            ..Self::default()
        }
    }

    /// Adds what a text names.
    pub(super) fn add_text(&mut self, text: &str, map: &SpecialtyMap) {
        for (group, words) in groups_in_text(text, map) {
            self.groups.entry(group).or_insert(words);
        }
        self.add_sides_in(text, map);
        let text = folded(cut(text, limits::TEXT_FOR_PATTERNS_CHARS));
        let parts = map.parts.iter().filter(|(.., named)| named.is_match(&text));
        self.parts
            .extend(parts.map(|(group, part, _)| (group.clone(), part.clone())));
        let kinds = map.kinds.iter().filter(|kind| kind.named.is_match(&text));
        self.kinds.extend(kinds.map(|kind| kind.id.clone()));
    }

    /// Adds the sides that a title names.
    pub(super) fn add_sides_in(&mut self, title: &str, map: &SpecialtyMap) {
        let (right, left) = sides_in_title(title, map);
        (self.right, self.left) = (self.right || right, self.left || left);
    }

    /// Adds a value of Laterality; some write a word where the standard has letters.
    // PS3.3 C.7.6.1.1.2: R, L, U unpaired, B both.
    pub(super) fn add_side(&mut self, laterality: &str, map: &SpecialtyMap) {
        if laterality.trim().eq_ignore_ascii_case("B") {
            (self.right, self.left) = (true, true);
        } else {
            self.add_sides_in(laterality, map);
        }
    }

    /// Says whether any side is named.
    pub(super) const fn names_a_side(&self) -> bool {
        self.right || self.left
    }

    /// Says whether both are of the same place; `None` when one of them does not tell.
    fn same_place(&self, other: &Self, map: &SpecialtyMap) -> Option<bool> {
        if self.groups.is_empty() || other.groups.is_empty() {
            return None;
        }
        let shared: Vec<&Group> = self
            .groups
            .keys()
            .filter(|group| other.groups.contains_key(*group))
            .collect();
        Some(if shared.is_empty() {
            let near = |one| other.groups.keys().any(|two| are_related(one, two, map));
            self.groups.keys().any(near)
        } else {
            shared
                .into_iter()
                .any(|group| self.may_share_part(other, group))
        })
    }

    /// Says whether a part of a region that both name can be the same: `lumbar` is none of `cervical`.
    fn may_share_part(&self, other: &Self, group: &Group) -> bool {
        let parts_of = |places: &Self| -> BTreeSet<String> {
            let own = places.parts.iter().filter(|(of, _)| of == group);
            own.map(|(_, part)| part.clone()).collect()
        };
        let (own, others) = (parts_of(self), parts_of(other));
        own.is_empty() || others.is_empty() || !own.is_disjoint(&others)
    }

    /// Says whether both name one side of the body, and the same; `None` when one of them names none or both, and where
    /// what both show has no sides: of `lumbar spine, right leg pain` and a spine called left, the right is the leg's.
    fn same_side(&self, other: &Self, map: &SpecialtyMap) -> Option<bool> {
        let mut shared = self
            .groups
            .keys()
            .filter(|group| other.groups.contains_key(*group))
            .peekable();
        let has_no_sides = shared.peek().is_some() && !shared.any(|group| map.has_sides(group));
        if has_no_sides || self.right == self.left || other.right == other.left {
            None
        } else {
            Some(self.right == other.right)
        }
    }

    /// Returns the one side it names; empty for none and for both.
    const fn side(&self) -> &'static str {
        match (self.right, self.left) {
            (true, false) => "RIGHT",
            (false, true) => "LEFT",
            _ => "",
        }
    }

    fn words(&self) -> String {
        let words: BTreeSet<&str> = self.groups.values().map(String::as_str).collect();
        let words: Vec<&str> = words.into_iter().collect();
        format!("{} {}", self.side(), listed(&words))
            .trim()
            .to_owned()
    }
}

fn are_related(one: &Group, two: &Group, map: &SpecialtyMap) -> bool {
    let names = |one: &Group, two: &Group| {
        map.related
            .get(one)
            .is_some_and(|others| others.contains(two))
    };
    names(one, two) || names(two, one)
}

// Points are no facts: the authors' choice of an order, needed only to sort.

/// Points of `AskedExam::fit`: a place weighs more than a day, since requests mistake days more often.
const SAME_PLACE: i32 = 8;
const OTHER_PLACE: i32 = -8;
const SAME_DAY: i32 = 4;
const NEXT_DAY: i32 = 3;
const SAME_KIND: i32 = 2;
const OTHER_KIND: i32 = -2;

impl AskedExam<'_> {
    fn places(&self, map: &SpecialtyMap) -> Places {
        let mut places = Places::of_text(&format!("{} / {}", self.name, self.body_part), map);
        if !places.names_a_side() {
            let elsewhere = |groups: &BTreeMap<Group, String>| {
                let known = &places.groups;
                !known.is_empty()
                    && !groups.is_empty()
                    && known.keys().all(|one| !groups.contains_key(one))
            };
            // A question may tell of another place: pain in the right hip after a scan of the knee.
            if !elsewhere(&groups_in_text(self.question, map)) {
                (places.right, places.left) = sides_in_prose(self.question, map);
            }
        }
        places
    }

    /// Returns the kinds of exams it is: what was chosen, else what the words name.
    fn kinds(&self, map: &SpecialtyMap) -> BTreeSet<String> {
        let chosen = map.kind_of(self.modality.trim());
        match chosen {
            Some(kind) => BTreeSet::from([kind.to_owned()]),
            None => self.places(map).kinds,
        }
    }

    /// Returns how well a study fits by place, day and kind; more is better, 0 when nothing tells. Sides are mistaken
    /// more often than all of these: they only choose among studies that fit as well.
    fn fit(&self, study: &ExamFacts, map: &SpecialtyMap) -> i32 {
        let (asked, found) = (self.places(map), places_of_exam(study, map));
        let place = match asked.same_place(&found, map) {
            Some(true) => SAME_PLACE,
            Some(false) => OTHER_PLACE,
            None => 0,
        };
        let apart = self
            .date
            .zip(study.study_date)
            .map(|(asked, made)| (asked.to_days() - made.to_days()).abs());
        let day = match apart {
            Some(0) => SAME_DAY,
            Some(1) => NEXT_DAY,
            _ => 0,
        };
        let kinds: BTreeSet<String> = study
            .modalities
            .iter()
            .filter_map(|modality| map.kind_of(modality))
            .map(str::to_owned)
            .collect();
        let wanted = self.kinds(map);
        let kind = match (wanted.is_empty() || kinds.is_empty(), &wanted & &kinds) {
            (true, _) => 0,
            (false, both) if both.is_empty() => OTHER_KIND,
            _ => SAME_KIND,
        };
        place + day + kind
    }

    /// Says whether a study is of another place.
    pub fn is_elsewhere(&self, study: &ExamFacts, map: &SpecialtyMap) -> bool {
        self.places(map)
            .same_place(&places_of_exam(study, map), map)
            == Some(false)
    }

    /// Returns the places in the list of the studies that fit best, whatever their side.
    fn nearest(&self, studies: &[ExamFacts], map: &SpecialtyMap) -> Vec<usize> {
        let fits: Vec<i32> = studies.iter().map(|study| self.fit(study, map)).collect();
        let best = fits.iter().max().copied();
        let places = fits.into_iter().enumerate();
        places
            .filter(|(_, fit)| Some(*fit) == best)
            .map(|(place, _)| place)
            .collect()
    }

    /// Returns the places in the list of the studies that fit best: all of them when nothing tells them apart. A study of
    /// the other side is chosen only where none fits as well; see [`Self::other_side`].
    pub fn best(&self, studies: &[ExamFacts], map: &SpecialtyMap) -> Vec<usize> {
        let asked = self.places(map);
        let nearest = self.nearest(studies, map);
        let on_side = |place: &&usize| {
            let found = studies.get(**place).map(|one| places_of_exam(one, map));
            found.and_then(|found| asked.same_side(&found, map)) != Some(false)
        };
        let fitting: Vec<usize> = nearest.iter().filter(on_side).copied().collect();
        if fitting.is_empty() { nearest } else { fitting }
    }

    /// Says in words that the images are of the other side than the request; `None` when they fit or do not tell.
    pub fn other_side(&self, studies: &[ExamFacts], map: &SpecialtyMap) -> Option<String> {
        if let Some((name, part)) = opposite_sides(self.name, self.body_part, map)
            && !studies.is_empty()
        {
            return Some(format!(
                "The request says {name} in the name of the scan and {part} in the part of the body"
            ));
        }
        let asked = self.places(map);
        let mut names: BTreeSet<&str> = BTreeSet::new();
        let mut said = "";
        for study in self
            .nearest(studies, map)
            .into_iter()
            .filter_map(|place| studies.get(place))
        {
            let found = places_of_exam(study, map);
            match asked.same_side(&found, map) {
                Some(true) => return None,
                Some(false) if asked.same_place(&found, map) != Some(false) => {
                    said = found.side();
                    names.insert(study.study_description.trim());
                }
                _ => {}
            }
        }
        if said.is_empty() {
            return None;
        }
        let wanted = if asked.groups.is_empty() {
            format!("{} side", asked.side())
        } else {
            asked.words()
        };
        let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
        let named = match names.as_slice() {
            [] => String::new(),
            names => format!(" ({})", listed(names)),
        };
        Some(format!(
            "The request is about the {}, the images say {}{named}",
            wanted.to_lowercase(),
            said.to_lowercase()
        ))
    }

    /// Says in words that what is felt is of another place or side than the exam; `None` when it fits or does not tell, and
    /// for an exam of a part without sides: what the brain or the spine does is felt elsewhere.
    pub fn differs_from_complaint(&self, complaint: &str, map: &SpecialtyMap) -> Option<String> {
        let asked = self.places(map);
        if asked.groups.is_empty() || !asked.groups.keys().all(|group| map.has_sides(group)) {
            return None;
        }
        let felt = Places::of_prose(complaint, map);
        let elsewhere = asked.same_place(&felt, map) == Some(false);
        if !elsewhere && asked.same_side(&felt, map) != Some(false) {
            return None;
        }
        let place = match felt.words() {
            words if felt.groups.is_empty() => format!("{words} side"),
            words => words,
        };
        Some(format!(
            "The scan is of the {}, what is felt is told of the {}",
            asked.words().to_lowercase(),
            place.to_lowercase()
        ))
    }

    /// Quotes the first sentence of a text that names the other side than the exam, and says so; `None` for an exam of both
    /// sides or of a part without them, and where the sentence is about another place.
    pub fn differs_in_side(&self, text: &str, map: &SpecialtyMap) -> Option<String> {
        let own = AskedExam {
            question: "",
            ..*self
        };
        let asked = own.places(map);
        if asked.side().is_empty() || !asked.groups.keys().all(|group| map.has_sides(group)) {
            return None;
        }
        let is_other = |sentence: &&str| {
            let told = Places::of_prose(sentence, map);
            let names_it = if asked.right { told.left } else { told.right };
            names_it && asked.same_place(&told, map) != Some(false)
        };
        let sentence = text.split(['.', ';', '?', '!', '\n']).find(is_other)?;
        let (exam, other) = (
            asked.words().to_lowercase(),
            if asked.right { "left" } else { "right" },
        );
        let exam = if asked.groups.is_empty() {
            format!("{exam} side")
        } else {
            exam
        };
        let quoted = cut(sentence.trim(), limits::QUOTED_CHARS);
        Some(format!(
            "“{quoted}” names the {other} side, and the scan is of the {exam}"
        ))
    }

    /// Says in words why what a report's heading names is another exam; `None` when it fits or does not tell.
    ///
    /// `studies` are asked where the request itself names no place.
    pub fn differs_from_report(
        &self,
        heading: &str,
        studies: &[ExamFacts],
        map: &SpecialtyMap,
    ) -> Option<String> {
        let report = Places::of_text(heading, map);
        let mut asked = self.places(map);
        let mut whose = "the request asks about";
        if asked.groups.is_empty() {
            whose = "the images show";
            for place in self.best(studies, map) {
                let found = studies.get(place).map(|study| places_of_exam(study, map));
                let found = found.unwrap_or_default();
                asked.groups.extend(found.groups);
                asked.parts.extend(found.parts);
            }
        }
        if asked.same_place(&report, map) == Some(false)
            || asked.same_side(&report, map) == Some(false)
        {
            let (said, wanted) = (report.words(), asked.words());
            return Some(format!("its heading says {said}, {whose} {wanted}"));
        }
        let kinds = self.kinds(map);
        if !kinds.is_empty() && !report.kinds.is_empty() && kinds.is_disjoint(&report.kinds) {
            let said = map.kind_words(&report.kinds);
            let wanted = map.kind_words(&kinds);
            return Some(format!(
                "its heading says {said}, the request asks about {wanted}"
            ));
        }
        None
    }
}

/// Says whether people's own words name a side of the body.
pub fn names_a_side(text: &str, map: &SpecialtyMap) -> bool {
    Places::of_prose(text, map).names_a_side()
}
