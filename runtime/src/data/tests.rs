use super::*;
use crate::train::small::{VOCABULARY, letters};
use collimate_dsl::ir::{Depth, Id, KindTag, Node, Op, Program, SideTag, Ty};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

mod dialogue;

fn written(content: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

fn problem(content: impl AsRef<[u8]>, view: &View) -> String {
    let (_folder, path) = written(content);
    let error = read(&[&path], view).unwrap_err().to_string();
    error.split_once("rows.jsonl:").unwrap().1.trim_start().to_owned()
}

/// A program that reads these inputs.
fn program(inputs: &[(&str, &str, SideTag)]) -> Program {
    let mut program = Program { name: "mine".to_owned(), ..Program::default() };
    for (owner, field, side) in inputs {
        let ty = Ty { kind: KindTag::Reward, depth: Depth::EachResponse, side: Some(*side), live: false };
        let op = Op::Input { owner: (*owner).to_owned(), field: (*field).to_owned() };
        program.nodes.push(Node { op, args: Vec::<Id>::new(), ty, place: Default::default() });
    }
    program
}

fn scored() -> View {
    let inputs =
        [("scored_pair", "chosen_score", SideTag::Chosen), ("scored_pair", "rejected_score", SideTag::Rejected)];
    View::of(&program(&inputs), "scored_pair").unwrap()
}

const LIMITS: Limits = Limits { max_length: 100, vocabulary: VOCABULARY };

fn pair(line: usize, prompt: &str, chosen: &str, rejected: &str) -> Row {
    let record = Record::pair(prompt, chosen, rejected);
    Row { origin: Origin { path: Path::new("rows.jsonl").into(), line }, record }
}

#[test]
fn rows_are_read_with_their_lines() {
    let text = "\u{feff}{\"prompt\": \"p\", \"chosen\": \"c\", \"rejected\": \"\", \"note\": 1}\r\n\n  \n{\"prompt\":\"q\",\"chosen\":\"d\",\"rejected\":\"e\"}";
    let (_folder, path) = written(text);
    let rows = read(&[&path, &path], &View::pair()).unwrap();
    assert_eq!(rows.iter().map(|r| r.origin.line).collect::<Vec<_>>(), [1, 4, 1, 4]);
    assert_eq!(rows[1].record.prompt, "q");
    assert_eq!(rows[0].record.responses, ["c", ""]);
    assert_eq!(read_some(&path).unwrap().0, View::pair());
    let (_folder, path) = written(r#"{"prompt": "p", "completion": "c"}"#);
    let (view, rows) = read_some(&path).unwrap();
    assert_eq!((view, rows[0].record.responses.clone()), (View::demo(), vec!["c".to_owned()]));
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

#[test]
fn lists_and_what_is_compressed_are_read_as_lines_are() {
    let rows =
        ["p", "q", "r"].map(|p| format!("{{\"prompt\": \"{p}\",\n \"chosen\": \"a\\nb\", \"rejected\": \"d\"}}"));
    let [one, two, three] = &rows;
    let lines = rows.each_ref().map(|row| row.replace('\n', "")).join("\n");
    let list = format!("\u{feff} [\n{one}, {two},\n\n{three}\n]\n");
    // A file of several packed parts is what they say one after another.
    let parts = [gzip(&lines[..lines.len() / 2]), gzip(&lines[lines.len() / 2..])].concat();
    let expected = [[1, 2, 3], [2, 3, 6], [1, 2, 3], [2, 3, 6], [1, 2, 3]];
    let forms = [lines.clone().into_bytes(), list.clone().into_bytes(), gzip(&lines), gzip(&list), parts];
    for (form, places) in forms.into_iter().zip(expected) {
        let (_folder, path) = written(form);
        let rows = read(&[&path], &View::pair()).unwrap();
        assert_eq!(rows.iter().map(|row| row.origin.line).collect::<Vec<_>>(), places);
        assert_eq!(rows.iter().map(|row| row.record.prompt.as_str()).collect::<Vec<_>>(), ["p", "q", "r"]);
        assert!(rows.iter().all(|row| row.record.responses == ["a\nb", "d"]));
    }
}

#[test]
fn scores_go_by_any_of_their_names() {
    for (chosen, rejected) in
        [("chosen_score", "rejected_score"), ("chosen_reward", "rejected_reward"), ("score_chosen", "score_rejected")]
    {
        let row = json!({"prompt": "p", "chosen_response": "c", "rejected_response": "r", chosen: 4, rejected: -1.5});
        let (_folder, path) = written(row.to_string());
        let rows = read(&[path], &scored()).unwrap();
        assert_eq!(rows[0].record.numbers["chosen_score"], [4.0]);
        assert_eq!(rows[0].record.numbers["rejected_score"], [-1.5]);
    }
    let both = r#"{"prompt": "p", "chosen": "c", "rejected": "r", "chosen_score": 1, "score_chosen": 2}"#;
    assert_eq!(
        problem(both, &scored()),
        "1: `chosen_score` and `score_chosen` are two names of the same field; leave one of them out"
    );
    // Nobody reads them, so nobody minds.
    let (_folder, path) = written(both);
    assert!(read(&[path], &View::pair()).unwrap()[0].record.numbers.is_empty());
}

#[test]
fn a_bad_row_names_line_field_and_remedy() {
    let good = "{\"prompt\": \"p\", \"chosen\": \"c\", \"rejected\": \"r\"}\n";
    let after = |line: &str| problem(format!("{good}{line}"), &View::pair());
    assert_eq!(
        after(r#"{"prompt": "p", "chosen": "c"}"#),
        "2: the field `rejected` is missing; this row has `prompt`, `chosen`; \
         write {\"prompt\": \"…\", \"chosen\": \"…\", \"rejected\": \"…\"}"
    );
    assert!(after("{}").contains("this row has no field at all"));
    assert!(after(r#"{"prompt": "p", "chosen": null, "rejected": "r"}"#).contains("the field `chosen` is null"));
    assert!(
        after(r#"{"prompt": 3, "chosen": "c", "rejected": "r"}"#)
            .contains("the field `prompt` is a number; it has to be a text")
    );
    let messages = r#"{"prompt": "p", "chosen": [{"role": "assistant", "content": "c"}], "rejected": "r"}"#;
    assert!(after(messages).contains("`rejected` is a text and another response a list of messages"));
    assert!(after("[1]").starts_with("2: a row is a list; it has to be an object"));
    assert!(after(r#"{"prompt": "p", "#).starts_with("2: not valid JSON at column "));
    assert!(after("{\"prompt\": \"p\",}").contains("trailing comma"));
    let text = r#"{"prompt": "p", "chosen": "c", "rejected": "r", "chosen_score": "4", "rejected_score": 1}"#;
    assert_eq!(
        problem(text, &scored()),
        "1: the field `chosen_score` is the text \"4\"; it has to be a number: remove the quotes"
    );
    assert!(problem(good, &scored()).ends_with("\"rejected\": \"…\", \"chosen_score\": 1.5, \"rejected_score\": 1.5}"));
    let huge = r#"{"prompt": "p", "chosen": "c", "rejected": "r", "chosen_score": 1e999, "rejected_score": 1}"#;
    assert!(problem(huge, &scored()).contains("number out of range"));
}

#[test]
fn a_bad_file_is_named() {
    let view = View::pair();
    for empty in ["", "\n\r\n  \n", "\u{feff}"] {
        assert!(problem(empty, &view).starts_with("this file has no rows"), "{empty:?}");
    }
    assert!(problem(b"{\"prompt\": \"\xff\"}", &view).starts_with("1: byte 13 of this line is not UTF-8"));
    assert!(problem([0x1f, 0x8b, 8, 0], &view).starts_with("this file is compressed, and damaged ("));
    let mut packed = gzip(&"{\"prompt\": \"p\", \"chosen\": \"c\", \"rejected\": \"d\"}\n".repeat(40));
    packed.truncate(packed.len() - 9);
    assert!(problem(&packed, &view).starts_with("this file is compressed, and damaged ("));
    let table =
        if cfg!(feature = "parquet") { "this table in Parquet is damaged" } else { "this is a table in Parquet" };
    assert!(problem("PAR1", &view).starts_with(table));
    assert!(problem("[]", &view).starts_with("this file has no rows"));
    assert!(
        problem("[\n{}\n]", &view).starts_with("2: the field `prompt` is missing"),
        "{}",
        problem("[\n{}\n]", &view)
    );
    assert!(problem("[\n{}\n", &view).starts_with("3: not a valid list of JSON at column 0: EOF"));
    assert!(problem("[{},\n 3]", &view).starts_with("1: the field `prompt`"));
    assert!(problem(b"[\n\"\xff\"]", &view).starts_with("2: byte 2 of this line is not UTF-8"));
    let folder = tempfile::tempdir().unwrap();
    assert!(read(&[folder.path()], &view).unwrap_err().to_string().contains("this is a folder"));
    assert!(read(&[folder.path().join("no.jsonl")], &view).unwrap_err().to_string().contains("there is no such file"));
}

#[test]
fn a_view_is_what_the_program_reads_of_it() {
    let program = program(&[("scored_pair", "chosen_score", SideTag::Chosen), ("reference", "logp", SideTag::Chosen)]);
    let view = View::of(&program, "scored_pair").unwrap();
    assert_eq!(view.numbers, [("chosen_score".to_owned(), Some(SideTag::Chosen))]);
    let picture = View::of(&program, "picture").unwrap_err().to_string();
    assert!(picture.contains("`mine` reads a `picture`, which no data file can give yet"), "{picture}");
    let colour = self::program(&[("pair", "colour", SideTag::Chosen)]);
    assert!(View::of(&colour, "pair").unwrap_err().to_string().contains("`pair.colour`"));
}

#[test]
fn a_long_response_keeps_its_beginning_and_a_row_without_room_is_dropped() {
    let rows = [pair(1, "aaa", "bbbbb", "b"), pair(2, "aaaaaa", "b", "b"), pair(3, "aaaaa", "", "bb")];
    let limits = Limits { max_length: 6, ..LIMITS };
    let encoded = Examples::encode(&rows, &View::pair(), &letters(), limits).unwrap();
    assert_eq!(encoded.examples.len(), 2);
    assert_eq!(encoded.examples[0].responses, [vec![3, 3, 3], vec![3, 1]], "a cut response did not end there");
    assert_eq!(encoded.examples[1].responses, [vec![1], vec![3]]);
    assert_eq!(encoded.cut, 2);
    assert_eq!(encoded.dropped.len(), 1);
    assert_eq!(encoded.dropped[0].origin.to_string(), "rows.jsonl:2");
    let error = Examples::encode(&rows[1..2], &View::pair(), &letters(), limits).unwrap_err().to_string();
    assert!(
        error.contains("rows.jsonl:2: the prompt has 6 tokens") && error.contains("none of the 1 rows is left"),
        "{error}"
    );
    assert!(Examples::encode(&[], &View::pair(), &letters(), limits).is_err());
}

#[test]
fn a_tokenizer_of_another_model_is_noticed() {
    let rows = [pair(7, "a", "b", "p")];
    let limits = Limits { vocabulary: 10, ..LIMITS };
    let error = Examples::encode(&rows, &View::pair(), &letters(), limits).unwrap_err().to_string();
    assert!(
        error.starts_with("rows.jsonl:7: the tokenizer gives token 17, but the model knows 10 words only"),
        "{error}"
    );
}

#[test]
fn a_batch_is_laid_out_side_after_side() {
    let mut rows = [pair(1, "a", "b", "cc"), pair(2, "dd", "eee", "")];
    for (row, score) in rows.iter_mut().zip([1.0, 2.0]) {
        let record = std::mem::take(&mut row.record);
        row.record = record.with("chosen_score", [score]).with("rejected_score", [-score]);
    }
    let encoded = Examples::encode(&rows, &scored(), &letters(), LIMITS).unwrap();
    let batch = Batch::new(&encoded.view, &items(&encoded.view, &encoded.examples.iter().collect::<Vec<_>>()).unwrap());
    assert_eq!(batch.sequences.tokens, [2, 3, 1, 5, 5, 6, 6, 6, 1, 2, 4, 4, 1, 5, 5, 1]);
    let scored: Vec<_> = batch.sequences.spans.iter().map(|s| s.scored.clone()).collect();
    assert_eq!(scored, [1..3, 5..9, 10..13, 15..16]);
    assert_eq!(batch.layout.totals().sides, [(SideTag::Chosen, 2, 6), (SideTag::Rejected, 2, 4)]);
    assert_eq!(batch.numbers[1], ("rejected_score".to_owned(), Some(SideTag::Rejected), vec![-1.0, -2.0]));
}

#[test]
fn every_epoch_sees_every_row_once() {
    let mut order = Order::new(10, 4, Some(3));
    assert_eq!((order.steps_per_epoch(), order.position(4)), (3, (1, 4)));
    let epoch = |order: &mut Order, e: u64| (0..3).flat_map(|s| order.batch(e * 3 + s).to_vec()).collect::<Vec<_>>();
    let (first, second) = (epoch(&mut order, 0), epoch(&mut order, 1));
    assert_ne!(first, second);
    for mut rows in [first.clone(), second] {
        rows.sort_unstable();
        assert_eq!(rows, (0..10).collect::<Vec<_>>());
    }
    // Any step can be reached without those before it, and another seed gives another order.
    assert_eq!(Order::new(10, 4, Some(3)).batch(1), &first[4..8]);
    assert_ne!(epoch(&mut Order::new(10, 4, Some(4)), 0), first);
    let mut file = Order::new(5, 2, None);
    assert_eq!((file.batch(2).to_vec(), file.batch(3).to_vec()), (vec![4], vec![0, 1]));
}

#[test]
fn a_group_has_a_number_for_each_response() {
    let view = View::of(&program(&[("group", "score", SideTag::Sample), ("group", "ended", SideTag::Sample)]), "group")
        .unwrap();
    let text = r#"{"prompt": "a", "responses": ["b", "cc", ""], "scores": [1, -2.5, 0], "ended": [true, false, true]}"#;
    let (_folder, path) =
        written(format!("{text}\n{}", text.replace(r#", """#, "").replace(", 0]", "]").replace(", true]", "]")));
    let rows = read(&[path], &view).unwrap();
    let encoded = Examples::encode(&rows, &view, &letters(), LIMITS).unwrap();
    let examples: Vec<&Example> = encoded.examples.iter().collect();
    let batch = Batch::new(&view, &items(&view, &examples).unwrap());
    let reaches: Vec<_> = batch.layout.side(SideTag::Sample).iter().map(|r| (r.prompt, r.tokens)).collect();
    assert_eq!(reaches, [(0, 2), (0, 3), (0, 1), (1, 2), (1, 3)]);
    assert_eq!(batch.numbers[0], ("score".to_owned(), Some(SideTag::Sample), vec![1.0, -2.5, 0.0, 1.0, -2.5]));
    assert_eq!(batch.numbers[1].2, [1.0, 0.0, 1.0, 1.0, 0.0]);

    let wrong = |from: &str, to: &str| problem(text.replace(from, to), &view);
    assert_eq!(wrong("-2.5, ", ""), "1: `scores` has 2 values for 3 responses; write one for each");
    assert!(
        wrong(r#"["b", "cc", ""]"#, r#""b""#).starts_with("1: the field `responses` is a text; it has to be a list")
    );
    assert!(wrong(r#""b""#, "3").starts_with("1: `responses[0]` is a number; it has to be a text"));
    assert!(wrong("-2.5", "null").starts_with("1: `scores[1]` is null; it has to be a number"));
    assert!(
        wrong("scores", "rewards")
            .contains("write {\"prompt\": \"…\", \"responses\": [\"…\", \"…\"], \"scores\": [1.5, 0.5]")
    );
}

#[test]
fn a_document_is_the_prompt_and_the_chosen_response_from_its_second_token_on() {
    let view = View::of(&program(&[("actor", "logp", SideTag::Document)]), "pair").unwrap();
    let (_folder, path) = written("{\"prompt\": \"ab\", \"chosen\": \"cc\", \"rejected\": \"a\"}\n".repeat(2));
    let encoded = Examples::encode(&read(&[path], &view).unwrap(), &view, &letters(), LIMITS).unwrap();
    let examples: Vec<&Example> = encoded.examples.iter().collect();
    let batch = Batch::new(&view, &items(&view, &examples).unwrap());
    let sides: Vec<_> = batch.layout.sides.iter().map(|(side, _)| *side).collect();
    assert_eq!(sides, [SideTag::Chosen, SideTag::Rejected, SideTag::Document]);
    let last = batch.sequences.spans.last().expect("a document");
    assert_eq!(batch.sequences.tokens[last.range.clone()], [2, 3, 4, 4, 1], "prompt, chosen response, end");
    assert_eq!(last.scored.len(), 4, "nothing says how likely the first token is");
    assert_eq!(batch.layout.side(SideTag::Document).iter().map(|r| r.tokens).collect::<Vec<_>>(), [4, 4]);
}

#[test]
fn a_mismatched_response_is_the_next_rows_for_every_cut() {
    let mut program = program(&[("unpaired", "label", SideTag::Answer)]);
    program.nodes.extend(self::program(&[("actor", "logp", SideTag::Mismatched)]).nodes);
    let view = View::of(&program, "unpaired").unwrap();
    let rows = ["a", "b", "c"]
        .iter()
        .map(|t| format!("{{\"prompt\": \"{t}\", \"completion\": \"{t}{t}\", \"label\": {}}}\n", *t != "b"));
    let (_folder, path) = written(rows.collect::<String>());
    let encoded = Examples::encode(&read(&[path], &view).unwrap(), &view, &letters(), LIMITS).unwrap();
    let examples: Vec<&Example> = encoded.examples.iter().collect();
    let whole = items(&view, &examples).unwrap();
    let batch = Batch::new(&view, &whole);
    assert_eq!(batch.sequences.tokens, [2, 2, 2, 1, 3, 3, 3, 1, 4, 4, 4, 1, 2, 3, 3, 1, 3, 4, 4, 1, 4, 2, 2, 1]);
    assert_eq!(batch.numbers[0].2, [1.0, 0.0, 1.0]);
    let last = Batch::new(&view, &whole[2..]);
    assert_eq!(last.sequences.tokens, [4, 4, 4, 1, 4, 2, 2, 1], "the last prompt has the first row's response");
    let alone = items(&view, &examples[..1]).unwrap_err().to_string();
    assert!(alone.contains("`unpaired` reads each prompt with a response to another one"), "{alone}");
}

/// A view of rated or annotated rows with all their numbers.
fn judged(name: &str, fields: &[&str]) -> View {
    let inputs: Vec<_> = fields.iter().map(|field| (name, *field, SideTag::Answer)).collect();
    View::of(&program(&inputs), name).unwrap()
}

const RATED: [&str; 4] = ["helpfulness", "helpfulness_present", "verbosity", "verbosity_present"];
const SHARES: [&str; 5] = ["rejected_much_better", "rejected_better", "tie", "chosen_better", "chosen_much_better"];

fn numbers(row: &serde_json::Value, view: &View, fields: &[&str]) -> Vec<f64> {
    let (_folder, path) = written(row.to_string());
    let rows = read(&[path], view).unwrap();
    fields.iter().map(|field| rows[0].record.numbers[*field][0]).collect()
}

#[test]
fn ratings_that_are_missing_are_masked_and_several_are_averaged() {
    let view = judged("rated", &RATED);
    let row = json!({"prompt": "p", "response": "r", "helpfulness": 3, "verbosity": null});
    assert_eq!(numbers(&row, &view, &RATED), [3.0, 1.0, 0.0, 0.0]);
    let row = json!({"prompt": "p", "response": "r", "verbosity": [0, 1, 4]});
    assert_eq!(numbers(&row, &view, &RATED), [0.0, 0.0, 5.0 / 3.0, 1.0]);
    let none = problem(r#"{"prompt": "p", "response": "r", "quality": 3}"#, &view);
    assert!(none.starts_with("1: no attribute is rated; write at least one of `helpfulness`"), "{none}");
    let text = problem(r#"{"prompt": "p", "response": "r", "helpfulness": "3"}"#, &view);
    assert!(text.contains("`helpfulness` is the text \"3\"; it has to be a number"), "{text}");
    assert!(problem(r#"{"prompt": "p", "response": "r", "helpfulness": []}"#, &view).contains("an empty list"));
}

#[test]
fn annotators_are_counted_towards_the_chosen_response() {
    let view = judged("annotated", &SHARES);
    let helpsteer2 = json!({
        "prompt": "p", "response_1": "a", "response_2": "b", "preference_strength": -1,
        "all_preferences_unprocessed": [{"strength": -3, "justification": ""}, {"strength": -1}, {"strength": 0}, {"strength": 1}],
    });
    assert_eq!(numbers(&helpsteer2, &view, &SHARES), [0.0, 0.25, 0.25, 0.25, 0.25]);
    let helpsteer3 = json!({
        "context": [{"role": "user", "content": "p"}], "response1": "a", "response2": "b", "overall_preference": 2,
        "individual_preference": [{"score": 3, "reasoning": ""}, {"score": -1}, {"score": -100}, {"score": 2}, {"score": 1}],
    });
    assert_eq!(numbers(&helpsteer3, &view, &SHARES), [0.0, 0.25, 0.0, 0.25, 0.5]);
    let (_folder, path) = written(helpsteer3.to_string());
    let row = &read(&[path], &view).unwrap()[0].record;
    assert_eq!((row.prompt.as_str(), &row.responses[..]), ("p", &["b".to_owned(), "a".to_owned()][..]));
    let own = json!({"prompt": "p", "chosen": "a", "rejected": "b", "rejected_much_better": 0, "rejected_better": 0.2,
        "tie": 0, "chosen_better": 0.8, "chosen_much_better": 0});
    assert_eq!(numbers(&own, &view, &SHARES), [0.0, 0.2, 0.0, 0.8, 0.0]);
    let half = own.to_string().replace("0.8", "0.3");
    assert!(problem(half, &view).starts_with("1: the shares of annotators add up to 0.5"));
    let alone = r#"{"prompt": "p", "response_1": "a", "response_2": "b", "preference_strength": 2}"#;
    assert!(problem(alone, &view).contains("does not say what each annotator said"));
}

#[test]
fn compared_responses_are_a_pair_unless_nobody_prefers_one() {
    let view = judged("pair", &["margin"]);
    let row =
        |strength: i32| json!({"prompt": "p", "response_1": "a", "response_2": "b", "preference_strength": strength});
    let rows: String = [-3, 2, 0].map(|strength| format!("{}\n", row(strength))).concat();
    let (_folder, path) = written(rows);
    let rows = read(&[path], &view).unwrap();
    assert_eq!((rows[0].record.responses[0].as_str(), rows[0].record.numbers["margin"][0]), ("a", 3.0));
    assert_eq!((rows[1].record.responses[0].as_str(), rows[1].record.numbers["margin"][0]), ("b", 2.0));
    let encoded = Examples::encode(&rows, &view, &letters(), LIMITS).unwrap();
    assert_eq!(encoded.examples.len(), 2);
    assert!(encoded.dropped[0].to_string().ends_with("rows.jsonl:3: left out: its annotators prefer neither response"));
    assert!(problem(row(4).to_string(), &view).contains("a preference of 4; it has to be from -3 to 3"));
    let two = r#"{"context": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "q"}], "response1": "a", "response2": "b", "overall_preference": 1}"#;
    assert!(problem(two, &view).contains("the last message of `context` is the assistant's"));
    let one = r#"{"prompt": "p", "response_1": "a", "preference_strength": 2}"#;
    assert!(problem(one, &view).contains("the field `response_2` is missing"));
}
