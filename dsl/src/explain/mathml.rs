//! Formulas as MathML, which browsers show without any script: made of the LaTeX that [`super::latex`] writes, of which it
//! knows the commands used there and no others.

use std::fmt::Write as _;

/// A displayed block of aligned lines, `\[ \begin{aligned} … \end{aligned} \]`, on lines without a blank one between.
pub(super) fn block(latex: &str) -> String {
    let inner = latex.trim().trim_start_matches("\\[").trim_end_matches("\\]").trim();
    let inner = inner.trim_start_matches("\\begin{aligned}").trim_end_matches("\\end{aligned}");
    let mut rows = String::new();
    for cells in table(&mut Reader::new(inner), None) {
        let cells: Vec<String> = cells.into_iter().enumerate().map(|(i, cell)| aligned(i, &cell)).collect();
        let _ = writeln!(rows, "<mtr>{}</mtr>", cells.concat());
    }
    // What is wider than the page is moved sideways, not cut off.
    let table = format!("<mtable displaystyle=\"true\">\n{rows}</mtable>");
    format!("<div style=\"overflow-x: auto\">\n<math display=\"block\">\n{table}\n</math>\n</div>\n")
}

/// What stands before an equal sign ends at it, what stands after begins there.
fn aligned(column: usize, cell: &str) -> String {
    let to = if column == 0 { "right" } else { "left" };
    format!("<mtd style=\"text-align: {to}\">{cell}</mtd>")
}

/// One word of LaTeX.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Word {
    /// `\frac`; the end of a line is `\\`.
    Command(String),
    /// `1.5`
    Number(String),
    Letter(char),
}

struct Reader {
    words: Vec<Word>,
    next: usize,
}

impl Reader {
    fn new(latex: &str) -> Self {
        let letters: Vec<char> = latex.chars().collect();
        let (mut words, mut i) = (Vec::new(), 0);
        let run = |from: usize, is: &dyn Fn(char) -> bool| letters[from..].iter().take_while(|c| is(**c)).count();
        while i < letters.len() {
            let taken = match letters[i] {
                '\\' => {
                    let name = run(i + 1, &|c| c.is_ascii_alphabetic() || c == '*').max(1);
                    words.push(Word::Command(letters[i + 1..].iter().take(name).collect()));
                    1 + name
                }
                c if c.is_whitespace() => 1,
                c if c.is_ascii_digit() => {
                    let digits = run(i, &|c| c.is_ascii_digit() || c == '.');
                    words.push(Word::Number(letters[i..i + digits].iter().collect()));
                    digits
                }
                c => {
                    words.push(Word::Letter(c));
                    1
                }
            };
            i += taken;
        }
        Reader { words, next: 0 }
    }

    fn peek(&self) -> Option<&Word> {
        self.words.get(self.next)
    }

    fn take(&mut self) -> Option<Word> {
        self.next += 1;
        self.words.get(self.next - 1).cloned()
    }

    /// Takes the word if it is this one.
    fn skips(&mut self, word: &Word) -> bool {
        let found = self.peek() == Some(word);
        self.next += usize::from(found);
        found
    }

    /// `{…}` as the letters it is made of: a name.
    fn name(&mut self) -> String {
        let mut name = String::new();
        if self.skips(&Word::Letter('{')) {
            while let Some(word) = self.take().filter(|word| *word != Word::Letter('}')) {
                match word {
                    Word::Letter(c) => name.push(c),
                    Word::Command(text) | Word::Number(text) => name.push_str(&text),
                }
            }
        }
        name
    }

    /// `{…}`, or one word without brackets.
    fn argument(&mut self) -> String {
        if self.skips(&Word::Letter('{')) {
            let inside = row(self, &|word| *word == Word::Letter('}'));
            self.next += 1;
            return inside;
        }
        match self.take() {
            Some(word) => atom(self, word),
            None => String::new(),
        }
    }
}

/// Cells between `&` and lines between `\\`, up to the end or to this command.
fn table(reader: &mut Reader, end: Option<&str>) -> Vec<Vec<String>> {
    let (line, cell) = (Word::Command("\\".to_owned()), Word::Letter('&'));
    let last = end.map(|end| Word::Command(end.to_owned()));
    let mut rows = vec![Vec::new()];
    while reader.peek().is_some() {
        let text = row(reader, &|word| *word == line || *word == cell || Some(word) == last.as_ref());
        rows.last_mut().expect("there is one").push(text);
        match reader.take() {
            Some(word) if word == line => rows.push(Vec::new()),
            Some(word) if word == cell => {}
            _ => break,
        }
    }
    rows
}

