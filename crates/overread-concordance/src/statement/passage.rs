//! Here a statement's words are cut out of the text, and sentences without one are noted.

use super::Builder;
use crate::answers::{Answer, Answered};
use crate::hits::Marked;
use crate::lexicon::CueKind;
use crate::limits::EVIDENCE_CHARS_MAX;
use crate::mention::Mention;
use crate::reading::Sentence;
use crate::text::{Kind, Token};

/// A word that ends like a medical one is longer than this.
const SIGN_LETTERS_MIN: usize = 6;

/// Long words by which a sentence that was not understood counts as one that carries findings.
const CONTENT_WORDS_MIN: usize = 3;

impl Builder<'_> {
    pub(super) fn note_unread(&mut self, sentence: &Sentence) {
        let length = sentence.end - sentence.first;
        self.unread.extend(self.range(sentence, 0, length));
    }

    /// Counts a sentence as one that carries findings, and notes it when it was not understood; a sentence of Spanish
    /// with a word that is not known is noted whatever else was understood of it.
    pub(super) fn count(
        &mut self,
        sentence: &Sentence,
        understood: bool,
        telling: bool,
        formal: bool,
    ) {
        let tokens = self.text.tokens.get(sentence.first..sentence.end);
        let tokens = tokens.unwrap_or_default();
        let unknown = self.has_unknown_words(tokens);
        let long = |t: &&Token| t.is_word() && t.norm.len() > 3;
        let has_content = tokens.iter().filter(long).count() >= CONTENT_WORDS_MIN;
        if telling || unknown && !understood && !formal {
            self.telling.extend(self.range(sentence, 0, tokens.len()));
        }
        let missed = !understood && !formal && (telling || unknown || has_content);
        self.bearing += usize::from(understood || missed);
        if missed || understood && unknown {
            self.note_unread(sentence);
        }
    }

    /// Whether a word of a Spanish sentence is in no table, so that the sentence may say more than was read.
    pub(super) fn has_unknown_words(&self, tokens: &[Token]) -> bool {
        let unknown = &self.text.unknown;
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else {
            return false;
        };
        let at = unknown.partition_point(|(start, _)| *start < first.start);
        unknown.get(at).is_some_and(|(_, end)| *end <= last.end)
    }

    /// Whether a sentence that was not understood tells of a finding all the same, by a word for a sign, the ending of a
    /// medical word, or a size beside a place; what it denies or calls normal it does not tell.
    pub(super) fn tells(&self, tokens: &[Token], marked: &Marked<'_>) -> bool {
        let calm = [
            CueKind::Neg,
            CueKind::NegPost,
            CueKind::Normal,
            CueKind::Pseudo,
            CueKind::Hypo,
            CueKind::Hist,
            CueKind::Limited,
            CueKind::Report,
            CueKind::Agree,
            CueKind::Disagree,
            CueKind::Recommend,
            CueKind::Modality,
            CueKind::Admin,
        ];
        let mixed = |a: &Answered| a.answer == Answer::Mixed;
        if marked.answered.iter().any(mixed) {
            return true;
        }
        if calm.iter().any(|kind| marked.has(*kind)) {
            return false;
        }
        let ending = |t: &Token| {
            let mut endings = self.lex.sign_endings.iter();
            t.is_word() && t.norm.len() > SIGN_LETTERS_MIN && endings.any(|e| t.norm.ends_with(e))
        };
        let told = marked.answered.is_empty() && marked.findings.is_empty();
        told && (!self.lex.sign_terms.find(tokens).is_empty()
            || tokens.iter().any(ending)
            || !marked.sizes.is_empty() && !marked.nodes.is_empty())
    }

    /// Returns the code point range of sentence tokens, trimmed of joining words.
    pub(super) fn range(
        &self,
        sentence: &Sentence,
        from: usize,
        to: usize,
    ) -> Option<(usize, usize)> {
        let tokens = self.text.tokens.get(sentence.first..sentence.end)?;
        let loose = |t: &Token| {
            matches!(
                t.kind,
                Kind::Comma
                    | Kind::Dash
                    | Kind::Close
                    | Kind::Newline
                    | Kind::Other
                    | Kind::Period
                    | Kind::Open
                    | Kind::Hyphen
                    | Kind::Slash
                    | Kind::Colon
            ) || matches!(
                t.norm.as_str(),
                "and"
                    | "or"
                    | "but"
                    | "which"
                    | "of"
                    | "at"
                    | "in"
                    | "the"
                    | "a"
                    | "is"
                    | "are"
                    | "also"
                    | "there"
                    | "that"
                    | "with"
            )
        };
        let with = |i: usize| tokens.get(i).is_some_and(|t| t.is("with"));
        let (mut from, mut to) = (from, to.min(tokens.len()));
        while from < to && tokens.get(from).is_some_and(loose) {
            from += 1;
        }
        if from > 0 && with(from - 1) {
            from -= 1;
        }
        while to > from
            && tokens
                .get(to - 1)
                .is_some_and(|t| loose(t) && t.kind != Kind::Close)
        {
            to -= 1;
        }
        let first = tokens.get(from)?;
        let last = tokens.get(to.checked_sub(1)?)?;
        (last.end > first.start).then_some((first.start, last.end))
    }

    /// Keeps long evidence near the words that carry it.
    pub(super) fn shorten(
        &self,
        range: (usize, usize),
        sentence: &Sentence,
        m: &Mention,
    ) -> (usize, usize) {
        let (start, end) = range;
        if end - start <= EVIDENCE_CHARS_MAX {
            return range;
        }
        let core = self
            .text
            .tokens
            .get(sentence.first + m.first)
            .map_or(start, |t| t.start);
        let core_end = self
            .text
            .tokens
            .get(sentence.first + m.last)
            .map_or(end, |t| t.end);
        let half = EVIDENCE_CHARS_MAX / 3;
        let low = start.max(core.saturating_sub(half));
        (
            low,
            end.min((core_end + half).min(low + EVIDENCE_CHARS_MAX)),
        )
    }
}
