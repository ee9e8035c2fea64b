//! `#[derive(Shareable)]`: checks what a macro can see (a struct, a fixed layout, no lifetimes) and
//! writes the implementation. What only the compiler can see (every field is `Shareable`, no drop
//! glue, not empty) becomes part of the generated constant, which does not compile otherwise.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Data, DataStruct, DeriveInput, Error, Generics, Meta, Result, Token,
    parse_macro_input, punctuated::Punctuated, spanned::Spanned,
};

/// Implements `sabha::Shareable` for a struct that may live in shared memory.
///
/// The struct is `#[repr(C)]`, `#[repr(C, align(N))]` or `#[repr(transparent)]`, has at least one
/// field, and every field is `Shareable` itself. Type and constant parameters are welcome; a type
/// parameter that is stored needs the bound `T: Shareable`, which is yours to write.
///
/// ```text
/// #[derive(Shareable)]
/// #[repr(C)]
/// struct Slot<T: Shareable, const N: usize> {
///     sequence: AtomicU64,
///     payload: [T; N],
/// }
/// ```
///
/// Enums, unions, packed structs, lifetimes and types with `Drop` are refused with a message that
/// says what to write instead; the table in the documentation of the trait gives the reasons.
#[proc_macro_derive(Shareable)]
pub fn derive_shareable(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let body = only_structs(input)?;
    only_fixed_layouts(input)?;
    no_lifetimes(&input.generics)?;
    if body.fields.is_empty() {
        return Err(Error::new(
            input.ident.span(),
            "an empty struct has nothing to share; give it a field",
        ));
    }
    Ok(implementation(input, body))
}

fn only_structs(input: &DeriveInput) -> Result<&DataStruct> {
    match &input.data {
        Data::Struct(body) => Ok(body),
        Data::Enum(body) => Err(Error::new(
            body.enum_token.span,
            "an enum cannot live in shared memory: looking at bytes that name no variant is \
             undefined behaviour; store an integer (such as `AtomicU32`) and `match` on it",
        )),
        Data::Union(body) => Err(Error::new(
            body.union_token.span,
            "a union cannot live in shared memory: nothing says which field its bytes are; \
             use a struct, with one field for each",
        )),
    }
}

/// `repr(C)` or `repr(transparent)`, and not `packed`.
fn only_fixed_layouts(input: &DeriveInput) -> Result<()> {
    let mut fixed = false;
    for hint in layout_hints(&input.attrs)? {
        if hint.path().is_ident("packed") {
            return Err(Error::new(
                hint.span(),
                "a packed struct cannot live in shared memory: its fields may be unaligned, and \
                 atomics must not be; remove `packed` and order the fields by size",
            ));
        }
        fixed |= hint.path().is_ident("C") || hint.path().is_ident("transparent");
    }
    if fixed {
        return Ok(());
    }
    Err(Error::new(
        input.ident.span(),
        "the layout of this struct may differ between two builds; write `#[repr(C)]` (or \
         `#[repr(C, align(N))]`, or `#[repr(transparent)]`) above it",
    ))
}

fn layout_hints(attributes: &[Attribute]) -> Result<Vec<Meta>> {
    let mut hints = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("repr")) {
        hints.extend(attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)?);
    }
    Ok(hints)
}

fn no_lifetimes(generics: &Generics) -> Result<()> {
    match generics.lifetimes().next() {
        None => Ok(()),
        Some(lifetime) => Err(Error::new(
            lifetime.span(),
            "a borrow cannot live in shared memory: an address means nothing in another process; \
             remove the lifetime and store the value, an offset or an index",
        )),
    }
}

/// All tokens but the field types carry the span of the derive, so that the lints of the user's
/// crate (`unsafe_code` among them, even if forbidden) see code of another crate, while an error
/// about a field points at its type.
fn implementation(input: &DeriveInput, body: &DataStruct) -> TokenStream {
    let name = &input.ident;
    let (parameters, arguments, bounds) = input.generics.split_for_impl();
    let fields = body.fields.members().zip(&body.fields);
    let fields = fields.map(|(member, field)| {
        let kind = &field.ty;
        quote! {
            (::core::mem::offset_of!(Self, #member), <#kind as ::sabha::Shareable>::FINGERPRINT)
        }
    });
    let forced = evaluation(input);
    quote! {
        // SAFETY: the fixed layout was checked by the macro; that every field keeps the contract,
        // by the type of each `FINGERPRINT`; no drop glue and not empty, by `struct_fingerprint`.
        #[automatically_derived]
        unsafe impl #parameters ::sabha::Shareable for #name #arguments #bounds {
            const FINGERPRINT: ::core::primitive::u64 =
                ::sabha::struct_fingerprint::<Self>(&[#(#fields),*]);
        }
        #forced
    }
}

/// Evaluates the constant, and with it the assertions, where the type is defined. With parameters
/// that is not possible; then it happens where the type is used.
fn evaluation(input: &DeriveInput) -> Option<TokenStream> {
    let name = &input.ident;
    input.generics.params.is_empty().then(|| {
        quote! {
            const _: ::core::primitive::u64 = <#name as ::sabha::Shareable>::FINGERPRINT;
        }
    })
}
