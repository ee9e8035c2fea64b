//! Damage that knows what it damages: a script of any bytes names fields of a region's file, at the places that
//! `docs/layout.md` gives, and what they hold instead. Whoever finds scripts (a generator, a fuzzer) finds hostile files.

use super::template::{LEN, MAX_LEN};

const MEMBERS_AT: usize = 4096;
const DIRECTORY_AT: usize = 36_864;
const HEAP_AT: usize = 102_400;
const SEATS_AT: usize = HEAP_AT + MAX_LEN as usize;

/// Fields of the header: where, and how wide. The last ones are looked at all the time.
const HEADER: &[(usize, usize)] = &[
    (0, 8),
    (8, 4),
    (12, 4),
    (16, 8),
    (24, 8),
    (32, 8),
    (40, 4),
    (44, 4),
    (48, 8),
    (128, 8),
    (136, 8),
    (192, 4),
    (196, 4),
    (256, 4),
    (260, 4),
];
const GUARD: &[(usize, usize)] = &[(0, 4), (4, 4), (8, 4), (12, 4), (16, 4), (60, 4)];
const MEMBER: &[(usize, usize)] =
    &[(0, 4), (4, 4), (8, 8), (16, 4), (24, 8), (32, 8), (56, 8), (120, 8)];
const ENTRY: &[(usize, usize)] =
    &[(0, 4), (4, 4), (8, 8), (16, 8), (24, 8), (32, 8), (40, 8), (48, 8), (248, 8)];
const SEAT: &[(usize, usize)] = &[(64, 4), (68, 4), (72, 4), (80, 8), (4076, 4)];
/// From the start of an object: a lock's words, a ring's.
const OBJECT: &[(usize, usize)] =
    &[(0, 4), (4, 4), (0, 8), (128, 8), (256, 4), (260, 4), (264, 8), (384, 4), (512, 4)];

/// Names have it: bit 29, then the generation, then the slot.
const NAMED: u64 = 1 << 29;
const VALUES: &[u64] = &[
    0,
    1,
    2,
    u64::MAX,
    u64::MAX - 1,
    1 << 63,
    u32::MAX as u64,
    1 << 31,
    1 << 30,
    NAMED,
    NAMED | 1 << 10,
    NAMED | 2 << 10,
    NAMED | 1 << 10 | 1,
    NAMED | 1 << 10 | 1023,
    1 << 31 | NAMED | 1 << 10 | 2,
    1 << 31 | 77,
    77,
    LEN,
    LEN - 8,
    LEN + 1,
    MAX_LEN,
    MAX_LEN - 4096,
    HEAP_AT as u64,
    1 << 44,
    4096,
    3,
    128,
    1023,
    1024,
];

/// The bytes of a script, one after the other; zeros behind its end.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> usize {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                usize::from(*first)
            }
            None => 0,
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.byte() % end
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Damages a file of [these](super::template::bytes) bytes. What follows of the script is for the heap.
pub fn damage(file: &mut Vec<u8>, script: &[u8]) {
    let script = &mut Script(script);
    for _ in 0..=script.below(6) {
        let (at, width) = place(file, script);
        let value = value(file, at, script);
        put(file, at, width, value);
    }
    let choice = script.byte();
    if choice & 3 != 0 {
        make_checksum_right(file);
    }
    match choice >> 2 {
        0..=3 => {
            file.truncate([0, 259, 4096, 102_399, HEAP_AT, SEATS_AT - 1, SEATS_AT][script.below(7)])
        }
        4..=7 => {
            let len = script.byte() << 8 | script.byte();
            file.truncate(len * 4);
        }
        8 | 9 => file.resize(file.len() + script.below(3) * 4096 + script.below(2), 0),
        _ => {}
    }
}

fn place(file: &[u8], script: &mut Script<'_>) -> (usize, usize) {
    let (start, fields) = match script.below(16) {
        0..=2 => (0, HEADER),
        3 => (2048 + 64 * script.below(32), GUARD),
        4 => (MEMBERS_AT + 128 * script.below(4), MEMBER),
        5..=8 => (DIRECTORY_AT + 256 * script.below(10), ENTRY),
        9 | 10 => (SEATS_AT + 4096 * script.below(4), SEAT),
        11..=13 => (object(file, script), OBJECT),
        // Anywhere at all.
        _ => {
            (((script.byte() << 16 | script.byte() << 8 | script.byte()) % file.len()) & !7, OBJECT)
        }
    };
    let (at, width) = script.one_of(fields);
    (start + at, *width)
}

/// The start of one of the first objects.
fn object(file: &[u8], script: &mut Script<'_>) -> usize {
    let offset = get(file, DIRECTORY_AT + 256 * script.below(8) + 24, 8);
    HEAP_AT + usize::try_from(offset % MAX_LEN).expect("small")
}

fn value(file: &[u8], at: usize, script: &mut Script<'_>) -> u64 {
    let now = get(file, at, 8);
    match script.below(8) {
        0..=3 => *script.one_of(VALUES),
        4 => now.wrapping_add(1 << script.below(8)),
        5 => now.wrapping_sub(1 << script.below(8)),
        6 => now ^ 1 << script.below(64),
        // The same field of a neighbour: two of one name, or in one place.
        _ => {
            let step = [64, 128, 256, 4096][script.below(4)];
            get(file, at.wrapping_sub(step), 8)
        }
    }
}

fn get(file: &[u8], at: usize, width: usize) -> u64 {
    let mut bytes = [0; 8];
    if let Some(found) = file.get(at..at.wrapping_add(width)) {
        bytes[..width].copy_from_slice(found);
    }
    u64::from_ne_bytes(bytes)
}

fn put(file: &mut [u8], at: usize, width: usize, value: u64) {
    if let Some(place) = file.get_mut(at..at + width) {
        place.copy_from_slice(&value.to_ne_bytes()[..width]);
    }
}

/// So that the geometry is not refused for its checksum alone.
fn make_checksum_right(file: &mut [u8]) {
    let (max_len, seats) = (get(file, 32, 8), get(file, 40, 4));
    let places = [MEMBERS_AT, DIRECTORY_AT, HEAP_AT].map(|at| at as u64);
    let places = sabha::fingerprint("places", &[&places[..], &[max_len, seats]].concat());
    let sizes = sabha::fingerprint("sizes", &[256, 128, 32, 4096]);
    put(file, 48, 8, sabha::fingerprint("region", &[places, sizes]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_damaged_has_this_checksum() {
        let name = support::fork::Name::new("checksum");
        let whole = super::super::template::bytes(&name);
        let mut again = whole.clone();
        make_checksum_right(&mut again);
        assert!(
            again == whole,
            "the checksum is another one now: no damaged geometry gets past it"
        );
    }
}
