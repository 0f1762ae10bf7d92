//! Formulas that compile and that the verifier must refuse, each with its mended form.
//!
//! They stand in a library, not in a test, because the test that `#[algorithm]` writes beside each would fail.

/// Breaks V02.
#[allow(missing_docs)]
pub mod v02;
#[allow(missing_docs)]
pub mod v02_mended;
/// Breaks V03.
#[allow(missing_docs)]
pub mod v03;
#[allow(missing_docs)]
pub mod v03_mended;
#[allow(missing_docs)]
pub mod v04_mended;
/// Breaks V05.
#[allow(missing_docs)]
pub mod v05;
#[allow(missing_docs)]
pub mod v05_mended;
/// Breaks V06.
#[allow(missing_docs)]
pub mod v06;
#[allow(missing_docs)]
pub mod v06_mended;
/// Breaks V07.
#[allow(missing_docs)]
pub mod v07;
#[allow(missing_docs)]
pub mod v07_mended;
/// Breaks V08.
#[allow(missing_docs)]
pub mod v08;
#[allow(missing_docs)]
pub mod v08_mended;
/// Breaks V09.
#[allow(missing_docs)]
pub mod v09;
#[allow(missing_docs)]
pub mod v09_mended;
/// Breaks V10.
#[allow(missing_docs)]
pub mod v10;
#[allow(missing_docs)]
pub mod v10_mended;
/// Breaks V11.
#[allow(missing_docs)]
pub mod v11;
#[allow(missing_docs)]
pub mod v11_mended;
/// Breaks V12.
#[allow(missing_docs)]
pub mod v12;
#[allow(missing_docs)]
pub mod v12_mended;
/// Breaks V13.
#[allow(missing_docs)]
pub mod v13;
#[allow(missing_docs)]
pub mod v13_mended;
/// Breaks V14.
#[allow(missing_docs)]
pub mod v14;
#[allow(missing_docs)]
pub mod v14_mended;
/// Breaks V20.
#[allow(missing_docs)]
pub mod v20;
#[allow(missing_docs)]
pub mod v20_mended;
