//! Transcripts, as hh-rlhf has them: no prompt, and in each response the whole conversation as one text.

use super::record::Record;

/// With this the assistant's turn begins.
const TURN: &str = "\n\nAssistant:";

/// Is this text a transcript?
pub(super) fn is_transcript(text: &str) -> bool {
    text.contains(TURN)
}

/// What is before the assistant's last turn is the prompt, and what comes after it the response. Nothing if a text is no
/// transcript.
pub(super) fn read(texts: &[String]) -> Option<Record> {
    let parts: Vec<(&str, &str)> =
        texts.iter().map(|text| Some(text.split_at(text.rfind(TURN)? + TURN.len()))).collect::<Option<_>>()?;
    let (prompt, _) = parts.first()?;
    let mut record = Record::group(*prompt, parts.iter().map(|(_, response)| (*response).to_owned()).collect());
    if parts.iter().any(|(before, _)| before != prompt) {
        record.unusable = Some("its transcripts part before the assistant's last turn");
    }
    Some(record)
}
