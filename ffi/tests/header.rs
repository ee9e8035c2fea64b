//! `include/sabha.h` is what the sources say, and says what the library has.
//! To write it anew: `BLESS=1 cargo test -p sabha-ffi --test header`.

mod common;

use common::{BUILT, INCLUDE, LIBRARY, checked, compiler};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The files with exported items, in the header's order. (`atomics` has none that cbindgen can see.)
const SOURCES: [&str; 16] = [
    "version", "status", "failure", "deadline", "types", "options", "open", "region", "listing",
    "array", "wait", "policy", "mutex", "ring", "producer", "consumer",
];

#[test]
fn the_header_is_fresh() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(package.join("cbindgen.toml")).unwrap();
    let builder = SOURCES.iter().fold(cbindgen::Builder::new(), |builder, name| {
        builder.with_src(package.join("src").join(name).with_extension("rs"))
    });
    let mut made = Vec::new();
    builder.with_config(config).generate().unwrap().write(&mut made);
    let header = package.join("include/sabha.h");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&header, &made).unwrap();
    }
    let kept = std::fs::read(&header).unwrap_or_default();
    assert!(made == kept, "include/sabha.h is not what the sources say: see the top of this file");
}

/// What `text` has between `sabha_` and the end of the word, if `after` follows.
fn words(text: &str, after: char) -> BTreeSet<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let starts = text.match_indices("sabha_").filter(|(at, _)| !text[..*at].ends_with(is_word));
    let words = starts.map(|(at, _)| {
        let rest = &text[at..];
        rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()))
    });
    words.filter(|(_, rest)| rest.starts_with(after)).map(|(word, _)| word).collect()
}

#[test]
fn what_is_declared_is_what_is_exported() {
    let header = format!("{INCLUDE}/sabha.h");
    let declared = checked(compiler("cc", "-std=c11").args(["-E", &header]).output().unwrap());
    let declared = String::from_utf8(declared.stdout).unwrap();
    let nm = Command::new("nm").args(["-D", "--defined-only"]).arg(&LIBRARY.shared).output();
    let exported = String::from_utf8(checked(nm.unwrap()).stdout).unwrap();
    assert_eq!(words(&declared, '('), words(&exported, '\n'));
}

#[test]
fn every_status_has_words_of_its_own() {
    let header = std::fs::read_to_string(format!("{INCLUDE}/sabha.h")).unwrap();
    let status = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/status.rs"));
    let names: Vec<_> = status.unwrap().lines().filter_map(constant).collect();
    assert!(names.len() > 30 && names.iter().all(|name| header.contains(name)));
    let lines: String =
        names.iter().map(|name| format!("puts(sabha_strerror({name}));\n")).collect();
    let source = Path::new(BUILT).join("strerror.c");
    let text = format!(
        "#include <stdio.h>\n#include <sabha.h>\nint main(void) {{ {lines} puts(sabha_strerror(-77)); }}\n"
    );
    std::fs::write(&source, text).unwrap();
    let said = checked(Command::new(common::program(source.to_str().unwrap())).output().unwrap());
    let said = String::from_utf8(said.stdout).unwrap();
    let distinct: BTreeSet<_> = said.lines().collect();
    assert_eq!(distinct.len(), names.len() + 1, "{said}");
}

/// The library's refusals are open to new ones: a forgotten one would be `SABHA_E_OTHER`.
#[test]
fn every_refusal_of_the_library_has_a_code() {
    let read = |path: &str| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
    };
    let decoded = read("src/failure.rs");
    for (file, name) in [
        ("../src/error.rs", "Error"),
        ("../src/sync/mutex.rs", "LockError"),
        ("../src/ring/spsc/refused.rs", "PushError"),
        ("../src/ring/spsc/refused.rs", "PopError"),
    ] {
        let source = read(file);
        let start = source.find(&format!("pub enum {name}")).unwrap();
        let body = source[start..].split("\n}\n").next().unwrap();
        let variants = body.lines().filter_map(|line| {
            let line =
                line.strip_prefix("    ").filter(|line| line.starts_with(char::is_uppercase))?;
            line.split(|c: char| !c.is_alphanumeric()).next()
        });
        let variants: Vec<_> = variants.collect();
        assert!(variants.len() > 4, "{variants:?}");
        for variant in variants {
            let path = format!(" {name}::{variant}");
            assert!(decoded.contains(&path), "{path}");
        }
    }
}

/// `SABHA_X` of `pub const SABHA_X: …`.
fn constant(line: &str) -> Option<String> {
    Some(line.strip_prefix("pub const ")?.split(':').next()?.to_owned())
}

#[test]
fn cpp_can_include_it() {
    let source = Path::new(BUILT).join("includes.cpp");
    let text = "#include <sabha.h>\n\
        struct pair { int64_t a; uint32_t b[2]; };\n\
        sabha_type type() {\n\
            sabha_field fields[] = { SABHA_FIELD(pair, a, sabha_type_of(SABHA_I64)),\n\
                SABHA_FIELD(pair, b, sabha_type_array(sabha_type_of(SABHA_U32), 2)) };\n\
            return SABHA_TYPE_STRUCT(pair, fields);\n\
        }\n\
        sabha_status open(sabha_region **region) {\n\
            sabha_region_options options = SABHA_REGION_OPTIONS_INIT;\n\
            return sabha_region_anonymous(&options, region);\n\
        }\n";
    let compile = |text: &str| {
        std::fs::write(&source, text).unwrap();
        compiler("cc", "-std=c++17").arg("-fsyntax-only").arg(&source).output().unwrap()
    };
    if !compile("").status.success() {
        return eprintln!("skipped: no compiler for C++ here");
    }
    checked(compile(text));
}

/// A program that is linked with the shared library finds it by the name of its ABI, wherever it is.
#[test]
fn the_shared_library_names_its_abi() {
    let source = Path::new(BUILT).join("linked.c");
    std::fs::write(
        &source,
        "#include <sabha.h>\nint main(void) { return (int)sabha_abi_version(); }\n",
    )
    .unwrap();
    let place = Path::new(BUILT).join("lib");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::copy(&LIBRARY.shared, place.join("libsabha.so.0")).unwrap();
    let program = source.with_extension("");
    let mut cc = compiler("cc", "-std=c11");
    cc.arg(&source).arg(&LIBRARY.shared).arg("-o").arg(&program);
    checked(cc.output().unwrap());
    checked(Command::new(program).env("LD_LIBRARY_PATH", place).output().unwrap());
}
