//! What is counted: words, lines and bytes; adding up, comparing, finding the most frequent.

use crate::tokenizer;
use crate::word::{Word, first_sixteen};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// How often each word occurs, and what else there is to count.
#[derive(Default)]
pub struct Tally {
    /// Bytes read.
    pub bytes: u64,
    /// Line feeds.
    pub lines: u64,
    /// Words, each time they occur.
    pub words: u64,
    short: Times<u128>,
    long: Times<Box<[u8]>>,
}

type Times<W> = HashMap<W, u64, BuildHasherDefault<WordHasher>>;

impl Tally {
    /// Counts `text`, which neither begins nor ends inside a word.
    pub fn count(&mut self, text: &[u8]) {
        self.bytes += text.len() as u64;
        self.lines += lines_in(text);
        tokenizer::words(text, |word| self.add(word, 1));
    }

    /// Adds `times` occurrences of `word`.
    #[inline]
    pub fn add(&mut self, word: Word<'_>, times: u64) {
        self.words += times;
        match word {
            Word::Short(word) => *self.short.entry(word).or_default() += times,
            Word::Long(word) => match self.long.get_mut(word) {
                Some(so_far) => *so_far += times,
                None => {
                    self.long.insert(word.into(), times);
                }
            },
        }
    }

    /// Forgets everything, but keeps the memory for the next text.
    pub fn clear(&mut self) {
        (self.bytes, self.lines, self.words) = (0, 0, 0);
        self.short.clear();
        self.long.clear();
    }

    /// How many different words there are.
    pub fn distinct(&self) -> usize {
        self.short.len() + self.long.len()
    }

    /// Every word with the number of its occurrences, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Word<'_>, u64)> {
        let short = self.short.iter().map(|(word, times)| (Word::Short(*word), *times));
        let long = self.long.iter().map(|(word, times)| (Word::Long(word), *times));
        short.chain(long)
    }

    /// The `n` most frequent words, the alphabet deciding between equals.
    pub fn top(&self, n: usize) -> Vec<(String, u64)> {
        let mut words: Vec<_> = self.iter().collect();
        if let Some(last) = n.checked_sub(1).filter(|last| *last < words.len()) {
            let (_, (_, least), _) = words.select_nth_unstable_by_key(last, |word| Reverse(word.1));
            let least = *least;
            words.retain(|(_, times)| *times >= least);
        }
        let mut words: Vec<_> =
            words.into_iter().map(|(word, times)| (word.text(), times)).collect();
        words.sort_unstable_by(|one, other| (other.1, &one.0).cmp(&(one.1, &other.0)));
        words.truncate(n);
        words
    }

    /// Everything in which this tally is not `expected`: the totals, and every single word.
    pub fn differences(&self, expected: &Self) -> Vec<Difference> {
        let totals = [
            ("bytes", self.bytes, expected.bytes),
            ("lines", self.lines, expected.lines),
            ("words", self.words, expected.words),
        ];
        let totals =
            totals.into_iter().map(|(what, found, expected)| (what.to_owned(), found, expected));
        let here = self.iter().map(|(word, found)| (word, found, expected.times_of(word)));
        let there = expected.iter().map(|(word, expected)| (word, self.times_of(word), expected));
        let words = here.chain(there.filter(|(_, found, _)| *found == 0));
        let words = words.filter(|(_, found, expected)| found != expected);
        let words =
            words.map(|(word, found, expected)| (format!("{:?}", word.text()), found, expected));
        let all = totals.filter(|(_, found, expected)| found != expected).chain(words);
        all.map(|(what, found, expected)| Difference { what, found, expected }).collect()
    }

    fn times_of(&self, word: Word<'_>) -> u64 {
        let times = match word {
            Word::Short(word) => self.short.get(&word),
            Word::Long(word) => self.long.get(word),
        };
        times.copied().unwrap_or(0)
    }
}

/// Counts line feeds, in runs for which one byte is wide enough: the compiler makes vectors of that.
fn lines_in(text: &[u8]) -> u64 {
    let is_line_feed = |byte: &u8| u8::from(*byte == b'\n');
    text.chunks(255).map(|run| u64::from(run.iter().map(is_line_feed).sum::<u8>())).sum()
}

/// One number that is not what it should be.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which one.
    pub what: String,
    /// What the workers counted.
    pub found: u64,
    /// What one process counted.
    pub expected: u64,
}

/// A quick hash: one wide multiplication, folded, for each sixteen bytes. Whoever writes the text
/// could make it slow, though not wrong.
#[derive(Default)]
struct WordHasher(u64);

impl Hasher for WordHasher {
    fn write_u128(&mut self, word: u128) {
        let [low, high] = halves(word);
        let product = u128::from(low ^ self.0 ^ 0x243f_6a88_85a3_08d3)
            * u128::from(high ^ 0x9e37_79b9_7f4a_7c15);
        let [low, high] = halves(product);
        self.0 = low ^ high;
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.chunks(16).for_each(|chunk| self.write_u128(first_sixteen(chunk)));
    }

    /// The length that a slice writes ahead of its bytes.
    fn write_usize(&mut self, len: usize) {
        self.0 = len as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The lower and the upper half.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
const fn halves(number: u128) -> [u64; 2] {
    [number as u64, (number >> 64) as u64]
}

#[cfg(test)]
mod tests {
    use super::{Difference, Tally};

    fn tally(texts: &[&str]) -> Tally {
        let mut tally = Tally::default();
        for text in texts {
            tally.count(text.as_bytes());
        }
        tally
    }

    #[test]
    fn the_same_words_in_other_parts_are_no_difference() {
        let whole = tally(&["a b\nb c\n"]);
        assert_eq!(whole.differences(&tally(&["b c\n", "a ", "b\n"])), []);
        assert_eq!((whole.bytes, whole.lines, whole.words), (8, 2, 4));
        assert_eq!(whole.distinct(), 3);
    }

    #[test]
    fn a_part_that_is_dropped_or_doubled_is_noticed() {
        let expected = tally(&["a b\n", "b\n"]);
        for wrong in [tally(&["a b\n"]), tally(&["a b\n", "b\n", "b\n"])] {
            let found = wrong.differences(&expected);
            let what: Vec<_> = found.iter().map(|one| one.what.as_str()).collect();
            assert_eq!(what, ["bytes", "lines", "words", "\"b\""]);
        }
    }

    #[test]
    fn equal_sums_do_not_hide_a_wrong_word() {
        let found = tally(&["a b b"]).differences(&tally(&["a a c"]));
        let mut found: Vec<_> = found
            .into_iter()
            .map(|Difference { what, found, expected }| (what, found, expected))
            .collect();
        found.sort();
        let expected = [("\"a\"", 1, 2), ("\"b\"", 2, 0), ("\"c\"", 0, 1)];
        assert_eq!(found, expected.map(|(what, f, e)| (what.to_owned(), f, e)));
    }

    #[test]
    fn top_is_by_number_then_by_alphabet() {
        let top = tally(&["c b a c b d"]).top(3);
        assert_eq!(top, [("b".into(), 2), ("c".into(), 2), ("a".into(), 1)]);
    }
}
