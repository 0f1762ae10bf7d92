//! Against a real server on this machine: a thread that reads requests and draws with the built-in sampler.

use super::Server;
use crate::model::Weights;
use crate::sample::{BuiltIn, Sampler, Sampling, generate};
use crate::train::small::{config, letters};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

/// What the server does otherwise than it should.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    Good,
    /// Cannot take new weights.
    Stubborn,
    /// Forgets the last response.
    Forgetful,
}

/// Starts a server with these weights and gives its address; it ends with the process.
pub(crate) fn serve(mut weights: Weights, manner: Manner) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (line, body) = request(&stream);
            let (status, answer) = answer(&line, &body, &mut weights, manner);
            let text = answer.to_string();
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
            stream.write_all(format!("{head}{text}").as_bytes()).unwrap();
        }
    });
    address
}

fn request(stream: &TcpStream) -> (String, Value) {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some((name, value)) = line.split_once(':') {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap();
            }
            continue;
        }
        break;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (first, serde_json::from_slice(&body).unwrap_or_default())
}

fn answer(line: &str, body: &Value, weights: &mut Weights, manner: Manner) -> (&'static str, Value) {
    if line.starts_with("GET /v1/models ") {
        return ("200 OK", json!({"data": [{"id": "letters"}]}));
    }
    if line.starts_with("POST /update_weights_from_disk ") && manner != Manner::Stubborn {
        *weights = Weights::load(Path::new(body["model_path"].as_str().unwrap())).unwrap();
        return ("200 OK", json!({"success": true}));
    }
    if !line.starts_with("POST /v1/completions ") {
        return ("404 Not Found", json!({"error": "there is no such thing"}));
    }
    let numbers = |value: &Value| value.as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as u32).collect();
    let prompts: Vec<Vec<u32>> = body["prompt"].as_array().unwrap().iter().map(numbers).collect();
    let settings = Sampling {
        samples: body["n"].as_u64().unwrap() as usize,
        max_new_tokens: body["max_tokens"].as_u64().unwrap() as usize,
        temperature: body["temperature"].as_f64().unwrap(),
        top_p: body["top_p"].as_f64().unwrap(),
        seed: body["seed"].as_u64().unwrap(),
        end_tokens: numbers(&body["stop_token_ids"]),
        ..Sampling::default()
    };
    let samples = generate(weights, &prompts, &settings, |_| ()).unwrap().concat();
    let choice = |(index, sample): (usize, &crate::sample::Sample)| {
        let reason = if sample.ended { "stop" } else { "length" };
        json!({"index": index, "text": "", "finish_reason": reason, "token_ids": sample.tokens,
            "logprobs": {"token_logprobs": sample.logp}})
    };
    // In no order, as a server that finishes one before the other.
    let mut choices: Vec<Value> = samples.iter().enumerate().map(choice).rev().collect();
    if manner == Manner::Forgetful {
        choices.remove(0);
    }
    ("200 OK", json!({"choices": choices}))
}

fn sampling() -> Sampling {
    Sampling { samples: 3, max_new_tokens: 9, seed: 40, end_tokens: vec![1], ..Sampling::default() }
}

#[test]
fn a_server_draws_what_the_built_in_sampler_draws_with_the_weights_it_was_given() {
    let (tokenizer, folder) = (letters(), tempfile::tempdir().unwrap());
    let (old, new) = (Weights::random(config(), 1), Weights::random(config(), 2));
    let address = serve(old, Manner::Good);
    let mut server = Server::connect(&address, &tokenizer, Some(folder.path().join("weights"))).unwrap();
    let prompts = vec![vec![2, 3, 4], vec![5]];
    // The server is sent half the seed.
    let same = BuiltIn.draw(&new, &prompts, &Sampling { seed: 20, ..sampling() }).unwrap();
    for _ in 0..2 {
        assert_eq!(server.draw(&new, &prompts, &sampling()).unwrap(), same);
    }
}

#[test]
fn what_a_server_cannot_do_is_said() {
    let (tokenizer, folder) = (letters(), tempfile::tempdir().unwrap());
    let weights = Weights::random(config(), 1);
    let told = |url: &str| Server::connect(url, &tokenizer, None).err().unwrap().to_string();
    assert!(told("https://x").contains("write http://host:port"));
    assert!(told("http://127.0.0.1:1").contains("is the server running?"));
    let handover = Some(folder.path().join("weights"));
    let mut stubborn = Server::connect(&serve(weights.clone(), Manner::Stubborn), &tokenizer, handover).unwrap();
    let problem = stubborn.draw(&weights, &[vec![2]], &sampling()).unwrap_err().to_string();
    assert!(problem.contains("it answers 404 Not Found") && problem.contains("--sampler-update none"), "{problem}");
    let mut forgetful = Server::connect(&serve(weights.clone(), Manner::Forgetful), &tokenizer, None).unwrap();
    let problem = forgetful.draw(&weights, &[vec![2]], &sampling()).unwrap_err().to_string();
    assert!(problem.ends_with("it gave 2 responses where 3 were asked for"), "{problem}");
}
