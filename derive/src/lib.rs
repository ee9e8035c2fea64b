//! `#[derive(Shareable)]`.

use proc_macro::TokenStream;

/// Placeholder of the scaffold.
#[proc_macro_derive(Shareable)]
pub fn derive_shareable(_input: TokenStream) -> TokenStream {
    TokenStream::new()
}
