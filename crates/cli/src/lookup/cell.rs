//! Texts out of records, made fit to be shown on a terminal.

/// Stands for a character that would do something to a terminal instead of being shown.
const STRANGE: char = '\u{fffd}';
/// Stands for what was cut off.
const CUT: char = '…';

/// The text without characters that move the cursor, colour, or turn the direction of writing: records hold what
/// strangers wrote.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if is_strange(c) { STRANGE } else { c }).collect()
}

fn is_strange(c: char) -> bool {
    // Direction marks: Unicode 16, section 23.2, and "Trojan Source" (CVE-2021-42574).
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

/// How many columns the text takes.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// East Asian wide characters and emoji take two columns, combining marks none; the blocks of Unicode's EastAsianWidth.txt
/// that matter, not all of them.
fn char_width(c: char) -> usize {
    match c {
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// The text in exactly so many columns: cut with an ellipsis, or filled up with blanks.
pub(crate) fn fitted(text: &str, columns: usize) -> String {
    let (text, taken) = cut(text, columns);
    let mut fitted = text;
    fitted.extend(std::iter::repeat_n(' ', columns - taken));
    fitted
}

/// The text in at most so many columns, and how many it takes.
pub(crate) fn cut(text: &str, columns: usize) -> (String, usize) {
    let whole = width(text);
    if whole <= columns {
        return (text.to_owned(), whole);
    }
    let Some(room) = columns.checked_sub(1) else { return (String::new(), 0) };
    let (mut kept, mut taken) = (String::new(), 0);
    for c in text.chars() {
        let wide = char_width(c);
        if taken + wide > room {
            break;
        }
        kept.push(c);
        taken += wide;
    }
    kept.push(CUT);
    (kept, taken + 1)
}

#[cfg(test)]
mod tests;
