//! The header is read, and each function that it declares must be among those that some test kills, or be one that changes
//! nothing that others see, holds nothing and waits for nobody.

use crate::common::{INCLUDE, checked, compiler};
use crate::{mutex, number, object, region, ring, wait};
use std::collections::BTreeSet;

/// What the tests of this program kill, beside the functions of each type of elements.
const COVERED: &[&[&str]] = &[mutex::COVERED, object::COVERED, region::COVERED, ring::COVERED];

/// What need not be killed, and why.
const EXEMPT: &[(&str, &[&str])] = &[
    ("tells what never changes", &["sabha_version", "sabha_abi_version", "sabha_strerror"]),
    ("tells what this thread was told", &["sabha_last_error", "sabha_last_holder"]),
    (
        "computes",
        &["sabha_deadline_after", "sabha_type_of", "sabha_type_array", "sabha_type_struct"],
    ),
    ("makes what nobody else can reach yet", &["sabha_region_anonymous"]),
    (
        "tells what is fixed for the handle",
        &[
            "sabha_region_fd",
            "sabha_region_id",
            "sabha_region_max_len",
            "sabha_array_len",
            "sabha_array_code",
            "sabha_array_data",
            "sabha_ring_capacity",
        ],
    ),
    (
        "looks, and neither changes nor waits",
        &[
            "sabha_region_len",
            "sabha_region_objects",
            "sabha_region_members",
            "sabha_ring_len",
            "sabha_ring_is_closed",
            "sabha_producer_position",
            "sabha_producer_room",
            "sabha_consumer_position",
            "sabha_consumer_len",
        ],
    ),
];

/// The functions that the header declares, macros expanded.
fn declared() -> BTreeSet<String> {
    let header = format!("{INCLUDE}/sabha.h");
    let expanded = checked(compiler("cc", "-std=c11").args(["-E", &header]).output().unwrap());
    let text = String::from_utf8(expanded.stdout).unwrap();
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '('));
    let calls = words.filter_map(|word| word.split_once('(')).map(|(name, _)| name);
    calls.filter(|name| name.starts_with("sabha_")).map(str::to_owned).collect()
}

fn covered() -> BTreeSet<String> {
    let mut covered: BTreeSet<_> = COVERED.concat().into_iter().map(str::to_owned).collect();
    let mut add = |number: &str, operations: &[&str]| {
        covered.extend(operations.iter().map(|name| format!("sabha_{number}_{name}")));
    };
    for (number, is_integer) in number::NUMBERS {
        add(number, number::OF_NUMBERS);
        add(number, if *is_integer { number::OF_INTEGERS } else { &[] });
    }
    for number in wait::WAITERS {
        add(number, wait::OF_WAITERS);
    }
    covered
}

#[test]
fn every_function_is_killed_or_has_nothing_to_lose() {
    let (declared, covered) = (declared(), covered());
    let exempt: BTreeSet<_> =
        EXEMPT.iter().flat_map(|(_, names)| names.iter().map(|name| (*name).to_owned())).collect();
    let known = &covered | &exempt;
    let (missing, gone) = (&declared - &known, &known - &declared);
    assert!(declared.len() > 150, "the header declares {} functions only", declared.len());
    assert!(missing.is_empty(), "without a kill test: {missing:#?}");
    assert!(gone.is_empty(), "no such function any more: {gone:#?}");
    assert!((&covered & &exempt).is_empty(), "both: {:#?}", &covered & &exempt);
}
