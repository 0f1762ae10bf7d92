//! CUDA source of a formula over all words: a kernel for its sums, and one for the gradient by scores.
//!
//! A block has a row, and the formula is written out in it, step by step, as it is run for each word. What must be known of the
//! whole row is found first, as on the CPU: the logarithm of the sum of each policy's exponentials, and then sweep by sweep what the
//! formula asks for. The text depends on nothing but what it is made from, and its kernel is named by what it says.

use super::word::{back, value};
use crate::cuda::{Element, images::checksum};
use crate::region::{Region, Step, moving, word_by_word};
use std::fmt::{self, Write};

/// A kernel that was written for one formula, with its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// The kernel's.
    pub name: String,
    /// The formula, in comments.
    pub formula: String,
    /// To be compiled behind [`crate::cuda::COMMON`] and [`WORDS`].
    pub kernel: String,
}

/// What stands before every kernel.
pub const WORDS: &str = include_str!("words.cuh");

impl Source {
    /// All that is compiled behind [`crate::cuda::COMMON`].
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{WORDS}\n{}", self.formula, self.kernel)
    }
}

/// The kernel that finds a formula's sums: `sums`, `[row, sum]`; `none`, of each row the step without a word, if there is one;
/// scores, `[policy, row, word]`; the given numbers, `[row, given]`; words.
#[must_use]
pub fn forward(region: &Region) -> Source {
    let draft = Draft { region, live: &[], moving: Vec::new(), body: Body::default() };
    named("region_forward_", region, draft.forward().expect("text takes what is written"))
}

/// The kernel that finds the gradient by scores, by that of the sums, for the policies and given numbers that are live: the gradient
/// by the given numbers; of each live policy, where its goes as `element`, and for each row a word that was taken and the gradient by its
/// log-probability, or null; that by the sums; and what the other kernel reads.
#[must_use]
pub fn backward(region: &Region, live: &[bool], live_given: &[bool], element: Element) -> Source {
    let moving = moving(region.steps(), live, live_given);
    let draft = Draft { region, live, moving, body: Body::default() };
    named("region_backward_", region, draft.backward(live_given, element).expect("text takes what is written"))
}

/// The formula and its kernel by a name, which is made of all that it is compiled from but what every kernel is.
fn named(kind: &str, region: &Region, kernel: String) -> Source {
    let name = format!("{kind}{:016x}", checksum(format!("{WORDS}{kernel}").as_bytes()));
    let steps = region.steps().iter().enumerate().map(|(i, step)| format!("//   v{i} = {step:?}\n"));
    let formula = format!("// Sums over all words of the steps {:?} of\n{}", region.sums(), steps.collect::<String>());
    Source { kernel: kernel.replace("NAME", &name), name, formula }
}

/// Lines, indented by how deep they stand.
#[derive(Default)]
struct Body {
    text: String,
    depth: usize,
}

impl Body {
    fn line(&mut self, line: fmt::Arguments<'_>) -> fmt::Result {
        writeln!(self.text, "{:1$}{line}", "", 4 * self.depth)
    }
}

macro_rules! line {
    ($draft:expr, $($text:tt)*) => { $draft.body.line(format_args!($($text)*))? };
}

struct Draft<'a> {
    region: &'a Region,
    /// Which policies are trained.
    live: &'a [bool],
    /// Through which steps a gradient flows.
    moving: Vec<bool>,
    body: Body,
}

