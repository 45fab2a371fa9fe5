//! Words of a phrase, brought to the form in which they are compared.

/// Words that say nothing about what is asked.
const STOP: &[&str] = &[
    "a", "about", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been", "being", "but", "by", "can", "could",
    "did", "do", "does", "doing", "done", "each", "ever", "every", "find", "for", "from", "get", "give", "had", "happened",
    "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "list", "look", "many", "me", "much", "my", "of", "on",
    "or", "our", "out", "over", "please", "show", "so", "some", "someone", "somebody", "tell", "than", "that", "the", "their",
    "them", "then", "there", "these", "they", "this", "those", "to", "us", "want", "was", "we", "were", "what", "when", "where",
    "which", "while", "who", "whom", "whose", "will", "with", "would", "you", "your", "event", "events", "record", "records",
    "aws", "call", "calls", "called", "calling",
];

/// Words that mean the same here; the second is the one that is compared.
const SAME: &[(&str, &str)] = &[
    ("login", "signin"),
    ("logon", "signin"),
    ("logins", "signin"),
    ("logged", "signin"),
    ("signins", "signin"),
    ("consolelogin", "signin"),
    ("signed", "signin"),
    ("sign", "signin"),
    ("denied", "accessdenied"),
    ("denial", "accessdenied"),
    ("denials", "accessdenied"),
    ("deny", "accessdenied"),
    ("refused", "accessdenied"),
    ("forbidden", "accessdenied"),
    ("unauthorized", "accessdenied"),
    ("unauthorised", "accessdenied"),
    ("refusals", "accessdenied"),
    ("rejected", "accessdenied"),
    ("remove", "delete"),
    ("removed", "delete"),
    ("erased", "delete"),
    ("destroyed", "delete"),
    ("deletion", "delete"),
    ("deletions", "delete"),
    ("wiped", "delete"),
    ("dropped", "delete"),
    ("made", "create"),
    ("creation", "create"),
    ("created", "create"),
    ("new", "new"),
    ("modified", "change"),
    ("modifications", "change"),
    ("updated", "change"),
    ("edited", "change"),
    ("altered", "change"),
    ("modify", "change"),
    ("update", "change"),
    ("updates", "change"),
    ("write", "change"),
    ("writes", "change"),
    ("failures", "fail"),
    ("failed", "fail"),
    ("failure", "fail"),
    ("unsuccessful", "fail"),
    ("errors", "error"),
    ("usage", "use"),
    ("used", "use"),
    ("using", "use"),
    ("uses", "use"),
    ("ip", "address"),
    ("ips", "address"),
    ("sourceipaddress", "address"),
    ("addresses", "address"),
    ("host", "address"),
    ("multifactor", "mfa"),
    ("2fa", "mfa"),
    ("twofactor", "mfa"),
    ("apis", "operation"),
    ("api", "operation"),
    ("action", "operation"),
    ("actions", "operation"),
    ("operations", "operation"),
    ("everyone", "public"),
    ("anyone", "public"),
    ("world", "public"),
    ("exposed", "public"),
    ("internet", "public"),
    ("credentials", "credential"),
    ("people", "principal"),
    ("persons", "principal"),
    ("identities", "principal"),
    ("identity", "principal"),
    ("principals", "principal"),
    ("usernames", "user"),
    ("username", "user"),
    ("assumerole", "assume"),
    ("assumed", "assume"),
    ("assumes", "assume"),
    ("assuming", "assume"),
    ("s3", "bucket"),
    ("buckets", "bucket"),
    ("encrypted", "encryption"),
    ("trails", "trail"),
    ("tampered", "tampering"),
    ("launched", "start"),
    ("started", "start"),
    ("launch", "start"),
    ("frequent", "often"),
    ("common", "often"),
    ("busiest", "active"),
    ("downloaded", "read"),
    ("downloads", "read"),
    ("download", "read"),
    ("reads", "read"),
    ("accessed", "read"),
    ("throttling", "throttled"),
    ("disabled", "disable"),
    ("stopped", "stop"),
];

/// The terms of a phrase: words in lower case, without endings, each as often as it is there.
pub(super) fn stems(text: &str) -> Vec<String> {
    let lower =
        text.to_ascii_lowercase().replace("sign in", "signin").replace("signed in", "signin").replace("sign-in", "signin");
    let lower = lower.replace("logged in", "signin").replace("log in", "signin").replace("multi-factor", "mfa");
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.filter(|word| !is_stop(word)).map(stem).collect()
}

/// Whether a word in lower case says nothing about what is asked.
pub(super) fn is_stop(word: &str) -> bool {
    STOP.contains(&word)
}

/// The form in which a word in lower case is compared.
pub(super) fn stem(word: &str) -> String {
    let same = |word: &str| SAME.iter().find(|(from, _)| *from == word).map(|(_, to)| (*to).to_owned());
    let word = same(word).unwrap_or_else(|| word.to_owned());
    let cut = strip(&word);
    same(cut).unwrap_or_else(|| cut.to_owned())
}

/// Without the ending of a plural or of a form of a verb. Crude, and the same on both sides.
fn strip(word: &str) -> &str {
    for (ending, rest_min) in [("ings", 4), ("ing", 4), ("ies", 3), ("ed", 4), ("es", 4), ("s", 3), ("e", 3)] {
        if let Some(rest) = word.strip_suffix(ending).filter(|rest| rest.len() >= rest_min && !word.ends_with("ss")) {
            return rest;
        }
    }
    word
}
