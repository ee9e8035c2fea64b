//! Every public operation has a kill test: the source is read, and each `pub fn` must be among those that some test covers, or
//! be one that changes nothing that others see, holds nothing and waits for nobody.

use std::collections::BTreeSet;
use std::path::Path;
use syn::{ImplItem, Item, Type, Visibility};

/// What the tests of this program kill.
const COVERED: &[&[&str]] = &[
    super::lock::COVERED,
    super::member::COVERED,
    super::object::COVERED,
    super::region::COVERED,
    super::ring::COVERED,
    super::wait::COVERED,
];

/// What need not be killed, and why.
const EXEMPT: &[(&str, &[&str])] = &[
    (
        "reads, and holds nothing",
        &[
            "Chunk::as_slices",
            "Chunk::is_empty",
            "Chunk::len",
            "Chunk::position",
            "Claim::is_empty",
            "Claim::len",
            "Claim::position",
            "Consumer::capacity",
            "Consumer::is_abandoned",
            "Consumer::is_closed",
            "Consumer::is_empty",
            "Consumer::len",
            "Consumer::position",
            "Producer::capacity",
            "Producer::is_abandoned",
            "Producer::is_closed",
            "Producer::position",
            "Producer::room",
            "Spsc::capacity",
            "Spsc::is_closed",
            "Spsc::is_empty",
            "Spsc::len",
            "DataView::bytes",
            "Growing::get",
            "Growing::view",
            "Observed::copy_to",
            "Observed::is_empty",
            "Observed::len",
            "Observed::load",
            "Observed::to_vec",
            "Observer::id",
            "Observer::list",
            "Observer::slice",
            "Region::as_fd",
            "Region::id",
            "Region::is_empty",
            "Region::len",
            "Region::list",
            "Region::max_len",
            "Region::member_is_gone",
            "Region::members",
            "Shared::copy_to",
            "Shared::region",
            "Shared::subview",
            "Shared::to_vec",
            "atomics::is_lock_free",
            "atomics::pause",
            "PushError::into_value",
        ],
    ),
    (
        "opens a mapping that cannot be written, and no member's lock",
        &["Region::open_read_only", "RegionOptions::open_read_only"],
    ),
    (
        "sets an option in private memory",
        &[
            "Region::options",
            "RegionOptions::max_size",
            "RegionOptions::member_name",
            "RegionOptions::mode",
            "RegionOptions::seats",
            "RegionOptions::size",
            "RegionOptions::trust_owner",
        ],
    ),
    (
        "is there with feature `shared_memory` only; killed at random in `tests/adopt.rs`",
        &["Region::adopt", "RegionOptions::adopt"],
    ),
];

/// Files whose `pub` items are no one's to call: the C door (killed through its own functions, `ffi/tests/kill.rs`), the machine,
/// and types without operations.
const ELSEWHERE: &[&str] = &["raw", "os", "error.rs", "shareable.rs", "payload.rs", "lib.rs"];

/// The public operations in `file`: methods as `Type::name`, functions as `file::name`, destructors as `drop Type`.
fn operations(file: &Path, found: &mut BTreeSet<String>) {
    let text = std::fs::read_to_string(file).expect("source");
    let parsed = syn::parse_file(&text).expect("Rust");
    let stem = file.file_stem().and_then(|stem| stem.to_str()).expect("a name");
    for item in parsed.items {
        match item {
            Item::Fn(function) if is_public(&function.vis) => {
                found.insert(format!("{stem}::{}", function.sig.ident));
            }
            Item::Impl(block) => {
                let Some(name) = type_name(&block.self_ty) else { continue };
                let drops = block.trait_.as_ref().and_then(|(path, _)| path.segments.last());
                if drops.is_some_and(|last| last.ident == "Drop") {
                    found.insert(format!("drop {name}"));
                }
                let methods = block.items.into_iter().filter_map(|item| match item {
                    ImplItem::Fn(method) if is_public(&method.vis) => Some(method.sig.ident),
                    _ => None,
                });
                found.extend(methods.map(|method| format!("{name}::{method}")));
            }
            _ => {}
        }
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn type_name(of: &Type) -> Option<String> {
    match of {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    }
}

fn read_all(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).expect("source") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if ELSEWHERE.contains(&name) || name.ends_with("tests.rs") {
            continue;
        }
        if path.is_dir() {
            read_all(&path, found);
        } else if name.ends_with(".rs") {
            operations(&path, found);
        }
    }
}

#[test]
fn every_public_operation_is_killed_or_has_nothing_to_lose() {
    let mut public = BTreeSet::new();
    read_all(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut public);
    let covered: BTreeSet<_> =
        COVERED.iter().flat_map(|file| file.iter().map(|s| (*s).to_owned())).collect();
    let exempt: BTreeSet<_> =
        EXEMPT.iter().flat_map(|(_, names)| names.iter().map(|s| (*s).to_owned())).collect();
    let known = &covered | &exempt;
    let (missing, gone) = (&public - &known, &known - &public);
    assert!(missing.is_empty(), "without a kill test: {missing:#?}");
    assert!(gone.is_empty(), "no such operation any more: {gone:#?}");
    assert!((&covered & &exempt).is_empty(), "both: {:#?}", &covered & &exempt);
}