impl Draft<'_> {
    fn steps(&self) -> &[Step] {
        self.region.steps()
    }

    /// Begins a loop over all words.
    fn each_word(&mut self) -> fmt::Result {
        let policies = self.region.policies();
        line!(self, "region_words<{policies}>(scores, apart, words, [&](const float* z, u32 word) {{");
        self.body.depth += 1;
        Ok(())
    }

    fn end(&mut self, with: &str) -> fmt::Result {
        self.body.depth -= 1;
        line!(self, "{with}");
        Ok(())
    }

    /// The values of these steps at a word.
    fn values(&mut self, steps: &[usize]) -> fmt::Result {
        for &i in steps {
            let value = value(i, self.steps()[i]);
            line!(self, "const float v{i} = {value};");
        }
        Ok(())
    }

    /// A kernel's head, and everything that must be known of a row before its words can be gone through for the last time.
    fn begin(&mut self, parameters: &[String], tell: bool) -> fmt::Result {
        let (region, policies) = (self.region, self.region.policies());
        let list = parameters.join(", ");
        line!(self, "__device__ inline void NAME_row({list}) {{");
        self.body.depth += 1;
        line!(self, "SHARED(memory);");
        line!(self, "float* scratch = (float*)memory;");
        line!(self, "const size_t row = blockIdx.x, apart = (size_t)gridDim.x * words;");
        line!(self, "scores += row * words;");
        for n in 0..region.given() {
            line!(self, "const float given{n} = given[row * {} + {n}];", region.given());
        }
        line!(self, "bool empty;");
        if tell {
            line!(self, "u32 missing = 0xffffffffu;");
        }
        // What no step reads has no values, but may have a gradient.
        for p in 0..policies {
            line!(self, "RegionSum sum{p};");
        }
        self.each_word()?;
        for p in 0..policies {
            line!(self, "sum{p}.add(z[{p}], 1.0f);");
        }
        self.end("});")?;
        for p in 0..policies {
            line!(self, "const float whole{p} = sum{p}.total(scratch, &empty);");
        }
        let sweeps = &region.plan().sweeps;
        for sweep in &sweeps[..sweeps.len() - 1] {
            for &i in &sweep.gathered {
                if let Step::Top(of, count) = self.steps()[i] {
                    let needed = word_by_word(self.steps(), &[of]);
                    line!(self, "const RegionLimit limit{i} = region_top<{policies}>(");
                    line!(self, "    scores, apart, words, {count}u, scratch, [&](const float* z, u32 word) {{");
                    self.body.depth += 2;
                    self.values(&needed)?;
                    line!(self, "return v{of};");
                    self.body.depth -= 1;
                    self.end("    });")?;
                }
            }
            let sums = |i: &usize| if let Step::LogSum(a, b) = region.steps()[*i] { Some((*i, a, b)) } else { None };
            let sums: Vec<_> = sweep.gathered.iter().filter_map(sums).collect();
            if sums.is_empty() {
                continue;
            }
            for (i, ..) in &sums {
                line!(self, "RegionSum gathered{i};");
            }
            self.each_word()?;
            let read: Vec<usize> = sums.iter().flat_map(|(_, a, b)| [*a, *b]).collect();
            self.values(&word_by_word(region.steps(), &read))?;
            for (i, a, b) in &sums {
                line!(self, "gathered{i}.add(v{a}, v{b});");
            }
            self.end("});")?;
            for (i, ..) in &sums {
                line!(self, "const float number{i} = gathered{i}.total(scratch, &empty);");
                if tell {
                    line!(self, "if (empty && missing == 0xffffffffu) missing = {i}u;");
                }
            }
        }
        Ok(())
    }

    /// The kernel itself, which has nothing but the call.
    fn finish(mut self, parameters: &[String]) -> Result<String, fmt::Error> {
        self.end("}")?;
        let name = |parameter: &String| parameter.rsplit(' ').next().unwrap_or_default().to_owned();
        let (list, names) = (parameters.join(", "), parameters.iter().map(name).collect::<Vec<_>>().join(", "));
        line!(self, "KERNEL(NAME, 256, ({list}), NAME_row({names}))");
        Ok(self.body.text)
    }

    fn forward(mut self) -> Result<String, fmt::Error> {
        let parameters =
            ["float* sums", "u32* none", "const float* scores", "const float* given", "u32 words"].map(str::to_owned);
        self.begin(&parameters, true)?;
        let sums = self.region.sums();
        for at in 0..sums.len() {
            line!(self, "float total{at} = 0.0f;");
        }
        let last = &self.region.plan().sweeps[self.region.plan().sweeps.len() - 1];
        self.each_word()?;
        self.values(&last.needed)?;
        for (at, sum) in sums.iter().enumerate() {
            line!(self, "total{at} += v{sum};");
        }
        self.end("});")?;
        for at in 0..sums.len() {
            line!(self, "total{at} = block_sum(total{at}, scratch);");
        }
        line!(self, "if (threadIdx.x == 0) {{");
        self.body.depth += 1;
        for at in 0..sums.len() {
            line!(self, "sums[row * {} + {at}] = total{at};", sums.len());
        }
        line!(self, "none[row] = missing;");
        self.end("}")?;
        self.finish(&parameters)
    }

    /// The gradient of all steps at a word. That by numbers of the row is known where they were gathered after `stage`; of those
    /// that are gathered there, it is added up.
    fn gradients(&mut self, stage: usize) -> fmt::Result {
        let (region, plan) = (self.region, self.region.plan());
        self.values(&plan.wanted)?;
        let moving: Vec<usize> = plan.wanted.iter().copied().filter(|i| self.moving[*i]).collect();
        for i in &moving {
            line!(self, "float d{i} = 0.0f;");
        }
        for (at, sum) in region.sums().iter().enumerate().filter(|(_, sum)| self.moving[**sum]) {
            line!(self, "d{sum} += upstream{at};");
        }
        for &i in moving.iter().rev() {
            if matches!(region.steps()[i], Step::LogSum(..)) {
                if plan.stages[i] == stage {
                    line!(self, "by{i} += d{i};");
                }
                if plan.stages[i] <= stage {
                    continue;
                }
                line!(self, "d{i} = by{i};");
            }
            for pushed in back(i, region.steps()[i], &self.moving) {
                line!(self, "{pushed}");
            }
        }
        Ok(())
    }

    /// The steps through which a gradient flows and that are what is asked for.
    fn ends(&self, is: impl Fn(Step) -> bool) -> Vec<usize> {
        let wanted = self.region.plan().wanted.iter().copied();
        wanted.filter(|i| self.moving[*i] && is(self.region.steps()[*i])).collect()
    }

    fn backward(mut self, live_given: &[bool], element: Element) -> Result<String, fmt::Error> {
        let (region, plan) = (self.region, self.region.plan());
        let kind = if element == Element::Bf16 { "bf16" } else { "float" };
        let live: Vec<usize> = (0..self.live.len()).filter(|p| self.live[*p]).collect();
        let mut parameters = vec!["float* d_given".to_owned()];
        for p in &live {
            parameters.extend([
                format!("{kind}* to{p}"),
                format!("const u32* taken{p}"),
                format!("const float* d_taken{p}"),
            ]);
        }
        let rest = ["const float* d_sums", "const float* scores", "const float* given", "u32 words"];
        parameters.extend(rest.map(str::to_owned));
        self.begin(&parameters, false)?;
        for at in 0..region.sums().len() {
            line!(self, "const float upstream{at} = d_sums[row * {} + {at}];", region.sums().len());
        }
        // What reads a number of the row comes after it, so the gradient by the last numbers is known first.
        for stage in (1..plan.sweeps.len()).rev() {
            let here = |i: &usize| matches!(region.steps()[*i], Step::LogSum(..)) && plan.stages[*i] == stage;
            let here: Vec<usize> = plan.wanted.iter().copied().filter(|i| self.moving[*i] && here(i)).collect();
            if here.is_empty() {
                continue;
            }
            for i in &here {
                line!(self, "float by{i} = 0.0f;");
            }
            self.each_word()?;
            self.gradients(stage)?;
            self.end("});")?;
            for i in &here {
                line!(self, "by{i} = block_sum(by{i}, scratch);");
            }
        }
        // The sum of the gradient by each policy's log-probabilities, and that by each given number.
        let numbers: Vec<usize> = (0..region.given()).filter(|n| live_given[*n]).collect();
        for p in &live {
            line!(self, "float d_sum{p} = 0.0f;");
        }
        for n in &numbers {
            line!(self, "float d_given{n} = 0.0f;");
        }
        self.each_word()?;
        self.gradients(0)?;
        for p in &live {
            for i in self.ends(|step| step == Step::Policy(*p)) {
                line!(self, "d_sum{p} += d{i};");
            }
        }
        for n in &numbers {
            for i in self.ends(|step| step == Step::Given(*n)) {
                line!(self, "d_given{n} += d{i};");
            }
        }
        self.end("});")?;
        for n in &numbers {
            line!(self, "d_given{n} = block_sum(d_given{n}, scratch);");
        }
        for (n, live) in live_given.iter().enumerate() {
            let from = if *live { format!("d_given{n}") } else { "0.0f".to_owned() };
            line!(self, "if (threadIdx.x == 0) d_given[row * {} + {n}] = {from};", region.given());
        }
        if !live.is_empty() {
            self.change(&live, kind)?;
        }
        self.finish(&parameters)
    }

    /// Leaves `dz = dy - exp(y) sum(dy)` for each of these policies.
    fn change(&mut self, live: &[usize], kind: &str) -> fmt::Result {
        let policies = self.region.policies();
        for p in live {
            line!(self, "const u32 target{p} = taken{p} ? taken{p}[row] : 0xffffffffu;");
            line!(self, "const float more{p} = taken{p} ? d_taken{p}[row] : 0.0f;");
            line!(self, "d_sum{p} = block_sum(d_sum{p}, scratch) + more{p};");
        }
        let to: Vec<String> = live.iter().map(|p| format!("to{p} + row * words")).collect();
        let (count, to) = (live.len(), to.join(", "));
        line!(self, "{kind}* const to[{count}] = {{{to}}};");
        line!(self, "region_change<{policies}, {count}>(");
        line!(self, "    to, scores, apart, words, [&](const float* z, u32 word, float* d) {{");
        self.body.depth += 2;
        self.gradients(0)?;
        for (at, p) in live.iter().enumerate() {
            let parts: Vec<String> =
                self.ends(|step| step == Step::Policy(*p)).iter().map(|i| format!("d{i} + ")).collect();
            let parts = parts.concat();
            line!(self, "d[{at}] = {parts}(word == target{p} ? more{p} : 0.0f) - d_sum{p} * expf(z[{p}] - whole{p});");
        }
        self.body.depth -= 1;
        self.end("    });")
    }
}

