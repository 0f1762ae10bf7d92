//! Models that are trained: an engine, its weights, and what a program reads of it.

use super::asked::{reads_tokens, states, taken};
use super::settings::RunSettings;
use crate::compile::{Field, Form, Share, Source, Words, actor_shares, value_shares};
use crate::data::Batch;
use crate::model::{Engine, Parameters, ValuesAt, Weights, WordStates};
use crate::{Error, Result};
use collimate_dsl::ir::Program;
use dfdx::prelude::Device;
use std::sync::Arc;

/// The language model that is trained.
pub(super) const ACTOR: &str = "actor";
/// The reward model that is trained.
pub(super) const REWARD_MODEL: &str = "reward_model";

/// What a program reads of a model that is trained.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Reads {
    /// The log-probability of each scored token.
    Tokens,
    /// Those of all words at each of them.
    Words,
    /// Its states at each of them, of which all words are read a part at a time; and the first, if `logp`.
    States {
        /// Is it read?
        logp: bool,
    },
    /// Numbers of a head of labels.
    Values {
        /// By the names that the program gives them.
        fields: Vec<Field>,
        /// Numbers that the head gives of each state.
        labels: usize,
        at: ValuesAt,
    },
}

/// The model that predicts, token by token, what is still to come; trained beside the actor.
pub(super) const CRITIC: &str = "critic";

/// A model that is trained.
pub(super) struct Trainee<D: Device<f32>> {
    /// Its name in the program, e.g. `actor`.
    pub(super) owner: String,
    pub(super) reads: Reads,
    pub(super) engine: Box<dyn Engine<D>>,
    pub(super) parameters: Arc<Parameters>,
}

/// The models that a program trains: the actor first, the others in the order in which it first reads them.
pub(super) fn owners(program: &Program) -> Vec<String> {
    let mut owners: Vec<String> = Vec::new();
    for (_, owner, _, ty) in program.inputs() {
        if ty.live && !owners.iter().any(|known| known == owner) {
            owners.push(owner.to_owned());
        }
    }
    owners.sort_by_key(|owner| owner != ACTOR);
    owners
}

/// The numbers of a head that a program reads of a model, by name, in the order of the head's labels.
pub(super) fn fields(program: &Program, owner: &str) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for (_, whose, field, _) in program.inputs() {
        if whose == owner && !fields.iter().any(|known| known == field) {
            fields.push(field.to_owned());
        }
    }
    fields
}

/// Makes the model one that the program can train: a language model that is to become a reward model gets a head, and of
/// several attributes one number is made if the settings say how.
///
/// # Errors
/// If the model is not of the sort that the program trains, or the settings name attributes that it has not.
pub(super) fn begin_with(
    owners: &[String],
    program: &Program,
    weights: &mut Weights,
    critic: &mut Option<Weights>,
    settings: &RunSettings,
) -> Result<()> {
    let refuse = |problem: String| Err(Error::Setting(problem));
    if let [ACTOR, CRITIC] = owners.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        weights.check_words()?;
        return begin_critic(program, weights, critic, settings.seed);
    }
    let unread = [("critic", critic.is_some()), ("critic-lr", settings.critic_lr.is_some())];
    if let Some((option, _)) = unread.into_iter().find(|(_, given)| *given) {
        return refuse(format!("`{}` trains no critic; leave --{option} out", program.name));
    }
    let [owner] = owners else {
        return refuse(format!("`{}` trains {}, and a run trains one model", program.name, owners.join(" and ")));
    };
    let fields = fields(program, owner);
    let attributes = &settings.attributes;
    if owner != REWARD_MODEL {
        if !attributes.is_empty() {
            return refuse(format!("`{}` trains no reward model; leave --attributes out", program.name));
        }
        return weights.check_words();
    }
    if let ([score], false) = (&fields[..], attributes.is_empty()) {
        if let Some(unknown) = attributes.keys().find(|name| !weights.labels.contains(name)) {
            let labels = weights.labels.join(", ");
            let found = if labels.is_empty() { "words and no attributes".to_owned() } else { labels };
            return refuse(format!("--attributes names `{unknown}`, but the model gives {found}"));
        }
        let shares: Vec<f64> =
            weights.labels.iter().map(|label| attributes.get(label).copied().unwrap_or(0.0)).collect();
        *weights = weights.with_summed_head(score, &shares)?;
    } else if !attributes.is_empty() {
        let read = fields.join(", ");
        return refuse(format!("`{}` reads {read} of its model; leave --attributes out", program.name));
    }
    if weights.labels.is_empty() {
        *weights = weights.with_head(&fields.iter().map(String::as_str).collect::<Vec<_>>(), settings.seed);
    }
    if weights.labels.len() > 1 && fields.len() == 1 && !weights.labels.contains(&fields[0]) {
        return refuse(format!(
            "`{}` trains a model of one number, and this one gives {}; say what each adds to it, e.g. --attributes {}=1",
            program.name,
            weights.labels.join(", "),
            weights.labels[0]
        ));
    }
    Reads::of(program, owner, weights).map(drop)
}

