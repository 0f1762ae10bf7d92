//! The letters that papers use.

use super::expression::Whose;
use crate::ir::{Depth, KindTag, Program, SideTag};
use std::collections::BTreeMap;

/// How one thing is written, as text and in LaTeX.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Symbol {
    pub(super) text: String,
    pub(super) latex: String,
}

impl Symbol {
    fn new(text: &str, latex: &str) -> Self {
        Symbol { text: text.into(), latex: latex.into() }
    }

    /// A word instead of a letter.
    pub(super) fn word(word: &str) -> Self {
        Symbol { text: word.into(), latex: format!("\\mathrm{{{}}}", word.replace('_', "\\_")) }
    }

    /// What a model gives: the word with its parameters below.
    pub(super) fn learned(word: &str) -> Self {
        let Symbol { text, latex } = Symbol::word(word);
        Symbol { text: format!("{text}_φ"), latex: format!("{latex}_{{\\varphi}}") }
    }

    /// With a number below, from the second one on.
    pub(super) fn numbered(&self, number: usize) -> Self {
        if number == 1 {
            return self.clone();
        }
        let below: String = number
            .to_string()
            .chars()
            .filter_map(|digit| digit.to_digit(10))
            .filter_map(|digit| char::from_u32(u32::from('₀') + digit))
            .collect();
        Symbol { text: format!("{}{below}", self.text), latex: format!("{}_{{{number}}}", self.latex) }
    }
}

const GREEK: [(&str, &str); 14] = [
    ("alpha", "α"),
    ("beta", "β"),
    ("gamma", "γ"),
    ("delta", "δ"),
    ("epsilon", "ε"),
    ("eta", "η"),
    ("theta", "θ"),
    ("kappa", "κ"),
    ("lambda", "λ"),
    ("mu", "μ"),
    ("rho", "ρ"),
    ("tau", "τ"),
    ("omega", "ω"),
    ("zeta", "ζ"),
];

/// A letter for every hyper-parameter that papers have one for, and its name for the others. No two share one.
pub(super) fn parameters(program: &Program) -> BTreeMap<String, Symbol> {
    let mut names: Vec<&str> = Vec::new();
    for node in &program.nodes {
        if let crate::ir::Op::Parameter(name) = &node.op
            && !names.contains(&name.as_str())
        {
            names.push(name);
        }
    }
    let letters: Vec<Option<Symbol>> = names.iter().map(|name| letter(name)).collect();
    let alone = |i: usize| letters[i].is_some() && letters.iter().filter(|other| **other == letters[i]).count() == 1;
    let symbol = |(i, name): (usize, &&str)| {
        let symbol = letters[i].clone().filter(|_| alone(i)).unwrap_or_else(|| Symbol::word(name));
        ((*name).to_owned(), symbol)
    };
    names.iter().enumerate().map(symbol).collect()
}

fn letter(name: &str) -> Option<Symbol> {
    let word = match name {
        // The share of wrong labels is an epsilon wherever it appears.
        "label_smoothing" => "epsilon",
        "lam" => "lambda",
        _ => name.rsplit('_').next().unwrap_or(name),
    };
    GREEK.iter().find(|(greek, _)| *greek == word).map(|(greek, text)| {
        let latex = if *greek == "epsilon" { "\\varepsilon".into() } else { format!("\\{greek}") };
        Symbol { text: (*text).into(), latex }
    })
}

/// The probability a policy gives.
pub(super) fn policy(owner: &str) -> Symbol {
    match owner {
        "actor" => Symbol::new("π", "\\pi"),
        "reference" => Symbol::new("π_ref", "\\pi_{\\mathrm{ref}}"),
        other => {
            Symbol { text: format!("π_{other}"), latex: format!("\\pi_{{\\mathrm{{{}}}}}", other.replace('_', "\\_")) }
        }
    }
}

/// What stands in brackets behind a value: the response, or its tokens; nothing for prompts and the batch.
pub(super) fn argument(depth: Depth, whose: Whose) -> Option<Symbol> {
    let response = response(whose);
    match depth {
        Depth::Constant | Depth::Batch | Depth::EachPrompt => None,
        Depth::EachResponse => Some(response),
        Depth::EachToken => {
            Some(Symbol { text: format!("{}ₜ", response.text), latex: format!("{}_{{t}}", response.latex) })
        }
        Depth::EachWord => Some(Symbol {
            text: format!("v | {}<ₜ", response.text),
            latex: format!("v \\mid {}_{{<t}}", response.latex),
        }),
    }
}

/// A response of a side.
pub(super) fn response(whose: Whose) -> Symbol {
    let Whose::Side(side) = whose else { return Symbol::new("y", "y") };
    let marked = [
        (SideTag::Chosen, Symbol::new("y⁺", "y^{+}")),
        (SideTag::Rejected, Symbol::new("y⁻", "y^{-}")),
        (SideTag::Mismatched, Symbol::new("y′", "y'")),
        (SideTag::Document, Symbol::new("d", "d")),
    ];
    marked.into_iter().find(|(marked, _)| *marked == side).map_or(Symbol::new("y", "y"), |(_, symbol)| symbol)
}

/// What a value is called that deserves a line of its own.
pub(super) fn name(kind: KindTag, live: bool) -> Symbol {
    let letters = [
        (KindTag::Reward, "r"),
        (KindTag::LogRatio, "h"),
        (KindTag::Prob, "p"),
        (KindTag::Advantage, "A"),
        (KindTag::Baseline, "b"),
        (KindTag::Value, "V"),
        (KindTag::Return, "G"),
        (KindTag::Weight, "w"),
        (KindTag::Number, "c"),
        (KindTag::Entropy, "H"),
    ];
    if let Some((_, letter)) = letters.iter().find(|(of, _)| *of == kind) {
        return Symbol::new(letter, letter);
    }
    match kind {
        KindTag::Margin if live => Symbol::word("margin"),
        KindTag::Margin => Symbol::word("target"),
        KindTag::LogProb => Symbol::new("ℓ", "\\ell"),
        KindTag::Ratio => Symbol::new("ρ", "\\rho"),
        KindTag::Kl => Symbol::word("KL"),
        other => Symbol::word(&other.name().to_lowercase()),
    }
}
