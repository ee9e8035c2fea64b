//! The result of a job as bytes, which travel through a ring in blocks.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | bytes of text |
//! | 8 | line feeds |
//! | 4 × 8 | fingerprint of the text |
//! | 1 + 8 + 16 | for each short word: 0, how often it occurs, the word |
//! | 1 + 8 + n | for each long word: n, how often it occurs, the word |

use crate::fingerprint::Fingerprint;
use crate::tally::Tally;
use crate::word::{Word, first_sixteen};

/// Writes a result into `table`.
pub fn encode(tally: &Tally, fingerprint: Fingerprint, table: &mut Vec<u8>) {
    table.clear();
    let head = [tally.bytes, tally.lines].into_iter().chain(fingerprint.0);
    head.for_each(|number| table.extend(number.to_le_bytes()));
    for (word, times) in tally.iter() {
        let (short, bytes, len) = match word {
            Word::Short(word) => (word.to_le_bytes(), &[][..], 0),
            Word::Long(word) => ([0; 16], word, u8::try_from(word.len()).unwrap_or(u8::MAX)),
        };
        table.push(len);
        table.extend(times.to_le_bytes());
        table.extend(if len == 0 { &short } else { bytes });
    }
}

/// Adds a result to `total`; returns the fingerprint. `None`: this is no result.
pub fn add_to(total: &mut Tally, table: &[u8]) -> Option<Fingerprint> {
    let (head, mut rest) = table.split_first_chunk::<48>()?;
    let (numbers, _) = head.as_chunks::<8>();
    let [bytes, lines, fingerprint @ ..] = numbers else { return None };
    total.bytes += u64::from_le_bytes(*bytes);
    total.lines += u64::from_le_bytes(*lines);
    while let [len, after @ ..] = rest {
        let (times, after) = after.split_first_chunk()?;
        let width = if *len == 0 { 16 } else { usize::from(*len) };
        let (word, after) = after.split_at_checked(width)?;
        let word = if *len == 0 { Word::Short(first_sixteen(word)) } else { Word::Long(word) };
        total.add(word, u64::from_le_bytes(*times));
        rest = after;
    }
    Some(Fingerprint(<[[u8; 8]; 4]>::try_from(fingerprint).ok()?.map(u64::from_le_bytes)))
}

#[cfg(test)]
mod tests {
    use super::{add_to, encode};
    use crate::fingerprint::Fingerprint;
    use crate::tally::Tally;

    #[test]
    fn what_is_added_is_what_was_encoded() {
        let text = "to be, or not to be\n".repeat(300) + &"x".repeat(300);
        let (mut tally, mut fingerprint) = (Tally::default(), Fingerprint::default());
        tally.count(text.as_bytes());
        fingerprint.add(text.as_bytes());
        let mut table = Vec::new();
        encode(&tally, fingerprint, &mut table);

        let mut total = Tally::default();
        assert_eq!(add_to(&mut total, &table), Some(fingerprint));
        assert_eq!(total.differences(&tally), []);
    }

    #[test]
    fn half_a_table_is_no_result() {
        let mut tally = Tally::default();
        tally.count(b"word incomprehensibilities");
        let mut table = Vec::new();
        encode(&tally, Fingerprint::default(), &mut table);
        let whole = [48, 48 + 25, table.len()]; // a table may have any number of words
        for len in (0..table.len()).filter(|len| !whole.contains(len)) {
            let half = table.get(..len).unwrap_or(&[]);
            assert_eq!(add_to(&mut Tally::default(), half), None, "{len} bytes");
        }
    }
}
