//! Access tokens, and where they come from.

use std::io;
use std::path::{Path, PathBuf};

use crate::mint::{MintError, TokenMint};
use crate::secret::{Access, Secret};
use crate::token_endpoint::{TokenEndpoint, TokenEndpointError};

/// Where a participant's access token comes from.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// A token that somebody else made. It names room and identity.
    Given(Secret),
    /// A file with such a token, read for each attempt to connect, so that it may be replaced while
    /// the participant runs.
    File(PathBuf),
    /// A service that makes tokens, asked for each attempt to connect.
    Endpoint(TokenEndpoint),
    /// The participant mints its own tokens.
    Minted(TokenMint),
}

/// There is no token to connect with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The participant cannot mint one.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// The file with the token cannot be read.
    #[error("cannot read the access token in {path} (LIVEKIT_TOKEN_FILE): {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The token endpoint gives no token.
    #[error("no access token from the token endpoint (LIVEKIT_TOKEN_ENDPOINT): {0}")]
    Endpoint(#[from] TokenEndpointError),
}

impl TokenSource {
    /// A token to connect with now.
    pub(crate) async fn access(&self) -> Result<Access, TokenError> {
        let token = match self {
            Self::Given(token) => token.clone(),
            Self::File(path) => read(path).await?,
            Self::Endpoint(endpoint) => return Ok(endpoint.access().await?),
            Self::Minted(mint) => mint.mint()?,
        };
        Ok(Access {
            token,
            server_url: None,
        })
    }
}

async fn read(path: &Path) -> Result<Secret, TokenError> {
    let file = path.to_owned();
    let text = tokio::task::spawn_blocking(move || std::fs::read_to_string(file)).await;
    let text = text.unwrap_or_else(|ended| Err(io::Error::other(ended)));
    let text = text.and_then(|text| match text.trim() {
        "" => Err(io::Error::other("it is empty")),
        token => Ok(token.to_owned()),
    });
    text.map(Secret::new).map_err(|reason| TokenError::File {
        path: path.to_owned(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_read_each_time_and_named_when_there_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let source = TokenSource::File(path.clone());
        for token in ["first", "second"] {
            std::fs::write(&path, format!("{token}\n")).unwrap();
            assert_eq!(source.access().await.unwrap().token.expose(), token);
        }
        std::fs::write(&path, "\n").unwrap();
        let empty = source.access().await.unwrap_err().to_string();
        assert!(empty.contains("empty") && empty.contains("LIVEKIT_TOKEN_FILE"));
        std::fs::remove_file(&path).unwrap();
        let missing = source.access().await.unwrap_err().to_string();
        assert!(missing.contains(path.to_str().unwrap()), "{missing}");
    }

    #[test]
    fn secrets_are_not_printed() {
        let given = TokenSource::Given(Secret::new("hunter2".into()));
        assert!(!format!("{given:?}").contains("hunter2"));
    }
}
