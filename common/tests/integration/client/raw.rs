//! A server that says whatever a test wants.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers every request with what `answer` makes of it, and closes the connection.
pub(crate) struct Raw {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Raw {
    pub(crate) async fn new(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut bytes = Vec::new();
                    let mut chunk = [0; 4096];
                    // Until the head is there; what is not HTTP comes in one piece.
                    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
                        bytes.extend_from_slice(&chunk[..read]);
                        if bytes.windows(4).any(|end| end == b"\r\n\r\n") || bytes[0] == 0x16 {
                            break;
                        }
                    }
                    let request = String::from_utf8_lossy(&bytes).into_owned();
                    let reply = answer(&request);
                    seen.lock().unwrap().push(request);
                    let _ = stream.write_all(reply.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { address, requests }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn api(&self) -> String {
        format!("http://{}/2.0", self.address)
    }

    /// Everything that was asked.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// An answer with a body in JSON.
pub(crate) fn json(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    )
}
