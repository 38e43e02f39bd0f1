//! Here live the rules on people's names, passwords and e-mail addresses.

use unicode_normalization::UnicodeNormalization;

use crate::limits;
use crate::text::{FieldProblem, folded};

/// What a password is checked against.
#[derive(Debug, Clone, Copy)]
pub struct PasswordRules<'a> {
    /// Says whether a password is on the list of passwords known to attackers; asked with the password in lower case.
    pub is_known: fn(&str) -> bool,
    /// Words of the context: the program's name, the person's name and address, the organisation.
    pub context_words: &'a [&'a str],
    /// A second factor is always asked too, so that eight characters are enough.
    pub beside_second_factor: bool,
}

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// Too few code points.
    #[error("use at least {0} characters; a sentence of your own is easy to remember")]
    TooShort(usize),
    /// Too many code points.
    #[error("use at most {} characters", limits::PASSWORD_MAX_CHARS)]
    TooLong,
    /// Known to attackers.
    #[error("this password is known to attackers; choose another one")]
    Known,
    /// Little more than the person's or the program's name.
    #[error(
        "this password is mostly your name, your address or the name of this site; choose another one"
    )]
    ContextWord,
    /// One short piece again and again, or a run along the alphabet or the digits.
    #[error("this password repeats itself; choose one that is harder to guess")]
    Repetitive,
}

/// Returns the password in the form in which it is hashed: NFKC, nothing cut off.
pub fn normalised_password(password: &str) -> String {
    password.nfkc().collect()
}

/// Checks a new password. There are no rules on kinds of characters, on purpose (NIST SP 800-63B-4 3.1.1).
///
/// # Errors
/// The first reason not to take it.
pub fn check_password(password: &str, rules: PasswordRules<'_>) -> Result<(), PasswordProblem> {
    let password = normalised_password(password);
    let length = password.chars().count();
    let shortest = if rules.beside_second_factor {
        limits::PASSWORD_MIN_WITH_FACTOR_CHARS
    } else {
        limits::PASSWORD_MIN_CHARS
    };
    if length < shortest {
        return Err(PasswordProblem::TooShort(shortest));
    }
    if length > limits::PASSWORD_MAX_CHARS {
        return Err(PasswordProblem::TooLong);
    }
    if (rules.is_known)(&password.to_lowercase()) {
        return Err(PasswordProblem::Known);
    }
    if repeats(&password) {
        return Err(PasswordProblem::Repetitive);
    }
    if is_mostly_context(&password, rules.context_words) {
        return Err(PasswordProblem::ContextWord);
    }
    Ok(())
}

/// Says whether the password is one piece of up to four characters again and again, or one long run.
fn repeats(password: &str) -> bool {
    let characters: Vec<char> = password.to_lowercase().chars().collect();
    let periodic = |period: usize| {
        characters
            .iter()
            .zip(characters.iter().skip(period))
            .all(|(a, b)| a == b)
    };
    let steps = |step: i64| {
        characters
            .iter()
            .zip(characters.iter().skip(1))
            .filter(|(a, b)| i64::from(u32::from(**b)) - i64::from(u32::from(**a)) == step)
            .count()
    };
    let mostly = |count: usize| count * 10 >= characters.len().saturating_sub(1) * 8;
    (1..=4).any(periodic) || [1, -1, 0].into_iter().any(|step| mostly(steps(step)))
}

/// Says whether fewer than eight letters or digits remain when the context words are taken out.
fn is_mostly_context(password: &str, words: &[&str]) -> bool {
    let mut rest = folded(password).replace(' ', "");
    let before = rest.len();
    let mut parts: Vec<String> = words
        .iter()
        .flat_map(|word| {
            let folded = folded(word);
            folded.split(' ').map(str::to_owned).collect::<Vec<_>>()
        })
        .filter(|part| part.chars().count() >= 4)
        .collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    for part in &parts {
        rest = rest.replace(part.as_str(), "");
    }
    rest.len() < before && rest.chars().count() < limits::PASSWORD_MIN_WITH_FACTOR_CHARS
}

/// Returns the address in the form in which it is kept: trimmed, the domain in lower case.
///
/// # Errors
/// What is wrong with it; only what a mail server could never deliver to is refused.
pub fn check_email(address: &str) -> Result<String, FieldProblem> {
    let problem = |message: &str| FieldProblem::new("email", message);
    let address = address.trim();
    if address.is_empty() {
        return Err(problem("Enter an e-mail address."));
    }
    if address.chars().count() > limits::EMAIL_CHARS {
        return Err(problem("This e-mail address is too long."));
    }
    if address.chars().any(|c| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '<' | '>' | ',' | ';' | '"' | '\\' | '(' | ')')
    }) {
        return Err(problem(
            "Enter one e-mail address, without spaces or brackets.",
        ));
    }
    let (local, domain) = address
        .rsplit_once('@')
        .ok_or_else(|| problem("An e-mail address has an @ in it, as name@example.org."))?;
    let good_local = !local.is_empty()
        && local.len() <= 64
        && !local.contains('@')
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let good_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    let has_dot_or_is_local = domain.contains('.') || domain.eq_ignore_ascii_case("localhost");
    if !good_local || !has_dot_or_is_local || !domain.split('.').all(good_label) {
        return Err(problem(
            "Check the e-mail address: it should look like name@example.org.",
        ));
    }
    Ok(format!("{local}@{}", domain.to_lowercase()))
}

