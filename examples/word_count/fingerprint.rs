//! A number that tells whether two processes have read the same bytes.

/// A quick hash of texts: other bytes, or other borders between them, give another fingerprint
/// (by chance the same in one case of 2^64). Four lanes, so that the multiplications overlap.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u64; 4]);

impl Fingerprint {
    /// Takes in another text.
    pub fn add(&mut self, text: &[u8]) {
        let (blocks, rest) = text.as_chunks::<32>();
        blocks.iter().for_each(|block| self.mix(block));
        let mut last = [0; 32];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.mix(&last);
        let mut len = [0; 32];
        len.iter_mut().zip(text.len().to_le_bytes()).for_each(|(to, from)| *to = from);
        self.mix(&len);
    }

    fn mix(&mut self, block: &[u8; 32]) {
        let (words, _) = block.as_chunks::<8>();
        for (lane, word) in self.0.iter_mut().zip(words) {
            let mixed = (*lane ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            *lane = mixed ^ (mixed >> 29);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;

    #[test]
    fn a_fingerprint_sees_every_byte_and_where_pieces_end() {
        let of = |pieces: &[&[u8]]| {
            let mut fingerprint = Fingerprint::default();
            pieces.iter().for_each(|piece| fingerprint.add(piece));
            fingerprint
        };
        let text = [7_u8; 77];
        for at in 0..text.len() {
            let mut other = text;
            other.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1);
            assert_ne!(of(&[&text]), of(&[&other]), "byte {at}");
        }
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"", b"a"]), of(&[b"a", b""]));
        assert_ne!(of(&[b"a"]), of(&[b"a\0"]));
    }
}
