//! Where the memory orderings of a protocol file stand.

use std::fs;
use std::path::Path;
use syn::visit::{self, Visit};
use syn::{
    Expr, ExprCall, ExprMethodCall, ImplItemFn, ItemFn, ItemImpl, ItemMod, TraitItemFn, Type,
};

/// An ordering, or a fence.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Ordering {
    pub(super) file: String,
    /// The function that it stands in.
    pub(super) function: String,
    /// What is called, on what: `self.live.load`.
    pub(super) call: String,
    /// Its index among the orderings of the call.
    pub(super) index: usize,
    pub(super) name: String,
    pub(super) line: usize,
}

const NAMES: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];
const FENCES: [&str; 3] = ["fence", "compiler_fence", "barrier_everywhere"];
/// How the index of a fence is written: it is dropped as a whole.
pub(super) const WHOLE: &str = "whole";

/// All orderings of the file that are more than relaxed, and all fences.
pub(super) fn of(file: &str) -> Vec<Ordering> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let source = fs::read_to_string(&path).expect("the file is there");
    let parsed = syn::parse_file(&source).expect("it compiles");
    let mut reader = Reader {
        file: file.to_owned(),
        owner: String::new(),
        function: String::new(),
        found: Vec::new(),
    };
    reader.visit_file(&parsed);
    reader.found
}

struct Reader {
    file: String,
    /// The type whose functions are read.
    owner: String,
    function: String,
    found: Vec<Ordering>,
}

impl Reader {
    fn inside(&mut self, function: &syn::Ident, visit: impl FnOnce(&mut Self)) {
        let owner = if self.owner.is_empty() { String::new() } else { format!("{}::", self.owner) };
        let name = format!("{owner}{function}");
        let outer = core::mem::replace(&mut self.function, name);
        visit(self);
        self.function = outer;
    }

    fn note(&mut self, call: &str, index: usize, name: &str, line: usize) {
        let (function, call, name) = (self.function.clone(), call.to_owned(), name.to_owned());
        let file = self.file.clone();
        self.found.push(Ordering { file, function, call, index, name, line });
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if module.ident != "tests" {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let outer = core::mem::replace(&mut self.owner, name_of(&item.self_ty));
        visit::visit_item_impl(self, item);
        self.owner = outer;
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.inside(&function.sig.ident, |this| visit::visit_item_fn(this, function));
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.inside(&function.sig.ident, |this| visit::visit_impl_item_fn(this, function));
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        self.inside(&function.sig.ident, |this| visit::visit_trait_item_fn(this, function));
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let orderings =
            call.args.iter().filter_map(last_name).filter(|n| NAMES.contains(&n.as_str()));
        for (index, name) in orderings.enumerate().filter(|(_, name)| name != "Relaxed") {
            let text = format!("{}.{}", place(&call.receiver), call.method);
            self.note(&text, index, &name, call.method.span().start().line);
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let (Expr::Path(path), Some(name)) = (&*call.func, last_name(&call.func))
            && FENCES.contains(&name.as_str())
        {
            let first = &path.path.segments[0].ident;
            self.note(&name, 0, WHOLE, first.span().start().line);
        }
        visit::visit_expr_call(self, call);
    }
}

fn name_of(named: &Type) -> String {
    let Type::Path(path) = named else { return String::new() };
    path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}

fn last_name(expression: &Expr) -> Option<String> {
    let Expr::Path(path) = expression else { return None };
    path.path.segments.last().map(|segment| segment.ident.to_string())
}

/// `self.lock.word`: of the receiver what is easily named.
fn place(expression: &Expr) -> String {
    match expression {
        Expr::Path(_) => last_name(expression).unwrap_or_default(),
        Expr::Field(field) => {
            let member = match &field.member {
                syn::Member::Named(name) => name.to_string(),
                syn::Member::Unnamed(index) => index.index.to_string(),
            };
            format!("{}.{member}", place(&field.base))
        }
        Expr::MethodCall(call) => format!("{}.{}()", place(&call.receiver), call.method),
        _ => "_".to_owned(),
    }
}

/// The files of the library that have any, but for their tests.
pub(super) fn files() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut folders, mut files) = (vec![root.join("src")], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                files.push(path.strip_prefix(root).expect("below").display().to_string());
            }
        }
    }
    files.retain(|file| !file.ends_with("tests.rs") && !of(file).is_empty());
    files.sort();
    files
}