/// Returns a name as it is kept: one space between words, NFC; any script, any number of words.
///
/// # Errors
/// When it is empty, too long, or holds control characters.
pub fn check_name(field: &str, name: &str) -> Result<String, FieldProblem> {
    let name: String = name.nfc().collect();
    if name.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err(FieldProblem::new(
            field,
            "The name holds characters that cannot be shown.",
        ));
    }
    let words: Vec<&str> = name.split_whitespace().collect();
    if !words
        .iter()
        .any(|word| word.chars().any(char::is_alphanumeric))
    {
        return Err(FieldProblem::new(field, "Enter the full name."));
    }
    let name = words.join(" ");
    if name.chars().count() > limits::PERSON_NAME_CHARS {
        return Err(FieldProblem::new(field, "The name is too long."));
    }
    Ok(name)
}

/// Says whether a text is a US National Provider Identifier: ten digits with the right check digit.
// 45 CFR 162.406: Luhn over the prefix 80840 and the first nine digits.
pub fn is_npi(text: &str) -> bool {
    if text.len() != 10 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let prefixed = format!("80840{text}");
    let sum: u32 = prefixed
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match (place % 2, digit * 2) {
                (0, _) => digit,
                (_, doubled) if doubled > 9 => doubled - 9,
                (_, doubled) => doubled,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::{
        PasswordProblem, PasswordRules, check_email, check_name, check_password, is_npi,
        normalised_password,
    };

    fn known(password: &str) -> bool {
        password == "correct horse battery staple"
    }

    fn check(password: &str, expect: Result<(), PasswordProblem>) {
        let rules = PasswordRules {
            is_known: known,
            context_words: &["Overread", "Ana María Pérez", "ana.perez@example.org"],
            beside_second_factor: false,
        };
        assert_eq!(check_password(password, rules), expect, "{password}");
    }

    #[test]
    fn passwords_are_judged() {
        check("seven blue lamps sing", Ok(()));
        check("пароль из многих слов", Ok(()));
        check("short one", Err(PasswordProblem::TooShort(15)));
        check("Correct horse battery staple", Err(PasswordProblem::Known));
        check("aaaaaaaaaaaaaaaaaaaa", Err(PasswordProblem::Repetitive));
        check("abababababababababab", Err(PasswordProblem::Repetitive));
        check("abcdefghijklmnopqrst", Err(PasswordProblem::Repetitive));
        check("anaperezoverread1234", Err(PasswordProblem::ContextWord));
        check("Perez likes 17 yellow overcoats", Ok(()));
        check(&"ab c".repeat(80), Err(PasswordProblem::TooLong));
    }

    #[test]
    fn eight_characters_are_enough_beside_a_second_factor() {
        let rules = PasswordRules {
            is_known: known,
            context_words: &[],
            beside_second_factor: true,
        };
        assert_eq!(check_password("k7 wmz!q", rules), Ok(()));
        assert_eq!(
            check_password("k7 wmz!", rules),
            Err(PasswordProblem::TooShort(8))
        );
    }

    #[test]
    fn the_same_password_typed_elsewhere_is_the_same() {
        assert_eq!(
            normalised_password("\u{212b}ngström"),
            normalised_password("A\u{30a}ngstro\u{308}m")
        );
    }

    #[test]
    fn addresses_are_checked() {
        assert_eq!(
            check_email(" Ana@Example.ORG "),
            Ok("Ana@example.org".to_owned())
        );
        assert_eq!(
            check_email("o'neil+x@mail.example.co.uk").as_deref(),
            Ok("o'neil+x@mail.example.co.uk")
        );
        assert_eq!(check_email("ana@localhost").as_deref(), Ok("ana@localhost"));
        for bad in [
            "",
            "ana",
            "@x.org",
            "a@b",
            "a b@x.org",
            "a@x..org",
            "a@-x.org",
            "a@@x.org",
            ".a@x.org",
            "a@x.org\nBcc: b@x.org",
            "<a@x.org>",
        ] {
            assert!(check_email(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_of_all_kinds_are_kept() {
        for name in [
            "Ana María de la Cruz Pérez",
            "王小明",
            "Þór",
            "Nguyễn Văn A",
            "O'Neil-Smith Jr.",
        ] {
            assert_eq!(check_name("name", name).as_deref(), Ok(name));
        }
        assert_eq!(
            check_name("name", "  Ana \t María ").as_deref(),
            Ok("Ana María")
        );
        for bad in ["", "   ", "...", "Ana\u{7}", &"x ".repeat(300)] {
            assert!(check_name("name", bad).is_err());
        }
    }

    #[test]
    fn npi_check_digits() {
        assert!(is_npi("1234567893"));
        assert!(!is_npi("1234567890"));
        assert!(!is_npi("123456789"));
        assert!(!is_npi("12345678９3"));
    }
}
