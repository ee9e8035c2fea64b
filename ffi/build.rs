//! Names the shared library's ABI, so that a program never meets another one at run time.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libsabha.so.0");
}