/// The critic, which reads the words that the actor reads: the actor's trunk with a new head unless one is given.
fn begin_critic(program: &Program, weights: &Weights, critic: &mut Option<Weights>, seed: u64) -> Result<()> {
    let critic = critic.get_or_insert_with(|| weights.with_head(&["value"], seed));
    if critic.config.vocab_size != weights.config.vocab_size {
        let (there, here) = (critic.config.vocab_size, weights.config.vocab_size);
        let problem = format!("the critic has a vocabulary of {there} words and the model one of {here}");
        return Err(Error::Setting(format!("{problem}; they must be the same")));
    }
    Reads::of(program, CRITIC, critic).map(drop)
}

impl Reads {
    /// What a program reads of a model with these weights.
    ///
    /// # Errors
    /// If the model's head has not the labels that are read.
    pub(super) fn of(program: &Program, owner: &str, weights: &Weights) -> Result<Self> {
        if owner == ACTOR {
            let words = program.inputs().any(|(_, whose, field, _)| (whose, field) == (ACTOR, "words"));
            return Ok(if words { Reads::Words } else { Reads::Tokens });
        }
        let names = fields(program, owner);
        let place = |name: &String| match (&weights.labels[..], &names[..]) {
            // One number has no need of a name: it is the one that is read.
            ([_], [_]) => Some(0),
            (labels, _) => labels.iter().position(|label| label == name),
        };
        let field = |name: &String| {
            let form = if name == "spread" { Form::Softplus } else { Form::Itself };
            let label = place(name).ok_or_else(|| {
                let (read, found) = (names.join(", "), weights.labels.join(", "));
                let found = if found.is_empty() { "words".to_owned() } else { found };
                Error::Setting(format!("`{}` reads {read} of its model, but this one gives {found}", program.name))
            })?;
            Ok(Field { name: name.clone(), label, form })
        };
        let fields = names.iter().map(field).collect::<Result<_>>()?;
        let at = if owner == REWARD_MODEL { ValuesAt::End } else { ValuesAt::Scored };
        Ok(Reads::Values { fields, labels: weights.labels.len(), at })
    }
}

impl<D: Device<f32>> Trainee<D> {
    /// Is it asked about all words, and gives nothing that they can be read from a part at a time?
    pub(super) fn keeps_words(&self) -> bool {
        self.reads == Reads::Words && self.engine.gives_states().is_none()
    }

    /// From now on it is asked for states instead of all words.
    pub(super) fn read_by_states(&mut self, program: &Program) {
        if self.reads == Reads::Words {
            self.reads = Reads::States { logp: reads_tokens(program, &self.owner) };
        }
    }

    /// The numbers that its engine gives of a batch, and no gradient; and its states, if words are read from these.
    pub(super) fn score(&self, batch: &Batch) -> Result<(Vec<f32>, Option<Words>)> {
        let numbers = match &self.reads {
            Reads::Tokens => self.engine.score(&batch.sequences)?,
            Reads::Words => self.engine.score_words(&batch.sequences)?,
            Reads::Values { at, .. } => self.engine.score_values(&batch.sequences, *at)?,
            Reads::States { logp } => {
                let (said, states) = states(&*self.engine)?.score_states(&batch.sequences, *logp)?;
                return Ok((said.unwrap_or_default(), Some(self.words(Arc::new(states)))));
            }
        };
        Ok((numbers, None))
    }

    /// The same on dfdx's tape.
    pub(super) fn forward(&self, batch: &Batch) -> Result<(Source<D>, Option<Words>)> {
        let mut words = None;
        let live = match &self.reads {
            Reads::Tokens => self.engine.forward(&batch.sequences)?,
            Reads::Words => self.engine.forward_words(&batch.sequences)?,
            Reads::Values { at, .. } => self.engine.forward_values(&batch.sequences, *at)?,
            Reads::States { logp } => {
                let (live, own) = states(&*self.engine)?.forward_states(&batch.sequences, *logp)?;
                words = Some(self.words(own));
                live
            }
        };
        Ok((Source { live, asked: self.asked(batch), shares: self.shares(batch) }, words))
    }

    fn words(&self, states: Arc<WordStates>) -> Words {
        Words { owner: self.owner.clone(), states }
    }

    /// How many numbers a batch asks for.
    pub(super) fn asked(&self, batch: &Batch) -> usize {
        match &self.reads {
            Reads::Tokens | Reads::States { .. } => batch.sequences.scored(),
            Reads::Words => batch.sequences.scored() * batch.layout.words,
            Reads::Values { labels, at, .. } => at.count(&batch.sequences) * labels,
        }
    }

    /// Which inputs of the program these numbers are.
    pub(super) fn shares(&self, batch: &Batch) -> Vec<Share> {
        match &self.reads {
            Reads::Tokens | Reads::States { logp: true } => actor_shares(&batch.layout, None),
            Reads::States { logp: false } => Vec::new(),
            Reads::Words => actor_shares(&batch.layout, Some(&taken(batch))),
            Reads::Values { fields, labels, at } => value_shares(&batch.layout, &self.owner, fields, *labels, *at),
        }
    }
}
