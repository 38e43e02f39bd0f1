//! Mails around a case: they say that something waits, and where; what it is stands behind the sign-in.

use overread_model::letter::Language;
use overread_model::time::CalendarDate;

use crate::letters::placeholders::fill;
use crate::{cleaning, dates};

/// Which mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailKind {
    /// Somebody may make an account.
    Invitation,
    /// Something has changed in a case.
    CaseNews,
    /// A reviewer is offered a case.
    ReviewOffer,
    /// The treating physician may open both reports and their comparison.
    PhysicianLink,
    /// An addendum was signed to a report that the treating physician has been sent.
    PhysicianAddendum,
    /// Something still waits for an answer.
    Reminder,
}

impl MailKind {
    /// Every mail.
    pub const ALL: [Self; 6] = [
        Self::Invitation,
        Self::CaseNews,
        Self::ReviewOffer,
        Self::PhysicianLink,
        Self::PhysicianAddendum,
        Self::Reminder,
    ];

    const fn templates(self, language: Language) -> (&'static str, &'static str) {
        macro_rules! pair {
            ($kind:literal, $language:literal) => {
                (
                    include_str!(concat!(
                        "../templates/mails/",
                        $kind,
                        "/subject.",
                        $language,
                        ".txt"
                    )),
                    include_str!(concat!(
                        "../templates/mails/",
                        $kind,
                        "/body.",
                        $language,
                        ".txt"
                    )),
                )
            };
        }
        match (self, language) {
            (Self::Invitation, Language::En) => pair!("invitation", "en"),
            (Self::Invitation, Language::Es) => pair!("invitation", "es"),
            (Self::CaseNews, Language::En) => pair!("case_news", "en"),
            (Self::CaseNews, Language::Es) => pair!("case_news", "es"),
            (Self::ReviewOffer, Language::En) => pair!("review_offer", "en"),
            (Self::ReviewOffer, Language::Es) => pair!("review_offer", "es"),
            (Self::PhysicianLink, Language::En) => pair!("physician_link", "en"),
            (Self::PhysicianLink, Language::Es) => pair!("physician_link", "es"),
            (Self::PhysicianAddendum, Language::En) => pair!("physician_addendum", "en"),
            (Self::PhysicianAddendum, Language::Es) => pair!("physician_addendum", "es"),
            (Self::Reminder, Language::En) => pair!("reminder", "en"),
            (Self::Reminder, Language::Es) => pair!("reminder", "es"),
        }
    }
}

/// What has changed in a case, without saying what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Records have arrived.
    RecordsArrived,
    /// Something among the records is missing.
    RecordsIncomplete,
    /// A reviewer has been found.
    ReviewerFound,
    /// The report can be read.
    ReportReady,
    /// An administrator answered that the images be deleted.
    DeletionAnswered,
    /// Something else.
    Something,
}

impl News {
    const fn words(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::RecordsArrived, Language::En) => "The records have arrived.",
            (Self::RecordsArrived, Language::Es) => "Los registros han llegado.",
            (Self::RecordsIncomplete, Language::En) => {
                "Some records are still missing. The page tells you which, and what to do."
            }
            (Self::RecordsIncomplete, Language::Es) => {
                "Aún faltan algunos registros. La página le dice cuáles y qué hacer."
            }
            (Self::ReviewerFound, Language::En) => "A reviewer has accepted your request.",
            (Self::ReviewerFound, Language::Es) => "Ya hay quien revise su solicitud.",
            (Self::ReportReady, Language::En) => "The result is ready for you to read.",
            (Self::ReportReady, Language::Es) => "El resultado está listo para leer.",
            (Self::DeletionAnswered, Language::En) => {
                "Your request to delete the images was answered. The page tells you how."
            }
            (Self::DeletionAnswered, Language::Es) => {
                "Se respondió a su solicitud de borrar las imágenes. La página le dice cómo."
            }
            (Self::Something, Language::En) => "There is news on your request.",
            (Self::Something, Language::Es) => "Hay novedades en su solicitud.",
        }
    }
}

/// What a mail may say. There is no place for a patient's name, on purpose.
#[derive(Clone, Copy)]
pub struct MailFacts<'a> {
    /// The name of the person written to; empty for a neutral greeting.
    pub name: &'a str,
    /// The practice or hospital.
    pub practice: &'a str,
    /// Where to go; `https://` or `http://`. Empty where the receiver has the address already.
    pub address: &'a str,
    /// What has changed, for [`MailKind::CaseNews`].
    pub news: News,
    /// The day after which the address no longer works.
    pub valid_until: Option<CalendarDate>,
    /// The day by which an answer is hoped for.
    pub due: Option<CalendarDate>,
}

impl std::fmt::Debug for MailFacts<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("MailFacts")
            .field("news", &self.news)
            .field("valid_until", &self.valid_until)
            .field("due", &self.due)
            .finish_non_exhaustive()
    }
}

/// A mail ready for the outbox.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// One line, never with patient data.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The same body as a whole HTML page.
    pub html: String,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Mail")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// Writes a mail. Facts that are missing leave out the part that would name them.
pub fn render(kind: MailKind, facts: &MailFacts<'_>, language: Language) -> Mail {
    let (subject, body) = kind.templates(language);
    let fact = |key: &str| -> Option<String> {
        let text = match key {
            "name" => cleaning::line(facts.name),
            "practice" => cleaning::line(facts.practice),
            "address" => cleaning::line(facts.address),
            "news" => facts.news.words(language).to_owned(),
            "valid_until" => dates::long(facts.valid_until?, language),
            "due" => dates::long(facts.due?, language),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    };
    let mut text = String::new();
    let mut html = String::new();
    for paragraph in body.split("\n\n") {
        let paragraph = paragraph.trim().replace('\n', " ");
        // `=> Words` is the way in: a button on a page, words and address in plain text.
        if let Some(words) = paragraph.strip_prefix("=> ") {
            let address = cleaning::line(facts.address);
            if address.is_empty() {
                continue;
            }
            text.push_str(&format!("{words}:\n{address}\n\n"));
            html.push_str(&button(words, &address));
            continue;
        }
        let filled = cleaning::line(&fill(&paragraph, &fact).text);
        if !filled.is_empty() {
            html.push_str(&format!(
                "<p style=\"margin:0 0 16px\">{}</p>",
                cleaning::html(&filled)
            ));
            text.push_str(&filled);
            text.push_str("\n\n");
        }
    }
    let subject = cleaning::cut(&cleaning::line(&fill(subject, &fact).text), 120);
    let frame = include_str!("../templates/mails/frame.html");
    let html = frame
        .replace("{language}", language.as_str())
        .replace("{subject}", &cleaning::html(&subject))
        .replace(
            "{practice}",
            &cleaning::html(&cleaning::line(facts.practice)),
        )
        .replace("{body}", &html);
    Mail {
        subject,
        text: text.trim_end().to_owned() + "\n",
        html,
    }
}

fn button(words: &str, address: &str) -> String {
    let shown = cleaning::html(address);
    let plain = format!("<p style=\"margin:0 0 16px;font-size:13px;color:#4a5956\">{shown}</p>");
    // Anything but a web address stays text: a mail never runs a script.
    if !(address.starts_with("https://") || address.starts_with("http://")) {
        return plain;
    }
    format!(
        "<p style=\"margin:24px 0 12px\"><a href=\"{shown}\" style=\"display:inline-block;padding:12px 22px;border-radius:8px;background:#0b5a57;color:#ffffff;text-decoration:none;font-weight:600\">{}</a></p>{plain}",
        cleaning::html(words)
    )
}
