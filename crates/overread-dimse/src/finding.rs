//! C-FIND: answers of the index, one after another, until there are no more or the peer cancels.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use overread_dicom::levels::{is_of_series, is_of_study};
use overread_dicom::matching::{matches_range, matches_value};
use overread_dicom::{data_set_of_json, syntax};
use overread_store::studies::{
    DateRange, InstanceFilter, Page, SeriesFilter, StudyFilter, StudyPlace, StudyRow, TextMatch,
    count_studies, first_metadata, read_block, search_instances, search_series, search_studies,
};
use overread_store::{StoreResult, Tx};
use serde_json::{Map, Value};

use crate::asker::{Asker, Place, database};
use crate::command::{
    CANCELLED, Command, OUT_OF_RESOURCES, PENDING, PENDING_WITHOUT_SOME_KEYS, Status,
};
use crate::found::Found;
use crate::limits;
use crate::link::Link;
use crate::negotiation::Context;
use crate::query::{self, Identifier, Level, SERIES_INSTANCE_UID, SOP_INSTANCE_UID};
use crate::server::Shared;
use crate::wire::Ended;

const STUDY_DATE: u32 = 0x0008_0020;
const STUDY_TIME: u32 = 0x0008_0030;
const NUMBER_OF_PATIENT_RELATED_STUDIES: u32 = 0x0020_1200;

/// Why a search ended before its last answer.
enum Stop {
    /// With this status: cancelled, too many, or the database failed.
    Status(Status),
    /// The association ended.
    Ended(Ended),
}

impl From<Ended> for Stop {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

fn of_store<T>(result: StoreResult<T>) -> Result<T, Stop> {
    result.map_err(|error| Stop::Status(database(&error)))
}

/// One search under way.
pub(crate) struct Search<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) link: &'a mut Link,
    pub(crate) request: &'a Command,
    pub(crate) context: &'a Context,
    pub(crate) asker: Asker,
    pub(crate) asked: Identifier,
    filters: Filters,
    /// Matched in each answer, since the index cannot, or must not.
    later: Vec<(u32, String)>,
    sent: u64,
    pending: u16,
}

#[derive(Default)]
struct Filters {
    study: StudyFilter,
    /// Some attribute of a study or patient must match.
    asks_study: bool,
    series: SeriesFilter,
    instance: InstanceFilter,
}

/// What a search works on.
pub(crate) struct Asked<'a> {
    pub(crate) request: &'a Command,
    pub(crate) context: &'a Context,
    pub(crate) asker: Asker,
    pub(crate) asked: Identifier,
}

/// Answers a query; returns the last status.
///
/// # Errors
/// The association ended.
pub(crate) async fn answer(
    shared: &Shared,
    link: &mut Link,
    asked: Asked<'_>,
) -> Result<Status, Ended> {
    if let Err(error) = asked.asker.note_search(shared).await {
        return Ok(database(&error));
    }
    let mut search = match Search::new(shared, link, asked) {
        Ok(search) => search,
        Err(status) => return Ok(status),
    };
    match search.run().await {
        Ok(()) => Ok(Status::SUCCESS),
        Err(Stop::Status(status)) => Ok(status),
        Err(Stop::Ended(ended)) => Err(ended),
    }
}

impl<'a> Search<'a> {
    fn new(shared: &'a Shared, link: &'a mut Link, of: Asked<'a>) -> Result<Self, Status> {
        let mut filters = Filters::default();
        let mut later = Vec::new();
        for (tag, text) in of.asked.asked() {
            // A search that matched what is withheld would tell it letter by letter.
            let may_be_hidden =
                of.asker.reach.is_without_reports() && shared.first_reading.may_hold(tag);
            if may_be_hidden || !filters.take(of.asked.level, tag, &text)? {
                later.push((tag, text));
            }
        }
        // PS3.4 C.4.1.1.4: FF01 when a key that was asked to match is not known here at all.
        let is_known = |(tag, _): &(u32, String)| {
            is_of_series(*tag) || is_of_study(*tag) || of.asked.level == Level::Image
        };
        let pending = if later.iter().all(is_known) {
            PENDING
        } else {
            PENDING_WITHOUT_SOME_KEYS
        };
        Ok(Self {
            shared,
            link,
            request: of.request,
            context: of.context,
            asker: of.asker,
            asked: of.asked,
            filters,
            later,
            sent: 0,
            pending,
        })
    }

