//! Reports in Spanish: the same differences are found as in English, and what is not understood is said to be so.

use overread_concordance::{Class, Concordance, ItemKind, Overall, Polarity, compare};

const LUMBAR: &str = "RM lumbar";

fn rows(found: &Concordance) -> Vec<(Class, String)> {
    let stated = |i: &&overread_concordance::Item| i.kind != ItemKind::Recommendation;
    let items = found.items.iter().filter(stated);
    items.map(|i| (i.class, i.sentence.clone())).collect()
}

fn check(exam: &str, original: &str, second: &str, class: Class) -> Concordance {
    let found = compare(exam, original, second);
    assert!(
        found.comparable,
        "{original} | {second}: {:?}",
        found.reasons
    );
    assert!(
        rows(&found).iter().any(|(c, _)| *c == class),
        "{class:?}: {original} | {second}: {:?}",
        rows(&found)
    );
    found
}

#[test]
fn what_is_denied_is_not_stated() {
    for denial in [
        "No se observa hernia discal en L4-L5.",
        "No se aprecian hernias discales en L4-L5.",
        "Sin evidencia de hernia discal en L4-L5.",
        "Sin signos de hernia discal en L4-L5.",
        "Ausencia de hernia discal en L4-L5.",
        "Se descarta hernia discal en L4-L5.",
        "En L4-L5 la hernia discal no se observa.",
        "No confirmamos la hernia discal en L4-L5.",
        "Ni hernia discal en L4-L5 ni estenosis.",
        "Disco L4-L5 normal, no observándose hernia discal.",
        "L4-L5: no hay estenosis ni hernia discal.",
    ] {
        let stated = "En L4-L5 se observa una hernia discal.";
        let found = check(LUMBAR, stated, denial, Class::Contradicted);
        assert_eq!(found.overall, Some(Overall::ChangesManagement), "{denial}");
        let found = compare(LUMBAR, denial, denial);
        assert!(
            found.items.iter().all(|i| i.polarity == Polarity::Absent),
            "{denial}: {:?}",
            rows(&found)
        );
    }
}

#[test]
fn what_cannot_be_excluded_is_neither_stated_nor_denied() {
    let stated = "Se observa una fractura vertebral en L1.";
    for doubt in [
        "No se puede descartar una fractura vertebral en L1.",
        "Posible fractura vertebral en L1.",
        "El hallazgo podría corresponder a una fractura vertebral en L1.",
    ] {
        check(LUMBAR, stated, doubt, Class::Certainty);
    }
    check(
        LUMBAR,
        stated,
        "Hallazgos compatibles con fractura vertebral en L1.",
        Class::Agree,
    );
}

#[test]
fn another_side_level_grade_or_size_is_found() {
    let base = "En L4-L5 se observa una estenosis foraminal derecha leve.";
    for (second, class) in [
        ("Estenosis foraminal derecha leve en L4-L5.", Class::Agree),
        (
            "En L4-L5 hay una leve estenosis foraminal en el lado derecho.",
            Class::Agree,
        ),
        (
            "Estenosis foraminal izquierda leve en L4-L5.",
            Class::Laterality,
        ),
        (
            "Estenosis foraminal derecha leve en L3-L4.",
            Class::Location,
        ),
        (
            "Estenosis foraminal derecha grave en L4-L5.",
            Class::Severity,
        ),
        (
            "Estenosis foraminal derecha de grado severo en L4-L5.",
            Class::Severity,
        ),
        (
            "En L4-L5 no se identifica estenosis foraminal.",
            Class::Contradicted,
        ),
    ] {
        check(LUMBAR, base, second, class);
    }
    let cyst = |size: &str| format!("Se aprecia un quiste simple de {size} en el riñón derecho.");
    check(
        "TC de abdomen",
        &cyst("2,2 cm"),
        &cyst("35 mm"),
        Class::Size,
    );
    check(
        "TC de abdomen",
        &cyst("2,2 cm"),
        &cyst("22 mm"),
        Class::Agree,
    );
}

#[test]
fn a_normal_part_stands_against_its_finding() {
    for normal in [
        "Menisco externo sin alteraciones.",
        "El menisco externo está conservado.",
        "Menisco lateral de morfología y señal normales.",
        "Menisco lateral: dentro de la normalidad.",
        "El menisco externo no presenta alteraciones.",
    ] {
        let torn = "El menisco externo muestra una rotura radial del cuerno anterior.";
        check("RM de rodilla", torn, normal, Class::Contradicted);
    }
}

#[test]
fn spanish_is_set_against_english() {
    let spanish = "RM LUMBAR. Hernia discal extruida paracentral derecha en L5-S1 que comprime la raíz S1. Sin fracturas.";
    let agreed = "MRI LUMBAR SPINE. Right paracentral disc extrusion at L5-S1 compressing the S1 root. No fracture.";
    let found = check(LUMBAR, spanish, agreed, Class::Agree);
    assert!(
        found.items.iter().all(|i| !i.class.is_critical()),
        "{:?}",
        rows(&found)
    );
    let left = agreed.replace("Right", "Left");
    let found = check("MRI lumbar spine", spanish, &left, Class::Laterality);
    assert_eq!(found.overall, Some(Overall::ChangesManagement));
}

