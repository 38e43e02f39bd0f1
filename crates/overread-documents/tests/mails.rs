//! Mails say where to go and nothing about anybody.

use overread_documents::mails::{Mail, MailFacts, MailKind, News, render};
use overread_model::letter::Language;
use overread_model::time::CalendarDate;

use crate::snapshots;

const FACTS: MailFacts<'_> = MailFacts {
    name: "Ana López",
    practice: "Lakeside Second Opinions",
    address: "https://overread.example/invitations/abc?x=1&y=2",
    news: News::ReportReady,
    valid_until: None,
    due: None,
};

#[test]
fn every_mail_reads_well_with_and_without_dates() {
    for kind in MailKind::ALL {
        for language in Language::ALL {
            let dated = MailFacts {
                valid_until: CalendarDate::new(2026, 4, 2),
                due: CalendarDate::new(2026, 3, 20),
                ..FACTS
            };
            for (name, facts) in [("dated", dated), ("plain", MailFacts { name: "", ..FACTS })] {
                let Mail {
                    subject,
                    text,
                    html,
                } = render(kind, &facts, language);
                for open in ["{{", "[[", "{body}", "  ", " ,", " :"] {
                    assert!(
                        !text.contains(open) && !subject.contains(open),
                        "{kind:?} {open}: {text}"
                    );
                }
                assert!(
                    text.contains(FACTS.address)
                        && html.contains(
                            "href=\"https://overread.example/invitations/abc?x=1&amp;y=2\""
                        )
                );
                let shown = format!("Subject: {subject}\n\n{text}");
                snapshots::check(&format!("mails/{kind:?}.{name}.{language}.txt"), &shown);
            }
        }
    }
}

#[test]
fn subjects_name_the_practice_and_nobody_else() {
    for kind in MailKind::ALL {
        let subject = render(kind, &FACTS, Language::En).subject;
        assert!(
            subject.contains("Lakeside") && !subject.contains("Ana"),
            "{subject}"
        );
    }
}

#[test]
fn hostile_facts_stay_text() {
    let facts = MailFacts {
        name: "<script>{{address}}\r\nBcc: everybody@example.org",
        practice: "{body} \"><img src=x>",
        address: "javascript:alert(1)",
        ..FACTS
    };
    let mail = render(MailKind::Invitation, &facts, Language::En);
    assert!(
        !mail.html.contains("<script")
            && !mail.html.contains("<img")
            && !mail.html.contains("href"),
        "{}",
        mail.html
    );
    assert!(!mail.subject.contains(['\r', '\n']));
    assert!(
        mail.text
            .contains("Hello <script>{{address}} Bcc: everybody@example.org,")
    );
}