    async fn run(&mut self) -> Result<(), Stop> {
        match self.asked.level {
            Level::Patient => self.patients().await,
            Level::Study => self.studies().await,
            Level::Series | Level::Image if self.filters.asks_study => self.below_studies().await,
            Level::Series => self.series(None).await,
            Level::Image => self.instances(None).await,
        }
    }

    /// Reads the next studies behind the last one.
    async fn next_studies(&self, after: Option<StudyPlace>) -> Result<Vec<StudyRow>, Stop> {
        let page = Page {
            limit: limits::SEARCH_ROWS,
            offset: 0,
            after,
        };
        let mut tx = of_store(self.shared.ingest.store().read().await)?;
        let filter = &self.filters.study;
        of_store(search_studies(&mut tx, &self.asker.reach, filter, &page).await)
    }

    async fn patients(&mut self) -> Result<(), Stop> {
        let mut seen: HashSet<u64> = HashSet::new();
        let mut after = None;
        loop {
            let rows = self.next_studies(after).await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = Some(last.place());
            for row in &rows {
                let mut hasher = DefaultHasher::new();
                (
                    &row.patient_id,
                    &row.issuer_of_patient_id,
                    &row.patient_name,
                )
                    .hash(&mut hasher);
                row.patient_birth_date.hash(&mut hasher);
                if !seen.insert(hasher.finish()) {
                    continue;
                }
                if seen.len() > limits::PATIENTS {
                    return Err(too_many());
                }
                let mut found = Found::patient(row);
                if self.asked.attributes.contains_key("00201200") {
                    found.add_study_count(self.studies_of(row).await?);
                }
                let place = (row.study_instance_uid.as_str(), None, None);
                self.tell(found, place).await?;
            }
        }
    }

    async fn studies_of(&self, row: &StudyRow) -> Result<u64, Stop> {
        let filter = StudyFilter {
            patient_id: row.patient_id.clone().map(TextMatch),
            patient_name: row.patient_name.clone().map(TextMatch),
            ..StudyFilter::default()
        };
        let mut tx = of_store(self.shared.ingest.store().read().await)?;
        of_store(count_studies(&mut tx, &self.asker.reach, &filter).await)
    }

    async fn studies(&mut self) -> Result<(), Stop> {
        let mut after = None;
        loop {
            let rows = self.next_studies(after).await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = Some(last.place());
            for row in &rows {
                let place = (row.study_instance_uid.as_str(), None, None);
                self.tell(Found::study(row), place).await?;
            }
        }
    }

    async fn below_studies(&mut self) -> Result<(), Stop> {
        let mut after = None;
        loop {
            let rows = self.next_studies(after).await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = Some(last.place());
            for row in &rows {
                if self.asked.level == Level::Series {
                    self.series(Some(row)).await?;
                } else {
                    self.instances(Some(row)).await?;
                }
            }
        }
    }

    async fn series(&mut self, study: Option<&StudyRow>) -> Result<(), Stop> {
        let mut filter = self.filters.series.clone();
        filter.study_instance_uid = study.map(|row| row.study_instance_uid.clone());
        let mut page = first_page();
        loop {
            let mut tx = of_store(self.shared.ingest.store().read().await)?;
            let rows = search_series(&mut tx, &self.asker.reach, &filter, &page).await;
            drop(tx);
            let rows = of_store(rows)?;
            for row in &rows {
                let mut found = Found::series(row);
                if let Some(study) = study {
                    found.merge(&Found::study(study));
                }
                let series = row.series_instance_uid.as_str();
                let place = (row.study_instance_uid.as_str(), Some(series), None);
                self.tell(found, place).await?;
            }
            if !turn(&mut page, rows.len()) {
                return Ok(());
            }
        }
    }