/// Everything up to a word at which it ends, as one row.
fn row(reader: &mut Reader, ends: &dyn Fn(&Word) -> bool) -> String {
    let mut inside = String::new();
    while let Some(word) = reader.peek().cloned().filter(|word| !ends(word)) {
        reader.next += 1;
        let base = atom(reader, word);
        inside.push_str(&scripted(reader, &base));
    }
    format!("<mrow>{inside}</mrow>")
}

/// With what stands below and above it: beside it also where LaTeX has it underneath, which fonts that are not made for
/// formulas lay over it.
fn scripted(reader: &mut Reader, base: &str) -> String {
    let (mut below, mut above) = (None, None);
    loop {
        match reader.peek() {
            Some(Word::Letter('_')) => {
                reader.next += 1;
                below = Some(reader.argument());
            }
            Some(Word::Letter('^')) => {
                reader.next += 1;
                above = Some(reader.argument());
            }
            Some(Word::Letter('\'')) => {
                reader.next += 1;
                above = Some("<mo>′</mo>".to_owned());
            }
            _ => break,
        }
    }
    match (below, above) {
        (None, None) => base.to_owned(),
        (Some(below), None) => format!("<msub>{base}{below}</msub>"),
        (None, Some(above)) => format!("<msup>{base}{above}</msup>"),
        (Some(below), Some(above)) => format!("<msubsup>{base}{below}{above}</msubsup>"),
    }
}

fn atom(reader: &mut Reader, word: Word) -> String {
    match word {
        Word::Number(digits) => format!("<mn>{digits}</mn>"),
        Word::Letter('{') => {
            reader.next -= 1;
            reader.argument()
        }
        Word::Letter(c) if c.is_alphabetic() => format!("<mi>{c}</mi>"),
        Word::Letter('-') => "<mo>−</mo>".to_owned(),
        Word::Letter('<') => "<mo>&lt;</mo>".to_owned(),
        Word::Letter('>') => "<mo>&gt;</mo>".to_owned(),
        // Brackets that stand for themselves do not grow.
        Word::Letter(c) => format!("<mo stretchy=\"false\">{c}</mo>"),
        Word::Command(name) => command(reader, &name),
    }
}

fn command(reader: &mut Reader, name: &str) -> String {
    match name {
        "frac" => {
            let (above, below) = (reader.argument(), reader.argument());
            format!("<mfrac>{above}{below}</mfrac>")
        }
        "sqrt" => format!("<msqrt>{}</msqrt>", reader.argument()),
        "left" => {
            let right = Word::Command("right".to_owned());
            let open = delimiter(reader.take());
            let inside = row(reader, &|word| *word == right);
            reader.next += 1;
            let close = delimiter(reader.take());
            format!("<mrow>{open}{inside}{close}</mrow>")
        }
        "begin" => {
            // The only table inside a formula is one of cases.
            reader.name();
            let rows: Vec<String> =
                table(reader, Some("end")).into_iter().map(|cells| cells_of_cases(&cells)).collect();
            reader.name();
            format!("<mrow><mo>{{</mo><mtable>{}</mtable></mrow>", rows.concat())
        }
        "text" => format!("<mtext>{}</mtext>", reader.name()),
        "mathrm" => format!("<mi mathvariant=\"normal\">{}</mi>", reader.name()),
        "mathcal" => letters(&reader.name(), &[("L", "ℒ")]),
        "mathbb" => letters(&reader.name(), &[("E", "𝔼")]),
        "mathbf" => letters(&reader.name(), &[("1", "𝟏")]),
        "operatorname" | "operatorname*" => function(&reader.name()),
        "sum" => "<mo>∑</mo>".to_owned(),
        "log" | "exp" | "min" | "max" => function(name),
        _ => match SIGNS.iter().find(|(known, _)| *known == name) {
            Some((_, sign)) if sign.chars().all(char::is_alphabetic) => format!("<mi>{sign}</mi>"),
            Some((_, sign)) => format!("<mo>{sign}</mo>"),
            None => format!("<mtext>\\{name}</mtext>"),
        },
    }
}

fn cells_of_cases(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| aligned(1, cell)).collect();
    format!("<mtr>{}</mtr>", cells.concat())
}

