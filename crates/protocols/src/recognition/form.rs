//! Pairs of names and values, as in the query of a URL and in the body of a form.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// How many different Actions of one request are told (ours).
const ACTIONS_MAX: usize = 4;

/// The pairs of a query or a form, decoded, `+` being a space; lazily, so that who needs only the first few reads no
/// more. What is not UTF-8 becomes U+FFFD.
pub fn pairs(text: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

fn decoded(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        Cow::Owned(percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned())
    } else {
        percent_decode_str(text).decode_utf8_lossy()
    }
}

/// The Action and Version of a form, if they are among its first so many pairs.
pub(super) fn action(text: &str, pairs_max: usize) -> Option<(String, Option<String>)> {
    let (mut action, mut version) = (None, None);
    for (name, value) in pairs(text).take(pairs_max) {
        match &*name {
            "Action" if action.is_none() => action = Some(value.into_owned()),
            "Version" if version.is_none() => version = Some(value.into_owned()),
            _ => {}
        }
        if action.is_some() && version.is_some() {
            break;
        }
    }
    Some((action.filter(|action| !action.is_empty())?, version))
}

/// The Actions that a query and a form name, if they name more than one.
pub(super) fn actions<'a>(texts: impl Iterator<Item = &'a str>, pairs_max: usize) -> Option<Vec<String>> {
    let mut actions: Vec<String> = Vec::new();
    let named = texts.flat_map(|text| pairs(text).take(pairs_max)).filter(|(name, _)| name == "Action");
    for (_, action) in named {
        if actions.len() < ACTIONS_MAX && !actions.iter().any(|known| *known == action) {
            actions.push(action.into_owned());
        }
    }
    (actions.len() > 1).then_some(actions)
}
