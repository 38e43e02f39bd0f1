//! States and territories in which licences are given, by code and name.

use overread_model::choosing::is_region;
use serde::Deserialize;

/// A state or territory.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Region {
    /// ISO 3166-2: `US-WA`.
    pub code: String,
    /// English.
    pub en: String,
    /// Its letters alone would be a country: `CA` is Canada.
    pub letters_are_a_country: bool,
}

/// Everything `codes/regions.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Regions {
    /// Where it comes from.
    pub source: String,
    /// The list.
    pub regions: Vec<Region>,
}

impl Regions {
    /// Returns the code of a region as people write it: `Washington`, `WA`, `us-wa`, `Washington (US-WA)`, `es`.
    ///
    /// Letters that name a state and a country are taken for neither.
    pub fn code_of(&self, typed: &str) -> Option<String> {
        let typed = typed.trim();
        let in_brackets = typed
            .strip_suffix(')')
            .and_then(|text| text.rsplit_once('('))
            .map(|(_, code)| code);
        let typed = in_brackets.unwrap_or(typed).trim();
        let by_name = self.regions.iter().find(|region| {
            let letters = region.code.trim_start_matches("US-");
            region.en.eq_ignore_ascii_case(typed) || letters.eq_ignore_ascii_case(typed)
        });
        match by_name {
            Some(region) if typed.len() > 2 || !region.letters_are_a_country => {
                Some(region.code.clone())
            }
            Some(_) => None,
            None => {
                let code = typed.to_uppercase();
                let is_known = !code.starts_with("US")
                    || self.regions.iter().any(|region| region.code == code);
                (is_region(&code) && is_known).then_some(code)
            }
        }
    }

    /// Returns a region in words: `Washington (US-WA)`; a code that is not in the list stays as it is.
    pub fn words(&self, code: &str) -> String {
        let known = self.regions.iter().find(|region| region.code == code);
        known.map_or_else(
            || code.to_owned(),
            |region| format!("{} ({})", region.en, region.code),
        )
    }
}
