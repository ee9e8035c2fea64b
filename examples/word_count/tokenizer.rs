//! Words: runs of Unicode letters and digits, in lower case.
//!
//! * A word is a longest run of characters for which `char::is_alphanumeric` holds; every other
//!   character separates ("don't" is "don" and "t").
//! * Its lower case is that of its characters one by one (`char::to_lowercase`).
//! * Bytes that are not UTF-8 separate, too.
//! * Of a word longer than [`WORD_MAX`] bytes the first characters that fit are kept.
//!
//! So an ASCII byte that is neither letter nor digit always ends a word ([`is_border`]): a text may
//! be cut behind it, and the parts have exactly the words of the whole.

use crate::sixteen::{Sixteen, Start};
use crate::word::Word;

/// The longest word that is told apart, in bytes of its lower case.
pub const WORD_MAX: usize = u8::MAX as usize;

/// Calls `each` with every word of `text`, in order.
pub fn words(text: &[u8], mut each: impl FnMut(Word<'_>)) {
    match str::from_utf8(text) {
        Ok(text) => words_of(text, &mut each),
        Err(_) => {
            text.utf8_chunks().for_each(|chunk| words_of(chunk.valid(), &mut each));
        }
    }
}

/// Whether a text may be cut behind this byte, whatever is around it.
pub const fn is_border(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_alphanumeric()
}

/// ASCII sixteen bytes at a time; what is not ASCII, or longer, character by character.
fn words_of(text: &str, each: &mut impl FnMut(Word<'_>)) {
    let mut at = 0;
    while let Some(rest @ [_, ..]) = text.as_bytes().get(at..) {
        let sixteen = Sixteen::first_of(rest);
        at += match sixteen.start() {
            Start::Separators(len) => len,
            Start::Word(len) => {
                each(Word::Short(sixteen.lower_case(len)));
                len + 1 // and the separator behind it
            }
            Start::Other => any_word(text.get(at..).unwrap_or(""), each),
        }
    }
}

/// Takes any word, or no word, and the separator behind it; returns how many bytes that was.
#[cold]
fn any_word(text: &str, each: &mut impl FnMut(Word<'_>)) -> usize {
    let (mut word, mut len) = ([0; WORD_MAX], 0);
    let mut taken = 0;
    for character in text.chars() {
        taken += character.len_utf8();
        if !character.is_alphanumeric() {
            break;
        }
        for lower in character.to_lowercase() {
            let end = len + lower.len_utf8();
            if let Some(place) = word.get_mut(len..end) {
                lower.encode_utf8(place);
                len = end;
            }
        }
    }
    match word.get(..len) {
        None | Some([]) => {}
        Some(word) => each(Word::new(word)),
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::{WORD_MAX, is_border, words};

    fn words_in(text: impl AsRef<[u8]>) -> Vec<String> {
        let mut found = Vec::new();
        words(text.as_ref(), |word| found.push(word.text()));
        found
    }

    #[test]
    fn words_are_runs_of_letters_and_digits_in_lower_case() {
        assert_eq!(words_in("Don't PANIC, 42 times!"), ["don", "t", "panic", "42", "times"]);
        assert_eq!(words_in("Straße ÉTÉ x²"), ["straße", "été", "x²"]);
        assert_eq!(words_in("Слово—слово 東京、大阪"), ["слово", "слово", "東京", "大阪"]);
        assert!(words_in("").is_empty() && words_in(" \n—\0").is_empty());
    }

    #[test]
    fn what_is_not_utf8_separates() {
        assert_eq!(words_in(b"one\xfftwo \xc3\xa9\xc3"), ["one", "two", "é"]);
        assert_eq!(words_in(b"cut\xe6\x9d short"), ["cut", "short"]);
    }

    #[test]
    fn a_long_word_is_cut_between_characters() {
        let [word] = &words_in("É".repeat(1000))[..] else { panic!("one word") };
        assert_eq!(*word, "é".repeat(WORD_MAX / 2));
        assert_eq!(words_in("a".repeat(256)), ["a".repeat(255)]);
        assert_eq!(words_in("a".repeat(5000) + " b"), ["a".repeat(255), "b".into()]);
    }

    #[test]
    fn cutting_behind_a_border_changes_nothing() {
        let text = "L'été, naïf\u{301}—\u{130}x 東京\n1.5e3".as_bytes();
        let whole = words_in(text);
        for (at, _) in text.iter().enumerate().filter(|(_, byte)| is_border(**byte)) {
            let (front, back) = text.split_at(at + 1);
            assert_eq!([words_in(front), words_in(back)].concat(), whole);
        }
    }

    #[test]
    fn the_quick_way_finds_what_the_plain_way_finds() {
        let alphabet = "aaaaZz59  \n'{@\u{7f}\0éЖ—東".chars();
        let mut random = 1_u32;
        for len in (0..60).cycle().take(20_000) {
            let text: String = (0..len)
                .filter_map(|_| {
                    random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    alphabet.clone().nth((random >> 24) as usize % 24)
                })
                .collect();
            let plain = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
            let plain: Vec<_> = plain.map(str::to_lowercase).collect();
            assert_eq!(words_in(&text), plain, "{text:?}");
        }
    }
}
