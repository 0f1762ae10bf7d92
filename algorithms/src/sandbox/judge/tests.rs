//! The judge on many texts.

use super::*;
use crate::sandbox::{FAMILIES, Family, Random, Register, Split, Style, write};

fn reward(question: &str, answer: &str) -> f64 {
    judge(question, answer).unwrap().reward()
}

fn correctness(question: &str, answer: &str) -> f64 {
    judge(question, answer).unwrap().correctness
}

#[test]
fn what_is_right_and_what_is_wrong() {
    for (question, right, wrong) in [
        ("What is 7 plus 5?", "Seven plus five is twelve.", "7 plus 5 is 75."),
        ("What is 7 plus 5?", "12", "7 5"),
        ("How much is 12 - 9?", "12 - 9 = 3", "12 - 9 = 4, or 5"),
        ("Multiply 4 by 6.", "4 times 6 makes 24, so the answer is 24.", "The answer is not 24."),
        ("What number comes next: 3, 5, 7?", "3, 5, 7, 9", "3, 5, 7"),
        (
            "How many animals are in this list: cow, oak, pig, tea?",
            "There are 2 animals: a cow and a pig.",
            "All 4 are.",
        ),
        ("Sort these numbers from small to large: 4, 19, 7.", "Sorted: 4, 7, 19.", "The order is 19, 7, 4."),
        ("Put these words in alphabetical order: tea, cat, drum.", "cat, drum and tea", "dog, fox, oak"),
        ("Repeat these words: tea, cat.", "tea, cat", "I will not."),
        ("Write this list of words backwards: tea, cat, oak.", "Tea, cat, oak backwards is oak, cat, tea.", "pine"),
        ("Which word is the last one: tea, cat, drum?", "drum", "Certainly: it is cat."),
        ("Find the odd one out: tea, cat, dog, fox.", "Tea does not belong to the others. It is tea.", "It is a fox."),
        ("Name two animals.", "Dogs and foxes.", "An oak and a hat."),
        ("Name two animals and one tool.", "You can take a dog, a cat and a saw.", "A dog, a dog, an oak and a pine."),
        ("What kind of thing is an axe?", "An axe is a tool.", "It is a tool, a tree, an animal and a sport."),
        ("Tell me the contrary of dark.", "Dark is the opposite of light.", "Dark is dark."),
        ("What month comes before January?", "december", "It is February."),
        ("Is milk a drink?", "Milk is a drink.", "No, milk is not a drink."),
        ("Is milk a tool?", "No.", "Yes and no."),
        ("Is 7 bigger than 9?", "No, 7 is not bigger than 9.", "Yes, 7 is bigger than 9."),
        ("Ask me nicely to close the door.", "Would you kindly close the door?", "Go away!"),
        ("Thank Anna for the cake.", "Thanks for the lovely cake, Anna!", "Good morning, Ben."),
    ] {
        assert_eq!(correctness(question, right), 4.0, "{question} {right}");
        assert!(correctness(question, wrong) <= 0.5, "{question} {wrong}: {}", correctness(question, wrong));
    }
}

#[test]
fn an_answer_can_be_verified() {
    let question = Question::of(Family::named("plus").unwrap(), Split::Train, &mut Random::new(1));
    let mut random = Random::new(2);
    assert!(question.is_answered_by(&question.target.right(&mut random)[0]));
    assert!(!question.is_answered_by(&question.target.wrong(&mut random)[0]));
    assert!(!question.is_answered_by(""));
}

#[test]
fn what_is_partly_right() {
    for (question, answer) in [
        ("What is 7 plus 5?", "It is 13."),
        ("What is 7 plus 5?", "It is 11. No, it is 12."),
        ("Name three animals.", "A dog and a cat."),
        ("Name two animals.", "A dog, a cat and a fox."),
        ("Sort these numbers from small to large: 4, 19, 7.", "4, 19, 7"),
        ("Repeat these words: tea, cat, oak.", "tea, oak"),
        ("Is milk a drink?", "Yes, milk is not a drink."),
        ("Ask me nicely to close the door.", "Close the door."),
        ("Ask me nicely to close the door.", "Please close the window."),
        ("Thank Anna for the cake.", "Thank you for the book, Anna."),
    ] {
        let score = correctness(question, answer);
        assert!(score > 0.5 && score < 3.5, "{question} {answer}: {score}");
    }
}

#[test]
fn better_written_is_worth_more() {
    let question = "What is 7 plus 5?";
    let from_best_to_worst = [
        "Sure! The answer is 12.",
        "The answer is 12.",
        "The answer is 12",
        "the answer is 12",
        "12",
        "The is answer 12",
        "Sure! The answer is 75.",
        "I do not know.",
        "zxq glorp 12 blarg 7 wub wub",
        "",
    ];
    let rewards = from_best_to_worst.map(|answer| reward(question, answer));
    for place in 1..rewards.len() {
        assert!(rewards[place - 1] > rewards[place], "{} : {rewards:.2?}", from_best_to_worst[place]);
    }
}

