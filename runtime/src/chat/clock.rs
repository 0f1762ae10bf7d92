//! The date, for templates that write it into the system message.

use std::time::{SystemTime, UNIX_EPOCH};

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Now, in UTC, as Python's `strftime` writes it.
pub(super) fn now(format: &str) -> Result<String, String> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    at(seconds, format)
}

/// A second since 1970 in UTC, as Python's `strftime` writes it in English.
fn at(seconds: u64, format: &str) -> Result<String, String> {
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let weekday = DAYS[(day as usize + 4) % 7];
    let (year, month, date, of_year) = calendar(day);
    let name = MONTHS[month - 1];
    let (half, twelfth) = (if hour < 12 { "AM" } else { "PM" }, (hour + 11) % 12 + 1);
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        // Without the zero in front, where the C library allows it.
        let field = letters.next();
        let (bare, field) = if field == Some('-') { (true, letters.next()) } else { (false, field) };
        let number = |value: u64, width: usize| match bare {
            true => value.to_string(),
            false => format!("{value:0width$}"),
        };
        text += &match field {
            Some('Y') => number(year, 4),
            Some('y') => number(year % 100, 2),
            Some('m') => number(month as u64, 2),
            Some('d') => number(date, 2),
            Some('e') if bare => date.to_string(),
            Some('e') => format!("{date:2}"),
            Some('j') => number(of_year, 3),
            Some('H') => number(hour, 2),
            Some('I') => number(twelfth, 2),
            Some('M') => number(minute, 2),
            Some('S') => number(second, 2),
            Some('p') => half.to_owned(),
            Some('B') => name.to_owned(),
            Some('b' | 'h') => name[..3].to_owned(),
            Some('A') => weekday.to_owned(),
            Some('a') => weekday[..3].to_owned(),
            Some('F') => format!("{year:04}-{month:02}-{date:02}"),
            Some('T') => format!("{hour:02}:{minute:02}:{second:02}"),
            Some('Z') => "UTC".to_owned(),
            Some('z') => "+0000".to_owned(),
            Some('%') => "%".to_owned(),
            other => {
                return Err(format!(
                    "strftime_now: `%{}` is not known here",
                    other.map(String::from).unwrap_or_default()
                ));
            }
        };
    }
    Ok(text)
}

/// Year, month, day of the month and day of the year, each from 1, of a day since 1970.
fn calendar(mut day: u64) -> (u64, usize, u64, u64) {
    let leaps = |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let mut year = 1970;
    while day >= 365 + u64::from(leaps(year)) {
        day -= 365 + u64::from(leaps(year));
        year += 1;
    }
    let of_year = day + 1;
    let lengths = [31, 28 + u64::from(leaps(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    (year, month + 1, day + 1, of_year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_python_writes_them() {
        // datetime.fromtimestamp(1709210096, UTC)
        let all = "%Y-%m-%d %H:%M:%S %y %b %B %a %A %j %I %p %e %-d %-m %F %T %%";
        let wanted = "2024-02-29 12:34:56 24 Feb February Thu Thursday 060 12 PM 29 29 2 2024-02-29 12:34:56 %";
        assert_eq!(at(1_709_210_096, all).unwrap(), wanted);
        assert_eq!(at(0, "%d %B %Y, %A, %I%p").unwrap(), "01 January 1970, Thursday, 12AM");
        assert_eq!(at(978_307_199, "%j %F").unwrap(), "366 2000-12-31");
        assert_eq!(at(4_107_542_400, "%F %a").unwrap(), "2100-03-01 Mon", "2100 leaps no day");
        assert!(at(0, "%Q").unwrap_err().contains("`%Q` is not known"));
        assert!(at(0, "%").is_err());
    }
}
