//! What each role writes and complains about, outside the compiler.

use crate::expand;
use proc_macro2::TokenStream;
use quote::quote;

/// The complaints in an expansion, first lines only.
fn complaints(tokens: &TokenStream) -> Vec<String> {
    let file = syn::parse2::<syn::File>(tokens.clone()).expect("an expansion is a list of items");
    let texts = file.items.into_iter().filter_map(|item| match item {
        syn::Item::Macro(call) if call.mac.path.segments.last()?.ident == "compile_error" => {
            let text: syn::LitStr = call.mac.parse_body().expect("a text");
            Some(text.value().lines().next().unwrap_or_default().to_owned())
        }
        _ => None,
    });
    texts.collect()
}

#[test]
fn a_formula_stays_as_written() {
    let written = quote! {
        /// Halved.
        #[inline]
        pub fn half<Y: Side>(reward: PerResponse<Reward, Y>) -> PerResponse<Reward, Y> { 0.5 * reward }
    };
    for role in ["reward", "loss"] {
        let expansion = expand::part(role, quote!(), written.clone()).to_string();
        let test = expansion.strip_prefix(&written.to_string()).expect("first the function as it was");
        assert!(test.contains("# [cfg (test)]") && test.contains("fn half_is_lawful"), "{test}");
    }
}

#[test]
fn a_part_is_tried_on_made_up_arguments() {
    let test = |written: TokenStream| expand::part("reward", quote!(), written.clone()).to_string();
    let implicit = test(quote! {
        fn implicit<Y: Side>(actor: &Actor, other: &impl Frozen, y: Reply<Y>, beta: Param) -> PerResponse<Reward, Y> {
            beta * (actor.logp(y) - other.logp(y)).sum(Token)
        }
    });
    let call = quote! {
        implicit::<::collimate::Chosen>(
            &::collimate::__private::made_up("actor"),
            &::collimate::__private::made_up::<::collimate::Reference>("other"),
            ::collimate::__private::made_up("y"),
            ::collimate::__private::made_up("beta")
        )
    };
    assert!(implicit.contains(&call.to_string()), "{implicit}");
    let of_a_group = test(quote!(
        fn spread<Y>(x: PerResponse<Reward, Y>) -> PerResponse<Spread, Y>
        where
            Y: Several + Side,
        {
            group_std(x)
        }
    ));
    assert!(of_a_group.contains("spread :: < :: collimate :: Sample >"), "{of_a_group}");
    let of_anything = test(quote!(
        fn same<K: Kind>(x: PerToken<K>) -> PerToken<K> {
            x
        }
    ));
    assert!(!of_anything.contains("is_lawful"), "{of_anything}");
}

