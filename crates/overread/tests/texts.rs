//! `letter`, `concordance`, `statements`.

use std::process::Stdio;

use crate::program::{json, overread, run, run_with, text};

#[test]
fn a_letter_is_written_from_its_sample() {
    let folder = tempfile::tempdir().unwrap();
    let facts = folder.path().join("facts.toml");
    std::fs::write(
        &facts,
        run(&["letter", "second_opinion_request", "--sample"]).stdout,
    )
    .unwrap();
    for (language, name, holds) in [
        ("en", "letter.txt", "second opinion"),
        ("es", "carta.txt", "segunda opinión"),
    ] {
        let out = folder.path().join(name);
        let arguments = [
            "letter",
            "second_opinion_request",
            "--facts",
            facts.to_str().unwrap(),
        ];
        let output = run(&[
            &arguments[..],
            &["--language", language, "--out", out.to_str().unwrap()],
        ]
        .concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let letter = std::fs::read_to_string(&out).unwrap();
        assert!(letter.to_lowercase().contains(holds), "{letter}");
        assert!(!letter.contains("{{"), "no open bracket reaches paper");
    }
    let out = folder.path().join("letter.pdf");
    let output = run(&[
        "letter",
        "second_opinion_request",
        "--facts",
        facts.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(std::fs::read(&out).unwrap().starts_with(b"%PDF-"));
}

#[test]
fn a_letter_with_a_gap_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let facts = folder.path().join("facts.toml");
    std::fs::write(&facts, "requester = 'patient'").unwrap();
    let out = folder.path().join("letter.txt");
    let output = run(&[
        "letter",
        "second_opinion_request",
        "--facts",
        facts.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("patient.name"));
    assert!(!out.exists());
    assert!(text(&run(&["letter", "--list"]).stdout).contains("records_request_access"));
}

#[test]
fn lines_in_give_lines_out() {
    let pair = serde_json::json!({
        "id": "a", "exam": "MRI lumbar spine",
        "original": "L5-S1: right disc protrusion.", "second": "L5-S1: left disc protrusion.",
    });
    let output = run_with(&["concordance", "--jsonl"], &format!("{pair}\n\n{pair}\n"));
    assert!(output.status.success());
    let lines: Vec<serde_json::Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["id"], "a");
    assert_eq!(lines[0]["overall"], "changes_management");
    assert_eq!(lines[0]["items"][0]["class"], "laterality");

    let sentence =
        r#"{"id":"b","sentence":"There is no evidence of fracture.","concept":"fracture"}"#;
    assert_eq!(
        json(&run_with(&["statements", "--jsonl"], sentence))["negation"],
        "negated"
    );
}

#[test]
fn a_bad_line_costs_the_others_nothing() {
    let good = r#"{"id":"b","original":"There is no fracture.","second":"There is no fracture."}"#;
    let input = format!("{{not json}}\n{{\"id\":7,\"original\":\"x\"}}\n{good}\n");
    let output = run_with(&["concordance", "--jsonl"], &input);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("2 lines could not be answered"));
    let lines: Vec<serde_json::Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        (&lines[0]["id"], &lines[0]["line"]),
        (&().into(), &1.into())
    );
    assert!(lines[0]["error"].as_str().unwrap().contains("no JSON"));
    assert_eq!((&lines[1]["id"], &lines[1]["line"]), (&7.into(), &2.into()));
    assert!(lines[1]["error"].as_str().unwrap().contains("missing"));
    assert_eq!(lines[2]["id"], "b");
    assert!(lines[2]["overall"].is_string(), "{}", lines[2]);
}

#[test]
fn a_reader_that_has_enough_hears_no_complaint() {
    let mut child = overread(&["letter", "--list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

/// Says every key of a JSON value, however deep.
fn keys(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, inner) in map {
                found.push(key.clone());
                keys(inner, found);
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|inner| keys(inner, found)),
        _ => {}
    }
}

#[test]
fn help_names_every_field_in_and_out() {
    let report = "MRI LEFT KNEE. Findings: right disc protrusion 5 mm at L5-S1. Left disc protrusion at L5-S1. \
        Limited by motion. Quick brown foxes jump daily. Follow-up MRI is recommended.";
    let pair = serde_json::json!({"id": 1, "exam": "MRI lumbar spine", "original": report, "second": "No fracture."});
    let whole = serde_json::json!({"id": 1, "text": report});
    let asked = serde_json::json!({"id": 1, "sentence": "No fracture.", "concept": "fracture"});
    for (command, lines) in [
        ("concordance", vec![pair]),
        ("statements", vec![whole, asked]),
    ] {
        let help = text(&run(&[command, "--help"]).stdout);
        let said: Vec<&str> = help
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .collect();
        for line in lines {
            let output = run_with(&[command, "--jsonl"], &format!("{line}\n"));
            let answer: serde_json::Value =
                serde_json::from_str(text(&output.stdout).trim()).unwrap();
            let bad = run_with(&[command, "--jsonl"], "{\n");
            let mut found = Vec::new();
            keys(&json(&bad), &mut found);
            keys(&line, &mut found);
            keys(&answer, &mut found);
            for key in found {
                assert!(
                    said.contains(&key.as_str()),
                    "{command} --help does not name {key}"
                );
            }
        }
    }
}
