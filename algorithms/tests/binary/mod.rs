//! Runs the binary as a user does.

use std::process::{Command, Output};

pub(crate) fn collimate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_collimate")).args(arguments).output().expect("the binary was built")
}

pub(crate) fn printed(arguments: &[&str]) -> String {
    let output = collimate(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "collimate {arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

/// The one line of an error, and that it is an error.
pub(crate) fn refused(arguments: &[&str]) -> String {
    let output = collimate(arguments);
    let error = String::from_utf8(output.stderr).expect("errors are UTF-8");
    assert_eq!(output.status.code(), Some(2), "collimate {arguments:?} printed: {error}");
    assert!(!error.contains("panicked"), "{error}");
    error
}
