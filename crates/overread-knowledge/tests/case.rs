use overread_model::case::{
    AuditKind, CaseEvent, CaseRole, CaseState, ConsentTrack, CoverageTrack, Effect, Guard, Notify,
    QualityTrack, RecordsTrack, TRANSITIONS, Target, UrgentTrack,
};
use serde_json::Value;

const MACHINE: &str = include_str!("../data/case/state_machine.json");

fn machine() -> Value {
    serde_json::from_str(MACHINE).unwrap()
}

fn words(value: &Value) -> Vec<String> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

/// The data file says "as submit" and "as sign above"; the table spells it out.
fn spelt_out(file: &Value, of: &str) -> Vec<String> {
    let machine = machine();
    let transitions = machine["transitions"].as_array().unwrap();
    let of_event = |from: &str, event: &str| -> Vec<String> {
        let found = transitions
            .iter()
            .find(|t| t["from"] == from && t["event"] == event)
            .unwrap();
        words(&found[of])
    };
    words(&file[of])
        .into_iter()
        .flat_map(|text| match text.as_str() {
            "as submit" => of_event("draft", "submit"),
            "as sign above" => of_event("in_review", "sign"),
            _ => vec![text],
        })
        .collect()
}

#[test]
fn the_states_are_those_of_the_data() {
    let machine = machine();
    let states = machine["states"].as_object().unwrap();
    assert_eq!(states.len(), CaseState::ALL.len());
    for state in CaseState::ALL {
        let file = &states[state.as_str()];
        assert_eq!(file["en"], state.title());
        assert_eq!(file["es"], state.title_es());
        assert_eq!(file["kind"] == "end", state.is_end(), "{state}");
    }
}

#[test]
fn the_transitions_are_those_of_the_data() {
    let machine = machine();
    let file = machine["transitions"].as_array().unwrap();
    assert_eq!((file.len(), TRANSITIONS.len()), (69, 69));
    for (file, rule) in file.iter().zip(&TRANSITIONS) {
        let name = format!("{} {}", rule.from, rule.event);
        assert_eq!(file["from"], rule.from.as_str());
        assert_eq!(file["event"], rule.event.as_str());
        let to = match rule.to {
            Target::State(to) => to.as_str(),
            Target::Source => "<source>",
        };
        assert_eq!(file["to"], to, "{name}");
        let list =
            |items: Vec<&str>| -> Vec<String> { items.into_iter().map(str::to_owned).collect() };
        assert_eq!(
            words(&file["actors"]),
            list(rule.actors.iter().map(|a| a.as_str()).collect()),
            "{name}"
        );
        assert_eq!(
            spelt_out(file, "guards"),
            list(rule.guards.iter().map(|g| g.words()).collect()),
            "{name}"
        );
        assert_eq!(
            spelt_out(file, "effects"),
            list(rule.effects.iter().map(|e| e.words()).collect()),
            "{name}"
        );
        assert_eq!(
            words(&file["notify"]),
            list(rule.notify.iter().map(|n| n.words()).collect()),
            "{name}"
        );
        let (id, kind, action) = rule.audit.codes();
        assert_eq!(file["audit"]["id"], id, "{name}");
        assert_eq!(file["audit"]["type"].as_str(), kind, "{name}");
        assert_eq!(file["audit"]["action"], action, "{name}");
        assert_eq!(file["audit"]["name"], rule.audit.name(), "{name}");
    }
}

#[test]
fn nothing_of_the_model_is_unused() {
    for event in CaseEvent::ALL {
        assert!(
            TRANSITIONS.iter().any(|rule| rule.event == event),
            "{event}"
        );
    }
    for guard in Guard::ALL {
        assert!(
            TRANSITIONS.iter().any(|rule| rule.guards.contains(guard)),
            "{guard:?}"
        );
    }
    for effect in Effect::ALL {
        assert!(
            TRANSITIONS.iter().any(|rule| rule.effects.contains(effect)),
            "{effect:?}"
        );
    }
    for notify in Notify::ALL {
        assert!(
            TRANSITIONS.iter().any(|rule| rule.notify.contains(notify)),
            "{notify:?}"
        );
    }
    for role in CaseRole::ALL {
        assert!(
            TRANSITIONS.iter().any(|rule| rule.actors.contains(&role)),
            "{role:?}"
        );
    }
    for audit in [
        AuditKind::OrderChanged,
        AuditKind::ReportCreated,
        AuditKind::RuleOverridden,
        AuditKind::AccessChanged,
    ] {
        assert!(
            TRANSITIONS.iter().any(|rule| rule.audit == audit),
            "{audit:?}"
        );
    }
}

#[test]
fn the_roles_of_the_data_are_known() {
    let known = words(&machine()["roles"]);
    for role in CaseRole::ALL {
        assert!(known.contains(&role.as_str().to_owned()), "{role:?}");
    }
}

#[test]
fn the_tracks_are_those_of_the_data() {
    fn check<T: Copy>(track: &str, all: &[T], name: fn(T) -> &'static str) {
        let ours: Vec<String> = all.iter().map(|value| name(*value).to_owned()).collect();
        assert_eq!(
            words(&machine()["tracks"][track]["states"]),
            ours,
            "{track}"
        );
    }
    check("records", RecordsTrack::ALL, RecordsTrack::as_str);
    check("coverage", CoverageTrack::ALL, CoverageTrack::as_str);
    check("consent", ConsentTrack::ALL, ConsentTrack::as_str);
    check("urgent", UrgentTrack::ALL, UrgentTrack::as_str);
    check("quality", QualityTrack::ALL, QualityTrack::as_str);
}

/// The data writes deadlines as text; every span it names must be one that the model counts for that state.
#[test]
fn the_deadlines_are_those_of_the_data() {
    use overread_model::case::{Agreement, CaseFacts};
    use overread_model::duration::{Span, WorkCalendar};
    use overread_model::intake::UrgencyLevel;
    use overread_model::time::Timestamp;
    let machine = machine();
    let calendar = WorkCalendar::default();
    // A Monday, so that business days do not meet a weekend by accident.
    let now: Timestamp = "2026-03-02"
        .parse::<overread_model::time::CalendarDate>()
        .unwrap()
        .start();
    let mut variants = Vec::new();
    for urgency in UrgencyLevel::ALL {
        for result in [
            None,
            Some(Agreement::Concordant),
            Some(Agreement::DiscordantMajor),
        ] {
            let mut facts = CaseFacts {
                urgency,
                ..CaseFacts::default()
            };
            facts.report.result = result;
            variants.push(facts);
        }
    }
    for state in CaseState::ALL {
        let text = machine["states"][state.as_str()]["deadline"]
            .as_str()
            .unwrap();
        let spans: Vec<Span> = text
            .split([' ', ',', ':', '(', ')'])
            .filter_map(|word| word.parse().ok())
            .collect();
        let ours: Vec<Option<Timestamp>> = variants
            .iter()
            .map(|facts| state.due_at(facts, &calendar, now))
            .collect();
        for span in &spans {
            let due = calendar.after(now, *span);
            assert!(ours.contains(&Some(due)), "{state}: {text}");
        }
        if text.is_empty() {
            assert!(ours.iter().all(Option::is_none), "{state}");
        }
    }
}
