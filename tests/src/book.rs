//! Every page with Rust in it, as a documentation test. `tests/tidy.rs` sees to it that none is missing.

macro_rules! pages {
    ($($name:ident: $path:literal;)*) => { $( #[doc = include_str!(concat!("../../", $path))] mod $name {} )* };
}
pages! {
    readme: "README.md";
    first_loss: "book/src/start/first_loss.md";
    laws: "book/src/reference/laws.md";
}
