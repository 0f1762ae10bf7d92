//! Every page with Rust in it, as a documentation test. `tests/tidy.rs` sees to it that none is missing.

macro_rules! pages {
    ($($name:ident: $path:literal;)*) => { $( #[doc = include_str!(concat!("../../", $path))] mod $name {} )* };
}
pages! {
    readme: "README.md";
    first_loss: "book/src/start/first_loss.md";
    online: "book/src/start/online.md";
    write_your_own: "book/src/start/write_your_own.md";
    vocabulary: "book/src/tour/vocabulary.md";
    state: "book/src/tour/state.md";
    equivalences: "book/src/tour/equivalences.md";
    laws: "book/src/reference/laws.md";
    museum_normalisers: "book/src/museum/normalisers.md";
    museum_axes: "book/src/museum/axes.md";
    museum_swaps: "book/src/museum/swaps.md";
    museum_boundaries: "book/src/museum/boundaries.md";
    museum_signs: "book/src/museum/signs.md";
    museum_fast_paths: "book/src/museum/fast_paths.md";
    museum_options: "book/src/museum/options.md";
}
