//! A text whose words are known: a few are frequent, most are rare, as in a language.

use std::fs;
use std::path::Path;

/// What was written so far.
pub struct Text {
    random: u64,
    files: u64,
    bytes: u64,
    lines: u64,
    /// How often each word was written.
    times: Vec<u64>,
}

/// How many words the language has: a power of two.
const WORDS: usize = 1 << 16;
const SEPARATORS: [&[u8]; 4] = [b" ", b", ", b".\n", b"\t("];
const RARE_SEPARATORS: [&[u8]; 4] = ["\u{2014}".as_bytes(), b"\xff", b"\r\n\r\n", b"\xe6\x9d'"];

impl Text {
    /// Nothing yet; another seed writes another text.
    pub fn new(seed: u64) -> Self {
        Self { random: seed, files: 0, bytes: 0, lines: 0, times: vec![0; WORDS] }
    }

    /// Writes a file of that size, or a little more.
    pub fn write(&mut self, path: &Path, bytes: usize) {
        let mut text = Vec::with_capacity(bytes + 300);
        while text.len() < bytes {
            let bits = self.below(WORDS.ilog2() as usize + 1);
            let word = self.below(1 << bits);
            if let Some(times) = self.times.get_mut(word) {
                *times += 1;
                let spelled = if word == WORDS - 1 { "z".repeat(300) } else { spell(word) };
                text.extend(
                    if bits.is_multiple_of(2) { spelled } else { spelled.to_uppercase() }.bytes(),
                );
            }
            let rare = self.below(100) == 0;
            let separators = if rare { RARE_SEPARATORS } else { SEPARATORS };
            text.extend(separators.into_iter().nth(self.below(4)).unwrap_or(b" "));
        }
        fs::create_dir_all(path.parent().expect("a file is somewhere")).expect("a folder");
        fs::write(path, &text).expect("room for the text");
        self.files += 1;
        self.bytes += text.len() as u64;
        self.lines += text.iter().filter(|byte| **byte == b'\n').count() as u64;
    }

    /// Files, bytes, lines, words, distinct words.
    pub fn totals(&self) -> [u64; 5] {
        let distinct = self.times.iter().filter(|times| **times != 0).count();
        [self.files, self.bytes, self.lines, self.times.iter().sum(), distinct as u64]
    }

    /// The most frequent words, as the program writes them in JSON.
    pub fn top(&self, n: usize) -> String {
        let written = self.times.iter().enumerate().filter(|(_, times)| **times != 0);
        let mut words: Vec<_> =
            written.map(|(word, times)| (-i128::from(*times), spell(word))).collect();
        words.sort();
        let top = words.iter().take(n).map(|(times, word)| format!("[\"{word}\",{}]", -times));
        format!("[{}]", top.collect::<Vec<_>>().join(","))
    }

    /// A number below `end` (Knuth's MMIX generator; the upper bits are the good ones).
    fn below(&mut self, end: usize) -> usize {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.random >> 33).expect("31 bits") % end
    }
}

/// A word for each number, in lower case: short ones for small numbers, some of them not ASCII, a
/// few longer than sixteen bytes, and one that is longer than the longest.
fn spell(mut word: usize) -> String {
    let tail = match word % 61 {
        31 => "é",
        32 => "слово",
        33 => "東京",
        34 => "incomprehensibilities",
        _ => "",
    };
    if word == WORDS - 1 {
        return "z".repeat(255); // what is told apart of the 300 that are written
    }
    let mut spelled = String::new();
    loop {
        spelled.extend("etaoinshrdlucmfwypvbgkjq".chars().nth(word % 24));
        word /= 24;
        if word == 0 {
            return spelled + tail;
        }
    }
}
