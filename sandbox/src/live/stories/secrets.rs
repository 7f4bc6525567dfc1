//! Secrets that nobody ever used.
//!
//! Owns filling forms with random characters, so that no secret stands in this program.

/// Replaces each `<class:length>` by random characters: `alnum`, `upper` (letters and digits), `hex`.
pub(super) fn fill(form: &str) -> String {
    let mut filled = String::new();
    let mut rest = form;
    while let Some((before, after)) = rest.split_once('<') {
        filled.push_str(before);
        let hole = after.split_once('>').and_then(|(hole, behind)| Some((hole.split_once(':')?, behind)));
        let Some(((class, length), behind)) = hole else {
            filled.push('<');
            rest = after;
            continue;
        };
        filled.push_str(&random(class, length.parse().unwrap_or_default()));
        rest = behind;
    }
    filled + rest
}

fn random(class: &str, length: usize) -> String {
    let letters: &[u8] = match class {
        "upper" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        "hex" => b"0123456789abcdef",
        _ => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    };
    let mut bytes = vec![0_u8; length];
    // Zeros would be found out: nothing would be found in the history.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().map(|byte| char::from(letters[usize::from(*byte) % letters.len()])).collect()
}