#[test]
fn a_part_may_break_a_law_on_purpose() {
    let written = quote!(
        fn part(x: PerToken<LogProb>) -> PerToken<Prob> {
            x.exp()
        }
    );
    let expansion = expand::part("loss", quote!(except = "far: it grows"), written.clone()).to_string();
    assert!(expansion.contains(r#"& [("far" , "it grows")]"#), "{expansion}");
    let without = expand::part("loss", quote!(except = "far"), written.clone());
    assert_eq!(complaints(&without), ["`except` has the wrong value"]);
    let other = expand::part("loss", quote!(paper = "arXiv:1"), written);
    assert_eq!(complaints(&other), ["`#[loss]` has no such argument"]);
}

#[test]
fn a_reward_of_texts_gets_an_entry_and_any_body() {
    let written = quote! {
        /// Of ten words or fewer.
        pub fn short(written: &Written<'_>) -> bool { if written.text().is_empty() { return false; } true }
    };
    let expansion = expand::part("reward", quote!(), written);
    assert!(complaints(&expansion).is_empty());
    let text = expansion.to_string();
    for part in ["pub static SHORT", r#"name : "short""#, r#"about : "Of ten words or fewer.""#, "Worth :: worth"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    for wrong in [
        quote!(
            fn short() -> f64 {
                1.0
            }
        ),
        quote!(
            fn short(written: Written<'_>) -> f64 {
                1.0
            }
        ),
        quote!(
            fn short(written: &Written<'_>, most: usize) -> Result<f64, String> {
                Ok(1.0)
            }
        ),
    ] {
        let said = complaints(&expand::part("reward", quote!(), wrong));
        assert_eq!(said, ["a `#[reward]` that returns a plain number takes what was written and nothing else"]);
    }
}

#[test]
fn a_half_typed_formula_reaches_rustc_untouched() {
    let body = quote!(pub fn odd(actor: &Actor) -> Scalar<Loss> { actor. });
    assert!(expand::part("loss", quote!(), body.clone()).to_string().starts_with(&body.to_string()));
    let signature = quote!(pub fn odd(actor: &));
    assert_eq!(expand::algorithm(quote!(), signature.clone()).to_string(), signature.to_string());
}

#[test]
fn an_algorithm_gets_an_entry_and_a_test() {
    let written = quote! {
        /// What it is.
        ///
        /// And more.
        #[algorithm(paper = "arXiv:1")]
        pub fn mine(actor: &Actor, demo: &Demo, hp: &Mine) -> Scalar<Loss> { hp.a * -actor.logp(demo.response).batch_mean() }
    };
    let expansion = expand::algorithm(quote!(paper = "arXiv:1"), written).to_string();
    let parts = [
        "pub static MINE",
        "fn mine_is_well_formed",
        "fn mine_is_lawful",
        r#"paper : "arXiv:1""#,
        r#"about : "What it is.\n\nAnd more.""#,
    ];
    for part in parts {
        assert!(expansion.contains(part), "{part} in {expansion}");
    }
}

#[test]
fn a_promise_is_kept_in_the_entry() {
    let written = quote!(
        pub fn mine(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
            actor.logp(demo.response)
        }
    );
    let entry = |arguments| expand::algorithm(arguments, written.clone()).to_string();
    assert!(entry(quote!(separable)).contains("separable : true"));
    assert!(entry(quote!()).contains("separable : false"));
}

#[test]
fn a_preset_is_called_by_its_peer() {
    let preset = |arguments: TokenStream, name: &str| {
        let name = quote::format_ident!("{name}");
        let written = quote!(pub fn #name(actor: &Actor, demo: &Demo) -> Scalar<Loss> { actor.logp(demo.response) });
        expand::algorithm(arguments, written)
    };
    let right = preset(quote!(preset = "sft@trl", source = "TRL 1.9, trl/trainer/sft_trainer.py"), "sft_trl");
    let text = right.to_string();
    for part in [
        "pub static SFT_TRL",
        r#"name : "sft@trl""#,
        r#"peer : "trl""#,
        r#"source : "TRL 1.9, trl/trainer/sft_trainer.py""#,
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let complaint = |arguments: TokenStream| complaints(&preset(arguments, "sft_trl"));
    assert_eq!(complaint(quote!(preset = "sft@trl")), ["preset `sft@trl` does not say where its formula was read"]);
    assert_eq!(complaint(quote!(source = "TRL 1.9")), ["`source` says where a preset was read, and this is no preset"]);
    for name in ["sft", "sft@", "@trl", "SFT@trl", "sft@trl@1", "sft-x@trl"] {
        assert_eq!(complaint(quote!(preset = #name, source = "TRL 1.9")), [format!("`{name}` is no preset's name")]);
    }
    assert_eq!(
        complaint(quote!(preset = "sft@tunix", source = "Tunix")),
        ["preset `sft@tunix` stands on another function"]
    );
}

#[test]
fn an_exception_names_a_law_and_says_why() {
    let written = quote! {
        pub fn mine(actor: &Actor, demo: &Demo) -> Scalar<Loss> { -actor.logp(demo.response).batch_mean() }
    };
    let expansion = expand::algorithm(quote!(except = "far: it grows", except = "cut: it: sorts"), written.clone());
    let expansion = expansion.to_string();
    assert!(expansion.contains(r#"("far" , "it grows") , ("cut" , "it: sorts")"#), "{expansion}");
    let found = complaints(&expand::algorithm(quote!(except = "far"), written));
    assert!(found[0].starts_with("`except` has the wrong value"), "{found:?}");
}

#[test]
fn all_complaints_about_an_algorithm_come_at_once() {
    let written = quote! {
        pub async fn mine<Y: Side>(actor: Actor, pair: &Pair) -> PerPrompt<Loss> { pair }
    };
    let found = complaints(&expand::algorithm(quote!(papers = "arXiv:1"), written));
    assert_eq!(
        found,
        [
            "`#[algorithm]` has no such argument",
            "an algorithm is concrete: it becomes an entry of a list",
            "an algorithm is a plain function, not `async`",
            "an algorithm takes policies, data and hyper-parameters by reference",
            "an algorithm must return `Scalar<Loss>`, this one returns one value per prompt",
            "nothing here depends on `actor`",
        ]
    );
}

#[test]
fn an_algorithm_returns_one_loss() {
    let complaint = |returned: TokenStream| {
        let written = quote!(pub fn mine(actor: &Actor) -> #returned { actor });
        complaints(&expand::algorithm(quote!(), written))
    };
    assert!(complaint(quote!(Scalar<Loss>)).is_empty());
    assert!(complaint(quote!(collimate::Scalar<collimate::Loss, Grad>)).is_empty());
    assert!(complaint(quote!(Mine)).is_empty(), "an alias is for rustc to judge");
    for (returned, what) in [
        (quote!(Scalar<Gain>), "a `Gain`"),
        (quote!(Scalar<Kl>), "a `Kl`"),
        (quote!(Scalar<Loss, NoGrad>), "a constant"),
        (quote!(PerToken<Loss, Chosen>), "one value per token"),
        (quote!(PerResponse<Loss>), "one value per response"),
    ] {
        assert_eq!(complaint(returned), [format!("an algorithm must return `Scalar<Loss>`, this one returns {what}")]);
    }
}

#[test]
fn a_formula_has_no_control_flow() {
    let written = quote! {
        pub fn mine(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
            let mut x = actor.logp(demo.response);
            for _ in 0..3 { x = x + x; }
            -x.batch_mean()
        }
    };
    let found = complaints(&expand::algorithm(quote!(), written));
    assert_eq!(found.len(), 2);
    assert!(
        found[0].ends_with("there is no `mut` in it") && found[1].ends_with("there is no `for` in it"),
        "{found:?}"
    );
}

#[test]
fn a_role_on_the_wrong_item_is_refused() {
    for expansion in [
        expand::algorithm(
            quote!(),
            quote!(
                pub struct Dpo;
            ),
        ),
        expand::part(
            "reward",
            quote!(),
            quote!(
                pub static X: u8 = 1;
            ),
        ),
        expand::policy(
            quote!(trainable),
            quote!(
                pub fn actor() {}
            ),
        ),
        expand::policy(
            quote!(trainable),
            quote!(
                pub struct Mine(u8);
            ),
        ),
        expand::hyper(quote!(
            pub enum Dpo {
                A,
            }
        )),
        expand::hyper(quote!(
            pub struct Dpo<T> {
                a: T,
            }
        )),
    ] {
        let found = complaints(&expansion);
        assert!(found.len() == 1 && found[0].ends_with("does not belong here"), "{found:?}");
    }
}

#[test]
fn a_policy_has_one_role() {
    let complaint = |arguments: TokenStream| {
        complaints(&expand::policy(
            arguments,
            quote!(
                pub struct Mine;
            ),
        ))
    };
    assert!(complaint(quote!(trainable)).is_empty());
    assert!(complaint(quote!(frozen, from = Actor, refresh = "rollout")).is_empty());
    assert_eq!(complaint(quote!()), ["a policy is either trainable or frozen"]);
    assert_eq!(complaint(quote!(frozen, trainable)), ["a policy is either trainable or frozen"]);
    assert_eq!(complaint(quote!(frozen)), ["a frozen policy is a copy of another, this one does not say of which"]);
    assert_eq!(complaint(quote!(frozen, from = Actor, refresh = "never")), ["`refresh` has the wrong value"]);
    assert_eq!(complaint(quote!(frozen, from = "Actor")).len(), 2);
    assert_eq!(
        complaint(quote!(trainable, from = Actor)),
        ["a trainable policy is no copy: `from` has no meaning for it"]
    );
    assert_eq!(complaint(quote!(trainable, trainable)), ["`trainable` is said twice"]);
    assert_eq!(complaint(quote!(frozen, of = Actor, from = Actor)), ["`#[policy]` has no such argument"]);
}

#[test]
fn a_hyper_parameter_has_a_sentence_a_range_and_a_default_inside_it() {
    let complaint = |field: TokenStream| complaints(&expand::hyper(quote!(pub struct Mine { #field })));
    let with = |arguments: TokenStream| complaint(quote!(/** What it does. */ #[hyper(#arguments)] pub beta: Param));
    assert!(with(quote!(default = 0.1, above = 0.0, at_most = 10)).is_empty());
    assert!(with(quote!(default = -1, at_least = -1.0)).is_empty());
    assert_eq!(with(quote!(default = 0.1)), ["hyper-parameter `beta` has no range"]);
    assert_eq!(with(quote!(above = 0.0)), ["hyper-parameter `beta` has no default"]);
    assert_eq!(with(quote!(default = 0, above = 0)), ["the default 0 of `beta` is outside its range: above 0"]);
    assert_eq!(
        with(quote!(default = 1, above = 2, below = 2)),
        ["no value of `beta` is inside its range: above 2, below 2"]
    );
    assert_eq!(with(quote!(default = 1, above = 0, at_least = 0)), ["the lower limit is said twice"]);
    assert_eq!(with(quote!(default = 1, default = 2, above = 0)), ["`default` is said twice"]);
    assert_eq!(
        with(quote!(default = one, above = 0)),
        ["`default` has the wrong value", "hyper-parameter `beta` has no default"]
    );
    assert_eq!(with(quote!(default = 1, over = 0, above = 0)), ["`#[hyper]` has no such argument"]);
    assert_eq!(
        complaint(quote!(#[hyper(default = 1, above = 0)] beta: Param)),
        ["hyper-parameter `beta` has no sentence"]
    );
    assert_eq!(
        complaint(quote!(/** What it does. */ #[hyper(default = 1.5, above = 0)] n: Count)),
        ["`n` is a `Count`, its default must be a whole number"]
    );
}
