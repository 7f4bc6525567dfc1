//! Style and script of the pages.
//!
//! Owns how they are served: under names that tell what is in them, so that they may be kept for ever. They are made by `build.rs`.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A file.
pub(super) struct Asset {
    /// What it is called below `/assets/`.
    pub(super) name: &'static str,
    kind: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

pub(super) async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = [&STYLE, &SCRIPT].into_iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let takes_gzip = accepted.split(',').any(|one| one.trim().split(';').next() == Some("gzip"));
    let kept = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::VARY, "accept-encoding"),
    ];
    if takes_gzip {
        (kept, [(header::CONTENT_ENCODING, "gzip")], asset.gzip).into_response()
    } else {
        (kept, asset.plain).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every colour that the style uses has a value in every theme.
    #[test]
    fn no_token_is_missing() {
        let text = std::str::from_utf8(STYLE.plain).unwrap();
        let blocks: Vec<&str> = text.lines().filter(|line| line.contains("{--ds-")).collect();
        assert_eq!(blocks.len(), 5, "light, dark twice, more contrast twice");
        let mut used = 0;
        for name in text.split("var(").skip(1).filter_map(|rest| rest.split(')').next()) {
            used += 1;
            for theme in &blocks[..3] {
                assert!(theme.contains(&format!("{name}:")), "{name}: run scripts/design-tokens");
            }
        }
        assert!(used > 50);
        assert!(text.contains("Apache License") && include_str!("../../assets/NOTICE").contains("@atlaskit/tokens"));
    }

    #[test]
    fn small() {
        assert!(STYLE.gzip.len() < 5 * 1024, "{}", STYLE.gzip.len());
        assert!(SCRIPT.gzip.len() < 1024, "{}", SCRIPT.gzip.len());
    }
}
