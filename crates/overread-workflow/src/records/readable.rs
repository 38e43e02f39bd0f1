//! Names and dates of images, as people write them.

use overread_model::time::CalendarDate;

/// Returns a name as people write it: `Ana Ruiz` for `RUIZ^ANA` stays in the letters the images use.
pub(crate) fn readable_name(name: Option<&str>) -> String {
    // PS3.5 6.2.1.1: family^given^middle^prefix^suffix; groups by `=`, the first one is shown.
    let group = name
        .unwrap_or_default()
        .split('=')
        .find(|group| !group.trim().is_empty())
        .unwrap_or_default();
    let mut parts = group.split('^').map(str::trim);
    let family = parts.next().unwrap_or_default();
    let mut words: Vec<&str> = parts
        .by_ref()
        .take(2)
        .filter(|part| !part.is_empty())
        .collect();
    if !family.is_empty() {
        words.push(family);
    }
    words.join(" ")
}

/// Returns a DICOM date as 2026-03-02; empty when it is none.
pub(crate) fn readable_date(text: Option<&str>) -> String {
    text.and_then(|text| text.parse::<CalendarDate>().ok())
        .map_or_else(String::new, |date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::{readable_date, readable_name};

    #[test]
    fn names_and_dates_are_written_for_people() {
        assert_eq!(readable_name(Some("Ruiz^Ana^Maria")), "Ana Maria Ruiz");
        assert_eq!(
            readable_name(Some("Yamada^Tarou=山田^太郎")),
            "Tarou Yamada"
        );
        assert_eq!(readable_name(Some("Ana Ruiz")), "Ana Ruiz");
        assert_eq!(readable_name(None), "");
        assert_eq!(readable_date(Some("20260302")), "2026-03-02");
        assert_eq!(readable_date(Some("yesterday")), "");
    }
}
