//! Tables in Parquet are read as the same rows in JSON are (tests/golden/make_parquet.py).

use collimate_runtime::data::{View, read, read_objects, read_prompts};
use std::path::{Path, PathBuf};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/parquet").join(name)
}

#[test]
fn tables_packed_in_any_way_are_the_rows_of_json() {
    let wanted = golden("rows.jsonl");
    for kind in ["none", "snappy", "gzip", "zstd", "brotli", "lz4"] {
        let path = golden(&format!("{kind}.parquet"));
        for view in [View::pair(), View::demo()] {
            // As demonstrations they lack a column.
            match (read(&[&path], &view), read(&[&wanted], &view)) {
                (Ok(found), Ok(wanted)) => {
                    assert_eq!(found.len(), 3);
                    for (found, wanted) in found.iter().zip(&wanted) {
                        assert_eq!((found.origin.line, &found.record), (wanted.origin.line, &wanted.record), "{kind}");
                    }
                }
                (Err(found), Err(wanted)) => {
                    let text = wanted.to_string().replace("rows.jsonl", &format!("{kind}.parquet"));
                    assert_eq!(found.to_string(), text, "{kind}");
                    assert!(text.contains(".parquet:1: the field `completion` is missing"), "{text}");
                }
                (found, wanted) => panic!("{kind}: {found:?} {wanted:?}"),
            }
        }
        let prompts = read_prompts(&[&path]).expect("prompts");
        assert_eq!(prompts[1].record.fields["chosen_score"], 0.1);
        assert_eq!(prompts[2].record.fields["count"], -1);
        assert_eq!(read_objects(&path).expect("rows").len(), 3);
    }
}

#[test]
fn a_number_that_is_none_names_row_and_field() {
    let error = read_objects(&golden("odd.parquet")).expect_err("not a number").to_string();
    assert!(
        error.ends_with("odd.parquet:2: the field `weight` is NaN; it has to be a finite number, or null"),
        "{error}"
    );
}
