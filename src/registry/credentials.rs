//! Credentials for registries, from where Docker keeps them: its configuration file, and the helpers that it names.
//!
//! Nothing here is ever shown: neither type has a form for messages.
//! Source: <https://docs.docker.com/reference/cli/docker/login/#credential-stores>

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::images::reference::DOCKER_HUB;

/// A user and a password; or a refresh token, whose user is `<token>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login(..)")
    }
}

/// A Docker configuration file, as far as it is about credentials.
#[derive(Clone, Default, Deserialize)]
pub struct Credentials {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
    #[serde(default, rename = "credsStore")]
    store: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(..)")
    }
}

#[derive(Clone, Default, Deserialize)]
struct Auth {
    #[serde(default, rename = "auth")]
    pair: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default, rename = "identitytoken")]
    identity_token: Option<String>,
}

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Helped {
    username: String,
    secret: String,
}

/// What Docker calls its Hub in configuration files.
const HUB_KEYS: [&str; 4] = ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"];

impl Credentials {
    /// The user's: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`, else Podman's `auth.json`. None where there is none.
    ///
    /// # Errors
    /// In words that name the file: it cannot be read.
    pub fn of_user() -> Result<Credentials, String> {
        let folder = |name: &str| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let files = [
            folder("DOCKER_CONFIG").map(|dir| dir.join("config.json")),
            folder("HOME").map(|dir| dir.join(".docker/config.json")),
            folder("REGISTRY_AUTH_FILE"),
            folder("XDG_RUNTIME_DIR").map(|dir| dir.join("containers/auth.json")),
        ];
        match files.into_iter().flatten().find(|file| file.is_file()) {
            Some(file) => Credentials::read(&file),
            None => Ok(Credentials::default()),
        }
    }

    /// Those of a file.
    ///
    /// # Errors
    /// In words that name the file, without what is in it.
    pub fn read(file: &Path) -> Result<Credentials, String> {
        let shown = file.display();
        let text = fs::read_to_string(file).map_err(|e| format!("{shown}: cannot be read: {e}"))?;
        // serde_json's own words may quote the file.
        serde_json::from_str(&text)
            .map_err(|e| format!("{shown}: is not Docker's configuration (line {}, column {})", e.line(), e.column()))
    }

    /// The login for a registry, where there is one.
    ///
    /// # Errors
    /// In words: a helper that was named fails, or an entry is damaged.
    pub fn login(&self, registry: &str) -> Result<Option<Login>, String> {
        let keys: Vec<&str> = if registry == DOCKER_HUB { HUB_KEYS.to_vec() } else { vec![registry] };
        let key = keys.iter().find(|key| self.helpers.contains_key(**key));
        if let Some(key) = key {
            return helped(&self.helpers[*key], key);
        }
        let entry = keys.iter().find_map(|key| {
            let names = [(*key).to_owned(), format!("https://{key}"), format!("https://{key}/")];
            names.iter().find_map(|name| self.auths.get(name))
        });
        if let Some(login) = entry.map(|auth| plain(auth, registry)).transpose()?.flatten() {
            return Ok(Some(login));
        }
        match &self.store {
            Some(store) => helped(store, keys.first().copied().unwrap_or(registry)),
            None => Ok(None),
        }
    }
}

fn plain(auth: &Auth, registry: &str) -> Result<Option<Login>, String> {
    if let Some(token) = auth.identity_token.as_ref().filter(|token| !token.is_empty()) {
        return Ok(Some(Login { user: TOKEN.to_owned(), password: token.clone() }));
    }
    if let (Some(user), Some(password)) = (&auth.username, &auth.password) {
        return Ok(Some(Login { user: user.clone(), password: password.clone() }));
    }
    let Some(text) = auth.pair.as_ref().filter(|text| !text.is_empty()) else { return Ok(None) };
    let decoded = STANDARD.decode(text.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
    match pair {
        Some((user, password)) => {
            Ok(Some(Login { user: user.to_owned(), password: password.trim_end_matches('\0').to_owned() }))
        }
        None => Err(format!("Docker's configuration has an entry for {registry} that is damaged; log in again")),
    }
}

/// The user's name where the secret is a refresh token.
pub(super) const TOKEN: &str = "<token>";

/// Asks `docker-credential-NAME`.
fn helped(name: &str, key: &str) -> Result<Option<Login>, String> {
    let program = format!("docker-credential-{name}");
    let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    let fail = |why: &str| Err(format!("{program}, which Docker's configuration names for {key}, {why}"));
    if !is_name {
        return Err(format!("Docker's configuration names a helper for {key} that is none"));
    }
    let child =
        Command::new(&program).arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = child else { return fail("cannot be run") };
    if let Some(mut input) = child.stdin.take() {
        // One that does not listen answers all the same, or fails.
        let _ = input.write_all(key.as_bytes());
    }
    let Ok(output) = child.wait_with_output() else { return fail("was cut off") };
    if !output.status.success() {
        // So it says that it has none; by the protocol, this is no failure.
        let said = String::from_utf8_lossy(&output.stdout).to_lowercase();
        return if said.contains("credentials not found") { Ok(None) } else { fail("failed") };
    }
    match serde_json::from_slice::<Helped>(&output.stdout) {
        Ok(Helped { username, secret }) => Ok(Some(Login { user: username, password: secret })),
        Err(_) => fail("does not answer as a helper does"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Credentials {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_login_is_found_under_each_of_the_names_that_docker_uses() {
        for (key, registry) in [
            ("https://index.docker.io/v1/", "docker.io"),
            ("ghcr.io", "ghcr.io"),
            ("https://a.example:5000", "a.example:5000"),
        ] {
            // me:s3cret
            let credentials = of(&format!(r#"{{"auths": {{"{key}": {{"auth": "bWU6czNjcmV0"}}}}}}"#));
            let login = credentials.login(registry).unwrap().unwrap();
            assert_eq!((login.user.as_str(), login.password.as_str()), ("me", "s3cret"), "{key}");
            assert_eq!(credentials.login("other.example").unwrap(), None);
        }
    }

    #[test]
    fn a_damaged_entry_and_a_missing_helper_are_errors_without_secrets() {
        for text in [
            r#"{"auths": {"a.example": {"auth": "s3cret!"}}}"#,
            r#"{"credHelpers": {"a.example": "no-such-helper-of-s3"}}"#,
            r#"{"credHelpers": {"a.example": "../s3cret"}}"#,
        ] {
            let error = of(text).login("a.example").unwrap_err();
            assert!(error.contains("a.example") && !error.contains("s3cret"), "{error}");
        }
        let login = Login { user: "me".into(), password: "s3cret".into() };
        assert!(!format!("{login:?}").contains("s3cret"));
    }
}
