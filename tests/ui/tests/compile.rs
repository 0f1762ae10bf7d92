//! Every mistake in `fail` gives the one error written beside it; every formula in `pass` compiles and runs.

#[test]
fn mistakes_are_refused_and_formulas_are_not() {
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    cases.pass("mended/*.rs");
    cases.compile_fail("fail/*.rs");
}