    async fn instances(&mut self, study: Option<&StudyRow>) -> Result<(), Stop> {
        let mut filter = self.filters.instance.clone();
        filter.study_instance_uid = study.map(|row| row.study_instance_uid.clone());
        let mut page = first_page();
        loop {
            let mut tx = of_store(self.shared.ingest.store().read().await)?;
            let rows = search_instances(&mut tx, &self.asker.reach, &filter, &page).await;
            drop(tx);
            let rows = of_store(rows)?;
            for row in &rows {
                let mut found = Found::instance(row);
                if let Some(study) = study {
                    found.merge(&Found::study(study));
                }
                let series = row.series_instance_uid.as_str();
                let instance = row.sop_instance_uid.as_str();
                let place = (
                    row.study_instance_uid.as_str(),
                    Some(series),
                    Some(instance),
                );
                self.tell(found, place).await?;
            }
            if !turn(&mut page, rows.len()) {
                return Ok(());
            }
        }
    }

    /// Sends an answer, when it matches what the index could not.
    async fn tell(&mut self, mut found: Found, place: Place<'_>) -> Result<(), Stop> {
        if self.link.is_cancelled(self.request.message_id).await? {
            return Err(Stop::Status(Status::plain(CANCELLED)));
        }
        let (store, now) = (self.shared.ingest.store(), (self.shared.clock)());
        let asked = self.asker.ask_again_of_search(store, now).await;
        asked.map_err(Stop::Status)?;
        self.complete(&mut found, place).await?;
        if !self.passes(&found) {
            return Ok(());
        }
        if self.sent == limits::ANSWERS {
            return Err(too_many());
        }
        self.sent += 1;
        let title = self.shared.config.ae_title.as_str();
        let answer = found.answer(&self.asked, title);
        let is_explicit =
            self.context.transfer_syntax_uid.as_str() != syntax::IMPLICIT_VR_LITTLE_ENDIAN;
        let data = data_set_of_json(&answer, is_explicit);
        let set = self.request.answer(&Status::plain(self.pending));
        let id = self.context.id;
        self.link.send(id, &set.with_data_set()).await?;
        Ok(self.link.send_data(id, &data, true).await?)
    }

    /// Adds what is asked and the index has no column for; leaves out what a reader does not get before the lock.
    async fn complete(&self, found: &mut Found, place: Place<'_>) -> Result<(), Stop> {
        let belongs = |tag: u32| match self.asked.level {
            // A patient is told by the index alone: what one of its studies says need not hold for the others.
            Level::Patient => false,
            Level::Study => is_of_study(tag),
            Level::Series => is_of_series(tag),
            Level::Image => true,
        };
        let missing = |name: &String| {
            let tag = u32::from_str_radix(name, 16).ok()?;
            (belongs(tag) && !found.tells(tag)).then_some(tag)
        };
        let missing: Vec<u32> = self.asked.attributes.keys().filter_map(missing).collect();
        let reach = &self.asker.reach;
        if missing.is_empty() && !reach.is_without_reports() {
            return Ok(());
        }
        let mut tx = of_store(self.shared.ingest.store().read().await)?;
        if !missing.is_empty() {
            let metadata = of_store(self.first_metadata(&mut tx, place).await)?;
            for tag in missing {
                found.add_from(&metadata, tag);
            }
        }
        if of_store(self.asker.is_blind_to(&mut tx, place.0).await)? {
            found.without(&self.shared.first_reading);
        }
        Ok(())
    }

    /// Reads the metadata of the first instance of a study or series.
    async fn first_metadata(
        &self,
        tx: &mut Tx,
        (study, series, instance): Place<'_>,
    ) -> StoreResult<Map<String, Value>> {
        let place = first_metadata(tx, &self.asker.reach, study, series, instance).await?;
        let Some(place) = place else {
            return Ok(Map::new());
        };
        let block = read_block(tx, place.block_id).await?;
        Ok(serde_json::from_slice(&place.cut(&block)?).unwrap_or_default())
    }

    fn passes(&self, found: &Found) -> bool {
        if self.later.is_empty() {
            return true;
        }
        let json = Value::Object(found.0.clone());
        self.later.iter().all(|(tag, text)| {
            if *tag == STUDY_TIME
                && self.context.joins_date_and_time
                && let Some(range) = self.filters.study.study_date.as_ref()
            {
                return is_in_one_range(&json, range, text);
            }
            // What is told of nowhere here cannot be matched (FF01 says so).
            let is_known = found.tells(*tag) || self.pending == PENDING;
            !is_known || matches_value(&json, &[*tag], text)
        })
    }
}

