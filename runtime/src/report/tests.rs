use super::*;
use std::collections::BTreeMap;

fn line(step: u64, loss: f64) -> Map<String, Value> {
    let value = serde_json::json!({"step": step, "loss": loss, "tokens": 700, "seconds": 0.5, "rewards/chosen": loss * 2.0,
        "rewards/rejected": -loss, "rewards/margins": loss * 3.0, "my own <metric>": 1.0});
    value.as_object().unwrap().clone()
}

fn settings() -> RunSettings {
    RunSettings {
        algorithm: "mine".to_owned(),
        model: "models/<small> & \"good\"".to_owned(),
        set: BTreeMap::from([("beta".to_owned(), 0.1)]),
        ..RunSettings::default()
    }
}

/// Every tag that is opened is closed, in order.
fn well_formed(html: &str) {
    let mut open = Vec::new();
    for tag in html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap().trim_end_matches('/');
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closes what is open");
        } else if !tag.ends_with('/') && !tag.starts_with('!') && name != "meta" {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_page_shows_the_curves_the_settings_and_the_program() {
    let lines: Vec<_> = (1..=900).map(|step| line(step, 1.0 / step as f64)).collect();
    let html = page(&settings(), "program mine\n\n%0 = number 1.0 # <here>\n", &lines, true);
    well_formed(&html);
    for text in [
        "<title>mine · models/&lt;small&gt; &amp; &quot;good&quot;</title>",
        "900 steps, 630\u{202f}000 tokens in 7 min 30 s, the loss went from 1 to 0.001111.",
        "<figcaption>Implicit rewards</figcaption>",
        "rewards/chosen: 0.002222",
        "<figcaption>my own &lt;metric&gt;",
        "Tokens a second",
        "<tr><th>beta</th><td>0.1</td></tr>",
        "# &lt;here&gt;",
    ] {
        assert!(html.contains(text), "{text}");
    }
    assert!(!html.contains("NaN") && !html.contains("<script") && !html.contains("http"), "nothing is loaded or run");
    assert!(html.len() < 200_000, "{}", html.len());
}

#[test]
fn short_runs_and_runs_without_steps_have_a_page() {
    for steps in 0..3 {
        let lines: Vec<_> = (1..=steps).map(|step| line(step, 0.0)).collect();
        let html = page(&settings(), "", &lines, false);
        well_formed(&html);
        assert!(!html.contains("NaN"));
    }
    let mut last = line(1, 0.5);
    last.insert("eval/loss".to_owned(), 0.25.into());
    let html = page(&settings(), "", &[last], false);
    assert!(html.contains("not trained on") && html.contains("<tr><th>loss</th><td>0.25</td></tr>"));
    assert!(html.contains("The run is not finished."));
}

#[test]
fn a_folder_without_a_run_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert!(write(folder.path()).unwrap_err().to_string().contains("there is no run here (no run.toml)"));
}

#[test]
fn axes_have_round_marks_around_all_values() {
    assert_eq!(scale::ticks(0.0, 1.0), [0.0, 0.5, 1.0]);
    assert_eq!(scale::ticks(-0.3, 3.9), [-2.0, 0.0, 2.0, 4.0]);
    assert_eq!(scale::ticks(5.0, 5.0).first(), Some(&2.0));
    for (low, high) in [(1e-9, 3e-9), (-7e5, 1.0), (0.7001, 0.7002)] {
        let marks = scale::ticks(low, high);
        assert!(marks[0] <= low && marks[marks.len() - 1] >= high && marks.len() < 9, "{marks:?}");
    }
    let wanted = ["0", "1", "0.1235", "\u{2212}12.35", "1235", "123457", "1.235e6", "1e\u{2212}6"];
    let numbers = [0.0, 1.0, 0.12345, -12.345, 1234.6, 123_456.7, 1_234_567.0, 1e-6];
    assert_eq!(numbers.map(shown), wanted);
}
