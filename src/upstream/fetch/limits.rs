//! How long and how much.

use std::time::Duration;

/// What a download may take. The defaults suit a dozen files of up to some megabytes over a slow line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands, TLS included. Default 10 s.
    pub connect_timeout: Duration,
    /// Without a sign of life: until the answer begins, and then until more bytes come. Default 30 s.
    pub read_timeout: Duration,
    /// For one URL: all its redirects, attempts and pauses. Passed by `read_timeout` at most. Default 5 min.
    pub total_timeout: Duration,
    /// How large an asset may be, in bytes, wherever it comes from. Default 64 MiB.
    pub max_bytes: u64,
    /// How many redirects are followed in one attempt. Default 5.
    pub max_redirects: usize,
    /// How often one URL is tried, the first time included; 0 counts as 1. Default 3.
    pub attempts: u32,
    /// The pause before the second attempt; it doubles for each further one. Default 500 ms.
    pub backoff: Duration,
    /// The longest `Retry-After` that is waited for; a server that asks for more is not asked again. Default 30 s.
    pub max_retry_after: Duration,
    /// How many URLs are asked at the same time; 0 counts as 1. Default 6.
    pub parallel: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(300),
            max_bytes: 64 << 20,
            max_redirects: 5,
            attempts: 3,
            backoff: Duration::from_millis(500),
            max_retry_after: Duration::from_secs(30),
            parallel: 6,
        }
    }
}