impl Filters {
    /// Takes an attribute for the index; `false` when it cannot match it.
    fn take(&mut self, level: Level, tag: u32, text: &str) -> Result<bool, Status> {
        let pattern = || Some(TextMatch(text.to_owned()));
        let list = || text.split('\\').map(str::to_owned).collect();
        let number = || text.trim().parse::<i64>().ok();
        let is_pattern = text.contains(['*', '?']);
        match tag {
            SERIES_INSTANCE_UID if level == Level::Series => {
                self.series.series_instance_uids = list()
            }
            SERIES_INSTANCE_UID if level == Level::Image && !text.contains('\\') => {
                self.instance.series_instance_uid = Some(text.to_owned());
            }
            SOP_INSTANCE_UID if level == Level::Image => self.instance.sop_instance_uids = list(),
            0x0008_0016 if level == Level::Image => self.instance.sop_class_uids = list(),
            0x0008_0060 if level == Level::Series && !is_pattern => self.series.modalities = list(),
            0x0008_0060 if level == Level::Image && !is_pattern => {
                self.instance.modalities = list()
            }
            0x0020_0011 if level == Level::Series && number().is_some() => {
                self.series.series_number = number();
            }
            0x0020_0013 if level == Level::Image && number().is_some() => {
                self.instance.instance_number = number();
            }
            0x0008_103E if level == Level::Series => self.series.series_description = pattern(),
            0x0018_0015 if level == Level::Series => self.series.body_part_examined = pattern(),
            NUMBER_OF_PATIENT_RELATED_STUDIES => return Ok(false),
            // Below the level of patients, other attributes of a patient are the study's.
            tag if level == Level::Patient && tag >> 16 != 0x0010 => return Ok(false),
            tag => {
                let is_taken = query::study_key(&mut self.study, tag, text)?;
                self.asks_study |= is_taken;
                return Ok(is_taken);
            }
        }
        Ok(true)
    }
}

// PS3.4 C.2.2.2.5.2.
fn is_in_one_range(found: &Value, range: &DateRange, times: &str) -> bool {
    let value = |tag: u32| {
        let path = format!("/{tag:08X}/Value/0");
        found
            .pointer(&path)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let Some((from, to)) = times.split_once('-') else {
        return matches_range(&value(STUDY_TIME), times);
    };
    let end = |day: &Option<String>, time: &str| day.as_ref().map(|day| format!("{day}{time}"));
    let instant = format!("{}{}", value(STUDY_DATE), value(STUDY_TIME));
    let from = end(&range.from, from).unwrap_or_default();
    let to = end(&range.to, to).unwrap_or_default();
    matches_range(&instant, &format!("{from}-{to}"))
}

fn first_page() -> Page {
    Page {
        limit: limits::SEARCH_ROWS,
        ..Page::default()
    }
}

/// Goes on to the next page, if there may be one.
fn turn(page: &mut Page, row_count: usize) -> bool {
    page.offset = page.offset.saturating_add(page.limit);
    row_count == page.limit as usize
}

fn too_many() -> Stop {
    Stop::Status(Status::failure(
        OUT_OF_RESOURCES,
        "the query matches too much; narrow it",
    ))
}

#[cfg(test)]
mod tests {
    use overread_store::studies::DateRange;
    use serde_json::json;

    use super::is_in_one_range;

    #[test]
    fn a_range_of_dates_and_times_is_one_of_instants() {
        let found = json!({
            "00080020": {"vr": "DA", "Value": ["20260302"]},
            "00080030": {"vr": "TM", "Value": ["080000"]}
        });
        let range = |from: &str, to: &str| DateRange {
            from: Some(from.to_owned()).filter(|day| !day.is_empty()),
            to: Some(to.to_owned()).filter(|day| !day.is_empty()),
        };
        let check = |from, to, times, expect| {
            let got = is_in_one_range(&found, &range(from, to), times);
            assert_eq!(got, expect, "{from}-{to} {times}");
        };
        check("20260301", "20260303", "1000-1200", true);
        check("20260302", "20260303", "1000-1200", false);
        check("20260302", "20260302", "0700-0900", true);
        check("20260301", "", "2300-", true);
    }
}
