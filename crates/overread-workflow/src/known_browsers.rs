//! Browsers in which a person signed in before, so that a stranger's wrong passwords never hold their owner up.
//!
//! A browser keeps one token for each of its last people: a random name and a proof that only this installation can
//! make, keyed by what it keeps of the password. So nothing is stored, and a new password makes every browser new.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use overread_store::people::PersonRow;

use crate::secrets;
use crate::{StepResult, limits};

/// Returns the name of this browser, when its cookie proves that the person signed in here before.
pub(crate) fn known(cookie: &str, person: &PersonRow) -> Option<String> {
    tokens(cookie).find_map(|token| {
        let (name, shown) = token.split_once('~')?;
        let fits = secrets::same(shown.as_bytes(), proof(name, person).as_bytes());
        fits.then(|| name.to_owned())
    })
}

/// Returns the cookie's value after this person has signed in: their token first, then those of others.
pub(crate) fn remember(cookie: &str, person: &PersonRow) -> StepResult<String> {
    let name = match known(cookie, person) {
        Some(name) => name,
        None => URL_SAFE_NO_PAD.encode(secrets::random::<16>()?),
    };
    let own = format!("{name}~{}", proof(&name, person));
    let others = tokens(cookie).filter(|token| *token != own);
    let all: Vec<&str> = std::iter::once(own.as_str())
        .chain(others)
        .take(limits::PEOPLE_PER_BROWSER)
        .collect();
    Ok(all.join("."))
}

/// Lists the tokens of a cookie; nothing that is not shaped like one is kept.
fn tokens(cookie: &str) -> impl Iterator<Item = &str> {
    let shaped = |token: &&str| {
        token.len() == 22 + 1 + 43
            && token
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte))
    };
    cookie
        .split('.')
        .take(limits::PEOPLE_PER_BROWSER)
        .filter(shaped)
}

fn proof(name: &str, person: &PersonRow) -> String {
    let key = blake3::derive_key(
        "overread 2026 known browser",
        person.password_hash.as_bytes(),
    );
    let told = format!("{}\n{name}", person.id);
    URL_SAFE_NO_PAD.encode(blake3::keyed_hash(&key, told.as_bytes()).as_bytes())
}

#[cfg(test)]
mod tests {
    use overread_store::people::PersonRow;

    use super::{known, remember};

    fn person(id: &str, password_hash: &str) -> PersonRow {
        PersonRow {
            id: id.to_owned(),
            name: String::new(),
            email: String::new(),
            email_folded: String::new(),
            password_hash: password_hash.to_owned(),
            language: "en".to_owned(),
            created_at: 0,
            password_changed_at: 0,
            last_signed_in_at: None,
            disabled_at: None,
        }
    }

    #[test]
    fn a_browser_is_known_to_its_people_only() {
        let (ada, eve) = (person("ada", "hash of one"), person("eve", "hash of two"));
        let cookie = remember("", &ada).unwrap();
        assert!(known(&cookie, &ada).is_some());
        assert!(known(&cookie, &eve).is_none());
        assert!(known(&cookie, &person("ada", "a new password")).is_none());
        assert!(known("forged", &ada).is_none() && known("", &ada).is_none());
        let both = remember(&cookie, &eve).unwrap();
        assert_eq!(known(&both, &ada), known(&cookie, &ada));
        assert!(known(&both, &eve).is_some());
        assert_eq!(remember(&cookie, &ada).unwrap(), cookie);
    }

    #[test]
    fn what_others_write_into_the_cookie_is_dropped() {
        let ada = person("ada", "hash");
        let cookie = remember("a; Domain=evil.example.\r\nx", &ada).unwrap();
        assert_eq!(cookie.len(), 66);
        let mut many = cookie;
        for number in 0..20 {
            many = remember(&many, &person(&number.to_string(), "hash")).unwrap();
        }
        assert_eq!(many.split('.').count(), crate::limits::PEOPLE_PER_BROWSER);
    }
}