#[cfg(test)]
mod tests {
    use super::{Source, backward, forward};
    use crate::cuda::Element;
    use crate::region::examples::{self, between, entropy};
    use crate::region::{Region, Step};
    use std::{collections::BTreeMap, env, fs, path::Path};

    /// Over the likeliest words of the first policy, weighed by a number of the row.
    fn weighed() -> Region {
        let over = examples::likeliest(64);
        let more = [Step::Given(0), Step::Times(10, 11)];
        Region::new([over.steps(), &more].concat(), vec![12])
    }

    fn samples() -> BTreeMap<&'static str, Source> {
        BTreeMap::from([
            ("entropy_forward", forward(&entropy())),
            ("entropy_backward_bf16", backward(&entropy(), &[true], &[], Element::Bf16)),
            ("between_forward", forward(&between(0.5))),
            ("between_backward_f32", backward(&between(0.5), &[false, true], &[], Element::F32)),
            ("between_backward_both_bf16", backward(&between(0.5), &[true, true], &[], Element::Bf16)),
            ("likeliest_forward", forward(&weighed())),
            ("likeliest_backward_bf16", backward(&weighed(), &[false, true], &[true], Element::Bf16)),
        ])
    }

    /// The kept ones are what `.ci/cuda.py` compiles. A text that changes without reason would be compiled again by everybody.
    #[test]
    fn samples_are_written_as_they_are_kept() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cuda/region/samples");
        let bless = env::var_os("COLLIMATE_BLESS").is_some();
        for (name, source) in samples() {
            let (path, text) = (folder.join(format!("{name}.cu")), format!("{}\n{}", source.formula, source.kernel));
            if bless {
                fs::create_dir_all(&folder).unwrap();
                fs::write(&path, &text).unwrap();
            }
            let kept = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                kept == text,
                "{name} is written otherwise; if this is right, keep it with COLLIMATE_BLESS=1:\n{text}"
            );
        }
        let files = fs::read_dir(&folder).unwrap().count();
        assert_eq!(files, samples().len(), "a sample that nobody writes");
    }

    #[test]
    fn a_name_says_all_that_a_kernel_is_made_of() {
        let live = [[true, true], [true, false]];
        let mut names: Vec<String> = live
            .iter()
            .flat_map(|live| {
                [Element::F32, Element::Bf16].map(|element| backward(&between(0.5), live, &[], element).name)
            })
            .chain([backward(&entropy(), &[true], &[], Element::F32).name, forward(&entropy()).name])
            .collect();
        let nearly = |share| {
            let steps = [Step::Policy(0), Step::Policy(1), Step::Mixture(0, 1, share)];
            forward(&Region::new(steps.to_vec(), vec![2])).name
        };
        // As different as two numbers can be that are nearly the same.
        names.extend([nearly(0.25), nearly(0.25_f32.next_up())]);
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(forward(&between(0.5)), forward(&between(0.5)));
    }
}
