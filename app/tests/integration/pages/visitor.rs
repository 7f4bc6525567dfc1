//! Somebody who looks at the pages as a browser does, without cookies and without a script.

use penstock_app::state::State;
use penstock_sandbox::{Permission, Scene as Place};
use reqwest::redirect::Policy;

use crate::program::uploads::Scene;
use crate::program::world::{APP, REPOSITORY, WORKSPACE};

/// A page as it came.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Got {
    /// Its text without tags, with single spaces.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut tag = false;
        for letter in self.body.chars() {
            match letter {
                '<' => tag = true,
                '>' => {
                    tag = false;
                    text.push(' ');
                }
                _ if !tag => text.push(letter),
                _ => {}
            }
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// A visit: everything below one handle.
pub(crate) struct Visit<'a> {
    scene: &'a Scene,
    pub(crate) handle: String,
    /// What was shown first.
    pub(crate) first: String,
}

pub(crate) fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(Policy::none()).build().unwrap()
}

/// A person with a right in the repository.
pub(crate) fn person(scene: &Scene, name: &str, permission: Permission) -> String {
    let person = scene.sandbox.person(name).uuid;
    scene.sandbox.permit(REPOSITORY, &person, permission).unwrap();
    person
}

/// What comes of a signed address: where it leads, or what is shown instead.
pub(crate) async fn enter(url: &str) -> Result<String, Got> {
    let got = fetch(client().get(url)).await;
    match got.headers.get("location") {
        Some(to) if got.status == 303 => Ok(to.to_str().unwrap().to_owned()),
        _ => Err(got),
    }
}

async fn fetch(request: reqwest::RequestBuilder) -> Got {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Got { status, headers, body: response.text().await.unwrap() }
}

impl<'a> Visit<'a> {
    /// Through one of the app's places.
    pub(crate) async fn new(scene: &'a Scene, module: &str, place: &Place) -> Self {
        Self::through(scene, &scene.sandbox.frame(APP, WORKSPACE, module, place).unwrap()).await
    }

    /// Through a signed address.
    pub(crate) async fn through(scene: &'a Scene, url: &str) -> Self {
        let to = enter(url).await.unwrap();
        let mut parts = to.trim_start_matches("../../s/").splitn(2, '/');
        let (handle, first) = (parts.next().unwrap().to_owned(), parts.next().unwrap().to_owned());
        Self { scene, handle, first }
    }

    fn address(&self, page: &str) -> String {
        format!("{}/s/{}/{page}", self.scene.app.base, self.handle)
    }

    pub(crate) async fn get(&self, page: &str) -> Got {
        fetch(client().get(self.address(page))).await
    }

    /// What a form for an action carries, whether or not a page shows one.
    pub(crate) async fn form_token(&self, state: &State, action: &str) -> String {
        penstock_app::door::viewer::enter(state, &self.handle).await.unwrap().form_token(action)
    }

    /// Sends a form from somewhere.
    pub(crate) async fn post_from(&self, page: &str, form: &[(&str, &str)], origin: Option<&str>) -> Got {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request = client().post(self.address(page)).body(body);
        request = request.header("content-type", "application/x-www-form-urlencoded");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        fetch(request).await
    }
}

/// What a field of a form holds.
pub(crate) fn field(body: &str, name: &str) -> String {
    let at = body.find(&format!("name=\"{name}\"")).unwrap_or_else(|| panic!("no field {name}"));
    let rest = &body[at..];
    let begin = rest.find("value=\"").unwrap() + 7;
    rest[begin..].split('"').next().unwrap().to_owned()
}

/// In the repository, seen by somebody.
pub(crate) fn repository(person: &str) -> Place {
    Place::new().in_repository(REPOSITORY).seen_by(person)
}
