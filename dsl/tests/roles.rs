//! What the attribute macros make of a declaration.

collimate_dsl::prelude!();
// The macros write `::collimate::…`.
extern crate collimate_dsl as collimate;

/// Numbers of [`mine`].
#[derive(Hyper)]
pub struct Mine {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// Responses drawn for each prompt.
    /// At least two.
    #[hyper(default = 4, at_least = 2)]
    pub samples: Count,
}

/// An older actor.
#[policy(frozen, from = Actor, refresh = "iteration")]
pub struct OldFriend;

/// A second model.
#[policy(trainable)]
pub struct Twin;

/// Works for any two policies.
#[reward]
pub fn implicit<Y: Side, A: Trainable, R: Frozen>(a: &A, r: &R, y: Reply<Y>, beta: Param) -> PerResponse<Reward, Y> {
    beta * (a.logp(y) - r.logp(y)).sum(Token)
}

/// The formula.
#[algorithm(paper = "arXiv:1")]
pub fn mine(actor: &Actor, friend: &OldFriend, twin: &Twin, pair: &Pair, hp: &Mine) -> Scalar<Loss> {
    let ours = implicit(actor, friend, pair.chosen, hp.beta) - implicit(actor, friend, pair.rejected, hp.beta);
    -log_sigmoid(ours).mean(Prompt) - twin.logp(pair.chosen).batch_mean()
}

#[test]
fn an_algorithm_is_an_entry_of_a_list() {
    assert_eq!(
        (MINE.name, MINE.paper, MINE.about, MINE.file, MINE.view),
        ("mine", "arXiv:1", "The formula.", file!(), "pair")
    );
    let owners: Vec<String> = (MINE.trace)().inputs().map(|(_, owner, ..)| owner.to_owned()).collect();
    assert_eq!(owners, ["actor", "old_friend", "actor", "old_friend", "twin"]);
}

#[test]
fn hyper_parameters_are_declared_with_their_range() {
    let specs = (MINE.hyper)();
    let [beta, samples] = specs.as_slice() else { panic!("two hyper-parameters") };
    assert_eq!((beta.name, beta.default, beta.whole), ("beta", 0.1, false));
    assert_eq!(beta.about, "How strongly the policy is held to the reference.");
    assert_eq!(beta.range.to_string(), "above 0, at most 10");
    assert!(beta.allows(10.0) && !beta.allows(0.0) && !beta.allows(f64::NAN) && !beta.allows(10.1));
    assert_eq!((samples.whole, samples.about), (true, "Responses drawn for each prompt.\nAt least two."));
    assert!(samples.allows(2.0) && !samples.allows(2.5));
    assert_eq!(samples.range.to_string(), "at least 2");
}

#[test]
fn a_hyper_parameter_stands_where_its_field_was_written() {
    let program = (MINE.trace)();
    let beta = program.nodes.iter().find(|n| n.op == collimate::ir::Op::Parameter("beta".to_owned())).expect("beta");
    assert_eq!((beta.place.file.as_str(), beta.place.line), (file!(), 12));
}

#[test]
fn policies_know_their_origin() {
    assert_eq!(
        (OldFriend::OWNER, OldFriend::FROM, OldFriend::REFRESH),
        ("old_friend", Some("actor"), Some("iteration"))
    );
    assert_eq!((Twin::OWNER, Twin::FROM, Twin::REFRESH), ("twin", None, None));
}
