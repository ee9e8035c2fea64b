//! What `#[derive(Shareable)]` refuses, and the words it uses.
//!
//! The expected words (`tests/ui/*.stderr`) are those of the compiler that the workspace names.
//! After a change, look at each difference, then accept it with `TRYBUILD=overwrite`.

#[test]
fn every_refusal_says_what_to_write_instead() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
