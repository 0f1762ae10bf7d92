//! Are the instructions followed that can be verified?

use super::Written;
use super::instruction::follows;
use crate::reward;
use serde_json::Map;

/// The share of the row's instructions that the response follows. They stand in the row as in IFEval's: their names in
/// `instruction_id_list`, and what each is about in `kwargs`.
#[reward]
pub fn instructions(written: &Written<'_>) -> Result<f64, String> {
    let list = |name: &str| {
        let list = written.field(name)?.as_array();
        list.filter(|list| !list.is_empty())
            .ok_or_else(|| format!("the row's `{name}` is no list with something in it"))
    };
    let (names, about) = (list("instruction_id_list")?, list("kwargs")?);
    if names.len() != about.len() {
        return Err(format!("the row has {} instructions and {} `kwargs`", names.len(), about.len()));
    }
    let none = Map::new();
    let mut followed = 0;
    for (name, about) in names.iter().zip(about) {
        let name = name.as_str().ok_or("an instruction's name is no text")?;
        let about = about.as_object().unwrap_or(&none);
        followed += usize::from(!written.text().trim().is_empty() && follows(name, about, written.text())?);
    }
    Ok(followed as f64 / names.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewards::given::worth;

    #[test]
    fn the_share_of_instructions_followed() {
        let row = r#"{"instruction_id_list": ["punctuation:no_comma", "keywords:existence"],
            "kwargs": [{}, {"keywords": ["tea"]}]}"#;
        assert_eq!(worth(&INSTRUCTIONS, row, "I like tea"), Ok(1.0));
        assert_eq!(worth(&INSTRUCTIONS, row, "I like tea, and milk"), Ok(0.5));
        // An empty response follows nothing, though it has no comma.
        assert_eq!(worth(&INSTRUCTIONS, row, " "), Ok(0.0));
        assert!(worth(&INSTRUCTIONS, "{}", "").unwrap_err().contains("no field `instruction_id_list`"));
        let uneven = r#"{"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}, {}]}"#;
        assert!(worth(&INSTRUCTIONS, uneven, "tea").unwrap_err().contains("1 instructions and 2 `kwargs`"));
    }
}
