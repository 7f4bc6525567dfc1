//! A page that embeds the app, as Bitbucket does: as plain as can be.

use super::frames::Frame;

/// Frames under each other, each with its name.
pub(crate) fn html(title: &str, frames: &[Frame]) -> String {
    let frames: String = frames
        .iter()
        .map(|frame| {
            let (name, key, url) = (escaped(&frame.name), escaped(&frame.key), escaped(&frame.url));
            let place = escaped(frame.location.as_deref().unwrap_or(&frame.kind));
            format!(
                "<section><h2>{name} <small>{place}</small></h2>\
                 <iframe id=\"{key}\" src=\"{url}\" title=\"{name}\" width=\"100%\" height=\"480\"></iframe></section>\n"
            )
        })
        .collect();
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n<h1>{title}</h1>\n{frames}</html>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
