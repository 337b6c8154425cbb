//! A small HTTP server on 127.0.0.1 for tests. It serves what a closure says, misbehaves on demand, and ends with its value.
#![allow(unreachable_pub, clippy::unwrap_used)]

pub mod asset;
pub mod cluster;
pub mod kubectl;
pub mod registry;
pub mod run;
pub mod shape;

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request that the server saw.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `GET`, `CONNECT`.
    pub method: String,
    /// As in the request line: `/a/b`, or `host:443` for CONNECT.
    pub target: String,
    /// All header lines, as they came.
    pub headers: String,
    /// Which request for this target it is, from 0.
    pub nth: usize,
}

impl Seen {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// What the server answers.
#[derive(Clone, Debug)]
pub struct Reply(Vec<(Vec<u8>, Duration)>);

impl Reply {
    /// 200 with a Content-Length.
    pub fn ok(body: impl AsRef<[u8]>) -> Reply {
        Reply::status("200 OK", &[], body)
    }

    /// Any status with a Content-Length.
    pub fn status(status: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
        let headers: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let size = body.as_ref().len();
        let head =
            format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {size}\r\n{}\r\n", headers.concat());
        Reply::raw([head.as_bytes(), body.as_ref()].concat())
    }

    /// 302.
    pub fn redirect(to: &str) -> Reply {
        Reply::status("302 Found", &[("Location", to)], "")
    }

    /// These bytes, and then the connection is closed.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Reply {
        Reply(vec![(bytes.into(), Duration::ZERO)])
    }

    /// Further bytes after a pause.
    pub fn then(mut self, pause: Duration, bytes: impl Into<Vec<u8>>) -> Reply {
        self.0.push((bytes.into(), pause));
        self
    }
}

/// A server that runs until it is dropped.
pub struct Server {
    addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Answers every request with what `answer` says.
    pub fn new(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
        Server::start(None, answer)
    }

    /// The same over TLS. `url` still says http.
    pub fn tls(config: Arc<ServerConfig>, answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
        Server::start(Some(config), answer)
    }

    fn start(tls: Option<Arc<ServerConfig>>, answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let server = Server { addr, seen: seen.clone(), stop: stop.clone() };
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let (seen, answer, tls) = (seen.clone(), answer.clone(), tls.clone());
                thread::spawn(move || {
                    let stream = stream.ok()?;
                    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
                    match tls {
                        None => serve(stream, &seen, &*answer),
                        Some(config) => {
                            let mut stream = StreamOwned::new(ServerConnection::new(config).ok()?, stream);
                            serve(&mut stream, &seen, &*answer)?;
                            stream.conn.send_close_notify();
                            stream.flush().ok()
                        }
                    }
                });
            }
        });
        server
    }

    /// Serves one body at every path.
    pub fn serving(body: impl Into<Vec<u8>>) -> Server {
        let body = body.into();
        Server::new(move |_| Reply::ok(&body))
    }

    /// The URL of `path`, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// `127.0.0.1:port`.
    pub fn host(&self) -> String {
        self.addr.to_string()
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.addr);
    }
}

/// `None`: the client went away.
fn serve(
    mut stream: impl Read + Write,
    seen: &Mutex<Vec<Seen>>,
    answer: &(dyn Fn(&Seen) -> Reply + Send + Sync),
) -> Option<()> {
    let mut lines = BufReader::new(&mut stream).lines().map_while(Result::ok);
    let first = lines.next()?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let request = {
        let mut seen = seen.lock().ok()?;
        let nth = seen.iter().filter(|s| s.target == target).count();
        seen.push(Seen { method, target, headers: headers.join("\n"), nth });
        seen.last()?.clone()
    };
    for (bytes, pause) in answer(&request).0 {
        thread::sleep(pause);
        stream.write_all(&bytes).ok()?;
        stream.flush().ok()?;
    }
    Some(())
}
