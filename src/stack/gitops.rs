//! What `--layout` writes down about the Git repository, checked for form.

use super::StackError;
use crate::config::{Ask, EngineAt, Layout};
use crate::upstream::address;

/// Checks the flags about the repository.
pub(super) fn check(ask: &Ask) -> Result<(), StackError> {
    let values = [
        (
            "--gitops-repo",
            &ask.gitops_repo,
            is_git_url as fn(&str) -> bool,
            "is not a URL that Argo CD and Flux both take: https://HOST/PATH, or ssh://git@HOST/PATH in place of git@HOST:PATH; \
             credentials do not belong in it",
        ),
        (
            "--gitops-revision",
            &ask.gitops_revision,
            is_git_revision,
            "is not a branch, tag, full reference or commit (https://git-scm.com/docs/git-check-ref-format)",
        ),
        (
            "--gitops-path",
            &ask.gitops_path,
            is_path_in_repository,
            "is not a path inside of a repository: relative, of letters, digits, dots, dashes and underscores, without `..`",
        ),
    ];
    engine(ask)?;
    for (flag, value, is_good, form) in values {
        let Some(value) = value else { continue };
        if ask.layout.is_none() {
            return Err(StackError(format!("{flag} is for --layout argocd or --layout flux; name one of them")));
        }
        if !is_good(value) {
            return Err(StackError(format!("{flag} `{}` {form}", address::shown(value))));
        }
    }
    Ok(())
}

/// Where the engine runs has to fit the engine.
fn engine(ask: &Ask) -> Result<(), StackError> {
    let Some(at) = ask.gitops_engine else { return Ok(()) };
    let flag = format!("--gitops-engine {}", at.name());
    match (ask.layout, at) {
        (None, _) => Err(StackError(format!("{flag} is for --layout argocd or --layout flux; name one of them"))),
        (Some(Layout::Flux), EngineAt::Managed) => {
            Err(StackError(format!("{flag} is for --layout argocd: AWS runs Argo CD, and no Flux")))
        }
        (Some(_), EngineAt::Elsewhere) if ask.cluster_name.is_none() => {
            Err(StackError(format!("{flag} names this cluster to the engine on the other one: say --cluster-name")))
        }
        _ => Ok(()),
    }
}

/// Flux takes no scp-like address: <https://fluxcd.io/flux/components/source/gitrepositories/#url>.
fn is_git_url(text: &str) -> bool {
    let (is_https, rest) = match (text.strip_prefix("https://"), text.strip_prefix("ssh://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return false,
    };
    let Some((authority, path)) = rest.split_once('/') else { return false };
    let host = match authority.rsplit_once('@') {
        Some((user, host)) if !is_https && !user.is_empty() && !user.contains(':') => host,
        Some(_) => return false,
        None => authority,
    };
    let (name, port) = host.split_once(':').unwrap_or((host, "22"));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~%/+".contains(&b);
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        && port.parse::<u16>().is_ok()
        && !path.is_empty()
        && path.bytes().all(plain)
}

fn is_git_revision(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._/+".contains(&b);
    (1..=200).contains(&text.len())
        && text.bytes().all(plain)
        && !text.contains("..")
        && !text.starts_with(['-', '/', '.'])
        && !text.ends_with(['/', '.'])
}

fn is_path_in_repository(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    text.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{resolve, some};
    use super::*;
    use crate::config::Layout;

    #[test]
    fn what_a_git_engine_is_told_is_checked_for_form() {
        let ask = |repo: &str, revision: &str, path: &str| Ask {
            layout: Some(Layout::Flux),
            gitops_repo: some(repo),
            gitops_revision: some(revision),
            gitops_path: some(path),
            ..Ask::default()
        };
        let repo = "https://git.example/org/repo";
        for (repo, revision, path) in
            [(repo, "main", "out/gitops"), ("ssh://git@git.example:2222/org/repo.git", "refs/tags/v1.2.3", "a")]
        {
            resolve(ask(repo, revision, path)).unwrap_or_else(|e| panic!("{repo}: {e}"));
        }
        for (repo, revision, path, said) in [
            ("git@git.example:org/repo", "main", "a", "ssh://git@HOST/PATH in place of git@HOST:PATH"),
            ("http://git.example/org/repo", "main", "a", "--gitops-repo"),
            ("https://me:secret@git.example/a", "main", "a", "credentials do not belong in it"),
            ("https://git.example/", "main", "a", "--gitops-repo"),
            (repo, "a..b", "a", "--gitops-revision"),
            (repo, "-x", "a", "--gitops-revision"),
            (repo, "main", "/a", "--gitops-path"),
            (repo, "main", "a/../b", "--gitops-path"),
            (repo, "main", "a//b", "--gitops-path"),
        ] {
            let error = resolve(ask(repo, revision, path)).unwrap_err();
            assert!(error.contains(said), "{repo} {revision} {path}: {error}");
        }
        let error = resolve(Ask { layout: None, ..ask(repo, "main", "a") }).unwrap_err();
        assert_eq!(error, "--gitops-repo is for --layout argocd or --layout flux; name one of them");
    }
}
