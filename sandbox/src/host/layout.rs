//! What all pages have around them: the switches, the navigation, the frames.
//!
//! Owns the only HTML that is not about one page, and that text from the world is shown as text.

use super::visit::{Scheme, Visit};
use crate::connect::frames::Frame;
use crate::state::World;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("host.js");

/// What the host lets a frame do. `allow-same-origin` leaves it its own origin, which is another one than the host's.
const ALLOWED: &str = "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox \
                       allow-downloads allow-top-navigation-by-user-activation";

/// A link of the navigation.
pub(super) struct Link {
    pub(super) name: String,
    pub(super) to: String,
}

impl Link {
    pub(super) fn new(name: &str, to: String) -> Self {
        Self { name: name.to_owned(), to }
    }
}

/// A page.
pub(super) struct Page<'a> {
    pub(super) visit: &'a Visit,
    pub(super) title: &'a str,
    /// Its own address.
    pub(super) at: &'a str,
    pub(super) navigation: &'a [Link],
    pub(super) body: &'a str,
}

impl Page<'_> {
    pub(super) fn html(&self, world: &World) -> String {
        let title = escaped(self.title);
        let links: String = self
            .navigation
            .iter()
            .map(|link| {
                let here = if link.to == self.at { " aria-current=\"page\"" } else { "" };
                format!("<li><a href=\"{}\"{here}>{}</a></li>", escaped(&link.to), escaped(&link.name))
            })
            .collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>{title} - sandbox</title><link rel=\"icon\" href=\"data:,\">\n\
             <style>:root{{color-scheme:{scheme}}}\n{STYLE}</style></head>\n\
             <body><header><a href=\"/\"><strong>Sandbox</strong></a><span>a Bitbucket on loopback</span>{switches}</header>\n\
             <div class=\"columns\"><nav aria-label=\"Places\"><ul>{links}</ul></nav>\n\
             <main><h1>{title}</h1>\n{body}</main></div>\n<script>{SCRIPT}</script></body></html>\n",
            scheme = self.visit.scheme.css(),
            switches = self.switches(world),
            body = self.body,
        )
    }

    /// Who looks, and in which colours.
    fn switches(&self, world: &World) -> String {
        let option = |value: &str, name: &str, chosen: bool| {
            let chosen = if chosen { " selected" } else { "" };
            format!("<option value=\"{}\"{chosen}>{}</option>", escaped(value), escaped(name))
        };
        let people: String = world
            .everybody()
            .map(|person| option(person.uuid.trim_matches(['{', '}']), &person.name, *person == self.visit.viewer))
            .collect();
        let schemes: String =
            Scheme::ALL.into_iter().map(|one| option(one.name(), one.name(), one == self.visit.scheme)).collect();
        format!(
            "<form method=\"post\" action=\"/_host/switch\" class=\"switches\"><input type=\"hidden\" name=\"back\" value=\"{at}\">\
             <label>Seen by <select name=\"viewer\">{people}</select></label>\
             <label>Colours <select name=\"scheme\">{schemes}</select></label><button>Switch</button></form>",
            at = escaped(self.at)
        )
    }
}

/// Frames under each other, each with its name.
pub(super) fn frames<'a>(frames: impl IntoIterator<Item = &'a Frame>, class: &str) -> String {
    let shown = |frame: &Frame| {
        let (name, key, url) = (escaped(&frame.name), escaped(&frame.key), escaped(&frame.url));
        format!(
            "<section class=\"{class}\"><h2>{name}</h2>\
             <iframe id=\"{key}\" title=\"{name}\" src=\"{url}\" sandbox=\"{ALLOWED}\"></iframe></section>\n"
        )
    };
    frames.into_iter().map(shown).collect()
}

/// A button that does something and comes back.
pub(super) fn button(act: &str, words: &str, back: &str, fields: &[(&str, &str)]) -> String {
    let fields: String = fields.iter().map(|(name, value)| hidden(name, value)).collect();
    format!(
        "<form method=\"post\" action=\"/_host/{act}\">{fields}{}<button>{}</button></form>",
        hidden("back", back),
        escaped(words)
    )
}

/// A field that is not shown.
pub(super) fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value))
}

/// Text as text, also within an attribute.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
