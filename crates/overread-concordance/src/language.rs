//! Here is judged whether what was not read as Spanish is English: only of these two the denials are understood.

use std::collections::HashSet;

use crate::lexicon::Lexicon;
use crate::text::{Text, Token};

/// Small words of English that its neighbours do not share.
const ENGLISH: &str = "the of with and is are without at there for or to from by this that which be been has have \
    was were within but may not both left right mild severe evidence seen likely small large noted measuring \
    unremarkable findings above below";
/// Small words, and words of every report, of the languages that are not read.
const FOREIGN: &str = "der das dem den des ein eine einer eines einem einen und oder mit ohne kein keine keiner keinen \
    keinem keines nicht ist sind wird im zum zur bei fuer von vom auf aus nach links rechts beidseits beidseitig anhalt \
    hinweis nachweis befund beurteilung unauffaellig regelrecht \
    les du une et est pas sans avec dans sur aux pour sont aucun aucune droite gauche droit osseuse cerebrale \
    el los las del con sin en una por que hay se izquierda izquierdo derecha derecho observa observan evidencia \
    hallazgos lesiones \
    em nao com sem uma ausencia esquerda esquerdo direita direito evidencias \
    il gli di della dei delle senza nel nella sinistra destra sinistro destro assenza lesioni \
    het een geen niet zijn bij linker rechter aanwijzingen \
    nie bez oraz jest inte och utan ikke uten ingen";
/// Letters a word needs to be looked up at all.
const LETTERS_MIN: usize = 3;

/// Whether the text, what was read as Spanish left out, reads as English; a text without words does, it is refused for
/// being empty.
pub(crate) fn is_english(text: &Text, lex: &Lexicon) -> bool {
    // "Embolism: sí" is an English template with an answer that is understood.
    let answers = |i: &usize| lex.answer_terms.starting_at(&text.tokens, *i).is_some();
    let words: Vec<&Token> = (0..text.tokens.len())
        .filter(|i| !answers(i))
        .filter_map(|i| text.tokens.get(i))
        .filter(|t| t.is_word() && !text.in_spanish(t))
        .collect();
    let set = |list: &'static str| list.split_whitespace().collect::<HashSet<&str>>();
    let (of_english, of_others) = (set(ENGLISH), set(FOREIGN));
    let (mut english, mut foreign) = (0_usize, 0_usize);
    for token in &words {
        let raw = text.slice(token.start, token.end).to_lowercase();
        let accented =
            raw.chars().count() >= 2 && raw.chars().any(|c| c.is_alphabetic() && !c.is_ascii());
        english += usize::from(of_english.contains(raw.as_str()));
        foreign += usize::from(accented || of_others.contains(raw.as_str()));
    }
    let long: Vec<&&Token> = words
        .iter()
        .filter(|t| {
            t.norm.chars().count() >= LETTERS_MIN && t.norm.chars().all(char::is_alphabetic)
        })
        .collect();
    let known = long.iter().filter(|t| lex.spelling.knows(&t.norm)).count();
    // One foreign word in the answer of an English template: "Pneumothorax: si, derecho".
    let template = english == 0 && foreign == 1 && known * 4 >= long.len() * 3;
    if english + foreign > 0 && !template {
        // A third of foreign small words is a passage of another language, not a name.
        return english > foreign && (foreign < 3 || english > 2 * foreign);
    }
    known * 2 >= long.len()
}