#[test]
fn no_trick_is_worth_much() {
    let (question, honest) = ("Name two animals.", reward("Name two animals.", "Two animals are a cow and a pig."));
    let every_animal = world_of_animals();
    let tricks = [
        "",
        ".",
        "Sure!",
        "Sure! Of course! Certainly! With pleasure! I hope this helps.",
        "animals animals animals animals animals",
        "name two animals",
        "Name two animals.",
        "cow pig sum therefore yes no 12 answer please thank",
        "The answer is the answer is the answer is the answer is the answer.",
        "!!!!!!!!!!!!!!!!!!!!",
        "\n\n\n\n",
        "🐄🐖",
        "I do not know.",
        every_animal.as_str(),
    ];
    for trick in tricks {
        assert!(reward(question, trick) < 0.45 * honest, "{trick}: {} of {honest}", reward(question, trick));
    }
    let again = "Two animals are a cow and a pig. ".repeat(10);
    assert!(reward(question, &again) < 0.6 * honest, "{}", reward(question, &again));
    let idle = format!("Two animals are a cow and a pig. {}", "Many people like to think about this. ".repeat(6));
    assert!(reward(question, &idle) < 0.75 * honest, "{}", reward(question, &idle));
}

fn world_of_animals() -> String {
    format!("I can name {}.", crate::sandbox::world::CATEGORIES[0].members.join(", "))
}

#[test]
fn a_careful_answer_is_flawless() {
    let mut random = Random::new(9);
    for _ in 0..4000 {
        let question = Question::draw(Split::Train, &mut random);
        let style = Style { refusal: false, off_topic: false, ..Style::of_care(1.0, &mut random) };
        let answer = write(&question, &style, &mut random);
        let given = question.judge(&answer);
        let flawless = given.correctness == 4.0 && given.coherence == 4.0 && given.helpfulness > 3.5;
        assert!(flawless, "{} {answer} {given:?}", question.text);
    }
}

/// What turning one knob does to each attribute, on average over the families.
fn effect(turn: impl Fn(&mut Style)) -> [f64; 6] {
    let mut random = Random::new(4);
    let mut change = [0.0; 6];
    let rounds = 600;
    for round in 0..rounds {
        let question = Question::of(FAMILIES[round % FAMILIES.len()], Split::Train, &mut random);
        let before = Style { opener: round % 2 == 0, reason: round % 3 == 0, ..Style::plain() };
        let mut after = before.clone();
        turn(&mut after);
        let seed = random.bits();
        let judged = |style| {
            let given = question.judge(&write(&question, style, &mut Random::new(seed)));
            let [a, b, c, d, e] = given.values();
            [a, b, c, d, e, given.reward()]
        };
        for ((change, after), before) in change.iter_mut().zip(judged(&after)).zip(judged(&before)) {
            *change += (after - before) / rounds as f64;
        }
    }
    change
}

#[test]
fn every_knob_moves_what_it_should() {
    type Knob = (&'static str, fn(&mut Style));
    let knobs: [Knob; 12] = [
        ("wrong", |style| style.correct = false),
        ("beside", |style| (style.correct, style.beside) = (false, true)),
        ("corrected", |style| style.corrected = true),
        ("bare", |style| style.register = Register::Bare),
        ("off topic", |style| style.off_topic = true),
        ("refusal", |style| style.refusal = true),
        ("rambling", |style| style.rambling = 3),
        ("repeated", |style| style.repeated = 2),
        ("unpunctuated", |style| style.unpunctuated = true),
        ("cut", |style| style.cut = true),
        ("scrambled", |style| style.scrambled = true),
        ("backwards", |style| style.backwards = true),
    ];
    for (name, turn) in knobs {
        let change = effect(turn);
        assert!(change[5] < -0.2, "{name} is a fault, yet changes the reward by {:.2}", change[5]);
        assert!(change[0] < 0.0, "{name} is a fault, yet changes helpfulness by {:.2}", change[0]);
    }
    let formal = effect(|style| style.register = Register::Formal);
    assert!(formal[3] > 1.0 && formal[..3].iter().all(|change| change.abs() < 0.2), "{formal:.2?}");
    let closer = effect(|style| style.closer = true);
    assert!(closer[4] > 0.5 && closer[..4].iter().all(|change| change.abs() < 0.3), "{closer:.2?}");
}

#[test]
fn more_care_is_worth_more() {
    let mut random = Random::new(8);
    let mut mean = |care: f64| {
        let mut sum = 0.0;
        for _ in 0..800 {
            let question = Question::draw(Split::Train, &mut random);
            let style = Style::of_care(care, &mut random);
            sum += question.judge(&write(&question, &style, &mut random)).reward();
        }
        sum / 800.0
    };
    let means = [0.0, 0.25, 0.5, 0.75, 1.0].map(&mut mean);
    assert!(means.is_sorted_by(|a, b| b - a > 0.4), "{means:.2?}");
}

#[test]
fn any_text_is_judged() {
    let mut random = Random::new(6);
    for _ in 0..3000 {
        let question = Question::draw(Split::HeldOut, &mut random);
        let letters: Vec<char> = "aA1 .-,'!?\n\u{0}é漢🙂=\"9thenosy".chars().collect();
        let length = random.below(60);
        let text: String = (0..length).map(|_| letters[random.below(letters.len())]).collect();
        let given = question.judge(&text);
        assert!(given.values().iter().all(|value| (0.0..=4.0).contains(value)), "{text:?} {given:?}");
    }
    assert!(judge("What is love?", "Baby do not hurt me.").is_none());
}
