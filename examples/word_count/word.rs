//! A word as it is counted: nearly all are short enough to be a number, which is quick to hash, to
//! compare and to send.

/// A word in lower case. It has no zero byte, as that is no letter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Word<'a> {
    /// Up to sixteen bytes, the first in the lowest place, and zeros behind the last.
    Short(u128),
    /// More than that.
    Long(&'a [u8]),
}

impl<'a> Word<'a> {
    /// The word of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        if bytes.len() > size_of::<u128>() {
            return Self::Long(bytes);
        }
        Self::Short(first_sixteen(bytes))
    }

    /// As text.
    pub fn text(self) -> String {
        let short;
        let bytes = match self {
            Self::Long(bytes) => bytes,
            Self::Short(number) => {
                short = number.to_le_bytes();
                short.split(|byte| *byte == 0).next().unwrap_or(&[])
            }
        };
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// The first sixteen bytes as a number; zeros in the place of those that are not there.
pub fn first_sixteen(bytes: &[u8]) -> u128 {
    if let Some(sixteen) = bytes.first_chunk() {
        return u128::from_le_bytes(*sixteen);
    }
    let mut padded = [0; 16];
    padded.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    u128::from_le_bytes(padded)
}

#[cfg(test)]
mod tests {
    use super::Word;

    #[test]
    fn a_word_keeps_its_text() {
        for len in 0..40 {
            let text = "abcdefghijklmnopqrstuvwxyzabcdefghijklmn".get(..len).expect("forty");
            let word = Word::new(text.as_bytes());
            assert_eq!(word.text(), text);
            assert_eq!(matches!(word, Word::Short(_)), len <= 16);
        }
        assert_ne!(Word::new(b"a"), Word::new(b"aa"));
    }
}
