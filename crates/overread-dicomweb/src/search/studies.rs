//! Searching studies.

use overread_store::Tx;
use overread_store::studies::{DateRange, Page, StudyFilter, count_studies, search_studies};
use serde_json::Value;

use super::Results;
use super::keys::{Later, asks, complete, paged, study_key};
use crate::caller::Caller;
use crate::limits::SEARCH_RESULTS;
use crate::params::Query;
use crate::refusal::Answer;
use crate::results;

pub(super) async fn studies(
    tx: &mut Tx,
    caller: &Caller,
    query: &Query,
    mut filter: StudyFilter,
) -> Answer<Results> {
    let mut later: Later<'_> = Vec::new();
    let mut has_time = false;
    for (path, value) in query.matches.iter().filter(|(_, value)| asks(value)) {
        let taken = match path.as_slice() {
            [tag] => study_key(&mut filter, *tag, value, query.is_fuzzy)?,
            _ => false,
        };
        has_time |= path.as_slice() == [0x0008_0030];
        if !taken {
            later.push((path, value));
        }
    }
    let limit = query.limit.unwrap_or(SEARCH_RESULTS);
    if limit == 0 {
        return Ok(Results {
            page: Vec::new(),
            remaining: 0,
        });
    }
    if later.is_empty() {
        let page = Page {
            limit,
            offset: query.offset,
            after: None,
        };
        let rows = search_studies(tx, &caller.reach, &filter, &page).await?;
        let seen = u64::from(query.offset) + rows.len() as u64;
        let is_full = rows.len() as u64 == u64::from(limit);
        let total = if is_full {
            count_studies(tx, &caller.reach, &filter).await?
        } else {
            seen
        };
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut one = results::study(row, &caller.address);
            complete(
                tx,
                caller,
                query,
                &mut one,
                results::is_of_study,
                (&row.study_instance_uid, None, None),
            )
            .await?;
            found.push(one);
        }
        return Ok(Results {
            page: found,
            remaining: total.saturating_sub(seen),
        });
    }
    let date = filter.study_date.clone().filter(|_| has_time);
    let rows = search_studies(tx, &caller.reach, &filter, &Page::default()).await?;
    let mut all = Vec::new();
    for row in &rows {
        let one = results::study(row, &caller.address);
        let json = one.to_json();
        let good = later.iter().all(|(path, value)| match (path, &date) {
            // PS3.4 C.2.2.2.5: a range of dates with a range of times is one range of instants.
            ([0x0008_0030], Some(date)) => in_one_range(&json, date, value),
            _ => results::matches_value(&json, path, value),
        });
        if good {
            all.push(one);
        }
    }
    Ok(paged(all, query.limit, query.offset))
}

fn in_one_range(found: &Value, dates: &DateRange, times: &str) -> bool {
    let value = |tag: &str| {
        found
            .pointer(&format!("/{tag}/Value/0"))
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let Some((from, to)) = times.split_once('-') else {
        return results::matches_range(value("00080030"), times);
    };
    if dates.from == dates.to {
        return results::matches_range(value("00080030"), times);
    }
    let instant = format!("{}{}", value("00080020"), value("00080030"));
    let from = dates
        .from
        .as_ref()
        .map(|day| format!("{day}{from}"))
        .unwrap_or_default();
    let to = dates
        .to
        .as_ref()
        .map(|day| format!("{day}{to}"))
        .unwrap_or_default();
    results::matches_range(&instant, &format!("{from}-{to}"))
}