#[test]
fn spanish_lines_in_an_english_report_are_read_as_spanish() {
    let english =
        "The lungs are clear. There is a small left pleural effusion. The heart is normal.";
    let mixed = format!("{english}\nNo se observa fractura en las costillas del lado derecho.");
    let found = compare("CT chest", &mixed, &mixed);
    assert!(found.comparable, "{:?}", found.reasons);
    let fracture = |i: &&overread_concordance::Item| i.sentence.to_lowercase().contains("fracture");
    let item = found
        .items
        .iter()
        .find(fracture)
        .expect("the Spanish line is read");
    assert_eq!(item.polarity, Polarity::Absent);
}

/// Quotes are the report's own words, at their place in code points.
#[test]
fn quotes_are_spanish_and_where_they_say() {
    let original = "Conclusión: edema óseo. Estenosis foraminal derecha leve en L4-L5.";
    let second = "Conclusión: edema óseo. Estenosis foraminal izquierda leve en L4-L5.";
    let found = check(LUMBAR, original, second, Class::Laterality);
    for item in &found.items {
        for (report, spans) in [(original, &item.original), (second, &item.second)] {
            for span in spans.iter().flatten() {
                let chars = report.chars().skip(span.start).take(span.end - span.start);
                assert_eq!(chars.collect::<String>(), span.text);
            }
        }
    }
    let turned = found.items.iter().find(|i| i.class == Class::Laterality);
    let quote = &turned.unwrap().original.as_ref().unwrap()[0].text;
    assert_eq!(quote, "Estenosis foraminal derecha leve en L4-L5");
}

#[test]
fn a_word_that_is_not_known_is_never_silence() {
    let known = "Hígado normal. No se observa ascitis. Bazo de tamaño normal.";
    let told = "Hígado normal. Se observa una zarabandilla en el hígado. No se observa ascitis. Bazo de tamaño normal.";
    let found = compare("TC de abdomen", known, told);
    assert_ne!(found.overall, Some(Overall::Confirms), "{:?}", rows(&found));
    let listed = |n: &overread_concordance::NotCompared| n.span.text.contains("zarabandilla");
    assert!(found.not_compared.iter().any(listed));
    assert!(found.coverage < 1.0);
    let strange =
        "Zurdefacta la mirunga del bolfo. Se observa trufaleta en la parmida. Sin gorfundios.";
    let found = compare("TC de abdomen", strange, strange);
    assert!(!found.comparable, "{:?}", rows(&found));
    assert_eq!(found.overall, None);
    // In capitals too, where every word looks like a name.
    let shouted = told.to_uppercase();
    let found = compare("TC de abdomen", &known.to_uppercase(), &shouted);
    assert_ne!(found.overall, Some(Overall::Confirms));
    // A known finding beside it is read, and the sentence is listed all the same.
    let beside = "Quiste simple en el riñón derecho con zarabandilla. Bazo normal.";
    let found = compare("TC de abdomen", beside, beside);
    assert!(found.not_compared.iter().any(listed));
}

/// The indication is no finding, whatever language it is written in.
#[test]
fn the_reason_for_the_examination_is_no_finding() {
    let report = "Motivo: descartar fractura de cadera izquierda.\nHallazgos: No se observa fractura.\nConclusión: estudio sin hallazgos significativos.";
    let found = compare("Radiografía de cadera", report, report);
    assert!(
        found.items.iter().all(|i| i.polarity == Polarity::Absent),
        "{:?}",
        rows(&found)
    );
}

/// Turns a side, a level or a denial of every pair round and asks that the difference is seen.
#[test]
fn flips_are_found() {
    let text = "En L4-L5 existe una hernia discal extruida posterolateral derecha de 8 mm. \
        Estenosis foraminal derecha moderada en L5-S1. Fractura vertebral en L1.";
    for (from, to, class) in [
        (
            "extruida posterolateral derecha",
            "extruida posterolateral izquierda",
            Class::Laterality,
        ),
        (
            "foraminal derecha",
            "foraminal izquierda",
            Class::Laterality,
        ),
        ("En L4-L5", "En L3-L4", Class::Location),
        ("en L1", "en L3", Class::Location),
        (
            "Fractura vertebral",
            "No se observa fractura vertebral",
            Class::Contradicted,
        ),
        ("moderada", "leve", Class::Severity),
    ] {
        let flipped = text.replacen(from, to, 1);
        assert_ne!(text, flipped);
        check(LUMBAR, text, &flipped, class);
        check(LUMBAR, &flipped, text, class);
    }
    let same = compare(LUMBAR, text, text);
    assert_eq!(same.overall, Some(Overall::Confirms), "{:?}", same.reasons);
}

/// The head of a Spanish report tells whom it is about.
#[test]
fn another_patient_is_told_of() {
    let report = |name: &str, born: &str| {
        format!(
            "Paciente: {name}\nFecha de nacimiento: {born}\nRM LUMBAR\nSin hernia discal. No se observan fracturas."
        )
    };
    let own = report("Ana Molina Prieto", "12/04/1961");
    for (name, born, kind) in [
        ("Luis Cabrera Soto", "12/04/1961", "patient"),
        ("Ana Molina Prieto", "30/09/1974", "birth_date"),
    ] {
        let found = compare(LUMBAR, &own, &report(name, born));
        let kinds: Vec<&str> = found
            .guard
            .problems
            .iter()
            .map(|p| p.kind.as_str())
            .collect();
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
        assert!(!found.comparable);
    }
    assert!(compare(LUMBAR, &own, &own).comparable);
}
