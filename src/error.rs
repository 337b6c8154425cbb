//! Every way in which a command can fail, and the exit code that it ends with.

use crate::config::ConfigError;
use crate::delivery::cluster::ClusterError;
use crate::manifest::ManifestError;
use crate::output::OutputError;
use crate::pipeline::RenderError;
use crate::rewrite::RuleError;
use crate::stack::StackError;
use crate::upstream::fetch::FetchError;
use crate::upstream::lock::LockError;
use crate::upstream::supply::SupplyError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Flags that do not go together, or lead nowhere.
    #[error("{0}")]
    Usage(String),
    /// `knrender.yaml`.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What was asked for.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// `knrender.lock`.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Upstream's bytes.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Something that was to be read.
    #[error("{0}")]
    Input(String),
    /// A manifest or a rule.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// What was read is not as it must be; the report says why.
    #[error("{0}")]
    Findings(String),
    /// What was to be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Standard output or a file that was to be written.
    #[error("{0}")]
    Write(String),
}

impl Error {
    /// The exit code: 1 findings, 2 usage or configuration, 3 input or fetch, 4 output not written.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Findings(_) => 1,
            Error::Usage(_) | Error::Config(_) | Error::Stack(_) => 2,
            Error::Lock(LockError::Unwritable { .. }) | Error::Output(_) | Error::Write(_) => 4,
            Error::Lock(_) => 2,
            Error::Render(RenderError::Rule(error)) => match error {
                RuleError::Manifest(_) => 3,
                _ => 2,
            },
            Error::Render(RenderError::NoSuchSize { .. } | RenderError::NoScaler { .. }) => 2,
            Error::Render(RenderError::Cluster(ClusterError::Profiles(_) | ClusterError::Logging(_))) => 2,
            Error::Fetch(_) | Error::Input(_) | Error::Render(_) => 3,
        }
    }
}

impl From<SupplyError> for Error {
    fn from(error: SupplyError) -> Self {
        match error {
            SupplyError::Fetch(error) => error.into(),
            SupplyError::Lock(error) => error.into(),
            SupplyError::Local(_) | SupplyError::Differs { .. } | SupplyError::NotSigned { .. } => {
                Error::Input(error.to_string())
            }
            SupplyError::NotLocked { .. } => Error::Usage(error.to_string()),
        }
    }
}

impl From<RuleError> for Error {
    fn from(error: RuleError) -> Self {
        RenderError::Rule(error).into()
    }
}

impl From<ManifestError> for Error {
    fn from(error: ManifestError) -> Self {
        RenderError::Manifest(error).into()
    }
}
