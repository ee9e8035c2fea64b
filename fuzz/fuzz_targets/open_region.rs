//! A script of damage, and a visit to the file that was damaged by it: see `tests/hostile_files`, whose parts these are.
#![no_main]

#[path = "../../tests/hostile_files/damage.rs"]
mod damage;
#[path = "../../tests/hostile_files/template.rs"]
mod template;
#[path = "../../tests/hostile_files/visit.rs"]
mod visit;

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use visit::Visitor;

/// Its name for files, of which there is one at a time.
static NAME: LazyLock<String> = LazyLock::new(|| format!("sabha-fuzz-{}", std::process::id()));
static TEMPLATE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    support::system::limit_file_size(64 << 20); // what asks for more is refused
    template::bytes(&NAME)
});

fuzz_target!(|script: &[u8]| {
    let path = format!("/dev/shm/{}", *NAME);
    let mut bytes = TEMPLATE.clone();
    damage::damage(&mut bytes, script);
    if let Some(owner) = bytes.get_mut(192..196) {
        owner.fill(0); // nobody has the directory's lock
    }
    std::fs::write(&path, bytes).expect("room");
    Visitor::new(&|_doing| {}).visit(&NAME, &mut |_region| {});
    std::fs::remove_file(&path).expect("it is there");
});