fn letters(name: &str, known: &[(&str, &str)]) -> String {
    let found = known.iter().find(|(letter, _)| *letter == name).map_or(name, |(_, found)| found);
    format!("<mi>{found}</mi>")
}

/// A function's name, and the space after it.
fn function(name: &str) -> String {
    format!("<mrow><mi>{name}</mi><mspace width=\"0.17em\"/></mrow>")
}

fn delimiter(word: Option<Word>) -> String {
    match word {
        Some(Word::Letter('.')) | None => String::new(),
        Some(Word::Letter(c)) => format!("<mo>{c}</mo>"),
        Some(Word::Command(name) | Word::Number(name)) => format!("<mo>{name}</mo>"),
    }
}

const SIGNS: [(&str, &str); 27] = [
    ("alpha", "α"),
    ("beta", "β"),
    ("gamma", "γ"),
    ("delta", "δ"),
    ("epsilon", "ε"),
    ("varepsilon", "ε"),
    ("eta", "η"),
    ("theta", "θ"),
    ("kappa", "κ"),
    ("lambda", "λ"),
    ("mu", "μ"),
    ("pi", "π"),
    ("rho", "ρ"),
    ("sigma", "σ"),
    ("tau", "τ"),
    ("omega", "ω"),
    ("zeta", "ζ"),
    ("Phi", "Φ"),
    ("varphi", "φ"),
    ("ell", "ℓ"),
    ("partial", "∂"),
    ("cdot", "⋅"),
    ("mid", "∣"),
    ("le", "≤"),
    ("ge", "≥"),
    ("neq", "≠"),
    ("_", "_"),
];

#[cfg(test)]
mod tests {
    use super::block;

    /// The one line of a formula, without the table around it.
    fn cell(latex: &str) -> String {
        let page = block(&format!("\\[\n\\begin{{aligned}}\n{latex}\n\\end{{aligned}}\n\\]\n"));
        let line = page.lines().find(|line| line.starts_with("<mtr>")).expect("a line");
        let cell = line.split_once("text-align: right\">").and_then(|(_, rest)| rest.strip_suffix("</mtd></mtr>"));
        cell.unwrap_or_else(|| panic!("{line}")).to_owned()
    }

    #[test]
    fn fractions_scripts_and_brackets() {
        let frac = "<mfrac><mrow><mn>1</mn></mrow><mrow><mi>K</mi></mrow></mfrac>";
        assert_eq!(cell("\\frac{1}{K}"), format!("<mrow>{frac}</mrow>"));
        let chosen = "<msubsup><mi>y</mi><mrow><mi>t</mi></mrow><mrow><mo stretchy=\"false\">+</mo></mrow></msubsup>";
        assert_eq!(cell("y^{+}_{t}"), format!("<mrow>{chosen}</mrow>"));
        let round = "<mrow><mrow><mo>(</mo><mrow><mi>x</mi></mrow><mo>)</mo></mrow></mrow>";
        assert_eq!(cell("\\left( x \\right)"), round);
        assert_eq!(cell("y'"), "<mrow><msup><mi>y</mi><mo>′</mo></msup></mrow>");
    }
    #[test]
    fn sums_have_their_index_beside_them() {
        let sum = "<msub><mo>∑</mo><mrow><mi>t</mi></mrow></msub>";
        assert_eq!(cell("\\sum_{t} x"), format!("<mrow>{sum}<mi>x</mi></mrow>"));
    }
    #[test]
    fn every_line_is_a_row_and_every_equal_sign_in_one_column() {
        let page = block("\\[\n\\begin{aligned}\na &= 1 \\\\\nb &= 2.5\n\\end{aligned}\n\\]\n");
        assert_eq!(page.matches("<mtr>").count(), 2);
        assert_eq!(page.matches("<mtd style=\"text-align: left\"><mrow><mo stretchy=\"false\">=</mo>").count(), 2);
        assert!(!page.contains("\n\n"), "{page}");
    }
    #[test]
    fn cases_are_a_table_of_their_own() {
        let cases = cell("\\begin{cases} a & x > 0 \\\\ b & \\text{else} \\end{cases}");
        assert_eq!(cases.matches("<mtr>").count(), 2);
        assert!(cases.contains("<mtext>else</mtext>") && cases.contains("<mo>&gt;</mo>"), "{cases}");
    }
    #[test]
    fn what_is_not_known_is_seen() {
        assert!(cell("\\wedge").contains("<mtext>\\wedge</mtext>"));
    }
}
