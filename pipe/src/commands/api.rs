//! `penstock api`: any endpoint of Bitbucket's REST API from the command line.
//!
//! Owns the way from arguments to one call and from its answer to standard output. Where credentials may go, retries and paging are the
//! client's business; what the answer means is the caller's.

mod error;
mod fields;
mod output;
mod place;

use std::io::{self, IsTerminal, Read};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use penstock_common::bitbucket::client::{Answer, Client, JSON_MAX, Method, Request};
use serde_json::Value;

pub(crate) use error::Mistake;

use super::print;
use crate::bitbucket;
use crate::cli::{ApiArgs, ApiMethod};
use crate::error::Error;
use crate::pipelines_env::PipelinesEnv;
use crate::settings::{Connection, Variables};

use fields::Fields;
use output::Output;

/// Most entries that are read of a list.
const ENTRIES_MAX: usize = 100_000;

pub(super) fn run(arguments: &ApiArgs, variables: &Variables) -> Result<ExitCode, Error> {
    let output = Output::new(arguments.select.as_deref(), io::stdout().is_terminal())?;
    if arguments.paginate && arguments.method != ApiMethod::Get {
        return Err(Mistake::OnlyGet("--paginate").into());
    }
    let pipelines: PipelinesEnv = variables.read()?;
    let connection = Connection::read(&variables.clone().with(arguments.connection.given()), &pipelines)?;
    let access = connection.usual();
    let client = bitbucket::client(&access)?;
    let request = request(arguments, &pipelines, &client)?;

    let time = Duration::from_secs(arguments.timeout);
    let told = bitbucket::block_on(async {
        let client = client.within(time);
        if arguments.paginate {
            let entries: Vec<Value> = client.list(request, ENTRIES_MAX).await?;
            Ok(Told::Entries(entries))
        } else {
            client.send(&request).await.map(Told::Answer)
        }
    })?;
    let told = told.map_err(|error| bitbucket::failed(error, &access))?;
    let bytes = match told {
        Told::Entries(entries) => output.entries(entries).into_bytes(),
        Told::Answer(answer) => match value(&client, &answer) {
            Some(value) => output.value(&value)?.into_bytes(),
            None => output.other(answer.body)?,
        },
    };
    print(&match String::from_utf8(bytes) {
        // A server may repeat what it was sent.
        Ok(text) => client.mask(&text).into_bytes(),
        Err(other) => other.into_bytes(),
    })
}

/// What came back.
enum Told {
    Answer(Answer),
    Entries(Vec<Value>),
}

/// The body as JSON, if it is JSON and said to be.
fn value(client: &Client, answer: &Answer) -> Option<Value> {
    answer.is_json().then(|| client.read(answer).ok()).flatten()
}

fn request(arguments: &ApiArgs, pipelines: &PipelinesEnv, client: &Client) -> Result<Request, Error> {
    let method = match arguments.method {
        ApiMethod::Get => Method::GET,
        ApiMethod::Post => Method::POST,
        ApiMethod::Put => Method::PUT,
        ApiMethod::Patch => Method::PATCH,
        ApiMethod::Delete => Method::DELETE,
    };
    let in_query = matches!(arguments.method, ApiMethod::Get | ApiMethod::Delete) || arguments.input.is_some();
    if arguments.input.is_some() && arguments.method == ApiMethod::Get {
        return Err(Mistake::NotGet("--input").into());
    }
    let path = place::fill(&arguments.path, pipelines)?;
    let mut request = client.request_to(method, &path).map_err(Mistake::Path)?.limit(JSON_MAX);
    let fields = Fields::read(&arguments.field)?;
    if in_query {
        request = fields.query().fold(request, |request, (name, value)| request.query(name, &value));
    } else if !fields.is_empty() {
        request = request.json(&fields.object());
    }
    if let Some(path) = &arguments.input {
        let bytes = input(path)?;
        serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).map_err(|_| Mistake::NotJson)?;
        request = request.body(bytes);
    }
    Ok(request)
}

/// What shall be sent.
fn input(path: &Path) -> Result<Vec<u8>, Mistake> {
    let unreadable = |source| Mistake::Input { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let most = JSON_MAX as u64 + 1;
    let read = if path == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(unreadable)?;
    if bytes.len() > JSON_MAX { Err(Mistake::LargeInput) } else { Ok(bytes) }
}
